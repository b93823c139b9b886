"""Rules across the fields of a request.

A rule is a function of a draft that yields problems. Errors are what the page forbids or what can not mean
anything; warnings are what only other hosts of the same model refuse, and what is probably a slip.
A rule stays silent about fields that are already reported as wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import Problem
from .fields import Param
from .wording import shown

_LONGEST_CLIP = 15


@dataclass(frozen=True)
class Draft:
    """What could be read of a request so far; `broken` names the fields that could not."""

    params: Mapping[str, Param]
    values: Mapping[str, Any]
    broken: frozenset[str]

    @classmethod
    def of(cls, params: Iterable[Param], values: Mapping[str, Any], found: Iterable[Problem]) -> Draft:
        """A draft of `values` without the fields in which an error was `found`."""
        broken = frozenset(re.split(r"[.\[]", str(each.path))[0] for each in found if each.level == "error")
        sound = {name: value for name, value in values.items() if name not in broken}
        return cls({param.name: param for param in params}, sound, broken)

    def get(self, name: str) -> Any:
        """The value of a field, or the page's default."""
        return self.values[name] if name in self.values else self.params[name].default

    def lacks(self, name: str) -> bool:
        """True when a field is neither filled in nor reported as wrong."""
        return name not in self.values and name not in self.broken

    def texts(self) -> list[tuple[str, str]]:
        """(path, text) of every prompt, those of the shots included."""
        shots = enumerate(self.values.get("multi_prompt", ()))
        inside = [(f"multi_prompt[{at}].prompt", shot["prompt"]) for at, shot in shots]
        return [("prompt", self.values["prompt"]), *inside] if "prompt" in self.values else inside


def _count(number: int, word: str) -> str:
    return f"{number or 'no'} {word}{'' if number == 1 else 's'}"


def _warning(path: str, message: str) -> Problem:
    return Problem(path, message, "warning")


# The spellings of all models of the family, so that another model's spelling is noticed. Without spaces
# inside, because "carbon (element 6)" is prose.
_SPELLINGS = {
    word: re.compile(
        rf"(?<!\w)@{word}_?([0-9]{{1,3}})(?!\w)|\({word}_?([0-9]{{1,3}})\)|<<<{word}_?([0-9]{{1,3}})>>>",
        re.IGNORECASE,
    )
    for word in ("element", "voice")
}


def references(draft: Draft) -> Iterator[Problem]:
    """Elements and voices that a prompt points at exist, are spelled this model's way, and are all used."""
    for field, word in (("elements", "element"), ("voice_ids", "voice")):
        if field not in draft.broken:
            yield from _references(draft, field, word)


def _references(draft: Draft, field: str, word: str) -> Iterator[Problem]:
    param, given, used = draft.params.get(field), len(draft.values.get(field, ())), set()
    for path, text in draft.texts():
        for match in _SPELLINGS[word].finditer(text):
            number = int(match[match.lastindex or 0])
            used.add(number)
            yield from _reference(param, path, match[0], number, given, word)
    if param and param.reference and not draft.broken & {"prompt", "multi_prompt"}:
        for number in range(1, given + 1):
            if number not in used:
                own = param.reference.format(number)
                what = f"{word} {number} is given but no prompt mentions it. Write {own} where it belongs."
                yield _warning(f"{field}[{number - 1}]", what)


def _reference(
    param: Param | None, path: str, text: str, number: int, given: int, word: str
) -> Iterator[Problem]:
    own = param.reference.format(number) if param and param.reference else None
    if own is None:
        what = f"{text} is plain words here: this model takes no {word}s."
        yield _warning(path, f"{what} Describe it in words.")
    elif not 1 <= number <= given:
        there = f"{_count(given, word)} {'is' if given == 1 else 'are'} given"
        yield Problem(path, f"{text} points at nothing: {there}. Add that {word} or take {text} out.")
    elif text != own:
        # The thing it means is there, and the service may read other spellings: not worth a refusal.
        yield _warning(path, f"{text} is not how this model's prompts name {word} {number}. Write {own}.")


def front_views(draft: Draft) -> Iterator[Problem]:
    """Other hosts want the front view of each element."""
    for at, element in enumerate(draft.values.get("elements", ())):
        if "frontal_image_url" not in element:
            others = _count(len(element["reference_image_urls"]), "other view")
            what = f"nothing was given beside {others}. Add the front view as well."
            yield _warning(f"elements[{at}].frontal_image_url", what)


def shots(draft: Draft) -> Iterator[Problem]:
    """The shots fit into a clip, and add up to its length."""
    if "multi_prompt" not in draft.values:
        return
    total = sum(int(shot.get("duration", "5")) for shot in draft.values["multi_prompt"])
    if total > _LONGEST_CLIP:
        what = f"the shots add up to {total} s, above the longest clip of {_LONGEST_CLIP} s."
        yield Problem("multi_prompt", f"{what} Shorten them by {total - _LONGEST_CLIP} s.")
    elif "duration" not in draft.broken and total != int(draft.get("duration")):
        low = int(draft.params["duration"].minimum or 0)
        todo = f"Set duration to {total}." if total >= low else f"Lengthen them to at least {low} s."
        what = f"the clip lasts {draft.get('duration')} s, but its shots add up to {total} s."
        yield _warning("duration", f"{what} {todo}")


def shots_or_end(draft: Draft) -> Iterator[Problem]:
    """Other hosts do not take an end image together with shots."""
    if "multi_prompt" in draft.values and "end_image_url" in draft.values:
        both = f"an end image and {_count(len(draft.values['multi_prompt']), 'shot')} were given"
        todo = "Leave one of them out to be safe."
        yield _warning("end_image_url", f"{both}; other hosts do not take both. {todo}")


def shot_type(draft: Draft) -> Iterator[Problem]:
    """The page names a single shot type."""
    known = [value for value, _ in draft.params["shot_type"].choices]
    value = draft.values.get("shot_type", known[0])
    if value not in known:
        what = f"{shown(value)} is not on the model's page, which has {known[0]!r}."
        yield _warning("shot_type", f"{what} Leave it out to be safe.")


def voices_need_sound(draft: Draft) -> Iterator[Problem]:
    """A voice can not be heard in a silent clip."""
    if "voice_ids" in draft.values and draft.get("generate_audio") is False:
        what = (
            f"{_count(len(draft.values['voice_ids']), 'voice')} for a silent clip: generate_audio is False."
        )
        yield _warning("voice_ids", f"{what} Set generate_audio=True or leave the voices out.")


def camera(draft: Draft) -> Iterator[Problem]:
    """Axis and value of the camera belong to the type `simple`, and `simple` needs both."""
    kind, axis, value = (f"camera_control_{name}" for name in ("type", "config", "config_value"))
    chosen = draft.values.get(kind)
    if kind in draft.broken:
        return
    if chosen != "simple":
        there = "not set" if chosen is None else repr(chosen)
        for name in (axis, value):
            if name in draft.values:
                what = f"{shown(draft.values[name])} has no effect while {kind} is {there}."
                yield _warning(name, f"{what} Set {kind}='simple' or leave {name} out.")
        return
    if draft.lacks(axis):
        what = "nothing was given, but a 'simple' camera needs an axis."
        yield Problem(axis, f"{what} {draft.params[axis].wanted}")
    if draft.lacks(value) or draft.values.get(value) == 0:
        there = "nothing was given" if draft.lacks(value) else "0 is no move"
        todo = "Use a whole number from -10 to 10 other than 0."
        yield Problem(value, f"{there}, but a 'simple' camera needs one. {todo}")


def camera_mode(draft: Draft) -> Iterator[Problem]:
    """Other hosts move the camera in standard mode and 5 s only."""
    moved = [name for name in draft.values if name.startswith("camera_control")]
    usual = {name: value for name, value in (("mode", "std"), ("duration", 5)) if name not in draft.broken}
    slow = [f"{name}={draft.get(name)!r}" for name in usual if draft.get(name) != usual[name]]
    if moved and slow:
        what = f"camera moves were given with {' and '.join(slow)};"
        todo = "other hosts take them only with mode='std' and duration=5. Use those to be safe."
        yield _warning(moved[0], f"{what} {todo}")


KLING_3_IMAGE = (references, front_views)
KLING_3_VIDEO = (references, shots, shot_type, voices_need_sound)
