"""What a picture field takes and refuses, without opening anything."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import kling_nb.model as m

PICTURE = "Use a web address, a file path, bytes, a PIL image, a numpy array or an Image."
EXAMPLE = "Use one such as 'https://example.com/cat.png'."


def said(value, model=m.Kling3ProImageToVideo):
    return [str(each) for each in model.check({"prompt": "a", "start_image_url": value})]


@pytest.mark.parametrize(
    "value",
    [
        "https://example.com/a.png?x=1#y",
        "HTTP://127.0.0.1:8000/a",
        "https://[::1]/a",
        "https://münchen.de/ä.png",
        "cat.png",
        "C:\\cats\\cat.png",
        "a: b.png",
        Path("cat.png"),
        b"1",
        bytearray(b"1"),
        memoryview(b"1"),
        Image.new("L", (2, 2)),
        np.zeros((2, 2)),
        np.zeros((2, 2, 4), np.uint8),
        SimpleNamespace(path=Path("a.png")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_picture_is_taken_as_it_is(value):
    assert said(value) == []
    assert m.Kling3ProImageToVideo(prompt="a", start_image_url=value).start_image_url is value


def test_white_space_around_an_address_is_taken_away():
    request = m.Kling3ProImageToVideo(prompt="a", start_image_url=" https://example.com/a.png\n")
    assert request.start_image_url == "https://example.com/a.png"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("https://", f"'https://' is not a complete web address. {EXAMPLE}"),
        ("http:/example.com", f"'http:/example.com' is not a complete web address. {EXAMPLE}"),
        ("https://a b.com/x", f"'https://a b.com/x' is not a complete web address. {EXAMPLE}"),
        ("https://a.com:x/y", f"'https://a.com:x/y' is not a complete web address. {EXAMPLE}"),
        ("https://[::1/a", f"'https://[::1/a' is not a complete web address. {EXAMPLE}"),
        ("https://a..com", f"'https://a..com' is not a complete web address. {EXAMPLE}"),
        (
            "data:image/png;base64,AAAA",
            "'data:image/png;base64,AAAA' is a data URI, which this field may not hold. "
            "Give the bytes or the file itself.",
        ),
        ("ftp://a/b", f"'ftp://a/b' is an address of kind 'ftp:', which the service can not open. {PICTURE}"),
        (
            "file:///a",
            f"'file:///a' is an address of kind 'file:', which the service can not open. {PICTURE}",
        ),
        ("S3://a/b", f"'S3://a/b' is an address of kind 's3:', which the service can not open. {PICTURE}"),
        (b"", "0 bytes of data is no picture. Give the bytes of a whole image file."),
        (
            np.zeros((3,)),
            "an array of shape (3,) is not a picture. Use shape (height, width) or (height, width, 3).",
        ),
        (
            np.zeros((3, 0)),
            "an array of shape (3, 0) is not a picture. Use shape (height, width) or (height, width, 3).",
        ),
        (np.float64(3), f"3.0 is not a picture. {PICTURE}"),
        ({"url": "https://a.b"}, f"a dict is not a picture. {PICTURE}"),
        (["a.png"], f"a list of 1 is not a picture. {PICTURE}"),
        (True, f"True is not a picture. {PICTURE}"),
        (Path, f"a type is not a picture. {PICTURE}"),
        (
            SimpleNamespace(path="a.mp4", last_frame=len),
            "a SimpleNamespace is a clip, not a picture. Use its last_frame() or frame(seconds).",
        ),
    ],
)
def test_what_is_no_picture_is_refused(value, message):
    assert said(value) == [f"start_image_url: {message}"]


def test_bytes_above_fifty_megabytes_are_refused_where_the_page_says_so():
    assert said(bytes(50_000_000)) == []
    assert said(bytes(50_000_001)) == [
        "start_image_url: 50000001 bytes are above the highest number 50000000. Give a smaller picture."
    ]
    assert m.Kling3ImageToImage.check({"prompt": "a", "image_url": bytes(50_000_001)}) == ()


def test_an_image_file_is_not_decoded_by_a_check(tmp_path):
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        assert said(picture) == []
        assert vars(picture).get("_im") is None
