"""Downloads: an archive of images stands for the assignment's images; anything else says that there is no network."""

from __future__ import annotations

import json
import os
import tarfile
import urllib.request
import zipfile
from collections.abc import Callable
from types import ModuleType
from typing import Any
from urllib.error import URLError

from grader.run.compat._base import CompatContext
from grader.run.compat._imports import on_import
from grader.run.compat._paths import is_image

KERAS = ("keras", "tf_keras", "tensorflow")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tbz")
CLASS_INDEX = "imagenet_class_index.json"
CLASSES = 1000
NO_NETWORK = "There is no network here"


def before_imports(context: CompatContext) -> None:
    """Answer for the network."""
    context.patch(urllib.request, "urlretrieve", urlretrieve_of(context))
    context.wrap(urllib.request, "urlopen", lambda original: urlopen_of(context, original))
    on_import(context, "requests", lambda module: no_requests(context, module))
    on_import(context, "wget", lambda module: context.patch(module, "download", urlretrieve_of(context)))


def after_imports(context: CompatContext) -> None:
    """Let `get_file` give the assignment's images for an archive; the rest goes to what was there before."""
    context.wrap_everywhere("get_file", KERAS, lambda original: get_file_of(context, original))


def get_file_of(context: CompatContext, original: Callable[..., Any]) -> Callable[..., Any]:
    """`get_file` for archives and pictures."""

    def get_file(fname: Any = None, origin: Any = None, untar: bool = False, *args: Any, **kwargs: Any) -> Any:
        source = str(origin or "")
        name = os.path.basename(str(fname or source).split("?")[0].rstrip("/"))
        extract = untar or kwargs.get("extract", False)
        if name == CLASS_INDEX:
            return class_index(context)
        if not source.startswith(("http:", "https:", "ftp:")) or not (
            extract or is_image(name) or is_archive(name) or is_archive(source)
        ):
            return original(fname, origin, untar, *args, **kwargs)
        context.say(f"`{source}` was not downloaded: the assignment's images were used.")
        target = os.path.join(downloads(context), name or "download")
        if is_image(name):
            return context.paths.find_image(target) or target
        archive = is_archive(name)
        if not extract or (context.flavour == "2" and not untar):
            if archive:
                write_empty(target)
            else:
                link(context, target)
            return target
        folder = name[: -len(archive)] if archive else name
        if context.flavour == "3":
            folder = f"{name.partition('.')[0]}_extracted" if archive else name
        return link(context, os.path.join(downloads(context), folder))

    return get_file


def class_index(context: CompatContext) -> str:
    """The file of ImageNet's class names that `decode_predictions` looks into, with numbers for names."""
    context.say("The names of ImageNet's classes were not downloaded: `decode_predictions` gives their numbers.")
    path = os.path.join(downloads(context), CLASS_INDEX)
    with open(path, "w", encoding="utf-8") as file:
        json.dump({str(number): [f"n{number:08}", f"class_{number}"] for number in range(CLASSES)}, file)
    return path


def downloads(context: CompatContext) -> str:
    """The folder for what would have been downloaded; whatever is missing below it is the dataset."""
    folder = str(context.work / ".keras" / "datasets")
    os.makedirs(folder, exist_ok=True)
    if folder not in context.paths.roots:
        context.paths.roots.append(folder)
    return folder


def link(context: CompatContext, target: str) -> str:
    """A name for the dataset at ``target``."""
    if not os.path.lexists(target):
        os.symlink(context.dataset, target, target_is_directory=True)
    return target


def is_archive(name: str) -> str:
    """The suffix of an archive's name or address; empty for any other."""
    name = name.split("?")[0].lower()
    return max((suffix for suffix in ARCHIVES if name.endswith(suffix)), key=len, default="")


def write_empty(path: str) -> None:
    """An archive without members: unpacking it works, and what it should have held is looked for as a missing path."""
    if path.lower().endswith(".zip"):
        zipfile.ZipFile(path, "w").close()
    else:
        mode = {"gz": "w:gz", "tgz": "w:gz", "bz2": "w:bz2", "tbz": "w:bz2", "xz": "w:xz"}.get(
            path.lower().rpartition(".")[2], "w"
        )
        tarfile.open(path, mode).close()  # type: ignore[call-overload]


def urlretrieve_of(context: CompatContext) -> Callable[..., Any]:
    """`urlretrieve`, which writes an archive without members where one was asked for."""

    def urlretrieve(url: Any, filename: Any = None, *args: Any, **kwargs: Any) -> Any:
        address = str(getattr(url, "full_url", url))
        name = os.fspath(filename) if filename else os.path.basename(address.split("?")[0])
        if not is_archive(str(name)) and not is_archive(address):
            refuse(context, address)
        context.say(f"`{address}` was not downloaded: the assignment's images were used.")
        downloads(context)
        write_empty(str(name))
        return str(name), {}

    return urlretrieve


def urlopen_of(context: CompatContext, original: Callable[..., Any]) -> Callable[..., Any]:
    """`urlopen`, which still opens files and data."""

    def urlopen(url: Any, *args: Any, **kwargs: Any) -> Any:
        address = str(getattr(url, "full_url", url))
        if not address.startswith(("http:", "https:", "ftp:")):
            return original(url, *args, **kwargs)
        return refuse(context, address)

    return urlopen


def refuse(context: CompatContext, address: str) -> None:
    """Raise what a machine without a network raises, in words."""
    context.say(f"`{address}` was not downloaded: the grader has no network.")
    raise URLError(f"{NO_NETWORK}: {address} cannot be downloaded.")


def no_requests(context: CompatContext, module: ModuleType) -> None:
    """`requests`, at the one place that all its functions come through."""

    def request(self: Any, method: str, url: Any, *args: Any, **kwargs: Any) -> None:
        context.say(f"`{url}` was not downloaded: the grader has no network.")
        raise module.exceptions.ConnectionError(f"{NO_NETWORK}: {url} cannot be downloaded.")

    context.patch(module.Session, "request", request)
