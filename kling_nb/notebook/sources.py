"""What a form can be filled in from: a job, a file that a job made, a request, a dict."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InvalidRequest, Problem
from ..keep.beside import beside
from ..keep.ledger import Ledger, Record
from ..media.picture import read_picture
from ..media.trouble import MediaError
from ..model.fields import Param
from ..model.wording import shown
from .places import picture_places, put, value_at

_LONGEST = 1_000_000  # bytes of a file of JSON
_SOURCES = "a job, an Image or a Video, the path of a media file, a request or a dict"


@dataclass(frozen=True)
class Source:
    """A request that was made earlier: `name` is what to call it, `left` what could not be brought back."""

    name: str
    slug: str | None
    values: dict[str, Any]
    left: tuple[Problem, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)


def read_source(source: Any, params: tuple[Param, ...], core: Any) -> Source:
    """What `source` knows of its request. `core` is the client's, whose ledger is asked about files.

    Raises `InvalidRequest` for what is no source and for a file that no job on record has made.
    """
    if isinstance(source, Mapping):
        slug = source.get("model")
        return Source("these values", slug, {name: each for name, each in source.items() if name != "model"})
    if hasattr(source, "request_id") and hasattr(source, "request"):
        return _of_job(source, params)
    if hasattr(source, "slug") and callable(getattr(source, "values", None)):
        return Source("this request", source.slug, source.values())
    path = getattr(source, "path", source)
    if isinstance(path, (str, os.PathLike)):
        return _of_file(Path(path).expanduser(), params, core, getattr(source, "job_id", None))
    raise _refusal(f"a form can not be filled in from {shown(source)}. Use {_SOURCES}.")


def _of_job(job: Any, params: tuple[Param, ...]) -> Source:
    name = f"job {job.request_id}" if job.request_id else "this job"
    ledger: Ledger | None = getattr(getattr(job, "_driver", None), "ledger", None)
    if hasattr(job.request, "params") or ledger is None or job._row is None:
        return Source(name, job.model, dict(job.request.values()))
    return _of_record(ledger.get(job._row), params, name)


def _of_file(path: Path, params: tuple[Param, ...], core: Any, job_id: str | None) -> Source:
    if not path.is_file():
        raise _refusal(f"there is no file {str(path)!r}. Check the path.")
    if path.suffix == ".json":
        return _of_text(path, params)
    ledger: Ledger | None = getattr(core, "ledger", None)
    record = None
    if ledger is not None:
        service = core.settings.base_url
        record = ledger.by_request(service, job_id) if job_id else None
        record = record or ledger.by_output(service, hashlib.sha256(path.read_bytes()).hexdigest())
    if record is not None:
        return _of_record(record, params, path.name)
    if beside(path).is_file():
        return _of_text(beside(path), params)
    raise _refusal(f"no job on record has made {path.name}. Use {_SOURCES}.")


def _of_text(path: Path, params: tuple[Param, ...]) -> Source:
    """What a file of JSON says: the record beside a media file, or a preset."""
    try:
        data = json.loads(path.read_bytes() if path.stat().st_size <= _LONGEST else b"")
        values = data.get("params", data.get("values"))
        inputs = {str(at): _here(known, path.parent) for at, known in dict(data.get("inputs") or {}).items()}
        return _restored(path.name, data.get("model"), dict(values), inputs, params)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        raise _refusal(f"{path.name} is no record of a request. Use {_SOURCES}.") from None


def _here(known: Mapping[str, str], folder: Path) -> dict[str, str]:
    return {**known, "file": os.path.normpath(folder / known["file"])} if known.get("file") else dict(known)


def _of_record(record: Record, params: tuple[Param, ...], name: str) -> Source:
    return _restored(name, record.slug, record.params, record.inputs, params)


def _restored(
    name: str,
    slug: str | None,
    values: dict[str, Any],
    inputs: Mapping[str, Mapping[str, str]],
    params: tuple[Param, ...],
) -> Source:
    """Pictures that were uploaded from files come from those again, as long as they are the same."""
    left, origins = [], {}
    for path, known in inputs.items():
        fault = _changed(known)
        if fault:
            left.append(Problem(path, fault, "warning"))
        else:
            origins[path] = known["file"]
        values = put(values, path, None if fault else known["file"])
    for path in picture_places(params, values):
        if "***" in str(value_at(values, path)):
            values = put(values, path, None)
            left.append(
                Problem(path, "its address held what is never written down. Give it anew.", "warning")
            )
    what = "*** stands where an e-mail address or a key was."
    left += [Problem(path, what, "warning") for path in _masked(values)]
    return Source(name, slug, values, tuple(left), origins)


def _changed(known: Mapping[str, str]) -> str:
    """Why a picture that was uploaded can not be given again; empty when it can."""
    file = known.get("file")
    if not file:
        return "it was a picture in memory, of which only a digest is on record. Give it anew."
    try:
        same = read_picture(file).sha256 == known.get("sha256")
    except MediaError:
        return f"its file {file!r} is gone or can not be read. Give it anew."
    return "" if same else f"its file {file!r} has changed since. Give it anew."


def _masked(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _masked(each, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from _masked(each, f"{path}[{at}]")
    elif isinstance(value, str) and "***" in value:
        yield path


def _refusal(what: str) -> InvalidRequest:
    return InvalidRequest([Problem("", what)], "this form")
