"""The key stays home."""

from __future__ import annotations

import contextlib
import logging
import traceback
from pathlib import Path
from typing import Any

import pytest
from helpers import FOX, SLUG, EagerClock, Make

import kling_nb as kn
from kling_nb import errors
from kling_nb.sandbox import Fault, Sandbox
from kling_nb.settings import find_key, origin_of, read_settings


def test_the_output_host_never_sees_the_key(kling: kn.Client, sandbox: Sandbox) -> None:
    kling.run(SLUG, prompt=FOX)
    fetched = [seen for seen in sandbox.seen if seen.origin == "output"]
    assert fetched
    assert not any("x-api-key" in {name.lower() for name in seen.headers} for seen in fetched)


def test_a_foreign_host_named_in_the_answer_to_a_submit_is_never_asked(
    client: Make, sandbox: Sandbox
) -> None:
    with Sandbox() as stranger:
        sandbox.script(Fault("submit", "foreign_host", url=stranger.base_url))
        assert client().run(SLUG, prompt=FOX).path.is_file()
        assert stranger.seen == []


@pytest.mark.parametrize("place", ["submit", "status", "result", "credits", "upload"])
def test_no_redirect_is_followed_with_the_key(client: Make, sandbox: Sandbox, place: Any) -> None:
    with Sandbox() as stranger:
        sandbox.script(Fault(place, "redirect", url=stranger.base_url, times=2))
        kling = client(clock=EagerClock())
        with contextlib.suppress(kn.KlingError):
            kling.credits()
            kling.run("kling-3-image2image", prompt=FOX, image_url=_picture(), timeout=1)
        assert stranger.seen == []


def test_a_redirected_download_is_followed_without_the_key(client: Make, sandbox: Sandbox) -> None:
    with Sandbox() as other:
        sandbox.script(Fault("download", "redirect", url=other.output_url, times=None))
        with pytest.raises(errors.DownloadFailed):
            client(clock=EagerClock()).run(SLUG, prompt=FOX)
        assert other.seen
        assert not any("x-api-key" in {name.lower() for name in seen.headers} for seen in other.seen)


def test_the_key_is_in_no_repr_error_or_log(
    client: Make, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    kling = client()
    sandbox.script(Fault("submit", "status", code=401, body={"error": f"bad key {sandbox.key}"}))
    with pytest.raises(errors.Unauthorized) as caught:
        kling.submit(SLUG, prompt=FOX)
    shown = "".join(traceback.format_exception(caught.type, caught.value, caught.tb))
    shown += repr(kling) + repr(kling._core.settings) + repr(vars(kling._core.settings)) + caplog.text
    assert sandbox.key not in shown


def test_the_key_is_looked_for_in_order_and_anew_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(kn.MissingKey) as caught:
        kn.Client()
    assert str(caught.value).startswith(
        "No API key was found. Looked in: the api_key argument, kn.login(), the environment variable "
        "SEGMIND_API_KEY, "
        "Colab's secrets (not in Colab), the keyring"
    )
    monkeypatch.setenv("SEGMIND_API_KEY", "from-environment")
    assert find_key().reveal() == "from-environment"
    assert find_key("from-argument").reveal() == "from-argument"


def test_a_colab_secret_is_the_last_place(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    import types

    colab = types.ModuleType("google.colab")
    colab.userdata = types.SimpleNamespace(get=lambda name: f"secret of {name}".replace(" ", "-"))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    assert find_key().reveal() == "secret-of-SEGMIND_API_KEY"


@pytest.mark.parametrize("key", ["two words", "k\ney", "clé"])
def test_a_key_with_stray_characters_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(kn.InvalidRequest) as caught:
        kn.Client(key)
    assert key not in str(caught.value)


def test_whoever_points_elsewhere_means_uploads_and_history_too() -> None:
    found = read_settings("k", base_url="http://127.0.0.1:9/v2/")
    assert (found.base_url, found.upload_url, found.history_url) == ("http://127.0.0.1:9",) * 3
    assert found.origins == {"http://127.0.0.1:9"}
    real = read_settings("k")
    assert len(real.origins) == 3


@pytest.mark.parametrize(
    "address",
    ["api.segmind.com", "ftp://x", "https://", "https://u:p@x", "https://x/?q=1", "https://x:99999"],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(kn.InvalidRequest, match="is not the address of a service"):
        kn.Client("k", base_url=address)


def test_a_client_that_could_not_be_made_still_prints() -> None:
    with pytest.raises(kn.InvalidRequest) as caught:
        kn.Client("k", base_url="ftp://x")
    half = caught.traceback[1].locals["self"]  # as tracebacks that show variables do
    assert repr(half) == "<Client that was never opened>"


@pytest.mark.parametrize(
    ("address", "base"),
    [
        ("https://vps.example.com", "https://vps.example.com"),
        ("https://vps.example.com/v1", "https://vps.example.com"),
        ("https://vps.example.com/video/v2/", "https://vps.example.com/video"),
    ],
)
def test_a_path_in_the_base_address_is_kept(address: str, base: str) -> None:
    assert read_settings("k", base_url=address).base_url == base


def test_an_origin_is_scheme_host_and_port() -> None:
    assert origin_of("HTTPS://API.Segmind.com:443/v2/x") == "https://api.segmind.com"
    assert origin_of("http://[::1]:80/x") == "http://[::1]"


def test_an_argument_beats_a_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KLING_NB_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("KLING_NB_MEDIA", str(tmp_path / "a"))
    assert read_settings("k").media == tmp_path / "a"
    found = read_settings("k", base_url="http://127.0.0.1:2", media=tmp_path / "b")
    assert (found.base_url, found.media) == ("http://127.0.0.1:2", tmp_path / "b")


@pytest.mark.parametrize("option", [{"timeout": 0}, {"timeout": -1}, {"time_scale": 0}, {"timeout": "9"}])
def test_numbers_that_make_no_sense_are_refused(option: dict[str, Any]) -> None:
    with pytest.raises(kn.InvalidRequest, match="is not a number above 0"):
        kn.Client("k", **option)


def _picture() -> bytes:
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (320, 320), "teal").save(buffer, "PNG")
    return buffer.getvalue()
