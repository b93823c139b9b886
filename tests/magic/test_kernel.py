"""Completion and cells in real kernels, by the messages of a front end."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kernels.conftest import kernels, own_kernel, version
from tests.kernels.driver import Kernel

__all__ = ["kernels", "own_kernel", "version"]
pytestmark = pytest.mark.kernel
SLUG = "kling-3-text2image"


def complete(kernel: Kernel, code: str) -> dict[str, Any]:
    """What a front end is told after Tab at the end of `code`."""
    message = kernel.session.msg("complete_request", {"code": code, "cursor_pos": len(code)})
    kernel.session.send(kernel._shell, message)
    while kernel._shell.poll(20_000):
        _, reply = kernel.session.recv(kernel._shell)
        if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
            return dict(reply["content"])
    raise TimeoutError("no reply")


def test_slugs_options_and_values_are_completed(own_kernel: Kernel) -> None:
    own_kernel.run("import kling_nb.notebook.magic as m; m.load(get_ipython())", timeout=60)
    cases = {
        "%%kling kling-3-t": [SLUG],
        f"%%kling {SLUG} --asp": ["--aspect-ratio"],
        f"%%kling {SLUG} --aspect-ratio 16:": ["16:9"],
        "%kling cre": ["credits"],
    }
    for code, expected in cases.items():
        reply = complete(own_kernel, code)
        assert reply["matches"] == expected
        assert code[: reply["cursor_start"]].endswith(" ")
        assert reply["cursor_end"] == len(code)


def test_a_cell_runs_and_the_same_again_buys_nothing(own_kernel: Kernel) -> None:
    own_kernel.run("import kling_nb as kn; kling = kn.Client.sandbox(time_scale=2000)")
    own_kernel.run("import kling_nb.notebook.magic as m; m.load(get_ipython())")
    cell = f"%%kling {SLUG} -o fox\na fox in the snow"
    assert "<Image" in own_kernel.run(cell)
    assert "nothing was bought" in own_kernel.run(cell)
    assert "is no model" in own_kernel.run("%%kling kling-3-text2imag\nx")
    assert "--aspect-ratio" in own_kernel.run(f"%%kling {SLUG} --help")
