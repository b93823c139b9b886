"""Parameters that several models describe alike, under the names of their types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from .fields import Param, options, seconds
from .parts import Element, Shot

LONGEST_PROMPT = 2500  # stated by other hosts of the same models, not by these pages


def prompt(help: str) -> Param:  # noqa: A002 - the name of the description's own field
    """The main prompt, of which each model wants something else."""
    return Param(
        "text", label="Prompt", group="prompt", multiline=True, advised_max=LONGEST_PROMPT, help=help
    )


def elements(most: int | None, reference: str, help: str, advised: int | None = None) -> Param:  # noqa: A002
    """Elements, of which each model takes another number under another spelling."""
    item = Param(
        "part",
        required=True,
        label="Element",
        group="elements",
        parts=Element.params(),
        make=Element,
        any_of=Element.any_of,
    )
    return Param(
        "list",
        label="Elements",
        group="elements",
        max_items=most,
        advised_max=advised,
        item=item,
        reference=reference,
        help=help,
    )


Elements = Sequence[Element]

NEGATIVE = Param(
    "text",
    label="Negative prompt",
    group="prompt",
    multiline=True,
    advised_max=LONGEST_PROMPT,
    help="What should not be seen, as words separated by commas.",
)
NegativePrompt = Annotated[str, NEGATIVE]

ImageRatio = Annotated[
    str,
    Param(
        "choice",
        label="Aspect ratio",
        group="frame",
        choices=options("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3"),
        help="Width to height of the picture.",
    ),
]

VideoRatio = Annotated[
    str,
    Param(
        "choice",
        label="Aspect ratio",
        group="frame",
        choices=options("16:9", "9:16", "1:1"),
        help="Width to height of the clip.",
    ),
]

Resolution = Annotated[
    str,
    Param(
        "choice",
        label="Resolution",
        group="frame",
        choices=options("1K", "2K"),
        help="1K is about a megapixel; 2K doubles width and height.",
    ),
]

OutputFormat = Annotated[
    str,
    Param(
        "choice",
        label="File format",
        group="frame",
        choices=options(png="PNG", jpeg="JPEG", webp="WebP"),
        help="PNG keeps every detail; JPEG and WebP make smaller files.",
    ),
]

CfgScale = Annotated[
    float,
    Param(
        "number",
        label="Prompt strength",
        group="advanced",
        minimum=0,
        maximum=1,
        step=0.05,
        help="How strictly the prompt is followed: 0 freely, 1 to the letter.",
    ),
]

# Typed as it may be written; it always reads as text.
Seconds = Annotated[
    str | int, seconds(3, 15, label="Seconds", group="frame", help="How long the clip lasts, in seconds.")
]

Sound = Annotated[
    bool,
    Param(
        "flag",
        label="Sound",
        group="sound",
        help="Adds a sound track that fits the picture. Speech can be Chinese or English.",
    ),
]

Shots = Annotated[
    Sequence[Shot],
    Param(
        "list",
        label="Shots",
        group="shots",
        max_items=5,
        item=Param("part", required=True, label="Shot", group="shots", parts=Shot.params(), make=Shot),
        help="Up to five shots cut one after the other, each with its own prompt and seconds. "
        "Together they should last as long as the clip.",
    ),
]

ShotType = Annotated[
    str,
    Param(
        "text",
        label="Shot type",
        group="shots",
        choices=(("customize", "customize"),),
        help="How the shots are planned. Only 'customize', shots as you give them, is documented.",
    ),
]

VoiceIds = Annotated[
    Sequence[str],
    Param(
        "list",
        label="Voices",
        group="sound",
        max_items=2,
        item=Param(
            "text", required=True, label="Voice id", group="sound", help="An id from kling-create-voice."
        ),
        shown_when=("generate_audio", (True,)),
        reference="<<<voice_{}>>>",
        help="Up to two ids from the model kling-create-voice. A prompt lets them speak by "
        "<<<voice_1>>> and <<<voice_2>>>.",
    ),
]
