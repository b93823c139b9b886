"""Pictures and clips: what was asked is what the file is."""

from __future__ import annotations

import base64
import hashlib
import io
import subprocess
import sys

import av
import numpy as np
import pytest
from PIL import Image, ImageChops, ImageStat

from kling_nb.sandbox import limits, paint, render

IMAGES = limits.contracts()["kling-3-text2image"].sizes


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def different(one: Image.Image, two: Image.Image) -> float:
    """Mean difference of two pictures, 0 to 255."""
    return float(np.mean(ImageStat.Stat(ImageChops.difference(one.convert("RGB"), two.convert("RGB"))).mean))


@pytest.mark.parametrize("ratio", IMAGES["1K"])
def test_a_picture_has_the_size_of_its_ratio(line, ratio):
    assert opened(line.file(aspect_ratio=ratio)).size == tuple(IMAGES["1K"][ratio])


def test_2k_is_twice_the_size(line):
    assert opened(line.file(aspect_ratio="3:2", resolution="2K")).size == (2496, 1664)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_picture_is_really_in_its_format(line, kind):
    assert opened(line.file(output_format=kind)).format == kind.upper()


def test_the_same_request_gives_the_same_bytes_and_another_does_not(line):
    render.SHELF.clear()
    first = line.file()
    render.SHELF.clear()
    assert line.file() == first
    assert line.file(prompt="a fox in the sun") != first


def test_negative_prompt_and_elements_show(line):
    plain = opened(line.file())
    assert different(plain, opened(line.file(negative_prompt="blur"))) > 0
    element = {"frontal_image_url": "https://x/cat.png"}
    assert different(plain, opened(line.file(elements=[element, element]))) > 0.5


def uploaded(line, colour: str, size=(800, 450)) -> str:
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, "PNG")
    text = "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()
    return str(line.http.post("/upload-asset", json={"data_urls": [text]}).json()["file_urls"][0])


def test_an_input_picture_is_used(line):
    made = [opened(line.file("kling-3-image2image", image_url=uploaded(line, c))) for c in ("red", "lime")]
    assert different(*made) > 20


def test_the_content_of_an_input_counts_not_its_address(line):
    made = [line.file("kling-3-image2image", image_url=uploaded(line, "red")) for _ in range(2)]
    assert made[0] == made[1]


def data_url(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode()


def test_a_picture_of_its_own_is_taken_without_its_strip_and_mark(line):
    made = line.file(prompt="a fox in a meadow")
    url = line.http.post("/upload-asset", json={"data_urls": [data_url(made)]}).json()["file_urls"][0]
    size = opened(made).size
    used = paint.given(url, {url: made})
    assert used.size == (size[0], size[1] - 30)
    assert min(used.crop((0, used.height - 2, 9, used.height)).getpixel((0, 0))) > 12
    clip = Clip(line.file("kling-3-pro-image2video", duration="3", start_image_url=url, aspect_ratio="16:9"))
    assert different(clip.frames[0].crop((0, 0, 192, 90)), used.resize((192, 104)).crop((0, 0, 192, 90))) < 8


def test_cfg_scale_clears_the_haze_and_shows_more_of_the_prompt(line):
    slug, asked = "kling-3-standard-text2video", {"prompt": "a fox and a cabin at dawn", "duration": "3"}
    low, middle, high = (Clip(line.file(slug, cfg_scale=cfg, **asked)).frames[40] for cfg in (0, 0.5, 1))
    contrast = [ImageStat.Stat(frame.convert("L")).stddev[0] for frame in (low, middle, high)]
    assert contrast[0] * 1.2 < contrast[1] < contrast[2] / 1.06


class Clip:
    def __init__(self, data: bytes) -> None:
        with av.open(io.BytesIO(data)) as file:
            self.kinds = {stream.type: stream.codec_context.name for stream in file.streams}
            self.seconds = file.duration / 1_000_000
            video = file.streams.video[0]
            self.rate, self.format = video.average_rate, video.pix_fmt
            self.size = (video.width, video.height)
            # Small copies: a whole clip at full size would not fit in memory.
            self.frames = [frame.to_image(width=192, height=108) for frame in file.decode(video)]


SILENT = {"duration": "4", "generate_audio": False, "aspect_ratio": "9:16"}
ANIMATED = {"duration": "3", "aspect_ratio": "1:1", "start_image_url": "https://x/a.png"}
CLIPS = [
    ("kling-3-standard-text2video", {"duration": "3"}, (1280, 720), 24, 3, True),
    ("kling-3-standard-text2video", SILENT, (720, 1280), 24, 4, False),
    ("kling-3-pro-image2video", ANIMATED, (1440, 1440), 24, 3, True),
    ("kling-text2video", {"duration": 5, "aspect_ratio": "1:1"}, (720, 720), 30, 5, False),
    ("kling-text2video", {"duration": "5", "mode": "pro"}, (1920, 1080), 30, 5, False),
]  # fmt: skip


@pytest.mark.parametrize(("slug", "params", "size", "rate", "seconds", "sound"), CLIPS)
def test_a_clip_has_its_size_rate_seconds_and_sound(line, slug, params, size, rate, seconds, sound):
    clip = Clip(line.file(slug, **params))
    assert (clip.size, clip.rate, clip.format) == (size, rate, "yuv420p")
    assert clip.seconds == pytest.approx(seconds, abs=0.01)
    assert len(clip.frames) == rate * seconds
    assert clip.kinds == ({"video": "h264", "audio": "aac"} if sound else {"video": "h264"})


def test_a_clip_can_start_before_it_is_all_there(line):
    data = line.file("kling-3-standard-text2video", duration="3")
    assert data.index(b"moov") < data.index(b"mdat")


def test_a_clip_starts_on_the_start_image_and_ends_on_the_end_image(line):
    urls = {"start_image_url": uploaded(line, "red"), "end_image_url": uploaded(line, "blue")}
    clip = Clip(line.file("kling-3-pro-image2video", duration="3", aspect_ratio="16:9", **urls))
    assert np.allclose(clip.frames[0].getpixel((90, 40)), (255, 0, 0), atol=8)
    assert np.allclose(clip.frames[-1].getpixel((90, 40)), (0, 0, 255), atol=8)


def test_each_shot_has_its_own_scene_and_length(line):
    shots = [{"prompt": "a boat at sunset", "duration": "1"}, {"prompt": "a city at night", "duration": "2"}]
    clip = Clip(
        line.file("kling-3-standard-text2video", duration="3", multi_prompt=shots, generate_audio=False)
    )
    steps = [different(one, two) for one, two in zip(clip.frames, clip.frames[1:], strict=False)]
    assert int(np.argmax(steps)) == 23
    assert steps[23] > 5 * float(np.median(steps))


@pytest.mark.parametrize(
    "camera",
    [
        *[{"camera_control_type": kind} for kind in ("down_back", "forward_up", "left_turn_forward")],
        *[
            {
                "camera_control_type": "simple",
                "camera_control_config": axis,
                "camera_control_config_value": -6,
            }
            for axis in ("horizontal", "tilt", "roll", "zoom")
        ],
    ],
)
def test_camera_moves_differ_from_one_another(camera):
    from kling_nb.sandbox.camera import Move
    from kling_nb.sandbox.camera import camera as moved

    assert moved(camera, 0) not in (moved({}, 0), Move())


def test_the_sign_of_a_camera_move_counts():
    from kling_nb.sandbox.camera import camera

    simple = {"camera_control_type": "simple", "camera_control_config": "pan"}
    left, right = (camera(simple | {"camera_control_config_value": value}, 0) for value in (-5, 5))
    assert left.x == -right.x < 0


def test_voices_change_the_sound():
    from kling_nb.sandbox.sound import track

    assert not np.array_equal(track(1, 3, ()), track(1, 3, ("v1",)))
    assert not np.array_equal(track(1, 3, ("v2",)), track(1, 3, ("v1",)))


PAINT = """
import hashlib
from kling_nb.sandbox import limits, paint, render
contract = limits.contracts()["kling-3-standard-text2video"]
params = limits.effective(contract, {"prompt": "a fox", "duration": "3"})
print(hashlib.sha256(render.render(contract, params, {}, lambda: False).data).hexdigest())
"""


def test_another_process_makes_the_same_clip(line):
    told = subprocess.run(
        [sys.executable, "-c", PAINT], capture_output=True, text=True, check=True
    ).stdout.strip()
    made = line.file("kling-3-standard-text2video", prompt="a fox", duration="3")
    assert hashlib.sha256(made).hexdigest() == told
