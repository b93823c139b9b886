"""A quiet chord for a clip: its key from the scene, its voices from the voice ids."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

RATE = 48_000
CHORDS = ((0, 7, 12, 16), (0, 7, 12, 15), (0, 5, 12, 17), (0, 7, 14, 16))
Samples = npt.NDArray[np.float32]


def track(seed: int, seconds: int, voices: Sequence[str]) -> Samples:
    """Stereo samples, two rows. A little shorter than the clip: the codec's lead-in fills the rest."""
    count = (seconds * RATE // 1024 - 1) * 1024
    time = np.arange(count, dtype=np.float32) / np.float32(RATE)
    both, root = np.zeros((2, count), np.float32), 110 * 2 ** (seed % 12 / 12)
    for index, step in enumerate(CHORDS[seed // 12 % len(CHORDS)]):
        swell = (0.6 + 0.4 * np.sin(2 * np.pi * (0.11 + 0.03 * index) * time + index)) / (index + 1.5)
        for side, detuned in enumerate((1.001, 0.999)):
            both[side] += swell * np.sin(2 * np.pi * root * 2 ** (step / 12) * detuned * time + 0.4 * side)
    for index, voice in enumerate(voices):
        spoken = _voice(voice, time, index / len(voices))
        both += spoken * np.asarray([[1 - 0.5 * index], [0.5 + 0.5 * index]], np.float32)
    return np.asarray(0.16 * np.clip(np.minimum(time, time[::-1]) / 0.4, 0, 1) * both, np.float32)


def _voice(name: str, time: Samples, offset: float) -> Samples:
    """A hummed line: pitch, overtones and pace belong to the voice id."""
    pitch, pace, *overtones = hashlib.sha256(name.encode()).digest()[:8]
    waves = (140 + pitch * 0.7) * 2 * np.pi * time
    tones = sum(loud / 255 / k * np.sin(waves * k) for k, loud in enumerate(overtones, 1))
    syllables = np.clip(np.sin(2 * np.pi * ((1.6 + pace / 160) * time + offset)), 0, 1) ** 0.7
    return np.asarray(0.8 * tones * syllables, np.float32)
