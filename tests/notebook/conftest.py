"""Widgets without a kernel: what they would send is counted, and none may be left behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import comm
import pytest
from comm.base_comm import BaseComm
from ipywidgets.widgets import widget

from kling_nb.notebook.form import Form, form

from .standin import PRO, StillClient


@dataclass
class Wire:
    """The messages that widgets sent."""

    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def clear(self) -> None:
        """Start counting anew."""
        self.sent.clear()

    def count(self, kind: str = "") -> int:
        """How many messages, of one kind if one is named."""
        return sum(1 for name, _ in self.sent if kind in name)

    def press(self, button: Any) -> None:
        """What arrives when a person presses a button."""
        content = {"data": {"method": "custom", "content": {"event": "click"}}}
        button.comm.handle_msg({"content": content, "buffers": []})


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Record what is sent."""
    record = Wire()

    class Recording(BaseComm):
        def publish_msg(self, msg_type: str, **content: Any) -> None:
            record.sent.append((msg_type, content))

    monkeypatch.setattr(comm, "create_comm", Recording)
    monkeypatch.setenv("KLING_NB_UI", "widgets")
    return record


def open_widgets() -> set[str]:
    """The ids of all widgets that are open."""
    return set(widget._instances)


@pytest.fixture
def nothing_left(wire: Wire) -> Iterator[None]:
    """Fail when the test leaves an open widget."""
    before = open_widgets()
    yield
    assert open_widgets() == before


@pytest.fixture
def still(wire: Wire) -> StillClient:
    """A client whose jobs stand still."""
    return StillClient()


@pytest.fixture
def pro(still: StillClient) -> Form:
    """The form with the most in it."""
    return form(PRO, still)
