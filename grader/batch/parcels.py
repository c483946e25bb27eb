"""Folders that travel to other machines by their content: packed here, unpacked and kept there."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from platformdirs import user_cache_path

from grader.batch.fingerprint import files_of
from grader.errors import ExecutorError

__all__ = ["Parcel", "kept", "pack_folder", "unpack_parcel"]


@dataclass(frozen=True)
class Parcel:
    """A folder's files in one piece.

    Args:
        name: of the folder.
        sha256: of `body`.
        body: an uncompressed tar file.
    """

    name: str
    sha256: str
    body: bytes


def pack_folder(folder: Path, files: list[Path] | None = None, name: str = "") -> Parcel:
    """The folder, or only these files of it. The same content gives the same bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in files_of(folder) if files is None else sorted(files):
            # Without times and owners, which are no content.
            member = tarfile.TarInfo(path.relative_to(folder).as_posix())
            member.size = path.stat().st_size
            with path.open("rb") as file:
                archive.addfile(member, file)
    body = buffer.getvalue()
    return Parcel(name or folder.name, hashlib.sha256(body).hexdigest(), body)


def kept(name: str, sha256: str) -> Path | None:
    """Where this machine has the parcel of this content; None where it has not."""
    folder = home(sha256) / name
    return folder if folder.is_dir() else None


def home(sha256: str) -> Path:
    """Where a parcel of this content belongs."""
    return user_cache_path("grader") / "parcels" / sha256


def unpack_parcel(parcel: Parcel) -> Path:
    """Have the folder here; gives its path.

    Raises:
        ExecutorError: it did not arrive as it was sent, or cannot be written.
    """
    if hashlib.sha256(parcel.body).hexdigest() != parcel.sha256:
        raise ExecutorError(f"{parcel.name} did not reach the worker as it was sent.", "Try again.")
    if (there := kept(parcel.name, parcel.sha256)) is not None:
        return there
    target = home(parcel.sha256)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=".part-", dir=target.parent))
        unpack(parcel, part / parcel.name)
        try:
            os.replace(part, target)
        except OSError:  # Another worker was faster.
            shutil.rmtree(part, ignore_errors=True)
    except OSError as exc:
        raise ExecutorError(
            f"{target.parent}: cannot be written on the worker: {exc.strerror}.", "Make room there."
        ) from exc
    return target / parcel.name


def unpack(parcel: Parcel, folder: Path) -> None:
    """Write the files; each below the folder, whatever the archive says."""
    folder.mkdir()
    with tarfile.open(fileobj=io.BytesIO(parcel.body)) as archive:
        for member in archive:
            inside = PurePosixPath(member.name)
            source = archive.extractfile(member)
            if source is None or inside.is_absolute() or ".." in inside.parts:
                raise ExecutorError(f"{parcel.name} holds {member.name}, which is not a file below it.")
            path = folder / inside
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                shutil.copyfileobj(source, file)
