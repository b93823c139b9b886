"""Where the service is, who asks, and where files go: one frozen value, read in one place."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import itertools
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .errors import InvalidRequest, MissingKey, Problem

VERSION = "0.1.0"
BASE_URL = "https://api.segmind.com"
UPLOAD_URL = "https://workflows-api.segmind.com"
HISTORY_URL = "https://api.spotprod.segmind.com"
KEY_VARIABLE = "SEGMIND_API_KEY"

Place = str | os.PathLike[str]


class Secret:
    """A string that never prints itself; `reveal()` is the one way to read it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one header that carries it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True)
class Settings:
    """Everything that can be set. An argument beats a variable, a variable beats the default.

    `base_url`, `upload_url` and `history_url` are origins (with a path where one is needed, without a
    trailing `/v1` or `/v2`). `media` is the folder that results are saved in. `timeout` is how long a
    wait may last, in seconds; None means the model page's own (600 s for images, 900 s for video).
    `time_scale` says how many times faster than the real service this one runs.
    """

    api_key: Secret
    base_url: str = BASE_URL
    upload_url: str = UPLOAD_URL
    history_url: str = HISTORY_URL
    home: Path = Path("kling-home")
    media: Path = Path("kling-media")
    reuse: bool = True
    timeout: float | None = None
    time_scale: float = 1.0
    spend_limit: float | None = None
    requests_per_minute: float | None = None
    max_active: int = 20

    @property
    def account(self) -> str:
        """The account by a digest of its key, which does not give the key away."""
        return hashlib.blake2b(self.api_key.reveal().encode(), digest_size=12, person=b"kling_nb").hexdigest()

    @property
    def origins(self) -> frozenset[str]:
        """The origins that may see the key, and no others ever."""
        return frozenset(origin_of(url) for url in (self.base_url, self.upload_url, self.history_url))


def read_settings(
    api_key: str | None = None,
    *,
    base_url: str | None = None,
    upload_url: str | None = None,
    history_url: str | None = None,
    home: Place | None = None,
    media: Place | None = None,
    **more: Any,
) -> Settings:
    """Settings from arguments, then the environment, then defaults.

    Raises `MissingKey` when no key is found and `InvalidRequest` for an address or a number that is none.
    """
    problems: list[Problem] = []
    base = _address("base_url", base_url or os.environ.get("KLING_NB_BASE_URL") or BASE_URL, problems)
    # Whoever points the client at another service means all of it: the key and the inputs must not go to
    # the real hosts because two further addresses were left out.
    own = base == BASE_URL
    upload = upload_url or os.environ.get("KLING_NB_UPLOAD_URL") or (UPLOAD_URL if own else base)
    history = history_url or os.environ.get("KLING_NB_HISTORY_URL") or (HISTORY_URL if own else base)
    addresses = base, _address("upload_url", upload, problems), _address("history_url", history, problems)
    for name in ("timeout", "time_scale", "spend_limit", "requests_per_minute", "max_active"):
        problems += _positive(name, more.get(name))
    if problems:
        raise InvalidRequest(problems, "these settings")
    folders = (
        _folder(home or os.environ.get("KLING_NB_HOME") or default_home()),
        _folder(media or os.environ.get("KLING_NB_MEDIA") or "kling-media"),
    )
    return Settings(find_key(api_key), *addresses, *folders, **more)


def default_home() -> Path:
    """The platform's folder for what a program of this user remembers."""
    from platformdirs import user_state_path

    return user_state_path("kling_nb", appauthor=False)


def find_key(argument: str | None = None) -> Secret:
    """The API key: the argument, else what `login()` was told, else SEGMIND_API_KEY, Colab's secret of that
    name, or the keyring's entry for `kling_nb`.

    Asked anew for each client, so that a key set in a later cell works. Raises `MissingKey`.
    """
    places = (_from_login, _from_environment, _colab_secret, _keyring)
    for found in itertools.chain([argument], (look() for look in places)):
        if found and found.strip():
            return _checked(found.strip())
    looked = ["the api_key argument", "kn.login()", f"the environment variable {KEY_VARIABLE}"]
    looked.append(f"Colab's secret {KEY_VARIABLE}" if _in_colab() else "Colab's secrets (not in Colab)")
    looked.append("the keyring" if _has_keyring() else "the keyring (package keyring not installed)")
    raise MissingKey(looked)


_login: Secret | None = None


def keep_login(key: Secret | None) -> None:
    """Remember a key for the clients of this process, or forget it."""
    global _login
    _login = key


def _from_environment() -> str | None:
    return os.environ.get(KEY_VARIABLE)


def _from_login() -> str | None:
    return _login.reveal() if _login else None


@functools.lru_cache(maxsize=512)
def origin_of(url: str) -> str:
    """Scheme, host and port of an address, with the default port left out and letters in lower case."""
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in (None, default) else f":{parts.port}"
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}"


def is_loopback(url: str) -> bool:
    """True when the address is this machine itself."""
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


def _checked(key: str) -> Secret:
    if not key.isascii() or not key.isprintable() or " " in key:
        what = "holds characters that no key has (a space, a line break or a letter outside ASCII)"
        raise InvalidRequest([Problem("api_key", f"the key {what}. Copy it again from the console.")])
    return Secret(key)


def _address(name: str, url: str, problems: list[Problem]) -> str:
    clean = url.strip().rstrip("/").removesuffix("/v1").removesuffix("/v2").rstrip("/")
    try:
        parts = urlsplit(clean)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        good = good and not (parts.query or parts.fragment or parts.username)
    except ValueError:
        good = False
    if not good:
        wanted = "Use an address such as https://api.segmind.com, without user, query or fragment."
        problems.append(Problem(name, f"{url!r} is not the address of a service. {wanted}"))
    return clean


def _folder(place: Place) -> Path:
    return Path(place).expanduser().absolute()


def _positive(name: str, value: float | None) -> list[Problem]:
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0):
        return []
    return [Problem(name, f"{value!r} is not a number above 0. Give one, or leave it out.")]


def _in_colab() -> bool:
    return "google.colab" in sys.modules


def _colab_secret() -> str | None:
    if not _in_colab():
        return None
    from google.colab import userdata

    try:
        found = userdata.get(KEY_VARIABLE)
    except Exception:  # noqa: BLE001 - a missing secret and a refused one are both "not here"
        return None
    return str(found) if found else None


def _has_keyring() -> bool:
    return "keyring" in sys.modules or importlib.util.find_spec("keyring") is not None


def _keyring() -> str | None:
    if not _has_keyring():
        return None
    try:
        found = importlib.import_module("keyring").get_password("kling_nb", KEY_VARIABLE)
    except Exception:  # noqa: BLE001 - a keyring that is locked or broken is one that is not there
        return None
    return str(found) if found else None
