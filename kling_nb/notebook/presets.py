"""What a person keeps of a form by name: one JSON file each, to be shared as it is."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from ..errors import InvalidRequest, KlingError, Problem
from ..markup import short
from ..media.trouble import disk_trouble
from ..media.whole import replacing
from ..model.wording import did_you_mean, near
from .places import as_json

_LONGEST = 1_000_000  # bytes of a file or pasted text
_MANY = 200  # items of a list: each would be a row of widgets
_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_HALF = re.compile("[\ud800-\udfff]")
_DEVICES = re.compile(r"con|prn|aux|nul|com\d|lpt\d")  # no file names on Windows


class Filled(Protocol):
    """What presets ask of their form."""

    values: dict[str, Any]


class Presets(Mapping[str, dict[str, Any]]):
    """The presets of one model: `list(form.presets)` are their names, `form.presets["fox"]` is a dict.

    A picture that is only in memory is left out; `save` says which. `fleeting`: they go with the sandbox.
    """

    def __init__(self, form: Filled, slug: str, folder: Path, *, fleeting: bool = False) -> None:
        self._form, self._slug, self.fleeting = form, slug, fleeting
        self.folder = folder / "presets" / slug

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._files()))

    def __len__(self) -> int:
        return len(self._files())

    def __getitem__(self, name: str) -> dict[str, Any]:
        path = self._files()[name]
        return self.read(_text_of(path), f"the preset {name!r} in {path.name}")

    def save(self, name: str) -> tuple[str, ...]:
        """Keep what is filled in as `name`, in place of an earlier one; returns the paths it leaves out."""
        clean = _name(name)
        text, left = self._written(self._form.values, clean)
        with replacing(self.folder / _file(clean), KlingError) as part:
            part.write_bytes(text.encode())
        return left

    def load(self, name: str) -> None:
        """Fill the form in with a preset. Raises `InvalidRequest` for one that is not there or not sound."""
        if name not in self._files():
            there = f"{did_you_mean(near(name, self))}There is {', '.join(self) or 'none'}."
            raise _refusal(f"{name!r} is no preset of this model. {there}")
        self._form.values = self[name]

    def delete(self, name: str) -> None:
        """Delete a preset; one that is not there is gone already."""
        path = self._files().get(name)
        if path is not None:
            with disk_trouble(f"Could not delete {path.name}", KlingError):
                path.unlink(missing_ok=True)

    def export(self, name: str | None = None) -> str:
        """A preset as JSON text to share; without a name what is filled in now."""
        return self._written(self._form.values if name is None else self[name], name or "")[0]

    def import_json(self, text: str) -> None:
        """Fill the form in from JSON text that `export` wrote. Raises `InvalidRequest`."""
        self._form.values = self.read(text, "this text")

    def read(self, text: str, what: str) -> dict[str, Any]:
        """The values in JSON text, whoever wrote it. Raises `InvalidRequest`."""
        try:
            data = json.loads(text if len(text) <= _LONGEST else "")
        except (ValueError, RecursionError):
            raise _refusal(
                f"{what} is no JSON of a preset. Use what export() or a preset's file holds."
            ) from None
        values = data.get("values") if isinstance(data, dict) else None
        if not isinstance(values, dict) or _is_endless(values):
            raise _refusal(f"{what} holds no values of a form. Use what export() or a preset's file holds.")
        if data.get("model") != self._slug:
            whose = short(str(data.get("model")), 60)
            raise _refusal(f"{what} is for the model {whose!r}, and this form is for {self._slug}.")
        return values

    def _files(self) -> dict[str, Path]:
        try:
            paths = sorted(self.folder.glob("*.json"))
        except OSError:
            return {}
        return {_name_in(path): path for path in paths}

    def _written(self, values: Mapping[str, Any], name: str) -> tuple[str, tuple[str, ...]]:
        left: list[str] = []
        plain = as_json(values, "", left)
        data = {**({"name": name} if name else {}), "model": self._slug, "values": plain}
        text = json.dumps(data, ensure_ascii=False, indent=1)
        # Half a character can not be written down or sent, but its escape can.
        return (json.dumps(data, indent=1) if _HALF.search(text) else text), tuple(left)


def _is_endless(value: Any) -> bool:
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return len(held) > _MANY or any(_is_endless(each) for each in held)


def _name(name: str) -> str:
    clean = " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())
    if not clean or len(clean) > 80:
        raise _refusal(f"{short(name)!r} is no name for a preset. Use 1 to 80 letters.")
    return unicodedata.normalize("NFC", clean)


def _file(name: str) -> str:
    if _PLAIN.fullmatch(name) and not _DEVICES.fullmatch(name):
        return f"{name}.json"
    # Whatever else a name holds, the file's may not; the digest keeps two names two files.
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    return f"{words or 'preset'}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}.json"


def _text_of(path: Path) -> str:
    with disk_trouble(f"Could not read {path.name}", KlingError):
        data = path.read_bytes() if path.stat().st_size <= _LONGEST else b""
    return data.decode("utf-8", "replace")


def _name_in(path: Path) -> str:
    try:
        name = json.loads(_text_of(path))["name"]
        return _name(name) if _file(name) == path.name else path.stem
    except Exception:  # noqa: BLE001 - whatever is in it, it can be named and deleted
        return path.stem


def _refusal(what: str) -> InvalidRequest:
    return InvalidRequest([Problem("", what)], "this preset")
