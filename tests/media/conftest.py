from __future__ import annotations

from pathlib import Path

import pytest

from tests.media import make


@pytest.fixture(scope="session")
def clip_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds, 48 frames, 320x180, with sound."""
    return make.clip(tmp_path_factory.mktemp("clips") / "fox.mp4")


@pytest.fixture(scope="session")
def silent_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make.clip(tmp_path_factory.mktemp("silent") / "silent.mp4", frames=13, sound=False)


@pytest.fixture
def png(tmp_path: Path) -> Path:
    return make.picture(tmp_path / "fox.png")
