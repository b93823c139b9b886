"""The pytest plugin, in a project of somebody else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TEST = """
def test_pipeline(kling, sandbox, tmp_path):
    image = kling.run("kling-3-text2image", prompt="a fox", aspect_ratio="1:1")
    assert image.size == (1024, 1024)
    assert tmp_path in image.path.parents
    assert len(sandbox.posts()) == 1

def test_offline():
    import os, kling_nb
    assert "SEGMIND_API_KEY" not in os.environ
    with kling_nb.connect() as kling:
        assert kling.is_sandbox
"""

# As the real package does: with its null backend it knows nothing.
KEYRING = """
import os

def get_password(service, name):
    null = os.environ.get("PYTHON_KEYRING_BACKEND") == "keyring.backends.null.Keyring"
    return None if null else "not-to-be-used"
"""


def test_fixtures_and_the_offline_switch(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TEST)
    (tmp_path / "keyring.py").write_text(KEYRING)
    command = [sys.executable, "-m", "pytest", "-q", "--kling-offline", "test_it.py"]
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    env = {**os.environ, "SEGMIND_API_KEY": "not-to-be-used", "PYTHONPATH": path}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert "2 passed" in done.stdout, done.stdout
