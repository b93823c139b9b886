"""Clips: shots one after the other, written on, encoded with a sound track."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageOps

from . import sound
from .camera import Shot, Size, camera
from .drift import Drift, floating
from .limits import Body, Contract
from .overlay import legend, put, writing
from .paint import frame_size, given, insets
from .render import Cancelled, Inputs
from .scene import read

CODEC = {"preset": "ultrafast", "crf": "24", "x264-params": "keyint=48:scenecut=0"}
# The index goes to the front; pictures wait for the sound that belongs to them.
CONTAINER = {"movflags": "+faststart", "max_interleave_delta": "0"}


def clip(contract: Contract, params: Body, inputs: Inputs, cancelled: Callable[[], bool]) -> bytes:
    """The encoded clip for one request."""
    with tempfile.TemporaryDirectory(prefix="kling-sandbox-") as folder:
        place = Path(folder) / "clip.mp4"
        with av.open(str(place), "w", options=CONTAINER) as file:
            # No notes about the encoder, and below one thread: the same frames give the same bytes.
            file.flags |= av.container.Flags.bitexact.value
            video: Any = file.add_stream("libx264", rate=contract.fps, options=CODEC)
            size = video.width, video.height = frame_size(contract, params)
            video.pix_fmt, video.codec_context.thread_count = "yuv420p", 1
            video.codec_context.flags |= av.codec.context.Flags.bitexact
            heard = _sound_stream(file) if params.get("generate_audio") else None
            for index, picture in enumerate(_frames(contract, params, inputs)):
                if cancelled():
                    raise Cancelled
                frame = av.VideoFrame.from_ndarray(np.asarray(picture)).reformat(*size, "yuv420p")
                frame.pts = index
                file.mux(video.encode(frame))
            file.mux(video.encode())
            if heard is not None:
                _add_sound(file, heard, params)
        return place.read_bytes()


def _sound_stream(file: Any) -> Any:
    stream = file.add_stream("aac", rate=sound.RATE, layout="stereo")
    stream.codec_context.flags |= av.codec.context.Flags.bitexact
    return stream


def _add_sound(file: Any, stream: Any, params: Body) -> None:
    seed, voices = read(params["prompt"]).seed, params.get("voice_ids") or ()
    samples = sound.track(seed, int(params["duration"]), voices)
    frame = av.AudioFrame.from_ndarray(samples, "fltp", "stereo")
    frame.sample_rate = sound.RATE
    file.mux(stream.encode(frame))
    file.mux(stream.encode())


def _frames(contract: Contract, params: Body, inputs: Inputs) -> Iterator[Image.Image]:
    """Every frame of the clip, in order and exactly as many as its seconds hold."""
    size, cfg = frame_size(contract, params), params["cfg_scale"]
    # Large frames are painted smaller and enlarged on their way into the encoder, for speed.
    canvas = size if size[0] * size[1] < 1_500_000 else (size[0] * 3 // 4, size[1] * 3 // 4)
    start, last = (_picture(params.get(f"{end}_image_url"), inputs, canvas) for end in ("start", "end"))
    shots, pictures, said = _shots(params), insets(params, inputs), legend(contract, params, size)
    index, total = 0, int(params["duration"]) * contract.fps
    for number, (prompt, seconds) in enumerate(shots, 1):
        asked = read(prompt, params.get("negative_prompt", ""))
        if cfg < 0.25:
            asked = replace(asked, figures=asked.figures[:1])
        shot = Shot(
            canvas, asked, camera(params, asked.seed), start, (0.5 - cfg) * (0.6 if cfg < 0.5 else 0.3)
        )
        drift = Drift(asked, canvas, (*floating(asked), "motes")[0], 0.5 + cfg)
        label = f"shot {number} of {len(shots)}, {seconds} s   " if params.get("multi_prompt") else ""
        band = writing(canvas, label + said, pictures)
        for step in range(seconds * contract.fps):
            picture = shot.frame(step / (seconds * contract.fps - 1))
            drift.draw(picture, step / contract.fps, min(1.0, step / contract.fps) if start else 1.0)
            picture = _towards(last, picture, index / (total - 1)) if last else picture
            put(band, picture)
            yield picture
            index += 1
        start = None


def _shots(params: Body) -> list[tuple[str, int]]:
    """Prompt and seconds of each shot; the last one gives or takes what the total needs."""
    left, shots = int(params["duration"]), []
    asked = [(shot["prompt"], int(shot.get("duration") or 5)) for shot in params.get("multi_prompt") or ()]
    for prompt, seconds in asked or [(params["prompt"], left)]:
        if left > 0:
            shots.append((prompt, min(seconds, left)))
            left -= seconds
    prompt, seconds = shots[-1]
    return [*shots[:-1], (prompt, seconds + max(0, left))]


def _picture(url: str | None, inputs: Inputs, size: Size) -> Image.Image | None:
    return ImageOps.fit(given(url, inputs), size) if url else None


def _towards(last: Image.Image, picture: Image.Image, share: float) -> Image.Image:
    """Cross over to the end image during the second half of the clip."""
    on = max(0.0, 2 * share - 1)
    return Image.blend(picture, last, on * on * (3 - 2 * on)) if on else picture
