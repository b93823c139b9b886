"""kling_nb against the official `segmind` package, one thread a job, on the same sandbox.

    python tests/benchmarks/against_sdk.py [--jobs 1,10,100,500,1000] [--keep]

Three processes: this one only looks on; the sandbox has one of its own; every measured client gets a fresh
one that does nothing else. Jobs are `mock-inference` with lognormal durations of mean 53 s of the service and
no file at the end, because the SDK downloads none. README.md says what is counted. `--keep` writes the table
into it.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import fmean, quantiles
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

MEAN, SPREAD = 53.15, 0.25
# How many jobs at once: how often in a row, how much faster than the real service, and the seconds of the
# service over which their submits are spread. The speeds keep the sandbox well below what it can answer.
PLACES = {1: (20, 20.0, 0.0), 10: (4, 20.0, 20.0), 100: (2, 4.0, 20.0), 500: (1, 1.0, 20.0),
          1000: (1, 1.0, 20.0)}  # fmt: skip
# 500 threads of the SDK are what one machine's sandbox can still answer honestly.
MOST_THREADS = 500
# Seconds of the service after which a job counts as lost.
PATIENCE = 600.0
# A job of so many seconds comes first and does not count: what is loaded at the first use is loaded then.
WARM_UP = 0.5
HEAD = ("jobs", "client", "requests a job", "delay, s", "95th, s", "requests x delay", "CPU a job, ms",
        "peak memory, MB", "lost")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", default="1,10,100,500,1000")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        CHILDREN[options.child[0]](**json.loads(options.child[1]))
        return
    from kept import keep, table

    rows = [row for jobs in map(int, options.jobs.split(",")) for row in compared(jobs)]
    text = table(HEAD, rows)
    print(text)
    if options.keep:
        keep("against_sdk", text)


def compared(jobs: int) -> list[tuple[object, ...]]:
    """The rows for so many jobs at once: the SDK at its own interval and at twice that, then ours."""
    clients: list[tuple[str, str, float]] = [("kling_nb", "ours", 0.0)]
    if jobs <= MOST_THREADS:
        clients = [("segmind, 1 s", "sdk", 1.0), ("segmind, 2 s", "sdk", 2.0), *clients]
    rows = []
    for title, kind, interval in clients:
        figures = measured(jobs, kind, interval)
        print(jobs, title, figures, file=sys.stderr, flush=True)
        rows.append((jobs, title, *figures))
    return rows


def measured(jobs: int, kind: str, interval: float) -> tuple[object, ...]:
    rounds, scale, spread = PLACES[jobs]
    dice = random.Random(12)
    mu = math.log(MEAN) - SPREAD**2 / 2
    lengths = [[dice.lognormvariate(mu, SPREAD) for _ in range(jobs)] for _ in range(rounds)]
    with start("serve", {"scale": scale}) as service:
        given = json.loads(service.stdout.readline())
        work = {**given, "scale": scale, "interval": interval, "spread": spread, "lengths": lengths}
        # Each state of a job is a line where nobody looks; here they would only hide the progress.
        with start(kind, {}, stderr=subprocess.DEVNULL) as client:
            told, _ = client.communicate(json.dumps(work) + "\n")
        saw, _ = service.communicate("report\n")
    return figures(json.loads(told), json.loads(saw), jobs * rounds, scale)


def figures(told: dict[str, Any], saw: dict[str, Any], jobs: int, scale: float) -> tuple[object, ...]:
    """The cells of one row, in seconds of the service."""
    delays = [(saw["asked"][name] - due) * scale for name, due in saw["due"].items() if name in saw["asked"]]
    requests, delay = saw["requests"] / jobs, fmean(delays)
    late = quantiles(delays, n=20, method="inclusive")[-1]
    return (
        f"{requests:.1f}", f"{delay:.2f}", f"{late:.2f}", f"{requests * delay:.1f}",
        f"{1000 * told['cpu'] / jobs:.0f}", f"{told['peak']:.0f}", jobs - told["done"],
    )  # fmt: skip


def start(kind: str, given: dict[str, Any], stderr: int | None = None) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--child", kind, json.dumps(given)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=stderr, text=True)


# The children


def serve(scale: float) -> None:
    """The sandbox, until it is asked what it saw: when each job ended, and when the next question came."""
    from kling_nb.sandbox import Sandbox

    # As many workers as jobs: a queue behind few workers would make all durations one long staircase.
    with Sandbox(time_scale=scale, workers=5000) as service:
        print(json.dumps({"url": service.base_url, "key": service.key}), flush=True)
        sys.stdin.readline()
        jobs = service._world.jobs.items()
        due = {name: job.due for name, job in jobs if job.body["sleep"] != WARM_UP}
        asked: dict[str, float] = {}
        requests = len(due)
        for seen in service.seen:
            name = seen.path.removesuffix("/status").rpartition("/")[2]
            requests += name in due
            if seen.path.endswith("/status") and seen.at >= due.get(name, math.inf):
                asked.setdefault(name, seen.at)
        print(json.dumps({"due": due, "asked": asked, "requests": requests}))


def sdk() -> None:
    """The official client, shared by all threads as its own documentation has it."""
    from segmind import SegmindClient

    work = json.loads(sys.stdin.readline())
    client = SegmindClient(api_key=work["key"], base_url=work["url"] + "/v1")
    pause, patience = work["interval"] / work["scale"], PATIENCE / work["scale"]
    done: list[str] = []

    def one(sleep: float) -> None:
        job = client.submit_async("mock-inference", sleep=sleep, credits=0)
        job.wait(timeout=patience, interval=pause)
        done.append(job.request_id)

    one(WARM_UP)
    done.clear()
    before = used()
    for lengths in work["lengths"]:
        threads = [threading.Thread(target=one, args=(length,)) for length in lengths]
        for thread in spread(threads, work):
            thread.start()
        for thread in threads:
            thread.join()
    tell(before, len(done))


def ours() -> None:
    """kling_nb as anybody would use it: submit, then collect."""
    import kling_nb as kn
    from kling_nb.model.untyped import Untyped

    # A model with a page of ours brings its latency along; the mock has none, so it is told here.
    Untyped.latency = (MEAN, MEAN)  # type: ignore[assignment]
    work = json.loads(sys.stdin.readline())
    done = 0
    with tempfile.TemporaryDirectory() as folder:
        options = {"base_url": work["url"], "time_scale": work["scale"], "home": folder, "media": folder}
        # With a home of its own: what took half a second must not be remembered of the others.
        with kn.Client(work["key"], **{**options, "home": f"{folder}/warm-up"}) as client:
            finished(client.submit("mock-inference", sleep=WARM_UP, credits=0), PATIENCE)
        with kn.Client(work["key"], **options) as client:
            before = used()
            for lengths in work["lengths"]:
                # Submits wait for their answers; a few threads keep them from queueing behind each other.
                with ThreadPoolExecutor(8) as pool:
                    submits = [
                        pool.submit(client.submit, "mock-inference", sleep=length, credits=0)
                        for length in spread(lengths, work)
                    ]
                done += sum(finished(each.result(), PATIENCE / work["scale"]) for each in submits)
            tell(before, done)


def finished(job: Any, patience: float) -> bool:
    try:
        return job.result(timeout=patience) is not None
    except Exception:  # noqa: BLE001 - counted as lost, whatever it was
        return False


def spread(things: list[Any], work: dict[str, Any]) -> Any:
    """One after the other, evenly over the time in which jobs are submitted."""
    gap = work["spread"] / work["scale"] / len(things)
    begun = time.monotonic()
    for number, thing in enumerate(things):
        time.sleep(max(0.0, begun + number * gap - time.monotonic()))
        yield thing


def used() -> float:
    """CPU seconds of this process, all threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def tell(before: float, done: int) -> None:
    unit = 1 if platform.system() == "Darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    print(json.dumps({"cpu": used() - before, "peak": peak, "done": done}))


CHILDREN = {"serve": serve, "sdk": sdk, "ours": ours}

if __name__ == "__main__":
    main()
