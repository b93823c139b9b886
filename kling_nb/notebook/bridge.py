"""Where the package meets the notebook it runs in: is somebody looking, and hooking the two together."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Literal, cast

from .. import kernel
from ..errors import InvalidRequest, KlingError, Problem
from ..markup import short

UI = Literal["widgets", "plain"]


class _Seen:
    """A front end that was there once stays: later calls may come from a thread, outside any request."""

    front_end = False


def ui() -> UI:
    """How to show things: `KLING_NB_UI` when it says `widgets` or `plain`, else whether somebody looks."""
    wanted = os.environ.get("KLING_NB_UI", "").strip().lower() or "auto"
    if wanted in ("widgets", "plain"):
        return cast("UI", wanted)
    if wanted != "auto":
        raise KlingError(f"KLING_NB_UI is {wanted!r}.", todo="Set it to auto, widgets or plain.")
    return "widgets" if has_front_end() else "plain"


def has_front_end() -> bool:
    """True when a person is likely to look at a page that can show widgets. Never asks anybody.

    In this order, the first sign decides:

    1. not in an IPython kernel (a script, a terminal): no
    2. `google.colab` is loaded, `__vsc_ipynb_file__` is defined, or a `VOILA_` variable names a server: yes
    3. the message being handled came from a widget: yes
    4. the running cell was sent with its `cellId`, as JupyterLab, Notebook 7 and VS Code do: yes
    5. the running cell says that nobody can be asked for input, as nbclient, papermill and nbval do: no
    6. a Jupyter server started the kernel for a notebook (`JPY_SESSION_NAME`): yes. This comes late because
       a kernel started from inside another one inherits the variable.
    7. else no
    """
    shell = kernel.shell()
    if getattr(shell, "kernel", None) is None:
        return False
    if not _Seen.front_end:
        _Seen.front_end = _is_known_program(shell) or _request_says_so(shell.kernel)
    return _Seen.front_end


def install() -> None:
    """Let waits serve buttons and let jobs show cards. Called once, inside an IPython kernel."""
    from ..jobs.batch import Batch
    from ..jobs.engine import engine
    from ..jobs.job import Job
    from . import pump

    engine().waiter = pump.wait
    Job.shown_by = _show
    Batch.shown_by = _show_batch


def _show(job: Any, media: bool) -> bool:  # noqa: FBT001 - the signature of Job.shown_by
    from .card import show  # with ipywidgets, which a notebook without cards never needs

    return show(job, media)


def _show_batch(batch: Any) -> bool:
    from .table import show

    return show(batch)


def in_voila() -> bool:
    """True where a page keeps its widgets alive but takes no update of an output."""
    return "VOILA_BASE_URL" in os.environ or "VOILA_KERNEL_ID" in os.environ


def _is_known_program(shell: Any) -> bool:
    return in_voila() or "google.colab" in sys.modules or "__vsc_ipynb_file__" in shell.user_ns


def _request_says_so(ipykernel: Any) -> bool:
    request = ipykernel.get_parent("shell") or {}
    if str(request.get("header", {}).get("msg_type", "")).startswith("comm_"):
        return True
    if "cellId" in request.get("metadata", {}):
        return True
    return bool(request.get("content", {}).get("allow_stdin")) and "JPY_SESSION_NAME" in os.environ


def connected(client: Any = None) -> Any:
    """`client` itself; for who gives none, the one made last that is still open, else what `connect()` finds.

    Raises `InvalidRequest` for what is no client.
    """
    from ..client import current

    if client is None:
        return current()
    if not hasattr(client, "_begin"):
        what = f"{short(repr(client))} is not a client. Use what kling_nb.connect() returns, or leave it out."
        raise InvalidRequest([Problem("client", what)], "this call")
    return client


def heard(
    lock: AbstractContextManager[Any], act: Callable[[Any], None], say: Callable[[str], None]
) -> Callable[[Any], None]:
    """`act` for a widget: presses come on any thread, and what they raise reaches nobody, so `say` does."""

    def callback(change: Any) -> None:
        with lock:
            try:
                act(change)
            except Exception as error:  # noqa: BLE001 - see above
                say(str(error))

    return callback
