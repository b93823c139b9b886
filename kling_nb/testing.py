"""For tests of your own notebooks and code: a sandbox in pytest, and a real run recorded once and replayed.

A pytest plugin that comes with the package: the fixtures `sandbox` (a stand-in service of one test) and
`kling` (a client of it), and `--kling-offline`, by which notebooks find the sandbox and no key:

    pytest --nbval --nbval-current-env --kling-offline notebooks/

A notebook made with the real service can be tested too, when it takes its client from a cassette:

    kling = kling_nb.testing.recorded("lighthouse.json")

The first run asks the real service and writes the cassette; later runs read it, without key, network or cost.
Delete the file to record anew. Keys and e-mail addresses are masked in it. Media lies beside it in
`lighthouse-media/`; above a megabyte it is made over to a coarse copy of the same size and length.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import tempfile
from collections.abc import Iterator
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx

from .client import Client
from .errors import KlingError
from .markup import mask

try:
    import pytest
except ImportError:  # recording and replaying needs no pytest
    pytest = None  # type: ignore[assignment]

_log = logging.getLogger("kling_nb")
KEEP = 1_000_000
SPEED = 2000.0
_KEPT_HEADERS = ("content-type", "retry-after", "x-rate-limit-reset-at-utc", "x-request-id", "x-cost")
_OF_THE_WIRE = (b"content-encoding", b"content-length", b"transfer-encoding")
_PICTURE = re.compile(r"(data:[a-z]+/[\w.+-]+;base64,)[A-Za-z0-9+/=]+")
Place = str | os.PathLike[str]


class NotRecorded(KlingError):
    """A request that the cassette does not hold. Nothing was sent: a replay has no network."""

    again = "Trying again will not help."
    todo = "Run what was recorded, unchanged; or delete the cassette and record it anew with a key."


def recorded(cassette: Place, **options: Any) -> Client:
    """A client that replays `cassette`, or records it when there is none; options are those of `Client`.

    Recording asks the real service (or `base_url`), so it needs a key and costs money. Each replay begins
    with an empty ledger and finds its answers at once.
    """
    if not Path(cassette).exists():
        return Client(**{**options, "reuse": False}, transport=Recorder(cassette))
    home = tempfile.mkdtemp(prefix="kling-replay-")
    settings = {"api_key": "replay", "home": home, "time_scale": 1000.0, "reuse": False}
    return Client(**{**options, **settings}, transport=Replay(cassette))


class Recorder(httpx.AsyncBaseTransport):
    """Passes requests on and writes each answer to a cassette: `Client(transport=Recorder("fox.json"))`.

    `keep` is in bytes: media above it is kept as a coarse copy. `transport` is what it passes requests on to.
    """

    def __init__(
        self, cassette: Place, *, keep: int = KEEP, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._path, self._keep = Path(cassette), keep
        # As the client itself: a connection that is kept may die unseen, and a submit would be lost on it.
        self._onward = transport or httpx.AsyncHTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))
        self._held: list[dict[str, Any]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Ask, write down, answer."""
        body = await request.aread()
        answer = await self._onward.handle_async_request(request)
        # Through httpx, which undoes compression.
        whole = httpx.Response(answer.status_code, headers=answer.headers, stream=answer.stream)
        data = await whole.aread()
        await answer.aclose()
        exchange = _question(request, body)
        try:
            self._hold({**exchange, **self._answer(whole, data, request.headers.get("x-api-key"))})
        except Exception:  # noqa: BLE001 - a cassette that can not be written must not cost a paid answer
            _log.exception("%s could not be recorded in %s", exchange["url"], self._path.name)
        kept = [(name, value) for name, value in answer.headers.raw if name.lower() not in _OF_THE_WIRE]
        return httpx.Response(answer.status_code, headers=kept, content=data)

    async def aclose(self) -> None:
        """Close what it passes requests on to."""
        await self._onward.aclose()

    def _hold(self, exchange: dict[str, Any]) -> None:
        same = [each for each in self._held if each["exact"] == exchange["exact"]]
        # A hundred times "still processing" teach a replay no more than once.
        if exchange["method"] == "GET" and same and same[-1] == exchange:
            return
        self._held.append(exchange)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"version": 1, "exchanges": self._held}, indent=1, ensure_ascii=False)
        part = self._path.with_name(f".{self._path.name}.part")
        part.write_text(text + "\n", encoding="utf-8")
        part.replace(self._path)

    def _answer(self, answer: httpx.Response, data: bytes, key: str | None) -> dict[str, Any]:
        headers = {
            name: _masked(answer.headers[name], key) for name in _KEPT_HEADERS if name in answer.headers
        }
        told = {"status": answer.status_code, "headers": headers}
        kind = headers.get("content-type", "").split(";")[0]
        if not kind.startswith(("image/", "video/", "audio/")):
            return {**told, "text": _masked(data.decode("utf-8", "replace"), key)}
        small = data if len(data) <= self._keep else _coarse(data, kind)
        name = f"{hashlib.sha256(small).hexdigest()[:16]}.{kind.split('/')[1]}"
        folder = _media_of(self._path)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(small)
        return {**told, "file": name}


class Replay(httpx.AsyncBaseTransport):
    """Answers from a cassette and touches no network: `Client(api_key="any", transport=Replay("fox.json"))`.

    A request is known by method, address and body, whatever the key. The same one again gets the next answer
    recorded for it; a question may be asked more often than then, a purchase may not. `NotRecorded` says so.
    """

    def __init__(self, cassette: Place) -> None:
        self._path = Path(cassette)
        self._held = json.loads(self._path.read_text(encoding="utf-8"))["exchanges"]
        self._used: set[int] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The recorded answer. Raises `NotRecorded`."""
        asked = _question(request, await request.aread())
        answer = self._held[self._found(asked)]
        data = self._file(answer["file"]) if "file" in answer else answer["text"].encode()
        return httpx.Response(answer["status"], headers=answer["headers"], content=data)

    def _found(self, asked: dict[str, Any]) -> int:
        # Pictures are encoded anew on each machine: where the very bytes are unknown, the order decides.
        same = self._like(asked, "exact") or self._like(asked, "loose")
        index = next((index for index in same if index not in self._used), None)
        if index is None and asked["method"] == "GET" and same:
            index = same[-1]
        if index is None:
            what = " ".join(asked[name] for name in ("method", "url", "body") if asked[name])
            raise NotRecorded(f"{self._path.name} holds no {'more answer' if same else 'answer'} to {what}.")
        self._used.add(index)
        return index

    def _like(self, asked: dict[str, Any], name: str) -> list[int]:
        return [index for index, each in enumerate(self._held) if each[name] == asked[name]]

    def _file(self, name: str) -> bytes:
        path = _media_of(self._path) / name
        if not path.is_file():
            raise NotRecorded(f"{path.parent.name}/{name} is missing beside {self._path.name}.")
        return path.read_bytes()


def _question(request: httpx.Request, body: bytes) -> dict[str, Any]:
    """What is asked, masked, with two digests: of every byte, and of all but the pictures in it."""
    url, text = mask(str(request.url)), mask(body.decode("utf-8", "replace"))
    loose = _PICTURE.sub(r"\1...", text)
    exact, like = (_digest(request.method, url, each) for each in (text, loose))
    return {"method": request.method, "url": url, "body": loose, "exact": exact, "loose": like}


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _coarse(data: bytes, kind: str) -> bytes:
    """The same picture or clip, as large and as long, in far fewer bytes."""
    made = BytesIO()
    if kind.startswith("image/"):
        from PIL import Image

        with Image.open(BytesIO(data)) as picture:
            plain = picture.convert("RGB")
        name = kind.split("/")[1]
        (plain.quantize(32) if name == "png" else plain).save(made, name, quality=20)
    elif kind == "video/mp4":
        _recode(BytesIO(data), made)
    return min((each for each in (made.getvalue(), data) if each), key=len)


def _recode(source: BytesIO, target: BytesIO) -> None:
    import av

    with av.open(source) as old, av.open(target, "w", format="mp4") as new:
        streams: dict[int, Any] = {}
        for stream in [*old.streams.video[:1], *old.streams.audio[:1]]:
            made: Any = new.add_stream("aac", rate=48_000)
            if stream.type == "video":
                options = {"crf": "45", "preset": "veryfast"}
                made = new.add_stream("libx264", rate=stream.average_rate, options=options)
                made.width, made.height, made.pix_fmt = stream.width, stream.height, "yuv420p"
            streams[stream.index] = made
        for packet in old.demux([old.streams[index] for index in streams]):
            for frame in packet.decode():
                new.mux(streams[packet.stream_index].encode(frame))
        for made in streams.values():
            new.mux(made.encode(None))


def _masked(text: str, key: str | None) -> str:
    return mask(text.replace(key, "***") if key else text)


def _media_of(cassette: Path) -> Path:
    return cassette.with_name(f"{cassette.stem}-media")


if pytest is not None:

    @pytest.fixture
    def sandbox() -> Iterator[Any]:
        """A stand-in service of one test: a `Sandbox`, which takes `script(Fault(...))`."""
        with import_module(f"{__package__}.sandbox").Sandbox(time_scale=SPEED) as service:
            yield service

    @pytest.fixture
    def kling(sandbox: Any, tmp_path: Path) -> Iterator[Client]:
        """A client of `sandbox` whose ledger and media are in `tmp_path`."""
        home, media = tmp_path / "kling-home", tmp_path / "kling-media"
        with Client(
            sandbox.key, base_url=sandbox.base_url, time_scale=SPEED, home=home, media=media
        ) as client:
            yield client


def pytest_addoption(parser: Any) -> None:
    """Add `--kling-offline`."""
    told = "let Kling notebooks run on the built-in sandbox: no key, plain outputs, a ledger of their own"
    parser.getgroup("kling_nb").addoption("--kling-offline", action="store_true", help=told)


def pytest_configure(config: Any) -> None:
    """Under `--kling-offline`, set the environment that kernels are going to inherit."""
    if not config.getoption("--kling-offline"):
        return
    for name in [name for name in os.environ if name.startswith(("SEGMIND_API_KEY", "KLING_NB_"))]:
        del os.environ[name]
    # A key that is set is not the only one: the system's keyring may hold one, and with it a run would buy.
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
    os.environ["KLING_NB_UI"] = "plain"
    os.environ["KLING_NB_HOME"] = tempfile.mkdtemp(prefix="kling-offline-")
