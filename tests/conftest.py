"""What the tests of the whole share: a sandbox and clients of it."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import kling_nb as kn
from kling_nb.sandbox import Sandbox

SPEED = 2000.0


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SEGMIND_API_KEY", "KLING_NB_BASE_URL", "KLING_NB_UI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "keyring", types.SimpleNamespace(get_password=lambda *_: None))
    monkeypatch.setenv("KLING_NB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KLING_NB_MEDIA", str(tmp_path / "media"))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A stand-in service of this test alone; its own handlers must not have failed."""
    with Sandbox(time_scale=SPEED) as service:
        yield service
        assert service.errors == []


@pytest.fixture
def client(sandbox: Sandbox, tmp_path: Path) -> Iterator[Callable[..., kn.Client]]:
    """Makes clients of the sandbox; closes them at the end."""
    made: list[kn.Client] = []

    def make(**options: Any) -> kn.Client:
        folders = {"media": tmp_path / "media", "home": tmp_path / "home"}
        defaults = {"base_url": sandbox.base_url, "time_scale": SPEED, **folders}
        made.append(kn.Client(options.pop("api_key", sandbox.key), **{**defaults, **options}))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def kling(client: Callable[..., kn.Client]) -> kn.Client:
    """A client of the sandbox."""
    return client()
