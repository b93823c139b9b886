"""The ledger file itself: the job tests see the rest of it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from kling_nb.keep.ledger import Ledger


def test_many_that_open_a_new_ledger_at_once_make_one(tmp_path: Path) -> None:
    together = Barrier(4)

    def opened(number: int) -> int:
        together.wait(30)
        ledger = Ledger(tmp_path / f"{number}" / "ledger.sqlite3", time.time)
        try:
            return len(ledger.rows("", ""))
        finally:
            ledger.close()

    with ThreadPoolExecutor(4) as pool:
        for number in range(40):
            assert list(pool.map(opened, [number] * 4)) == [0] * 4
