"""The assignment's images are found by the libraries that read files: TensorFlow, Keras, OpenCV, Pillow."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from grader.run.compat._base import CompatContext
from grader.run.compat._imports import on_import
from grader.run.compat._paths import PathFinder, exists, path_text

KERAS = ("keras", "tf_keras", "tensorflow")
GFILE = ("exists", "isdir", "stat", "listdir", "walk", "glob")


def before_imports(context: CompatContext) -> None:
    """Wait for the libraries that only some notebooks import."""
    image = context.paths.find_image
    on_import(
        context, "PIL.Image", lambda module: context.wrap(module, "open", lambda original: mapped(original, image))
    )
    on_import(context, "cv2", lambda module: context.wrap(module, "imread", lambda original: mapped(original, image)))
    on_import(context, "IPython.display", lambda module: shown_images(context, module))


def after_imports(context: CompatContext) -> None:
    """Map the paths that TensorFlow and Keras are given."""
    tensorflow = sys.modules["tensorflow"]
    tensorflow.keras.utils.image_dataset_from_directory  # noqa: B018  loads tf.keras, which is lazy
    paths = context.paths
    # tf-keras takes its files from `compat.v2`, which holds the same functions in a module of its own.
    for gfile in {id(module): module for module in (tensorflow.io.gfile, tensorflow.compat.v2.io.gfile)}.values():
        for name in GFILE:
            find = paths.find if name in ("exists", "stat") else paths.find_folder
            pattern = paths.pattern if name == "glob" else None
            context.wrap(gfile, name, lambda original, find=find, pattern=pattern: mapped(original, find, pattern))  # type: ignore[misc]
        for name in ("mkdir", "makedirs"):
            context.wrap(gfile, name, lambda original: made_folder(context, original))
    context.wrap(tensorflow.io.gfile.GFile, "__init__", lambda original: gfile_of(context, original))
    context.wrap(tensorflow.io, "read_file", lambda original: read_file_of(context, tensorflow, original))
    context.wrap(tensorflow.io, "matching_files", lambda original: mapped(original, paths.find, paths.pattern))
    listed = tensorflow.data.Dataset.list_files
    context.patch(tensorflow.data.Dataset, "list_files", staticmethod(mapped(listed, paths.find, paths.pattern)))
    context.wrap_everywhere("image_dataset_from_directory", KERAS, lambda original: from_directory(context, original))
    context.wrap_everywhere("load_img", KERAS, lambda original: mapped(original, paths.find_image))
    generator = tensorflow.keras.preprocessing.image.ImageDataGenerator
    context.wrap(generator, "flow_from_directory", lambda original: method(context, original, 0))
    context.wrap(generator, "flow_from_dataframe", lambda original: method(context, original, 1))


def mapped(
    original: Callable[..., Any], find: Callable[[Any], str | None], pattern: Callable[[Any], Any] | None = None
) -> Callable[..., Any]:
    """``original`` with its first argument, a path or a list of them, put where it exists."""

    def one(path: Any) -> Any:
        text = path_text(path)
        if text is None or exists(text):
            return path
        if pattern is not None and (changed := pattern(path)) is not path:
            return changed
        return find(path) or path

    def function(path: Any, *args: Any, **kwargs: Any) -> Any:
        many = isinstance(path, (list, tuple))
        return original([one(each) for each in path] if many else one(path), *args, **kwargs)

    def with_keywords(*args: Any, **kwargs: Any) -> Any:
        if args:
            return function(*args, **kwargs)
        for name in ("path", "filename", "file_pattern", "pattern", "fp", "top"):
            if name in kwargs:
                kwargs[name] = one(kwargs[name])
        return original(**kwargs)

    return with_keywords


def made_folder(context: CompatContext, original: Callable[..., None]) -> Callable[..., None]:
    """`tf.io.gfile.makedirs`, for a folder of another machine: in the work folder."""

    def function(path: Any) -> None:
        if context.paths.is_foreign(path) and (instead := context.paths.redirect(path)):
            os.makedirs(instead, exist_ok=True)
        else:
            original(path)

    return function


def gfile_of(context: CompatContext, original: Callable[..., None]) -> Callable[..., None]:
    """`GFile`, through which tf-keras reads and writes models."""

    def __init__(self: Any, name: Any, mode: str = "r") -> None:
        text = path_text(name)
        if text is not None and not exists(text):
            if ("r" in mode and "+" not in mode) or context.paths.find(name):
                name = context.paths.find(name) or name
            elif context.paths.is_foreign(name):
                name = context.paths.redirect(name) or name
        original(self, name, mode)

    return __init__


def folder_of(paths: PathFinder, directory: Any) -> Any:
    """A folder of images that exists: the one that was asked for, or the dataset."""
    text = path_text(directory)
    if text is None or exists(text):
        return directory
    found = paths.find(directory)
    return found if found and os.path.isdir(found) and has_folders(found) else paths.whole(directory)


def has_folders(folder: str) -> bool:
    """Whether a folder has sub-folders, as one with a class in each has."""
    with os.scandir(folder) as entries:
        return any(entry.is_dir() for entry in entries)


def from_directory(context: CompatContext, original: Callable[..., Any]) -> Callable[..., Any]:
    """`image_dataset_from_directory` on a folder that exists."""

    def function(directory: Any, *args: Any, **kwargs: Any) -> Any:
        context.paths.quiet.inside_keras = True
        try:
            return original(folder_of(context.paths, directory), *args, **kwargs)
        finally:
            context.paths.quiet.inside_keras = False

    return function


def method(context: CompatContext, original: Callable[..., Any], position: int) -> Callable[..., Any]:
    """A generator's method whose ``directory`` exists."""

    def function(self: Any, *args: Any, **kwargs: Any) -> Any:
        given = list(args)
        if len(given) > position:
            given[position] = folder_of(context.paths, given[position])
        elif "directory" in kwargs:
            kwargs["directory"] = folder_of(context.paths, kwargs["directory"])
        return original(self, *given, **kwargs)

    return function


def read_file_of(context: CompatContext, tensorflow: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    """`tf.io.read_file`, also inside the graph of a `tf.data` pipeline, where paths are known only as it runs."""
    image = context.paths.find_image

    def here(path: bytes) -> bytes:
        text = os.fsdecode(path)
        return path if exists(text) else os.fsencode(image(text) or text)

    def read_file(filename: Any, name: str | None = None) -> Any:
        if isinstance(filename, (str, bytes, os.PathLike)):
            return original(os.fsdecode(here(os.fsencode(filename))), name)
        tensor = tensorflow.convert_to_tensor(filename)
        if hasattr(tensor, "numpy"):
            return original(here(tensor.numpy()), name) if tensor.shape.rank == 0 else original(tensor, name)
        if getattr(context.paths.quiet, "inside_keras", False):
            return original(tensor, name)
        found = tensorflow.numpy_function(here, [tensor], tensorflow.string)
        found.set_shape(tensor.shape)
        return original(found, name)

    return read_file


def shown_images(context: CompatContext, module: ModuleType) -> None:
    """`IPython.display.Image` of a picture that the course had beside the notebook."""

    def make(original: Callable[..., None]) -> Callable[..., None]:
        def __init__(
            self: Any, data: Any = None, url: Any = None, filename: Any = None, *args: Any, **kwargs: Any
        ) -> None:
            if filename is not None and not exists(str(filename)):
                filename = context.paths.find_image(filename) or filename
            if isinstance(data, (str, os.PathLike)) and (text := path_text(data)) and not exists(text):
                data = context.paths.find_image(data) or data
            original(self, data, url, filename, *args, **kwargs)

        return __init__

    context.wrap(module.Image, "__init__", make)
