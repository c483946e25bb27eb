"""Finds the assignment's images behind a path that does not exist here.

`/content/drive/MyDrive/x/dataset/alpaca/1.jpg` is the assignment's `dataset/alpaca/1.jpg`: the longest end of the path
that exists in the dataset wins. Paths that exist are nobody's business here.
"""

from __future__ import annotations

import errno
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["IMAGE_SUFFIXES", "PathFinder", "missing", "path_text"]

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")
SPLIT = re.compile(
    r"^(train|training|val|valid|validation|test|testing|eval)([ _-]?(set|dir|data|dataset|images?|ds))?$",
    re.IGNORECASE,
)
DATA_WORD = re.compile(r"data|image|img|photo|picture|train|valid|test|class", re.IGNORECASE)
# Where Colab, Kaggle and hosted Jupyter keep a notebook's files; the longest first.
FOREIGN_ROOTS = tuple(
    tuple(root.split("/"))
    for root in (
        "content/drive/MyDrive",
        "content/drive/My Drive",
        "content/drive/Shareddrives",
        "content/gdrive/MyDrive",
        "content/gdrive/My Drive",
        "content/drive",
        "content/gdrive",
        "content",
        "kaggle/working",
        "kaggle/input",
        "home/jovyan/work",
        "home/jovyan",
        "gdrive/MyDrive",
        "gdrive",
    )
)
MISSING_CODES = {errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS, errno.EINVAL}
real_stat = os.stat
real_scandir = os.scandir


SYSTEM = ("/usr/", "/etc/", "/opt/X11/", "/proc/", "/sys/", "/dev/", "/System/", "/Library/", "/Network/")
"""Where libraries look for fonts, settings and devices that may be missing; no notebook keeps its images there."""
FONTS = re.compile(r"(^|/)\.?fonts(/|$)", re.IGNORECASE)
"""Matplotlib lists every folder of fonts that there might be, the first time that it is used on a machine."""


def missing(error: OSError) -> bool:
    """Whether an error says that the path is not there, or not for us."""
    return error.errno in MISSING_CODES


def path_text(path: Any) -> str | None:
    """A path as text; None for what is no path (a file descriptor, an address, a buffer)."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        return None
    text = os.fsdecode(path)
    if not text or "\0" in text or "://" in text or text.startswith(SYSTEM) or FONTS.search(text):
        return None
    return text


def exists(path: str) -> bool:
    """`os.path.exists` as it was before any hazard."""
    try:
        real_stat(path)
    except (OSError, ValueError):
        return False
    return True


class PathFinder:
    """Stand-ins for missing paths. All results are absolute paths of things that exist, or None."""

    def __init__(self, work: Path, dataset: Path, classes: tuple[str, ...], say: Callable[[str], None]) -> None:
        self.work = str(work)
        self.dataset = str(dataset)
        self.name = os.path.basename(self.dataset)
        self.classes = classes
        self.say = say
        self.quiet = threading.local()
        """`inside_keras`: Keras is reading files that have been found already."""
        self.roots: list[str] = []
        """Folders below which any missing folder is the dataset (made by a download that did not happen)."""
        self.written: dict[str, str] = {}
        """Where files went that could not be written at their own path."""

    def find(self, path: Any) -> str | None:
        """What a missing path means: a file in the work folder under a foreign root, or a part of the dataset."""
        text = path_text(path)
        if text is None:
            return None
        parts = split(text)
        if not parts:
            return None
        inside = self.written.get(text) or self.in_work(text, parts)
        if inside and exists(inside):
            if inside == self.dataset or inside.startswith(self.dataset + "/"):
                self.tell(text)
            return inside
        found = self.in_dataset(parts)
        if found is None:
            return None
        stand_in, matched = found
        self.tell(leading(text.rstrip("/"), matched))
        return stand_in

    def find_folder(self, path: Any) -> str | None:
        """As `find`, for a folder that is to be listed: one that looks like the images' is the dataset."""
        found = self.find(path)
        text = path_text(path)
        if found or text is None:
            return found
        absolute = text.startswith("/") or re.match(r"[A-Za-z]:[\\/]", text) is not None
        outside = absolute and not self.is_inside(text)
        if outside and self.in_work(text, split(text)) == self.work:
            return self.work
        named = any(DATA_WORD.search(part) for part in split(text)[-2:])
        if not os.path.splitext(text.rstrip("/"))[1] and (
            outside or named or any(text.startswith(root) for root in self.roots)
        ):
            return self.whole(text)
        return None

    def find_image(self, path: Any) -> str | None:
        """As `find`, for a picture that is to be shown: any image of the dataset stands in for one that is missing."""
        found = self.find(path)
        text = path_text(path)
        if found or text is None or not is_image(text):
            return found
        wanted = [name for name in self.classes if name.lower() in text.lower()]
        for name in (*wanted, *self.classes):
            for file in sorted_files(os.path.join(self.dataset, name)):
                self.say(f"`{text}` does not exist here: an image of the assignment was used.")
                return file
        return None

    def whole(self, path: Any) -> str:
        """The dataset's own folder for a folder of images that is missing."""
        self.tell(os.fsdecode(path))
        return self.dataset

    def pattern(self, pattern: Any) -> Any:
        """A glob pattern whose fixed beginning exists."""
        text = path_text(pattern)
        if text is None or not (match := re.search(r"[*?\[]", text)):
            return pattern
        head, _, _ = text[: match.start()].rpartition("/")
        if not head or exists(head):
            return pattern
        folder = self.find_folder(head)
        return os.path.join(folder, text[len(head) + 1 :]) if folder else pattern

    def in_work(self, text: str, parts: list[str]) -> str | None:
        """Where a path under a foreign root lies in the work folder; None for a path that is not foreign."""
        if not (text.startswith("/") or "\\" in text) or self.is_inside(text):
            return None
        if "\\" in text and not re.match(r"[A-Za-z]:", text):
            return os.path.join(self.work, *parts)
        for root in FOREIGN_ROOTS:
            if tuple(parts[: len(root)]) == root:
                return os.path.join(self.work, *parts[len(root) :]).rstrip("/")
        return None

    def redirect(self, path: Any) -> str | None:
        """Where a file or folder that cannot be written at ``path`` is written instead; None: nowhere."""
        text = path_text(path)
        parts = split(text) if text else []
        if text is None or not parts or not text.startswith("/") or self.is_inside(text):
            return None
        inside = self.in_work(text, parts) or os.path.join(self.work, parts[-1])
        self.written[text] = inside
        if inside != self.work:
            self.say(f"`{text}` cannot be written here: it was written to the work folder.")
        return inside

    def is_foreign(self, path: Any) -> bool:
        """Whether a path begins like one of a hosting service's, on a machine that has no such folder."""
        text = path_text(path) or ""
        parts = split(text)
        return bool(parts) and self.in_work(text, parts) is not None and not exists("/" + parts[0])

    def is_inside(self, text: str) -> bool:
        """Whether an absolute path lies in the work folder or the dataset."""
        return any(text == folder or text.startswith(folder + "/") for folder in (self.work, self.dataset))

    def in_dataset(self, parts: list[str]) -> tuple[str, int] | None:
        """The part of the dataset that the longest end of a path names, and how many components it took."""
        trimmed = [part for part in parts if not SPLIT.match(part)]
        for candidate in (parts, trimmed) if trimmed != parts else (parts,):
            for start in range(len(candidate)):
                rest = candidate[start:]
                below = rest[1:] if rest[0] == self.name else rest
                path = os.path.join(self.dataset, *below) if below else self.dataset
                if exists(path):
                    return path, len(below)
        if is_image(parts[-1]):
            for name in self.classes:
                path = os.path.join(self.dataset, name, parts[-1])
                if exists(path):
                    return path, 1
        return None

    def tell(self, text: str) -> None:
        """Note that the assignment's images stand in, unless a download has said so already."""
        if not any(text.startswith(root) for root in self.roots):
            self.say(f"`{text.rstrip('/') or '/'}` does not exist here: the assignment's images were used.")


def split(text: str) -> list[str]:
    """The components of a path, Windows or not, without drive, ``.`` and ``..``."""
    parts = re.split(r"[\\/]+", text) if "\\" in text else text.split("/")
    return [part for part in parts if part not in ("", ".", "..") and not re.fullmatch(r"[A-Za-z]:", part)]


def leading(text: str, components: int) -> str:
    """A path without its last components, so that a thousand images give one note."""
    pieces = re.split(r"([\\/]+)", text)
    kept = pieces[: max(1, len(pieces) - 2 * components)]
    return "".join(kept) or text


def is_image(path: str) -> bool:
    """Whether a path is named like a picture."""
    return path.lower().endswith(IMAGE_SUFFIXES)


def sorted_files(folder: str) -> list[str]:
    """The pictures of a folder; empty where there is none."""
    try:
        with real_scandir(folder) as entries:
            return sorted(entry.path for entry in entries if is_image(entry.name))
    except OSError:
        return []
