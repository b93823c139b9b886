"""What the service knows: jobs on a scaled clock, money, files, and the history of everything."""

from __future__ import annotations

import hashlib
import heapq
import json
import re
import tempfile
import time
import traceback
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Event, RLock

from . import limits
from .limits import Body, Contract
from .render import Media, Unpaintable, render

FILE_LIFETIME = 7 * 24 * 3600.0
QUEUE_SHARE = 0.1
REFUSAL_SECONDS = 0.2


class Clock:
    """The sandbox's own time in seconds since it began; it can be moved forward, never back."""

    def __init__(self, source: Callable[[], float] | None = None) -> None:
        self._source = source or time.monotonic
        self._zero = self._source()
        self._ahead = 0.0
        self._began = datetime.now(timezone.utc)

    def now(self) -> float:
        return self._source() - self._zero + self._ahead

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError(f"the clock was asked to go back {-seconds} s; it only moves forward")
        self._ahead += seconds

    def utc(self, at: float | None = None) -> datetime:
        return self._began + timedelta(seconds=self.now() if at is None else at)


@dataclass
class Job:
    """One accepted request. Its state is worked out from the clock whenever somebody asks."""

    id: str
    slug: str
    body: Body
    price: float
    submitted: float
    starts: float
    due: float
    media: Future[Media]
    failure: str | None = None
    stuck: bool = False
    outcome: str | None = None
    output: str | None = None
    media_object: dict[str, str] | None = None
    remaining: float = 0.0

    @property
    def charged(self) -> float:
        return self.price if self.outcome == "COMPLETED" else 0.0


@dataclass
class World:
    """Everything the service remembers. Safe to use from any thread."""

    clock: Clock
    time_scale: float
    balance: float
    retention: float
    workers: int
    service_url: str = ""
    output_url: str = ""
    jobs: dict[str, Job] = field(default_factory=dict)
    ignored: list[tuple[str, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = RLock()
        self._open: dict[str, Job] = {}
        self._asked: Counter[str] = Counter()
        # Where a file of the output origin lies, its type, and until when.
        self._files: dict[str, tuple[Path, str, float]] = {}
        self._free_at = [0.0] * self.workers
        self._closing = Event()
        self._painters = ThreadPoolExecutor(2, thread_name_prefix="sandbox-paint")
        self._folder = tempfile.TemporaryDirectory(prefix="kling-sandbox-")

    def close(self) -> None:
        self._closing.set()
        self._painters.shutdown(wait=True, cancel_futures=True)
        self._folder.cleanup()

    def join(self, timeout: float) -> None:
        """Wait until every picture and clip in hand is painted."""
        with self._lock:
            unpainted = [job.media for job in self._open.values()]
        for media in unpainted:
            media.exception(timeout)

    def available(self) -> float:
        """The balance less what is reserved for jobs still running."""
        with self._lock:
            self.settle()
            return self.balance - sum(job.price for job in self._open.values())

    def submit(
        self, contract: Contract, body: Body, *, failure: str | None = None, stuck: bool = False
    ) -> Job:
        """Accept a request: reserve its price, give it a worker and start painting."""
        params, wrong = limits.effective(contract, body), self._flaw(contract, body)
        failure = failure or wrong or _asked_for(body)
        price = 0.0 if wrong else limits.cost(contract, body)
        media: Future[Media] = Future()
        if failure:
            media.set_result(Media())
        else:
            inputs = {url: self.content_of(url) for url in _urls(params)}
            media = self._painters.submit(render, contract, params, inputs, self._closing.is_set)
        with self._lock:
            self.ignored += [
                (contract.slug, name) for name in body if name not in (contract.parameters or body)
            ]
            starts, due = self._schedule(self._duration(contract, params, failure))
            asked = json.dumps(body, sort_keys=True, default=str).replace(self.output_url, "")
            # Counted among its equals: which of many came first is another matter each time.
            asked = f"{contract.slug} {asked}"
            self._asked[asked] += 1
            name = repeatable_id(f"{self._asked[asked]} {asked}".encode("utf-8", "replace"))
            job = Job(name, contract.slug, dict(body), price, self.clock.now(), starts, due, media)
            job.failure, job.stuck = failure, stuck or "[sandbox:stuck]" in str(body.get("prompt"))
            self.jobs[job.id] = self._open[job.id] = job
            return job

    def find(self, request_id: str) -> Job | None:
        """The job, unless nobody knows it or its record has expired."""
        with self._lock:
            self.settle()
            job = self.jobs.get(request_id)
            return job if job and self.clock.now() < job.submitted + self.retention else None

    def state(self, job: Job) -> str:
        with self._lock:
            self.settle()
            if job.outcome:
                return job.outcome
            return "QUEUED" if self.clock.now() < job.starts else "PROCESSING"

    def metrics(self, job: Job) -> dict[str, float]:
        """Seconds as the service would count them, not as the faster sandbox ran."""
        inference = round((job.due - job.starts) * self.time_scale, 3)
        queue = round((job.starts - job.submitted) * self.time_scale, 3)
        times = {"inference_time": inference, "queue_time": queue, "total_time": round(inference + queue, 3)}
        if job.outcome != "COMPLETED":
            return times
        return {"cost": job.price, "remaining_credits": round(job.remaining, 6), **times}

    def settle(self) -> None:
        """Finish whatever is due: money moves and files appear at this moment, not before."""
        with self._lock:
            for job in list(self._open.values()):
                if self.clock.now() >= job.due and job.media.done() and not job.stuck:
                    self._finish(job)
                    del self._open[job.id]

    def keep(self, name: str, data: bytes, content_type: str, lifetime: float = float("inf")) -> str:
        """Put a file on the output origin under ``name``; the answer is its URL."""
        place = Path(self._folder.name) / hashlib.sha256(data).hexdigest()
        if not place.exists():
            place.write_bytes(data)
        with self._lock:
            self._files[name] = (place, content_type, self.clock.now() + lifetime)
        return f"{self.output_url}/{name}"

    def file(self, name: str) -> tuple[bytes, str] | None:
        """Content and type of a file on the output origin, while it lasts."""
        with self._lock:
            self.settle()
            place, content_type, until = self._files.get(name, (Path(), "", 0.0))
        return (place.read_bytes(), content_type) if self.clock.now() < until else None

    def _flaw(self, contract: Contract, body: Body) -> str | None:
        found = limits.problems(contract, body)
        if found:
            return found[0].text
        ours = [url for url in _urls(body) if url.startswith(self.output_url + "/")]
        gone = [url for url in ours if self.content_of(url) is None]
        return f"Could not download {gone[0]}" if gone else None

    def content_of(self, url: str) -> bytes | None:
        """Bytes of a file of our own; None where the URL is somebody else's: nothing is fetched."""
        home = self.output_url + "/"
        found = self.file(url.removeprefix(home)) if url.startswith(home) else None
        return found[0] if found else None

    def _duration(self, contract: Contract, params: Body, failure: str | None) -> float:
        if failure:
            return REFUSAL_SECONDS / self.time_scale
        seconds = float(params.get("sleep", contract.latency))
        return seconds * _variation(contract.slug, params) / self.time_scale

    def _schedule(self, seconds: float) -> tuple[float, float]:
        now = self.clock.now()
        starts = max(now + seconds * QUEUE_SHARE, heapq.heappop(self._free_at))
        due = starts + seconds * (1 - QUEUE_SHARE)
        heapq.heappush(self._free_at, due)
        return starts, due

    def _finish(self, job: Job) -> None:
        error = job.media.exception()
        if isinstance(error, Unpaintable):
            job.failure = str(error)
        elif error:
            self.errors.append("".join(traceback.format_exception(error)))
            job.failure = f"Internal error: {type(error).__name__}"
        if job.failure:
            job.outcome = "FAILED"
            return
        # What is published lies on disk; holding on to it would keep every file in memory.
        media, job.media = job.media.result(), Future()
        self.balance -= job.price
        job.outcome, job.remaining = "COMPLETED", self.balance
        job.output, job.media_object = media.text, self._publish(job, media)
        if job.media_object:
            job.output = job.media_object["url"]

    def _publish(self, job: Job, media: Media) -> dict[str, str] | None:
        if media.text is not None:
            return None
        name = f"{hashlib.sha256(job.id.encode()).hexdigest()[:32]}.{media.suffix}"
        lifetime = FILE_LIFETIME - (self.clock.now() - job.due)
        url = self.keep(f"generations/{name}", media.data, media.content_type, lifetime)
        size = str(len(media.data))
        return {"url": url, "content_type": media.content_type, "file_name": name, "file_size": size}


def repeatable_id(what: bytes) -> str:
    """A UUID v4 that a notebook gets again on a fresh sandbox, so that its outputs can be compared."""
    return str(uuid.UUID(bytes=hashlib.sha256(what).digest()[:16], version=4))


def _urls(params: Body) -> list[str]:
    """Every picture URL in a body, in order, lists and elements included."""
    found: list[str] = []
    for name, value in params.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mapping):
                found += _urls(item)
            elif isinstance(item, str) and ("_url" in name):
                found.append(item)
    return found


def _variation(slug: str, params: Body) -> float:
    """Between 0.9 and 1.1, always the same for the same request."""
    text = json.dumps([slug, params], sort_keys=True, default=str)
    return 0.9 + 0.2 * hashlib.sha256(text.encode()).digest()[0] / 255


def _asked_for(body: Body) -> str | None:
    """Failures that a prompt orders on purpose, so that a notebook can show one."""
    prompt = str(body.get("prompt", ""))
    if "[sandbox:moderate]" in prompt:
        return "content_policy_violation: the prompt was blocked by the content policy"
    order = re.search(r"\[sandbox:fail ?([^\]]*)\]", prompt)
    return (order[1] or "The worker stopped with an error.") if order else None
