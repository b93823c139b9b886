"""`%kling` and `%%kling`: a job from one line of options, which are the model's own parameters.

A cell is read here and turned into a request before any client is asked for, so a cell with a mistake sends
nothing. It is submitted as `client.submit` does: the same cell again is the same take, and buys nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from IPython.core.completer import SimpleCompletion, context_matcher
from IPython.core.magic import no_var_expand

from ..core import accepted
from ..model.catalogue import models
from ..states import State
from . import bridge, options
from .options import Order

_CALL = re.compile(r"\s*(?:[\w., \t]+=\s*)?(%%?)kling\s(?:.*\s)?(\S*)$")
_NAME = "kling"


def load(shell: Any) -> None:
    """Add `%kling`, `%%kling` and their completion to a shell; what had these names is kept for `unload`."""
    if shell not in _loaded:
        _loaded[shell] = _Loaded(shell)


def unload(shell: Any) -> None:
    """Take them away again and put back what was there."""
    found = _loaded.pop(shell, None)
    if found is not None:
        found.undo()


class _Loaded:
    """What was put into one shell, and what was there before."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        magics = _Magics(shell)
        self._ours: dict[str, Any] = {"line": magics.line, "cell": magics.cell}
        table = shell.magics_manager.magics
        self._before = {kind: table[kind].get(_NAME) for kind in self._ours}
        for kind, act in self._ours.items():
            shell.register_magic_function(act, kind, _NAME)
        self._match = magics.match
        shell.Completer.custom_matchers.append(self._match)
        # Where cells are told apart, so that a terminal still waits for the lines below the first.
        shell.input_transformer_manager.line_transforms.insert(0, _without_body)

    def undo(self) -> None:
        table = self._shell.magics_manager.magics
        for kind, act in self._ours.items():
            if table[kind].get(_NAME) == act:  # else somebody else has taken the name since
                _put_back(table[kind], self._before[kind])
        _drop(self._shell.Completer.custom_matchers, self._match)
        _drop(self._shell.input_transformer_manager.line_transforms, _without_body)


def _put_back(table: dict[str, Any], before: Any) -> None:
    del table[_NAME]
    if before is not None:
        table[_NAME] = before


def _drop(items: list[Any], item: Any) -> None:
    if item in items:
        items.remove(item)


_loaded: dict[Any, _Loaded] = {}


def _without_body(lines: list[str]) -> list[str]:
    # IPython refuses a cell magic without a body; `%%kling --help` has none.
    if lines and re.match(r"%%kling(\s|$)", lines[0]) and not "".join(lines[1:]).strip():
        return [lines[0][1:]]
    return lines


class _Magics:
    """The magics of one shell."""

    def __init__(self, shell: Any) -> None:
        self._space: dict[str, Any] = shell.user_ns
        self._client: Any = None
        self._verbs: dict[str, Callable[[], Any]] = {
            "jobs": self._jobs,
            "recover": self._recover,
            "models": models,
            "credits": self._credits,
            "gallery": self._gallery,
        }

    @no_var_expand
    def line(self, line: str) -> Any:
        """`%kling jobs | recover | models | credits | gallery`; `%kling --help` says more."""
        words = options.split(line)
        if words and words[0] in self._verbs and not options.asks_help(words):
            options.check_alone(words[0], words[1:])
            return self._verbs[words[0]]()
        return self._read(words, "")

    @no_var_expand
    def cell(self, line: str, body: str) -> Any:
        """`%%kling SLUG --option value ...` with the prompt below it; `%%kling SLUG --help` says more."""
        return self._read(options.split(line), body)

    def _read(self, words: list[str], body: str) -> Any:
        if not words or options.asks_help(words):
            print(options.help_text(words))  # noqa: T201 - what was asked for
            return None
        return self._buy(options.read(words, body, self._space))

    def _buy(self, order: Order) -> Any:
        job = self._door()._begin(order.request, take=order.take)
        for event in job.events():
            if event.state is not State.SUBMITTING:
                break
        result = accepted(job).result(order.timeout) if order.wait else accepted(job)
        if job.reused:
            said = f"Made earlier (take {job.take}): nothing was bought. --take new buys another."
            print(said)  # noqa: T201 - whether it cost money is not to be missed
        if order.name:
            self._space[order.name] = result
        return result

    def _door(self) -> Any:
        self._client = bridge.connected()  # held: a client that nobody holds would be made anew for each cell
        return self._client

    def _jobs(self) -> Any:
        return self._door().jobs(limit=20)

    def _recover(self) -> Any:
        core = self._door()._core
        return core.engine.call(core.recover())

    def _credits(self) -> Any:
        core = self._door()._core
        return core.engine.call(core.credits())

    def _gallery(self) -> Any:
        from .gallery import Gallery  # with ipywidgets, which the other magics never need

        return Gallery(self._door())

    @context_matcher(identifier="kling_nb")  # type: ignore[untyped-decorator, unused-ignore]
    def match(self, context: Any) -> dict[str, Any]:
        """What may come next in a line of ours; nothing anywhere else."""
        lines = context.full_text.split("\n")[: context.cursor_line + 1]
        before = lines[-1][: context.cursor_position]
        call = _CALL.match(before)
        if call is None or (call[1] == "%%" and "".join(lines[:-1]).strip()):
            return {"completions": []}
        typed = before[call.start(1) :].split(None, 1)[1:]
        found = options.complete(typed[0] if typed else "", self._space, cell=call[1] == "%%")
        return {
            "completions": [SimpleCompletion(text, type="option") for text in found],
            "matched_fragment": call[2],
            "suppress": bool(found),
        }
