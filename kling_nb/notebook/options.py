"""The options of `%%kling`, read from the models' own descriptions. Nothing is sent here.

A value stands for itself, except that `{name}` and `$name` alone are the variable of that name: the object
it holds, never code that is run. Numbers become numbers, a nested part is JSON, a list is its option again
and again.
"""

from __future__ import annotations

import json
import keyword
import re
import shlex
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidRequest, Problem
from ..jobs.estimate import published
from ..jobs.purchase import Take
from ..markup import money_text, short
from ..media import Image
from ..model.base import Request
from ..model.catalogue import find, models
from ..model.fields import Param
from ..model.pages import BY_SLUG
from ..model.wording import did_you_mean, near
from .face import range_text

VERBS = {
    "jobs": "the last 20 jobs of this account",
    "recover": "collect every paid job that is not on disk yet",
    "models": "the models and what they cost",
    "credits": "the balance, in US dollars",
    "gallery": "what has been made",
}
_OUTPUT = Param("text", name="output", label="NAME", help="Keep the result under this name. Short: -o NAME.")
_OWN = (
    _OUTPUT,
    Param(
        "text",
        name="take",
        label="N",
        choices=(("new", "new"),),
        help="Which try at the same request: 1 (the default), 2, 3 ..., or new for another one.",
    ),
    Param(
        "number",
        name="timeout",
        label="SECONDS",
        minimum=1,
        maximum=86_400,
        help="How long to wait. The job goes on after it.",
    ),
    Param("flag", name="wait", label="--no-wait", help="Give the job at once, with its live card."),
)
_VARIABLE = re.compile(r"\{\s*([^{}\"':,]*?)\s*\}|\$([A-Za-z_]\w*)")
_HELP = ("--help", "-h")
_KINDS = {"picture": "FILE", "number": "NUMBER", "integer": "WHOLE NUMBER", "part": "JSON", "text": "TEXT"}
_NOTES = """
{name} or $name alone is the variable of that name: a picture, a list, anything.
A list is its option again for each item. A nested part is JSON in single quotes, or a variable.
The same cell again is the same take: it buys nothing."""


class WrongOptions(InvalidRequest):
    """Options that can not work; lists everything that is wrong. A notebook shows it without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return str(self).splitlines()


@dataclass(frozen=True)
class Order:
    """What a cell asks for."""

    request: Request
    take: Take
    timeout: float | None
    wait: bool
    name: str


def split(line: str) -> list[str]:
    """The words of a line. Quotes keep spaces together; a backslash is a letter, as in paths of Windows."""
    lexer = shlex.shlex(line, posix=True)
    lexer.whitespace_split, lexer.escape, lexer.commenters = True, "", ""
    try:
        return list(lexer)
    except ValueError:
        raise _wrong([Problem("", "a quotation mark is not closed. Close it, or take it away.")]) from None


def asks_help(words: Sequence[str]) -> bool:
    """True when help is among the words."""
    return any(word in _HELP for word in words)


def check_alone(verb: str, words: Sequence[str]) -> None:
    """Raise `WrongOptions` when more follows `%kling credits` and the like."""
    if words:
        raise _wrong(
            [Problem("", f"%kling {verb} takes nothing more. Take away {short(' '.join(words))!r}.")]
        )


def read(words: Sequence[str], body: str, space: Mapping[str, Any]) -> Order:
    """What a cell asks for. Raises `WrongOptions` with all that is wrong at once."""
    model = _model(words[0])
    reader = _Reader(model, space)
    reader.read(words[1:])
    if body.strip():
        if "prompt" in reader.values:
            reader.say("--prompt", "the prompt stands below the first line already. Keep one of them.")
        reader.values["prompt"] = body.strip()
    own = {param.name: reader.values.pop(param.name, None) for param in _OWN}
    take, name, timeout = reader.take(own["take"]), reader.name(own["output"]), reader.limit(own["timeout"])
    wrong = [*reader.problems, *_checked(model, reader)]
    if wrong:
        raise _wrong(wrong, f"this {model.slug} request")
    return Order(model(**reader.values), take, timeout, own["wait"] is not False, name)


def _model(word: str) -> type[Request]:
    if word in BY_SLUG:
        return find(word)
    if word.startswith("-"):
        what = f"{word} comes too early. Name a model first, such as {next(iter(BY_SLUG))}."
        raise _wrong([Problem("", what)])
    close = did_you_mean(near(word, [*BY_SLUG, *VERBS]))
    what = f"{short(word)!r} is no model. {close}There are {', '.join(BY_SLUG)}."
    raise _wrong([Problem("", what)], "the choice of a model")


def _checked(model: type[Request], reader: _Reader) -> Iterator[Problem]:
    for problem in model.check(reader.values):
        root, rest = re.findall(r"(\w*)(.*)", problem.path, re.DOTALL)[0]
        if problem.level == "error" and root not in reader.failed:
            yield Problem("the prompt" if root == "prompt" else _option(root) + rest, problem.message)


def _wrong(problems: Iterable[Problem], subject: str = "this line") -> WrongOptions:
    return WrongOptions(list(dict.fromkeys(problems)), subject)


def _option(name: str, *, off: bool = False) -> str:
    return f"--{'no-' if off else ''}{name.replace('_', '-')}" if name else ""


class _Unreadable(Exception):
    """A value that says nothing; the text says why."""


class _Reader:
    """Takes words for the options of a model; what is wrong is gathered in `problems`."""

    def __init__(self, model: type[Request], space: Mapping[str, Any]) -> None:
        self._params = {param.name: param for param in (*model.params(), *_OWN)}
        self._space, self._slug = space, model.slug
        self.values: dict[str, Any] = {}
        self.problems: list[Problem] = []
        self.failed: set[str] = set()

    def say(self, path: str, message: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(path, message))

    def read(self, words: Sequence[str]) -> None:
        """Take all words."""
        waiting = list(words)
        while waiting:
            word = waiting.pop(0)
            option, equals, value = word.partition("=")
            if not word.startswith("-"):
                self.say("", f"{short(word)!r} belongs to no option. Put values with spaces in quotes.")
                continue
            param, on = self._meant(option)
            if param is not None and param.kind == "flag":
                self._set_flag(param, option, on=on, given=bool(equals))
                continue
            is_there = not equals and waiting and not waiting[0].startswith("--")
            text = value if equals else waiting.pop(0) if is_there else None
            if param is None:
                self._stranger(option)
            else:
                self._set(param, option, text)

    def _meant(self, option: str) -> tuple[Param | None, bool]:
        name = "output" if option == "-o" else option.removeprefix("--").replace("-", "_")
        known = self._params.get(name) if option.startswith("--") or option == "-o" else None
        negated = self._params.get(name.removeprefix("no_"))
        if known is None and negated is not None and negated.kind == "flag":
            return negated, False
        return known, True

    def _stranger(self, option: str) -> None:
        names = list(_spelled(self._params.values()))
        close = did_you_mean(near(option, names, 1)).strip() or f"It takes {', '.join(names)}."
        self.say(option, f"{self._slug} has no such option. {close}")

    def _set_flag(self, param: Param, option: str, *, on: bool, given: bool) -> None:
        if given:
            self._fail(param, option, "it takes no value. The option alone says it.")
        elif self.values.get(param.name, on) is not on:
            self._fail(param, option, "the opposite was said before. Keep one of them.")
        self.values[param.name] = on

    def _set(self, param: Param, option: str, text: str | None) -> None:
        if text is None:
            self._fail(param, option, f"no value was given. {param.wanted}")
            return
        try:
            if param.kind == "list":
                more = self._items(param.item or Param("text"), text)
                self.values[param.name] = [*self.values.get(param.name, ()), *more]
            elif param.name in self.values:
                self._fail(param, option, "it was given before. Keep one of them.")
            else:
                self.values[param.name] = self._fitting(param, text)
        except _Unreadable as fault:
            self._fail(param, option, f"{fault} {param.wanted}")

    def _fail(self, param: Param, option: str, message: str) -> None:
        self.failed.add(param.name)
        self.say(option, message)

    def _items(self, item: Param, text: str) -> list[Any]:
        given = _json(text) if text.startswith("[") else self._fitting(item, text)
        return list(given) if isinstance(given, (list, tuple)) else [given]

    def _fitting(self, param: Param, text: str) -> Any:
        named = _VARIABLE.fullmatch(text)
        if named is not None:
            return self._variable(named[1] if named[2] is None else named[2])
        if param.kind in ("number", "integer"):
            return _number(text)
        return _json(text) if param.kind == "part" else text

    def _variable(self, name: str) -> Any:
        if not name.isidentifier():
            raise _Unreadable(f"{short(name)!r} is no name of a variable.")
        if name not in self._space:
            close = did_you_mean(near(name, [each for each in self._space if each[0] != "_"], 1))
            raise _Unreadable(f"there is no variable {name}. {close}".strip())
        return self._space[name]

    def take(self, given: Any) -> Take:
        """The take, as a number or "new"."""
        if given is None or given == "new":
            return given or 1
        number = int(given) if str(given).isdecimal() else 0
        if number < 1:
            self.say("--take", f"{short(str(given))!r} is not a take. Use 1, 2, 3 ... or new.")
        return number

    def name(self, given: Any) -> str:
        """The name for the result."""
        name = str(given or "")
        if given is not None and (not name.isidentifier() or keyword.iskeyword(name)):
            self.say("-o", f"{short(name)!r} can not be a name. Use letters, digits and underscores.")
        return name

    def limit(self, given: Any) -> float | None:
        """The seconds to wait."""
        if given is None or (isinstance(given, (int, float)) and 1 <= given <= 86_400):
            return given
        self.say("--timeout", f"{short(str(given))} is not a time to wait. Use seconds from 1 to 86400.")
        return None


def _number(text: str) -> float:
    try:
        return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
    except ValueError:
        raise _Unreadable(f"{short(text)!r} is not a number.") from None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        hint = "Put it in single quotes, or give a variable: {name}."
        raise _Unreadable(f"{short(text)!r} is not JSON. {hint}") from None


def _spelled(params: Iterable[Param]) -> Iterator[str]:
    for param in params:
        if param.name != "wait":
            yield _option(param.name)
        if param.kind == "flag":
            yield _option(param.name, off=True)


# Completion


def complete(typed: str, space: Mapping[str, Any], *, cell: bool) -> list[str]:
    """What the last word of `typed` may become; in a cell's first line only a model can begin it."""
    words = typed.split()
    fragment = words.pop() if words and not typed[-1].isspace() else ""
    found = _next(words, fragment, space) if words else [*BY_SLUG, *(() if cell else VERBS), "--help"]
    return [each for each in found if each.startswith(fragment)]


def _next(words: list[str], fragment: str, space: Mapping[str, Any]) -> list[str]:
    if words[0] not in BY_SLUG:
        return []
    params = (*BY_SLUG[words[0]].params(), *_OWN)
    named = {_option(param.name): param for param in params} | {"-o": _OUTPUT}
    option, equals, _ = fragment.partition("=")
    if equals and option in named:
        return [f"{option}={value}" for value in _values(named[option], space)]
    last = named.get(words[-1])
    if last is not None and last.kind != "flag":
        return _values(last, space)
    again = {_option(param.name) for param in params if param.kind == "list"}
    spent = {word.replace("--no-", "--") for word in words} - again
    return [each for each in (*_spelled(params), "--help") if each.replace("--no-", "--") not in spent]


def _values(param: Param, space: Mapping[str, Any]) -> list[str]:
    if (param.item or param).kind == "picture":
        mine = (name for name, each in space.items() if isinstance(each, Image) and name[0] != "_")
        return [f"{{{name}}}" for name in mine]
    return [str(value) for value, _ in param.choices]


# Help


def help_text(words: Sequence[str]) -> str:
    """What there is, or the options of the model that is named."""
    named = [word for word in words if not word.startswith("-") and word not in VERBS]
    usage = f"%%kling {named[0] if named else 'SLUG'} --option value ...\nthe prompt, on the lines below\n"
    rows = _model_help(_model(named[0])) if named else _general_help()
    return "\n".join([usage, *rows])


def _general_help() -> Iterator[str]:
    yield from (_row(model.slug, model.summary) for model in models())
    yield ""
    yield from (_row(f"%kling {verb}", what) for verb, what in VERBS.items())
    yield "\n%%kling SLUG --help lists the options of a model."


def _model_help(model: type[Request]) -> Iterator[str]:
    usual = published(model.latency)
    cost = f"about {money_text(model.average_price)} each on average"
    time = f", usually in {range_text(usual)}" if usual else ""
    yield textwrap.fill(f"{model.title}. {model.summary} Costs {cost}{time}.", 100)
    yield ""
    yield from (_row(_usage(param), _meaning(param)) for param in model.params() if param.name != "prompt")
    yield ""
    yield from (_row(_usage(param), param.help) for param in _OWN)
    yield _NOTES


def _meaning(param: Param) -> str:
    has_default = param.default is not None and param.kind != "flag"
    needed = " Needed." if param.required else ""
    return f"{param.help}{needed}{f' Default: {param.default}.' if has_default else ''}"


def _usage(param: Param) -> str:
    if param in _OWN:
        return param.label if param.kind == "flag" else f"{_option(param.name)} {param.label}"
    if param.kind == "flag":
        return f"{_option(param.name)}, {_option(param.name, off=True)}"
    held, again = param.item or param, " ..." if param.kind == "list" else ""
    values = [str(value) for value, _ in held.choices] if held.kind == "choice" else []
    listed = f"{values[0]}..{values[-1]}" if values and held.minimum is not None else "|".join(values)
    return f"{_option(param.name)} {listed or _KINDS[held.kind]}{again}"


def _row(left: str, right: str) -> str:
    gap = "\n" + " " * 32
    lines = textwrap.wrap(right, 68)
    return f"  {left:<28}  {gap.join(lines)}" if len(left) <= 28 else gap.join([f"  {left}", *lines])
