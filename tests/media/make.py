"""Small real files to test with. Frame `i` of a clip has a red of its own, `red_of(i)`."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

FPS = 24


def red_of(index: int) -> int:
    return index * 5


def clip(path: Path, *, frames: int = 48, size: tuple[int, int] = (320, 180), sound: bool = True) -> Path:
    with av.open(str(path), "w") as out:
        video = out.add_stream(
            "libx264", rate=FPS, options={"crf": "12", "preset": "ultrafast", "bf": "2", "g": "12"}
        )
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        audio = out.add_stream("aac", rate=44100, layout="mono") if sound else None
        for index in range(frames):
            colour = np.full(
                (size[1], size[0], 3), (red_of(index) % 256, 255 - red_of(index) % 256, 60), np.uint8
            )
            out.mux(video.encode(av.VideoFrame.from_ndarray(colour)))
        out.mux(video.encode())
        if audio:
            out.mux(audio.encode(_tone(frames / FPS)))
            out.mux(audio.encode())
    return path


def _tone(seconds: float) -> av.AudioFrame:
    wave = np.sin(np.arange(int(44100 * seconds)) * 440 * 2 * np.pi / 44100) * 8000
    frame = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 44100, 0, Fraction(1, 44100)
    return frame


def pixels(width: int = 320, height: int = 320, channels: int = 3) -> np.ndarray:
    """A soft gradient: compresses like a picture, not like noise."""
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    planes = [across, down, 255 - across, np.full_like(across, 128)]
    return np.stack(planes[:channels], axis=-1).astype(np.uint8)


def noise(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 255, (height, width, 3), dtype=np.uint8)


def picture(path: Path, array: np.ndarray | None = None, **options: object) -> Path:
    Image.fromarray(pixels() if array is None else array).save(path, **options)
    return path
