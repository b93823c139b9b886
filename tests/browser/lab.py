"""A JupyterLab of our own and the page a person would see, driven by Chromium."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Browser, Error, Locator, Page, Playwright

REPOSITORY = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
OVERRIDES = {
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    # Else cells that are not in view are not in the page either.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}
_APPS = {"jupyterlab": "LabApp", "notebook": "JupyterNotebookApp"}
_WIDGET = "window.jupyterapp.shell.currentWidget"
_READY = f"""() => {{
  const shown = window.jupyterapp && {_WIDGET};
  const session = shown && shown.context && shown.context.sessionContext.session;
  return !!(session && shown.context.isReady && session.kernel &&
    session.kernel.connectionStatus === 'connected' && ['idle', 'busy'].includes(session.kernel.status));
}}"""


def find_browser() -> str | None:
    """A Chromium on the PATH."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def launch(playwright: Playwright, executable: str) -> Browser:
    """Start the browser."""
    return playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)


class Server:
    """A server in a folder of its own, in whose kernels the package can be imported.

    `program` is `jupyterlab`, `notebook` or `voila`.
    """

    def __init__(self, folder: Path, *, dark: bool = False, program: str = "jupyterlab") -> None:
        self.root = folder / "notebooks"
        self._program = program
        self._folder = folder
        self._port = _free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        theme = {"theme": f"JupyterLab {'Dark' if dark else 'Light'}"}
        overrides = {**OVERRIDES, "@jupyterlab/apputils-extension:themes": theme}
        for name in ("notebooks", "settings"):
            (folder / name).mkdir(parents=True)
        (folder / "settings" / "overrides.json").write_text(json.dumps(overrides))
        with (folder / "server.log").open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", program, *self._flags()],
                cwd=self.root,
                env=self._environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait_until_up()

    def _flags(self) -> list[str]:
        if self._program == "voila":
            # Beside its notebooks Voilà serves no other file unless told to.
            files = "--VoilaConfiguration.file_allowlist=.*"
            return ["--no-browser", "--Voila.ip=127.0.0.1", f"--port={self._port}", files, str(self.root)]
        places = {name: self._folder / name for name in ("settings", "user", "workspaces")}
        return [
            *("--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={self._port}"),
            *("--ServerApp.port_retries=0", "--IdentityProvider.token=", "--ServerApp.password="),
            *("--ServerApp.disable_check_xsrf=True", "--FileContentsManager.delete_to_trash=False"),
            f"--ServerApp.root_dir={self.root}",
            f"--{_APPS[self._program]}.expose_app_in_browser=True",
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            f"--LabApp.app_settings_dir={places['settings']}",
            f"--LabApp.user_settings_dir={places['user']}",
            f"--LabApp.workspaces_dir={places['workspaces']}",
        ]

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("KLING_NB_")}
        names = (
            "JUPYTER_CONFIG_DIR",
            "JUPYTER_DATA_DIR",
            "JUPYTER_RUNTIME_DIR",
            "IPYTHONDIR",
            "KLING_NB_HOME",
        )
        own = {name: str(self._folder / name.lower()) for name in names}
        return {**kept, **own, "PYTHONPATH": str(REPOSITORY)}

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                urllib.request.urlopen(f"{self.url}{self._alive}", timeout=2).read()
                return
            time.sleep(0.1)
        self.close()
        raise RuntimeError((self._folder / "server.log").read_text()[-3000:])

    def close(self) -> None:
        """End the server and the kernels it has started."""
        with contextlib.suppress(urllib.error.URLError, ConnectionError, ValueError):
            for kernel in json.load(urllib.request.urlopen(f"{self.url}/api/kernels", timeout=5)):
                ending = urllib.request.Request(f"{self.url}/api/kernels/{kernel['id']}", method="DELETE")
                urllib.request.urlopen(ending, timeout=10).read()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def write(self, name: str, cells: Sequence[str]) -> str:
        """Write a notebook of code cells; its name."""
        made = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source, id=f"c{at}") for at, source in enumerate(cells)],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        nbformat.write(made, self.root / name)
        return name

    @property
    def _alive(self) -> str:
        return "/voila/tree" if self._program == "voila" else "/api/status"


class Lab(Server):
    """JupyterLab, or Notebook 7, which is made of the same parts."""

    def open(self, page: Page, name: str) -> Notebook:
        """Open a notebook and wait for its kernel."""
        place = "doc/tree" if self._program == "jupyterlab" else "notebooks"
        for _ in range(3):  # one load in a hundred never gets a status from its kernel; a second one cures it
            page.goto(f"{self.url}/{place}/{name}?reset", wait_until="domcontentloaded")
            with contextlib.suppress(Error):
                page.wait_for_function(_READY, timeout=20000)
                return Notebook(page)
        raise RuntimeError(f"{name} does not get a kernel")


class Notebook:
    """An open notebook."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def run(self, cell: int, *, wait: bool = True) -> None:
        """Run one cell, to its end unless told otherwise."""
        self.page.evaluate(f"at => {{ {_WIDGET}.content.activeCellIndex = at }}", cell)
        self._command("notebook:run-cell", wait=wait)

    def run_all(self, *, wait: bool = True) -> None:
        """Run every cell."""
        self._command("notebook:run-all-cells", wait=wait)

    def save(self) -> None:
        """Save it as a person does."""
        self._command("docmanager:save")

    def settle(self) -> None:
        """Wait until the kernel has heard all that was done, and what it answered is drawn."""
        drawn = "new Promise(done => requestAnimationFrame(() => setTimeout(done)))"
        ask = f"{_WIDGET}.context.sessionContext.session.kernel.requestKernelInfo()"
        for _ in range(2):  # a widget holds back its next message until the last one was heard
            self.page.evaluate(f"() => {ask}.then(() => {drawn}).then(() => null)")

    def interrupt(self) -> None:
        """Press the square button."""
        self._command("notebook:interrupt-kernel")

    def shut_down(self) -> None:
        """End the kernel."""
        self.page.evaluate(f"() => {_WIDGET}.context.sessionContext.shutdown()")

    def _command(self, name: str, *, wait: bool = True) -> None:
        then = "return done.then(() => null)" if wait else "return null"
        self.page.evaluate(f"() => {{ const done = window.jupyterapp.commands.execute('{name}'); {then} }}")

    def outputs(self, cell: int) -> list[dict[str, Any]]:
        """What would be saved of a cell's outputs."""
        script = f"at => {_WIDGET}.content.widgets[at].model.sharedModel.toJSON().outputs"
        found: list[dict[str, Any]] = self.page.evaluate(script, cell)
        return found

    def output(self, cell: int) -> Locator:
        """What a person sees below a cell. Always look in here: the source has the same words."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(cell).locator(".jp-Cell-outputArea")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
