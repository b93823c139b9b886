"""Text made safe to show, and numbers made readable. Every word shown to a person passes through here."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

# An uploaded asset's address holds the account's e-mail as a path segment; notebooks get shared.
# Looked for from the start of a word only, so that long text takes no longer than its length.
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")
_KEY = re.compile(r"SG_[0-9A-Za-z_]+")
# Half a character, as in the name of a file from elsewhere: no message that holds one reaches a front end.
_HALF = re.compile("[\ud800-\udfff]")

LITERAL = "mathjax_ignore tex2jax_ignore"
"""Classes for the outermost element of an output: without them a page sets `$5 to $10` as a formula."""


def escape(text: object) -> str:
    """`text` as HTML text or attribute value, with e-mail addresses and keys masked."""
    return html.escape(mask(str(text)), quote=True)


def mask(text: str) -> str:
    """`text` without e-mail addresses and API keys, and fit to be sent anywhere."""
    return _HALF.sub("\ufffd", _KEY.sub("SG_***", _EMAIL.sub("***", text)))


def masked(value: Any) -> Any:
    """The same with every text in it masked, as deep as lists and dicts go."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {masked(name): masked(each) for name, each in value.items()}
    return [masked(each) for each in value] if isinstance(value, list) else value


def tag(name: str, *children: str, **attributes: object) -> str:
    """An HTML element around children that are markup already; attribute values are escaped here.

    A trailing underscore is dropped (`class_`), `True` gives a bare attribute, `None` and `False` none.
    """
    return f"<{name}{_attributes(attributes)}>{''.join(children)}</{name}>"


def void(name: str, **attributes: object) -> str:
    """An HTML element that has no content, such as `<img>`."""
    return f"<{name}{_attributes(attributes)}>"


def _attributes(values: Mapping[str, object]) -> str:
    shown = ((name.rstrip("_").replace("_", "-"), value) for name, value in values.items())
    return "".join(
        f" {name}" if value is True else f' {name}="{_quoted(value)}"'
        for name, value in shown
        if value is not None and value is not False
    )


def _quoted(value: object) -> str:
    # A data URI is ours and may hold megabytes; masking would only cost time there.
    text = str(value)
    return html.escape(text, quote=True) if text.startswith("data:") else escape(text)


def short(text: str, limit: int = 60) -> str:
    """`text` on one line of at most `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def sentence(text: str) -> str:
    """`text` with a full stop, unless it ends in a mark of its own."""
    return text if text.rstrip().endswith((".", "!", "?", "…")) else f"{text.rstrip()}."


def size_text(count: int) -> str:
    """A number of bytes in words: `3.4 MB`, with 1 MB = 10^6 bytes."""
    if count < 1000:
        return f"{count} bytes"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.5 or unit == "GB":
            break
    return f"{value:.{0 if value >= 100 else 1}f} {unit}"


def time_text(seconds: float) -> str:
    """A length of time in words: `8 s`, `2 min 05 s`, `1 h 02 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def money_text(dollars: float) -> str:
    """An amount in US dollars: `$1.26`, and three decimals for what costs cents: `$0.035`."""
    exact = f"{dollars:.3f}"
    return f"${exact[:-1] if exact.endswith('0') else exact}"
