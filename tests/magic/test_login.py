"""Logging in: asked without an echo, checked for free, kept in this process only."""

from __future__ import annotations

import getpass
import importlib
import os
import pickle
import subprocess
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import kling_nb as kn
from kling_nb import errors, settings
from kling_nb.sandbox import Fault, Sandbox
from kling_nb.settings import find_key

from .conftest import run

# By its path the name stands for the function.
MODULE = importlib.import_module("kling_nb.login")
Typing = Callable[[str], None]


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "keyring", types.SimpleNamespace(get_password=lambda *_: None))
    yield
    settings.keep_login(None)


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> Typing:
    """A person at the keyboard, and a service to ask."""
    monkeypatch.setenv("KLING_NB_BASE_URL", sandbox.base_url)
    monkeypatch.setattr(MODULE, "_is_person_there", lambda: True)
    return lambda text: monkeypatch.setattr(getpass, "getpass", lambda prompt: text)


def asked(sandbox: Sandbox) -> list[str]:
    return [seen.path for seen in sandbox.seen]


def test_a_key_is_asked_for_checked_and_kept_here(typing: Typing, sandbox: Sandbox, capsys: Any) -> None:
    typing(f"  '{sandbox.key}'\n")
    kn.login()
    said = capsys.readouterr().out
    assert said.startswith("The key works. It stays in this process")
    assert find_key().reveal() == sandbox.key
    assert [path for path in asked(sandbox) if "credits" in path] == asked(sandbox)
    assert sandbox.posts() == []
    assert sandbox.key not in said + repr(vars(settings)) + repr(dict(os.environ))
    child = [sys.executable, "-c", "import os; print(dict(os.environ))"]
    assert sandbox.key not in subprocess.run(child, capture_output=True, text=True, check=True).stdout


def test_clients_made_from_then_on_use_it(typing: Typing, sandbox: Sandbox) -> None:
    typing(sandbox.key)
    kn.login()
    with kn.Client(time_scale=2000) as kling:
        assert kling.credits().total > 0
    with kn.connect() as kling:
        assert not kling.is_sandbox


def test_the_order_of_the_places(typing: Typing, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = types.SimpleNamespace(get_password=lambda service, user: f"{service}-{user}")
    monkeypatch.setitem(sys.modules, "keyring", ring)
    assert find_key().reveal() == "kling_nb-SEGMIND_API_KEY"
    monkeypatch.setenv("SEGMIND_API_KEY", "from-environment")
    assert find_key().reveal() == "from-environment"
    typing(sandbox.key)
    kn.login()
    assert find_key().reveal() == sandbox.key
    assert find_key("from-argument").reveal() == "from-argument"
    kn.login(forget=True)
    assert find_key().reveal() == "from-environment"


def test_a_keyring_that_breaks_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: str) -> str:
        raise RuntimeError("the ring is locked")

    monkeypatch.setitem(sys.modules, "keyring", types.SimpleNamespace(get_password=locked))
    with pytest.raises(kn.MissingKey, match=r"kn\.login\(\).*the keyring"):
        find_key()


def test_forgetting(typing: Typing, sandbox: Sandbox, capsys: Any) -> None:
    typing(sandbox.key)
    kn.login()
    kn.login(forget=True)
    assert "The key is forgotten." in capsys.readouterr().out
    with pytest.raises(kn.MissingKey):
        find_key()


def test_a_key_the_service_does_not_know_is_not_kept(
    typing: Typing, sandbox: Sandbox, bare: Any, capsys: Any
) -> None:
    typing("SG_not_this_one")
    sandbox.script(
        Fault("credits", "status", code=401, body={"error": "bad key SG_not_this_one"}, times=None)
    )
    run(bare, "%xmode Verbose")
    done = bare.run_cell("import kling_nb as kn\nkn.login()")
    assert isinstance(done.error_in_exec, errors.Unauthorized)
    with pytest.raises(kn.MissingKey):
        find_key()
    shown = capsys.readouterr()
    assert "SG_not_this_one" not in shown.out + shown.err


@pytest.mark.parametrize("text", ["two words", "export KEY=abc def", "cl\u00e9-clé"])
def test_what_can_not_be_a_key_is_refused_without_being_shown(
    typing: Typing, sandbox: Sandbox, bare: Any, capsys: Any, text: str
) -> None:
    typing(text)
    run(bare, "%xmode Verbose")
    done = bare.run_cell("import kling_nb as kn\nkn.login()")
    assert isinstance(done.error_in_exec, kn.InvalidRequest)
    shown = capsys.readouterr()
    assert text not in shown.out + shown.err
    assert sandbox.seen == []


def test_a_service_that_can_not_say_keeps_nobody_out(
    typing: Typing, sandbox: Sandbox, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MODULE, "_PATIENCE", 0.2)
    sandbox.script(Fault("credits", "status", code=500, times=None))
    typing(sandbox.key)
    kn.login()
    assert "could not be checked now" in capsys.readouterr().out
    assert find_key().reveal() == sandbox.key


@pytest.mark.parametrize("text", ["", "   \n", "''"])
def test_nothing_entered_changes_nothing(typing: Typing, sandbox: Sandbox, capsys: Any, text: str) -> None:
    settings.keep_login(settings.Secret("earlier"))
    typing(text)
    kn.login()
    assert "nothing has changed" in capsys.readouterr().out
    assert find_key().reveal() == "earlier"
    assert sandbox.seen == []


@pytest.mark.parametrize(
    "refusal", [NotImplementedError("no stdin"), EOFError(), getpass.GetPassWarning("it would be shown")]
)
def test_where_nobody_can_be_asked_the_way_out_is_named(
    typing: Typing, monkeypatch: pytest.MonkeyPatch, refusal: Exception
) -> None:
    def refuse(_: str) -> str:
        if isinstance(refusal, Warning):
            warnings.warn(refusal, stacklevel=1)
            return "typed with an echo"
        raise refusal

    monkeypatch.setattr(getpass, "getpass", refuse)
    with pytest.raises(kn.MissingKey, match=r"nothing serves input.*SEGMIND_API_KEY"):
        kn.login()


def test_a_script_without_a_terminal_is_not_asked() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import kling_nb as kn; kn.login()"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=os.path.dirname(os.path.dirname(kn.__file__)),  # noqa: PTH120
    )
    assert done.returncode == 1
    assert "MissingKey" in done.stderr


def test_the_name_is_the_function_also_after_its_module_was_imported() -> None:
    lines = ("import kling_nb as kn, kling_nb.login", "from kling_nb.login import login")
    code = "\n".join([*lines, "kn.login(forget=True)", "login(forget=True)"])
    root = os.path.dirname(os.path.dirname(kn.__file__))  # noqa: PTH120
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stderr


def test_interrupting_leaves_things_as_they_were(typing: Typing, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(getpass, "getpass", interrupt)
    with pytest.raises(KeyboardInterrupt):
        kn.login()
    with pytest.raises(kn.MissingKey):
        find_key()


def test_errors_of_it_pickle(typing: Typing, monkeypatch: pytest.MonkeyPatch) -> None:
    error = MODULE._nobody()
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
