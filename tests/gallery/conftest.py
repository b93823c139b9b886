"""Galleries over a ledger that was filled without buying anything."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import kling_nb as kn
from kling_nb.notebook.gallery import Gallery, gallery
from tests.notebook.conftest import Wire, nothing_left, wire

__all__ = ["nothing_left", "wire"]
IMAGES, CLIPS = "kling-3-text2image", "kling-3-standard-text2video"
Stock = Callable[..., list[int]]


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of a second."""
    import av

    path = tmp_path_factory.mktemp("film") / "film.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for shade in range(0, 240, 30):
            frame = av.VideoFrame.from_image(Image.new("RGB", (160, 96), (shade, 90, 120)))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture
def stock(kling: kn.Client, film: Path, tmp_path: Path) -> Stock:
    """Writes finished jobs into the ledger of `kling`, the first is the oldest; returns their row numbers."""
    folder = tmp_path / "media"
    folder.mkdir(exist_ok=True)
    made = [0]

    def file(name: str, slug: str) -> Path:
        path = folder / name
        if slug == CLIPS:
            shutil.copyfile(film, path)
        else:
            Image.new("RGB", (64, 48), (made[0] * 37 % 256, 80, 140)).save(path)
        return path

    def write(
        count: int = 1, *, slug: str = IMAGES, share: str = "", take: int = 1, **params: Any
    ) -> list[int]:
        """`share` names one file that all of them have: thousands of rows need not be thousands of files."""
        ledger, settings = kling._core.ledger, kling._core.settings
        rows = []
        common = file(share, slug) if share else None
        with ledger._writing() as database:
            for _ in range(count):
                made[0] += 1
                number = made[0]
                asked = {"prompt": f"picture {number}", **params}
                suffix = "mp4" if slug == CLIPS else "png"
                path = common or file(f"made-{number}.{suffix}", slug)
                output = {"path": str(path), "sha256": "0" * 64, "url": f"https://out.example/{path.name}"}
                values = (
                    *(settings.account, settings.base_url, slug, asked["prompt"], json.dumps(asked), "{}"),
                    *(f"print-{number}", take, f"request-{number}", "COMPLETED", "here:1"),
                    *(1e9 + number, 1e9 + number, 1e9 + number + 5, 0.035, json.dumps([output])),
                )
                query = (
                    "INSERT INTO jobs (account, service, slug, prompt, params, inputs, fingerprint, take,"
                    " request_id, state, owner, created, accepted, finished, cost, outputs)"
                    f" VALUES ({','.join('?' * 16)})"
                )
                rows.append(int(database.execute(query, values).lastrowid or 0))
        return rows

    return write


@pytest.fixture
def opened(kling: kn.Client, wire: Wire) -> Iterator[Callable[[], Gallery]]:
    """Opens galleries, waits for their small views, and closes them at the end."""
    made: list[Gallery] = []

    def open_one() -> Gallery:
        made.append(gallery(kling))
        settle(made[-1])
        return made[-1]

    yield open_one
    for each in made:
        each.close()


def settle(shown: Gallery) -> Gallery:
    """Wait until every small view of the page is there."""
    if shown._filling is not None and not shown._filling.cancelled():
        shown._filling.result(20)
    return shown


def prompts(shown: Gallery) -> list[str]:
    """What is on the page."""
    return [piece.record.prompt for piece in shown._shown]


def faces(shown: Gallery) -> list[str]:
    """The markup of each place of the page."""
    return [tile._face.value for tile in shown._tiles[: len(shown._grid.children)]]


def staged(shown: Gallery) -> str:
    """What is shown large."""
    return "".join(output["data"]["text/html"] for output in shown._stage.outputs)


def buttons(shown: Gallery) -> list[Any]:
    """All that can be pressed or filled in."""
    return [each for each in shown._clothes._made if hasattr(each, "disabled")]
