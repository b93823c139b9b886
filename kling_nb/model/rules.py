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

LONGEST_CLIP = 15


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

    def texts(self) -> list[tuple[str, str]]:
        """(path, text) of every prompt, those of the shots included."""
        shots = enumerate(self.values.get("multi_prompt", ()))
        inside = [(f"multi_prompt[{at}].prompt", shot["prompt"]) for at, shot in shots]
        return [("prompt", self.values["prompt"]), *inside] if "prompt" in self.values else inside


def _warning(path: str, message: str) -> Problem:
    return Problem(path, message, "warning")


# The spellings of all models of the family, so that another model's spelling is noticed. Without spaces
# inside, because "carbon (element 6)" is prose.
_SPELLINGS = {
    "element": re.compile(
        r"(?<!\w)@element_?([0-9]{1,3})(?!\w)|\(element_?([0-9]{1,3})\)|<<<element_?([0-9]{1,3})>>>", re.I
    ),
    "voice": re.compile(
        r"(?<!\w)@voice_?([0-9]{1,3})(?!\w)|(?<!<)\(voice_?([0-9]{1,3})\)|<<<voice_?([0-9]{1,3})>>>", re.I
    ),
}


def references(draft: Draft) -> Iterator[Problem]:
    """Elements and voices that a prompt points at exist, are spelled this model's way, and are all used."""
    yield from _references(draft, "elements", "element")
    yield from _references(draft, "voice_ids", "voice")


def _references(draft: Draft, field: str, word: str) -> Iterator[Problem]:
    if field in draft.broken:
        return
    param, given, used = draft.params.get(field), len(draft.values.get(field, ())), set()
    for path, text in draft.texts():
        for match in _SPELLINGS[word].finditer(text):
            number = int(next(filter(None, match.groups())))
            used.add(number)
            yield from _reference(param, path, match[0], number, given, word)
    if param and not draft.broken & {"prompt", "multi_prompt"}:
        yield from _unused(param, given, used, word)


def _reference(
    param: Param | None, path: str, text: str, number: int, given: int, word: str
) -> Iterator[Problem]:
    if not param or not param.reference:
        yield _warning(
            path, f"{text} is plain words here: this model takes no {word}s. Describe it in words."
        )
    elif not 1 <= number <= given:
        there = f"{given or 'no'} {word}{'' if given == 1 else 's'} {'is' if given == 1 else 'are'} given"
        yield Problem(path, f"{text} points at nothing: {there}. Add that {word} or take {text} out.")
    elif text != param.reference.format(number):
        # The thing it means is there, and the service may read other spellings: not worth a refusal.
        own = param.reference.format(number)
        yield _warning(path, f"{text} is not how this model's prompts name {word} {number}. Write {own}.")


def _unused(param: Param, given: int, used: set[int], word: str) -> Iterator[Problem]:
    for number in range(1, given + 1):
        if number not in used and param.reference:
            own = param.reference.format(number)
            message = f"{word} {number} is given but no prompt mentions it. Write {own} where it belongs."
            yield _warning(f"{param.name}[{number - 1}]", message)


def front_views(draft: Draft) -> Iterator[Problem]:
    """Other hosts want the front view of each element."""
    for at, element in enumerate(draft.values.get("elements", ())):
        if "frontal_image_url" not in element:
            count = len(element["reference_image_urls"])
            message = (
                f"nothing was given beside {count} other view{'s' * (count > 1)}. Add the front view as well."
            )
            yield _warning(f"elements[{at}].frontal_image_url", message)


def shots(draft: Draft) -> Iterator[Problem]:
    """The shots fit into a clip, and add up to its length."""
    if "multi_prompt" not in draft.values:
        return
    total = sum(int(shot.get("duration", "5")) for shot in draft.values["multi_prompt"])
    if total > LONGEST_CLIP:
        message = (
            f"the shots add up to {total} s, above the longest clip of {LONGEST_CLIP} s. "
            f"Shorten them by {total - LONGEST_CLIP} s."
        )
        yield Problem("multi_prompt", message)
    elif "duration" not in draft.broken and total != int(draft.get("duration")):
        low = int(draft.params["duration"].minimum or 0)
        todo = f"Set duration to {total}." if total >= low else f"Lengthen them to at least {low} s."
        length = draft.get("duration")
        yield _warning("duration", f"the clip lasts {length} s, but its shots add up to {total} s. {todo}")


def shots_or_end(draft: Draft) -> Iterator[Problem]:
    """Other hosts do not take an end image together with shots."""
    if "multi_prompt" in draft.values and "end_image_url" in draft.values:
        count = len(draft.values["multi_prompt"])
        message = (
            f"an end image and {count} shot{'s' * (count > 1)} were given; other hosts do not take both. "
            "Leave one of them out to be safe."
        )
        yield _warning("end_image_url", message)


def shot_type(draft: Draft) -> Iterator[Problem]:
    """The page names a single shot type."""
    known = [value for value, _ in draft.params["shot_type"].choices]
    value = draft.values.get("shot_type", known[0])
    if value not in known:
        message = (
            f"{shown(value)} is not on the model's page, which has {known[0]!r}. Leave it out to be safe."
        )
        yield _warning("shot_type", message)


def voices_need_sound(draft: Draft) -> Iterator[Problem]:
    """A voice can not be heard in a silent clip."""
    if "voice_ids" in draft.values and draft.get("generate_audio") is False:
        count = len(draft.values["voice_ids"])
        message = (
            f"{count} voice{'s' * (count > 1)} for a silent clip: generate_audio is False. "
            "Set generate_audio=True or leave the voices out."
        )
        yield _warning("voice_ids", message)


def camera(draft: Draft) -> Iterator[Problem]:
    """Axis and value of the camera belong to the type `simple`, and `simple` needs both."""
    if "camera_control_type" in draft.broken:
        return
    kind = draft.values.get("camera_control_type")
    if kind == "simple":
        yield from _simple_camera(draft)
    else:
        there = "not set" if kind is None else repr(kind)
        for name in ("camera_control_config", "camera_control_config_value"):
            if name not in draft.values:
                continue
            what = f"{shown(draft.values[name])} has no effect while camera_control_type is {there}."
            yield _warning(name, f"{what} Set camera_control_type='simple' or leave {name} out.")


def _simple_camera(draft: Draft) -> Iterator[Problem]:
    axis, value = "camera_control_config", "camera_control_config_value"
    if axis not in draft.values and axis not in draft.broken:
        yield Problem(
            axis, f"nothing was given, but a 'simple' camera needs an axis. {draft.params[axis].wanted}"
        )
    if not draft.values.get(value) and value not in draft.broken:
        there = "0 is no move" if value in draft.values else "nothing was given"
        todo = "Use a whole number from -10 to 10 other than 0."
        yield Problem(value, f"{there}, but a 'simple' camera needs one. {todo}")


def camera_mode(draft: Draft) -> Iterator[Problem]:
    """Other hosts move the camera in standard mode and 5 s only."""
    moved = [name for name in draft.values if name.startswith("camera_control")]
    slow = [
        f"{name}={draft.get(name)!r}"
        for name, usual in (("mode", "std"), ("duration", 5))
        if name not in draft.broken and draft.get(name) != usual
    ]
    if moved and slow:
        message = (
            f"camera moves were given with {' and '.join(slow)}; other hosts take them only with "
            "mode='std' and duration=5. Use those to be safe."
        )
        yield _warning(moved[0], message)


KLING_3_VIDEO = (references, shots, shot_type, voices_need_sound)
