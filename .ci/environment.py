"""What the two commands of the README run in: a virtual environment, made when it is missing or out of date.

Plain Python 3.10 or later, standard library only: it runs where nothing is installed yet.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".venv"


def python_with(extras: str) -> str:
    """The interpreter of an environment that holds kling_nb with `extras` (`lab` or `test`)."""
    if sys.version_info < (3, 10):
        sys.exit(f"kling_nb needs Python 3.10 or later; this is {sys.version.split()[0]}.")
    python = HOME / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp, wanted = HOME / "installed", _fingerprint(extras)
    if stamp.is_file() and wanted in stamp.read_text().split():
        return str(python)
    if not python.exists():
        _create()
    print(f"Installing kling_nb with what {extras!r} needs (once; a minute or two) ...", flush=True)
    subprocess.run([python, "-m", "pip", "install", "-q", "-e", f"{ROOT}[{extras}]"], check=True)
    known = stamp.read_text() if stamp.is_file() else ""
    stamp.write_text(f"{known}{wanted}\n")
    return str(python)


def without_key() -> dict[str, str]:
    """The environment for what nobody watches: no key in it, and none in the system's keyring to buy with."""
    kept = {name: value for name, value in os.environ.items() if name != "SEGMIND_API_KEY"}
    return {**kept, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}


def _create() -> None:
    print(f"Making a virtual environment in {HOME.name} ...", flush=True)
    try:
        venv.EnvBuilder(with_pip=True).create(HOME)
    except (subprocess.CalledProcessError, ImportError):
        sys.exit("This Python can not make virtual environments. On Debian: apt install python3-venv")


def _fingerprint(extras: str) -> str:
    text = f"{extras} {sys.version} {(ROOT / 'pyproject.toml').read_text(encoding='utf-8')}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
