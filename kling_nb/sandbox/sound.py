"""A quiet chord for a clip: its key from the scene, its voices from the voice ids."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

RATE = 48_000
FRAME = 1024
CHORDS = ((0, 7, 12, 16), (0, 7, 12, 15), (0, 5, 12, 17), (0, 7, 14, 16))
Samples = npt.NDArray[np.float32]


def track(seed: int, seconds: int, voices: Sequence[str]) -> Samples:
    """Stereo samples, two rows. A little shorter than the clip: the codec's lead-in fills the rest."""
    count = (seconds * RATE // FRAME - 1) * FRAME
    time = np.arange(count, dtype=np.float32) / RATE
    root = 110 * 2 ** (seed % 12 / 12)
    left, right = np.zeros(count, np.float32), np.zeros(count, np.float32)
    for index, step in enumerate(CHORDS[seed // 12 % len(CHORDS)]):
        pitch = root * 2 ** (step / 12)
        swell = 0.6 + 0.4 * np.sin(2 * np.pi * (0.11 + 0.03 * index) * time + index)
        left += swell * np.sin(2 * np.pi * pitch * 1.001 * time) / (index + 1.5)
        right += swell * np.sin(2 * np.pi * pitch * 0.999 * time + 0.4) / (index + 1.5)
    for index, voice in enumerate(voices):
        spoken = _voice(voice, time, index / max(1, len(voices)))
        left, right = left + spoken * (1 - 0.5 * index), right + spoken * (0.5 + 0.5 * index)
    fade = np.clip(np.minimum(time, time[::-1]) / 0.4, 0, 1)
    return np.asarray(0.16 * fade * np.stack([left, right]), np.float32)


def _voice(name: str, time: npt.NDArray[Any], offset: float) -> Samples:
    """A hummed line: pitch, overtones and pace belong to the voice id."""
    digest = hashlib.sha256(name.encode()).digest()
    pitch, pace = 140 + digest[0] * 0.7, 1.6 + digest[1] / 160
    tones = sum(
        (digest[2 + k] / 255) / (k + 1) * np.sin(2 * np.pi * pitch * (k + 1) * time) for k in range(6)
    )
    syllables = np.clip(np.sin(2 * np.pi * (pace * time + offset)), 0, 1) ** 0.7
    return np.asarray(0.8 * tones * syllables, np.float32)
