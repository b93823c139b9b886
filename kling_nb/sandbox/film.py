"""Clips: shots one after the other, written on, encoded with a sound track."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageOps

from . import scene, sound
from .camera import Shot, Size, camera
from .limits import Body, Contract
from .overlay import Overlay, legend
from .paint import frame_size, given, insets
from .render import Cancelled, Inputs

CODEC = {"preset": "ultrafast", "crf": "24", "x264-params": "keyint=48:scenecut=0"}


@dataclass(frozen=True)
class Order:
    """One clip to be made."""

    contract: Contract
    params: Body
    inputs: Inputs

    @property
    def fps(self) -> int:
        return self.contract.fps or 24

    @property
    def size(self) -> Size:
        return frame_size(self.contract, self.params)

    @property
    def canvas(self) -> Size:
        """Where the frames are painted: large ones are enlarged on their way into the encoder, for speed."""
        width, height = self.size
        return (width, height) if width * height < 1_500_000 else (width * 3 // 4, height * 3 // 4)

    def picture(self, name: str) -> Image.Image | None:
        url = self.params.get(name)
        return ImageOps.fit(given(url, self.inputs), self.canvas, Image.Resampling.LANCZOS) if url else None

    def shots(self) -> list[tuple[str, int]]:
        """Prompt and seconds of each shot; the last one gives or takes what the total needs."""
        left, shots = int(self.params["duration"]), []
        segments = self.params.get("multi_prompt") or ()
        asked = [(segment["prompt"], int(segment.get("duration") or 5)) for segment in segments]
        for prompt, seconds in asked or [(self.params["prompt"], left)]:
            if left > 0:
                shots.append((prompt, min(seconds, left)))
                left -= seconds
        prompt, seconds = shots[-1]
        return [*shots[:-1], (prompt, seconds + max(0, left))]


@dataclass(frozen=True)
class Part:
    """A shot, what is written over it, and its length in frames."""

    shot: Shot
    overlay: Overlay
    frames: int
    fades_in: bool


def clip(contract: Contract, params: Body, inputs: Inputs, cancelled: Callable[[], bool]) -> bytes:
    """The encoded clip for one request."""
    with tempfile.TemporaryDirectory(prefix="kling-sandbox-") as folder:
        place = Path(folder) / "clip.mp4"
        # The index can only be moved to the front of a real file.
        with av.open(str(place), "w", options={"movflags": "+faststart"}) as file:
            file.flags |= av.container.Flags.bitexact.value
            _encode(file, Order(contract, params, inputs), cancelled)
        return place.read_bytes()


def _encode(file: Any, order: Order, cancelled: Callable[[], bool]) -> None:
    video, audio = _video(file, order), _audio(file, order)
    sounds = _sounds(order) if audio else iter(())
    for index, picture in enumerate(_frames(order)):
        if cancelled():
            raise Cancelled
        frame = av.VideoFrame.from_ndarray(np.asarray(picture)).reformat(*order.size, "yuv420p")
        frame.pts = index
        file.mux(video.encode(frame))
        for piece in sounds:
            file.mux(audio.encode(piece))
            if (piece.pts or 0) > index * sound.RATE // order.fps:
                break
    for stream in filter(None, (video, audio)):
        file.mux(stream.encode())


def _video(file: Any, order: Order) -> Any:
    stream = file.add_stream("libx264", rate=order.fps, options=CODEC)
    stream.width, stream.height, stream.pix_fmt = *order.size, "yuv420p"
    # One thread and no notes about the encoder: the same frames give the same bytes.
    stream.codec_context.thread_count = 1
    stream.codec_context.flags |= av.codec.context.Flags.bitexact
    return stream


def _audio(file: Any, order: Order) -> Any:
    if not order.params.get("generate_audio"):
        return None
    stream = file.add_stream("aac", rate=sound.RATE, layout="stereo")
    stream.codec_context.flags |= av.codec.context.Flags.bitexact
    return stream


def _sounds(order: Order) -> Iterator[av.AudioFrame]:
    seed, voices = scene.read(order.params["prompt"]).seed, order.params.get("voice_ids") or ()
    samples = sound.track(seed, int(order.params["duration"]), voices)
    for start in range(0, samples.shape[1], sound.FRAME):
        piece = np.ascontiguousarray(samples[:, start : start + sound.FRAME])
        frame = av.AudioFrame.from_ndarray(piece, "fltp", "stereo")
        frame.sample_rate, frame.pts = sound.RATE, start
        yield frame


def _frames(order: Order) -> Iterator[Image.Image]:
    """Every frame of the clip, in order and exactly as many as its seconds hold."""
    last, index = order.picture("end_image_url"), 0
    total = int(order.params["duration"]) * order.fps
    for part in _parts(order):
        for step in range(part.frames):
            picture = part.shot.frame(step / max(1, part.frames - 1))
            strength = min(1.0, step / order.fps) if part.fades_in else 1.0
            part.shot.drift.draw(picture, step / order.fps, strength)
            picture = _towards(last, picture, index / max(1, total - 1)) if last else picture
            part.overlay.put(picture)
            yield picture
            index += 1


def _towards(last: Image.Image, picture: Image.Image, share: float) -> Image.Image:
    """Cross over to the end image during the second half of the clip."""
    on = max(0.0, min(1.0, (share - 0.5) / 0.5))
    return Image.blend(picture, last, on * on * (3 - 2 * on)) if on else picture


def _parts(order: Order) -> Iterator[Part]:
    params, shots = order.params, order.shots()
    pictures, said = insets(params, order.inputs), legend(order.contract, params, order.size)
    start = order.picture("start_image_url")
    for number, (prompt, seconds) in enumerate(shots, 1):
        asked = scene.read(prompt, params.get("negative_prompt", ""))
        label = f"shot {number} of {len(shots)}, {seconds} s" if params.get("multi_prompt") else ""
        shot = Shot(order.canvas, asked, camera(params, asked.seed), start, 0.8 + 0.4 * params["cfg_scale"])
        yield Part(shot, Overlay(order.canvas, said, pictures, label), seconds * order.fps, start is not None)
        start = None
