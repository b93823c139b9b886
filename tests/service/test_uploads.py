"""Any picture in, once per content."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import kling_nb as kn
from kling_nb import errors
from kling_nb.sandbox import Fault, Sandbox

PIXELS = np.zeros((400, 400, 3), np.uint8) + np.arange(400, dtype=np.uint16).astype(np.uint8)[:, None]
SLUG = "kling-3-image2image"


def png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "PNG")
    return buffer.getvalue()


def uploads(sandbox: Sandbox) -> int:
    return sum(seen.path == "/upload-asset" for seen in sandbox.seen)


def sent_url(sandbox: Sandbox) -> str:
    return str(sandbox.posts()[-1].body["image_url"])


def forms(folder: Path) -> dict[str, Any]:
    path = folder / "fox.png"
    path.write_bytes(png())
    return {
        "path": path,
        "text path": str(path),
        "bytes": png(),
        "PIL": Image.fromarray(PIXELS),
        "array": PIXELS,
        "media": kn.Image(path),
    }


@pytest.mark.parametrize("form", ["path", "text path", "bytes", "PIL", "array", "media"])
def test_every_form_of_a_picture_is_uploaded_and_its_address_sent(
    kling: kn.Client, sandbox: Sandbox, tmp_path: Path, form: str
) -> None:
    kling.submit(SLUG, prompt="winter", image_url=forms(tmp_path)[form])
    assert uploads(sandbox) == 1
    assert sent_url(sandbox).startswith(sandbox.output_url)


def test_the_same_content_is_uploaded_once(kling: kn.Client, sandbox: Sandbox, tmp_path: Path) -> None:
    values = forms(tmp_path)
    for form in ("path", "bytes", "media", "text path"):
        kling.submit(SLUG, prompt="winter", image_url=values[form])
    assert uploads(sandbox) == 1


def test_many_at_once_share_one_upload(sandbox: Sandbox, tmp_path: Path) -> None:
    async def main() -> None:
        async with kn.AsyncClient(sandbox.key, base_url=sandbox.base_url, media=tmp_path) as kling:
            await asyncio.gather(
                *(kling.submit(SLUG, prompt=f"winter {n}", image_url=png()) for n in range(5))
            )

    asyncio.run(main())
    assert uploads(sandbox) == 1
    assert len(sandbox.posts()) == 5


def test_an_address_is_sent_as_it_is(kling: kn.Client, sandbox: Sandbox) -> None:
    kling.submit(SLUG, prompt="winter", image_url="https://example.com/ä-cat.png?x=1")
    assert uploads(sandbox) == 0
    assert sent_url(sandbox) == "https://example.com/ä-cat.png?x=1"


def test_upload_gives_the_address_in_both_published_shapes(tmp_path: Path) -> None:
    for shape in ("file_urls", "urls"):
        with (
            Sandbox(shapes={"upload": shape}) as service,
            kn.Client(service.key, base_url=service.base_url) as kling,
        ):
            assert kling.upload(png()).startswith(service.output_url)


def test_an_upload_is_tried_again_and_a_lasting_refusal_says_nothing_was_submitted(
    kling: kn.Client, sandbox: Sandbox
) -> None:
    sandbox.script(Fault("upload", "drop_before"))
    kling.submit(SLUG, prompt="winter", image_url=png())
    sandbox.script(Fault("upload", "status", code=400))
    other = Image.new("RGB", (400, 400), "red")
    with pytest.raises(errors.UploadFailed, match="Nothing was charged"):
        kling.submit(SLUG, prompt="winter", image_url=other)
    assert len(sandbox.posts()) == 1


def test_a_failed_upload_is_not_remembered(kling: kn.Client, sandbox: Sandbox) -> None:
    sandbox.script(Fault("upload", "status", code=400))
    with pytest.raises(errors.UploadFailed):
        kling.submit(SLUG, prompt="winter", image_url=png())
    assert kling.submit(SLUG, prompt="winter", image_url=png()).request_id


def test_a_picture_too_big_is_refused_before_it_is_sent(
    kling: kn.Client, sandbox: Sandbox, tmp_path: Path
) -> None:
    big = tmp_path / "big.png"
    big.write_bytes(png() + b"\0" * 50_000_000)
    with pytest.raises(kn.InvalidRequest, match=r"image_url: .*50 MB"):
        kling.submit(SLUG, prompt="winter", image_url=big)
    assert sandbox.seen == []
