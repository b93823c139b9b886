"""Open the quickstart in JupyterLab: `python3 notebooks/start.py`. Does its own set-up.

`--headless` runs it on the sandbox without a browser instead, also where a key is set, and leaves the executed
notebook and its media in `notebooks/out/`. `--no-browser` starts JupyterLab and prints its address.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / ".ci"))

from environment import python_with, without_key  # found through the line above

NOTEBOOK = "01-quickstart.ipynb"


def main() -> int:
    """Parse the command line and do what it says; the exit code is JupyterLab's or the run's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--headless", action="store_true", help="run it here and leave the results")
    parser.add_argument("--no-browser", action="store_true", help="start JupyterLab, open nothing")
    options = parser.parse_args()
    python = python_with("lab")
    return _headless(python) if options.headless else _lab(python, no_browser=options.no_browser)


def _lab(python: str, *, no_browser: bool) -> int:
    command = [python, "-m", "jupyterlab", f"--ServerApp.root_dir={HERE}"]
    if no_browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    try:
        return subprocess.run([*command, str(HERE / NOTEBOOK)], cwd=HERE).returncode
    except KeyboardInterrupt:
        return 0


def _headless(python: str) -> int:
    out = HERE / "out"
    out.mkdir(exist_ok=True)
    code = (
        "import nbformat, sys\n"
        "from nbclient import NotebookClient\n"
        "notebook = nbformat.read(sys.argv[1], 4)\n"
        "try:\n"
        "    NotebookClient(notebook, timeout=1200, resources={'metadata': {'path': '.'}}).execute()\n"
        "finally:\n"
        "    nbformat.write(notebook, sys.argv[2])\n"
    )
    done = subprocess.run([python, "-c", code, str(HERE / NOTEBOOK), NOTEBOOK], cwd=out, env=without_key())
    for path in sorted(path for path in out.rglob("[!.]*") if path.is_file() and path.suffix != ".json"):
        print(f"{path.stat().st_size:>10,} bytes  {path.relative_to(HERE.parent)}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
