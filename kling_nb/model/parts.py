"""The nested parts of a request: an element that has to look the same throughout, and a shot of a clip.

A part may hold values that do not fit: the request it goes into reports them, all at once and with paths
such as `multi_prompt[2].duration`. Only names that a part does not have are refused at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from ..errors import InvalidRequest, Problem
from .described import Described
from .fields import Param, seconds
from .reading import is_blank

Picture = Any
"""A web address, file path, bytes, PIL image, numpy array or `Image`."""


class Part(Described):
    """A described value inside a request."""

    def __init__(self, /, *args: Any, **values: Any) -> None:
        """Give parameters by name. Raises InvalidRequest for a name that there is not."""
        misuse = [*self._nameless(args), *self.strangers(values)]
        if misuse:
            raise InvalidRequest(misuse, self.name())
        held: dict[str, Any] = {param.name: None for param in self._params if param.required}
        held |= {name: value for name, value in values.items() if not is_blank(value)}
        self._hold(held | self.read(values, []))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What its request will report about it, with paths that begin inside the part."""
        return self.check(self.values())


class Element(Part):
    """A character or thing to recognise: `Element(frontal_image_url="hero.png")`.

    One frontal picture and up to three more of the same thing from other sides; at least one picture in
    all. Source: the elements section of https://www.segmind.com/models/kling-3-pro-image2video/api
    """

    any_of: ClassVar[tuple[str, ...]] = ("frontal_image_url", "reference_image_urls")

    frontal_image_url: Annotated[
        Picture, Param("picture", "Front view", help="The character or thing seen from the front.")
    ] = None
    reference_image_urls: Annotated[
        Sequence[Picture],
        Param(
            "list",
            "Other views",
            help="Up to three further pictures of the same character or thing.",
            max_items=3,
            item=Param("picture", "View", help="Another view of the same.", required=True),
        ),
    ] = ()


class Shot(Part):
    """One segment of a clip: `Shot(prompt="the door opens", duration=3)`.

    `prompt` has 1 to 512 characters. `duration` is in whole seconds, 1 to 15; 3 and "3" mean the same, the
    attribute reads as text. All shots together last at most 15 s. Source: the multi_prompt section of
    https://www.segmind.com/models/kling-3-standard-text2video/api; the page gives no bounds for one shot's
    seconds, these follow from the whole clip's.
    """

    prompt: Annotated[
        str, Param("text", "Prompt", help="What happens in this shot.", multiline=True, max_length=512)
    ]
    duration: Annotated[
        str | int, seconds(1, 15, label="Seconds", help="How long this shot lasts, in seconds.")
    ] = "5"
