"""Asking for the API key, where a person can answer. Imports nothing heavy: the front door loads it."""

from __future__ import annotations

import getpass
import sys
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

from . import settings
from .errors import KlingError, MissingKey, Unauthorized
from .kernel import in_kernel
from .settings import Secret

if TYPE_CHECKING:
    from .core import Core

_PATIENCE = 10.0  # seconds that the service may take to judge a key
_PROMPT = "Segmind API key (it is not shown): "


def login(*, forget: bool = False) -> None:
    """Ask for the API key without showing it, and keep it in this process only.

    Clients that are made from then on find it, after their own `api_key` and before `SEGMIND_API_KEY`. The
    service is asked whether it knows the key, which costs nothing; one that it refuses is not kept.
    `forget=True` forgets it. Nothing is written to disk, to the environment or to the notebook.

    Raises `MissingKey` where nobody can be asked, such as a notebook that runs by itself, `Unauthorized` for
    a key that the service does not know, and `InvalidRequest` for text that can not be a key.
    """
    if forget:
        settings.keep_login(None)
        _say("The key is forgotten. Clients that are open keep theirs until they are closed.")
        return
    try:
        key = _asked()
        said = _judged(key) if key else ""
    except KlingError as error:
        # Without the frames it came through: a verbose traceback prints what their names hold.
        raise error.with_traceback(None) from None
    if key is None:
        _say("Nothing was entered, so nothing has changed.")
        return
    settings.keep_login(key)
    _say(f"{said} It stays in this process and is gone when that ends. Clients made from now on use it.")


def _asked() -> Secret | None:
    if not in_kernel() and not _is_person_there():
        raise _nobody()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)  # it would show what is typed
            typed = Secret(getpass.getpass(_PROMPT).strip().strip("'\""))
    except (NotImplementedError, EOFError, getpass.GetPassWarning):
        raise _nobody() from None
    return settings.find_key(typed.reveal()) if typed.reveal() else None


def _nobody() -> MissingKey:
    return MissingKey(["kn.login(), which can not ask here: nothing serves input"])


def _is_person_there() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _judged(key: Secret) -> str:
    """What the service says of a key, as a sentence; raises `Unauthorized`."""
    from .core import Core  # with httpx, which nobody needs before

    core = Core(replace(settings.read_settings("not-this-one"), api_key=key))
    try:
        core.engine.call(_within(core))
    except Unauthorized:
        raise
    except (KlingError, TimeoutError):
        return "The key could not be checked now and is kept as it is."
    finally:
        core.engine.call(core.close())
    return "The key works."


async def _within(core: Core) -> None:
    import asyncio

    try:
        await asyncio.wait_for(core.credits(), _PATIENCE)
    except asyncio.TimeoutError:  # a class of its own before Python 3.11
        raise TimeoutError from None


def _say(words: str) -> None:
    print(words)  # noqa: T201 - it is what the call is for
