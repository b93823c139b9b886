"""Which notebook program is on the other side, as far as a kernel can tell."""

from __future__ import annotations

import sys
from typing import Any, Literal

FrontEnd = Literal["jupyter", "colab", "vscode"]


def front_end() -> FrontEnd:
    """`colab` and `vscode` show no files by path; all else is taken for a Jupyter server, which does."""
    if "google.colab" in sys.modules:
        return "colab"
    return "vscode" if "__vsc_ipynb_file__" in getattr(shell(), "user_ns", ()) else "jupyter"


def shell() -> Any:
    """The IPython shell this code runs in, or None in a plain script. Imports nothing."""
    return getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
