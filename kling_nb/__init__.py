"""Segmind's hosted Kling models in a notebook: submit jobs, watch them live, see pictures and clips inline.

::

    import kling_nb as kn

    kling = kn.connect()
    image = kling.run(kn.Kling3TextToImage(prompt="a fox in the snow"))
    clip = kling.run(kn.Kling3ProImageToVideo(prompt="it turns its head", start_image_url=image))

Every name below is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .kernel import in_kernel
from .login import login as login  # at once: later, importing the module of that name would hide it
from .settings import VERSION

__version__ = VERSION

if TYPE_CHECKING:
    from . import errors as errors
    from .client import AsyncClient as AsyncClient
    from .client import Client as Client
    from .client import connect as connect
    from .errors import InvalidRequest as InvalidRequest
    from .errors import JobFailed as JobFailed
    from .errors import JobTimeout as JobTimeout
    from .errors import KlingError as KlingError
    from .errors import MissingKey as MissingKey
    from .errors import RequestWarning as RequestWarning
    from .errors import Stopped as Stopped
    from .errors import SubmitUnknown as SubmitUnknown
    from .jobs.batch import Batch as Batch
    from .jobs.job import Job as Job
    from .jobs.sweep import sweep as sweep
    from .media import Image as Image
    from .media import Video as Video
    from .model import Element as Element
    from .model import Kling3ImageToImage as Kling3ImageToImage
    from .model import Kling3ProImageToVideo as Kling3ProImageToVideo
    from .model import Kling3StandardTextToVideo as Kling3StandardTextToVideo
    from .model import Kling3TextToImage as Kling3TextToImage
    from .model import KlingTextToVideo as KlingTextToVideo
    from .model import Shot as Shot
    from .model import models as models
    from .notebook.form import form as form
    from .notebook.gallery import gallery as gallery
    from .notebook.nested import allow_nested_loops as allow_nested_loops
    from .notebook.studio import studio as studio
    from .states import JobEvent as JobEvent
    from .states import State as State

_HOMES = {
    "client": ("AsyncClient", "Client", "connect"),
    "errors": (
        "InvalidRequest",
        "JobFailed",
        "JobTimeout",
        "KlingError",
        "MissingKey",
        "RequestWarning",
        "Stopped",
        "SubmitUnknown",
    ),
    "jobs.batch": ("Batch",),
    "jobs.job": ("Job",),
    "jobs.sweep": ("sweep",),
    "media": ("Image", "Video"),
    "model": (
        "Element",
        "Kling3ImageToImage",
        "Kling3ProImageToVideo",
        "Kling3StandardTextToVideo",
        "Kling3TextToImage",
        "KlingTextToVideo",
        "Shot",
        "models",
    ),
    "notebook.form": ("form",),
    "notebook.gallery": ("gallery",),
    "notebook.nested": ("allow_nested_loops",),
    "notebook.studio": ("studio",),
    "states": ("JobEvent", "State"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", "errors", "login", *_HOME_OF]  # noqa: PLE0604 - strings, all of them


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module(f"{__name__}.errors")
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if _HOME_OF[name] in ("client", "notebook.form", "notebook.gallery", "notebook.studio"):
        _join_notebook()
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext kling_nb` runs: adds `%kling` and `%%kling`."""
    _join_notebook()
    import_module(f"{__name__}.notebook.magic").load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """What `%unload_ext kling_nb` runs: puts back what was there."""
    import_module(f"{__name__}.notebook.magic").unload(shell)


def _join_notebook() -> None:
    """In a kernel, let jobs show themselves as cards and let waits serve their buttons."""
    if in_kernel():
        import_module(f"{__name__}.notebook.bridge").install()
