"""Where this process runs: a plain script, or a notebook's kernel."""

from __future__ import annotations

import sys
from typing import Any


def shell() -> Any:
    """IPython's shell when one is running in this process, else None. Imports nothing."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def in_kernel() -> bool:
    """True inside a Jupyter kernel; a terminal's IPython is not one."""
    return getattr(shell(), "kernel", None) is not None
