"""Modules that only a hosting service has: Colab's drive and uploads, Kaggle's secrets."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from grader.run.compat._base import CompatContext
from grader.run.compat._imports import StubFinder

SERVICES = ("google.colab", "kaggle_secrets", "kaggle_datasets", "kaggle", "kagglehub", "opendatasets", "gdown")


def before_imports(context: CompatContext) -> None:
    """Serve stand-ins for the modules of hosting services."""
    finder = StubFinder(SERVICES, lambda module: fill(context, module))
    context.add_finder(finder, first=True)

    def forget() -> None:
        for name in [name for name in sys.modules if name.startswith(SERVICES)]:
            del sys.modules[name]

    context.undoing.append(forget)


def fill(context: CompatContext, module: ModuleType) -> None:
    """Give a stand-in the functions whose results notebooks go on with."""

    def silent(command: str, result: Any = None) -> Callable[..., Any]:
        def function(*args: Any, **kwargs: Any) -> Any:
            context.say(f"`{command}` does nothing here.")
            return result

        return function

    def dataset(command: str) -> Callable[..., str]:
        def function(*args: Any, **kwargs: Any) -> str:
            context.say(f"`{command}` downloads nothing here: the assignment's images were used.")
            return str(context.dataset)

        return function

    known: dict[str, dict[str, Any]] = {
        "google.colab.drive": {"mount": silent("drive.mount"), "flush_and_unmount": silent("drive.flush_and_unmount")},
        "google.colab.files": {"upload": silent("files.upload", {}), "download": silent("files.download")},
        "google.colab.userdata": {"get": silent("userdata.get", "")},
        "google.colab.auth": {"authenticate_user": silent("auth.authenticate_user")},
        "google.colab.patches": {"cv2_imshow": silent("cv2_imshow")},
        "kagglehub": {
            "dataset_download": dataset("kagglehub.dataset_download"),
            "competition_download": dataset("kagglehub.competition_download"),
        },
        "opendatasets": {"download": dataset("opendatasets.download")},
        "gdown": {"download": dataset("gdown.download"), "download_folder": dataset("gdown.download_folder")},
    }
    for name, value in known.get(module.__name__, {}).items():
        setattr(module, name, value)
    if module.__name__ == "google.colab":
        for part in ("drive", "files", "userdata", "auth", "patches"):
            child = type(module)(f"google.colab.{part}")
            fill(context, child)
            sys.modules[child.__name__] = child
            setattr(module, part, child)
