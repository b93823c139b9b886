"""A sandbox per test (starting one takes milliseconds) and a plain HTTP client on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from kling_nb.sandbox import Sandbox


class Line:
    """The service as seen through one HTTP client, with the clock in hand."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.http = httpx.Client(base_url=sandbox.base_url, headers={"x-api-key": sandbox.key})

    def submit(self, slug: str = "kling-3-text2image", **params: Any) -> httpx.Response:
        return self.http.post(f"/v2/{slug}", json={"prompt": "a fox in the snow"} | params)

    def job(self, slug: str = "kling-3-text2image", **params: Any) -> str:
        answer = self.submit(slug, **params)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["request_id"])

    def status(self, job: str) -> httpx.Response:
        return self.http.get(f"/v2/requests/{job}/status")

    def result(self, job: str) -> httpx.Response:
        return self.http.get(f"/v2/requests/{job}")

    def finish(self) -> None:
        """All that was submitted is painted and due."""
        self.sandbox.join()
        self.sandbox.clock.advance(1000)

    def made(self, slug: str = "kling-3-text2image", **params: Any) -> dict[str, Any]:
        job = self.job(slug, **params)
        self.finish()
        body: dict[str, Any] = self.result(job).json()
        assert body["status"] == "COMPLETED", body
        return body

    def file(self, slug: str = "kling-3-text2image", **params: Any) -> bytes:
        return httpx.get(self.made(slug, **params)["output"]).content


@pytest.fixture
def open_line() -> Iterator[Callable[..., Line]]:
    """Make sandboxes with any settings; at the end none of their own handlers may have failed."""
    lines: list[Line] = []

    def make(**settings: Any) -> Line:
        line = Line(Sandbox(**({"time_scale": 1.0} | settings)).start())
        lines.append(line)
        return line

    yield make
    for line in lines:
        line.http.close()
        line.sandbox.close()
        assert line.sandbox.errors == []


@pytest.fixture
def line(open_line: Callable[..., Line]) -> Line:
    return open_line()
