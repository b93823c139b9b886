"""Run the notebooks on the sandbox and keep their outputs: `python notebooks/make.py [names] [--check]`.

Each runs in a scratch folder, in the plain form that nbval compares, without a key; nothing is left beside
the notebooks but a small picture of each in `images/`, for the README. Links to media stay `kling-media/...`,
as they are for whoever runs one here. The previews are inside the notebooks, the files are not committed: on
GitHub those links lead nowhere (the quickstart says so). `--check` writes nothing and fails where other
outputs come out than are committed.
"""

from __future__ import annotations

import argparse
import asyncio
import configparser
import hashlib
import io
import re
import shutil
import sys
import tempfile
import time
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / ".ci"))

from environment import without_key

CLEAN = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
PATIENCE = 300
THUMB, THUMB_BYTES = (240, 240), 12_000


def main() -> int:
    """Make or check what the command line names; the exit code counts the stale ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", help="beginnings of names, such as 01 02 (default: all)")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args()
    stale = 0
    for path in chosen(options.names):
        begun = time.monotonic()
        made = run(path)
        found = differences(nbformat.read(path, 4), made)
        if not options.check:
            path.write_text(written(made), encoding="utf-8")
            thumbnail(made, HERE / "images" / f"{path.name[:2]}.jpg")
        said = "STALE" if options.check and found else "same" if options.check else "made"
        print(f"{said:<6}{time.monotonic() - begun:6.1f} s {path.stat().st_size / 1000:7.0f} kB  {path.name}")
        if options.check:
            print(*(f"      {line}" for line in found), sep="\n", end="\n" if found else "")
            stale += bool(found)
    return stale


def chosen(names: list[str]) -> list[Path]:
    """The notebooks whose names begin like one of `names`, in order; all of them without any."""
    known = sorted(HERE.glob("*.ipynb"))
    return [path for path in known if not names or path.name.startswith(tuple(names))]


def run(path: Path) -> Any:
    """The notebook after a run on a fresh sandbox, with clean metadata."""
    notebook = nbformat.read(path, 4)
    for cell in notebook.cells:
        cell.metadata = {name: value for name, value in cell.metadata.items() if name == "tags"}
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    with tempfile.TemporaryDirectory(prefix="kling-notebooks-") as scratch:
        place = Path(scratch) / "notebooks"
        place.mkdir()
        shutil.copy(path, place)
        client = NotebookClient(
            notebook,
            timeout=PATIENCE,
            record_timing=False,
            store_widget_state=False,
            coalesce_streams=True,
            resources={"metadata": {"path": str(place)}},
        )
        asyncio.run(client.async_execute(env=environment(Path(scratch))))
    notebook.metadata = {**CLEAN, "kling_nb": {"made_from": fingerprint(notebook)}}
    return notebook


def environment(scratch: Path) -> dict[str, str]:
    """Where the kernel runs: no key, no other service, no files outside `scratch`."""
    kept = {name: value for name, value in without_key().items() if not name.startswith("KLING_NB_")}
    own = {
        "KLING_NB_UI": "plain",
        "KLING_NB_HOME": str(scratch / "home"),
        "IPYTHONDIR": str(scratch / "ipython"),
    }
    return {**kept, **own}


def fingerprint(notebook: Any) -> str:
    """A digest of all sources: where it differs from the one kept, the outputs belong to older sources."""
    text = "\0".join(f"{cell.cell_type}\0{cell.source}" for cell in notebook.cells)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def written(notebook: Any) -> str:
    """The notebook as text that says the same for the same content, with one line feed at its end."""
    return nbformat.writes(notebook, 4).rstrip("\n") + "\n"


def thumbnail(notebook: Any, path: Path) -> None:
    """The largest preview of the cells tagged "thumbnail", or of all cells, as a small picture."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    tagged = [cell for cell in cells if "thumbnail" in cell.metadata.get("tags", ())]
    shown = [output.get("data", {}) for cell in tagged or cells for output in cell.outputs]
    pages = "".join(str(data.get("text/html", "")) for data in shown)
    preview = max(re.findall(r"data:image/\w+;base64,([\w+/=]+)", pages), key=len, default="")
    if not preview:
        return
    picture = Image.open(io.BytesIO(b64decode(preview))).convert("RGB")
    picture.thumbnail(THUMB)
    for quality in range(88, 10, -8):
        picture.save(path, "jpeg", quality=quality, optimize=True)
        if path.stat().st_size < THUMB_BYTES:
            break


def differences(committed: Any, made: Any) -> list[str]:
    """What is stale in `committed`, one line each, by the rules that nbval goes by."""
    if committed.metadata.get("kling_nb") != made.metadata["kling_nb"]:
        return ["its sources were changed after it was made"]
    pairs = zip(committed.cells, made.cells, strict=True)
    return [
        f"cell {number} ({made_cell.id}): other output"
        for number, (cell, made_cell) in enumerate(pairs)
        if cell.cell_type == "code" and list(compared(cell)) != list(compared(made_cell))
    ]


def compared(cell: Any) -> Iterator[tuple[str, ...]]:
    """What nbval compares of a cell's outputs, with what `nbval.cfg` names replaced."""
    for output in cell.outputs:
        if output.output_type == "stream":
            yield "stream", output.name, sanitized(output.text)
        elif output.output_type == "error":
            yield "error", output.ename, sanitized(output.evalue)
        else:
            for mime, text in sorted(output.data.items()):
                if not mime.startswith("image/"):
                    yield "data", mime, sanitized(str(text))


def sanitized(text: str) -> str:
    """`text` with every pattern of `nbval.cfg` replaced."""
    rules = configparser.RawConfigParser()
    rules.read(HERE / "nbval.cfg", encoding="utf-8")
    for name in rules.sections():
        text = re.sub(rules[name]["regex"], rules[name]["replace"], text)
    return text


if __name__ == "__main__":
    sys.exit(main())
