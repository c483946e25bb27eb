"""The weights store: a folder of weights files that `keras.applications` and the grader both read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import platformdirs

from grader.errors import WeightsError
from grader.tensor_files import StoreTensor, read_tensors, tensors_path
from grader.weights import layout, names
from grader.weights.jobs import Job, run_job
from grader.weights.record import WeightsRecord

__all__ = ["WeightsStore"]

MAGIC = b"\x89HDF\r\n\x1a\n"
"""How every HDF5 file begins."""

Shape = tuple[int, int, int]
Progress = Callable[[str], None]
Records = list[WeightsRecord]
Tensors = list[StoreTensor]


class WeightsStore:
    """Pretrained weights by the names that `keras.applications` asks `get_file` for.

    Reading needs neither TensorFlow nor permission to write. Whatever is made, added or fetched is worked out in
    a subprocess under a lock, and gets its name only when it is whole.

    Args:
        folder: where the files lie; None: ``$GRADER_WEIGHTS``, else the user's cache folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        named = os.environ.get("GRADER_WEIGHTS")
        default = Path(named) if named else Path(platformdirs.user_cache_dir("grader")) / "weights"
        self.folder = (folder or default).absolute()

    def list(self) -> Records:
        """What the store holds, by file name.

        Raises:
            WeightsError: a record cannot be read.
        """
        return layout.read_records(self.folder)

    def path(self, file_name: str) -> Path:
        """Where the ``.h5`` file of this name lies, or would lie."""
        return self.folder / file_name

    def find(self, file_name: str) -> WeightsRecord | None:
        """The record of the file that an application asks for under this name; None where there is none.

        Raises:
            WeightsError: the file is missing behind its record, or its length changed.
        """
        record = layout.read_record(self.folder, file_name)
        if record:
            layout.require_intact(self.folder, record)
        return record

    def verify(self, file_name: str) -> WeightsRecord:
        """Like `find`, and compare the hash of the file's bytes too.

        Raises:
            WeightsError: the store lacks the file, or its bytes changed.
        """
        record = self._held(file_name)
        layout.require_intact(self.folder, record, bytes_too=True)
        return record

    def resolve(self, path_or_name: str) -> WeightsRecord | None:
        """What a notebook's own weights path stands for in the store, None if nothing.

        The folder is ignored; the marks of a copy (``(1)``, ``- Copy``) and an ending ``.hdf5`` are forgiven, and
        so is another name that still says which application it is and that the top is left out.
        """
        answers = layout.read_answers(self.folder)
        default = {app: known.get(layout.request_key(False, None)) for app, known in answers.items()}
        record = names.best_match(path_or_name, self.list(), default)
        return self.find(record.file) if record else None

    def tensors(self, file_name: str) -> Tensors:
        """The tensors of a weights file in layer order, mapped from disk.

        Raises:
            WeightsError: the store lacks the file, or it is broken.
        """
        record = self._held(file_name)
        tensors = read_tensors(tensors_path(self.folder, record.file))
        if len(tensors) != record.tensors:
            path = tensors_path(self.folder, record.file)
            raise WeightsError(
                f"{path}: broken: {len(tensors)} tensors where {record.tensors} were written.",
                layout.remedy_for(record),
            )
        return tensors

    def ensure(
        self, application: str, input_shapes: Iterable[Shape | None], progress: Progress | None = None
    ) -> Records:
        """Have every file that the application asks for at these shapes and at its own size, with and without top.

        What is missing is made as a stand-in; files that are there stay as they are.

        Args:
            application: name in `keras.applications`.
            input_shapes: (height, width, channels) of the images.
            progress: called with a line of text before each file that is made.

        Returns:
            One record a file; a shape for which there is no file of its own (with top) has none.

        Raises:
            WeightsError: there is no such application, it takes no such images, or the store cannot be written.
        """
        job = Job(
            task="ensure",
            folder=self.folder,
            application=application,
            input_shapes=tuple(dict.fromkeys([None, *map(as_shape, input_shapes)])),
        )
        answers = layout.read_answers(self.folder)
        files = layout.answered(answers, application, job.keys())
        if files is None or not all(layout.stands(self.folder, file) for file in files):
            files = run_job(job, progress)
        return [self._held(file) for file in files]

    def add(self, path: Path, application: str | None = None, file_name: str | None = None) -> WeightsRecord:
        """Take a weights file that was downloaded by other means; it replaces a stand-in of that name.

        Args:
            path: the HDF5 file as `keras.applications` downloads it.
            application: what it is of; None: its name tells.
            file_name: the name that the application asks for; None: its own, without the marks of a copy.

        Raises:
            WeightsError: it is no HDF5 file, it does not fit, or nothing says what it is of.
        """
        path = Path(path).absolute()
        try:
            with path.open("rb") as file:
                start = file.read(len(MAGIC))
        except OSError as exc:
            raise WeightsError(f"{path}: cannot be read: {exc.strerror}.", "Give the path of a weights file.") from None
        if start != MAGIC:
            raise WeightsError(
                f"{path}: not an HDF5 weights file.", "Give the .h5 file that keras.applications downloads."
            )
        job = Job(task="add", folder=self.folder, path=path, application=application or "", file_name=file_name or "")
        return self._held(run_job(job)[0])

    def fetch(self, application: str, input_shape: Shape | None = None, progress: Progress | None = None) -> Records:
        """Download the real files for this shape, without and with top; they replace stand-ins.

        Args:
            application: name in `keras.applications`.
            input_shape: (height, width, channels); None: the application's own.
            progress: called with a line of text before each download.

        Raises:
            WeightsError: there is no network, or what came is not what was asked for.
        """
        shape = as_shape(input_shape) if input_shape else None
        job = Job(task="fetch", folder=self.folder, application=application, input_shapes=(shape,))
        return [self._held(file) for file in run_job(job, progress)]

    def _held(self, file_name: str) -> WeightsRecord:
        record = self.find(file_name)
        if record is None:
            raise WeightsError(
                f"The weights store {self.folder} has no {file_name}.",
                "Add it: grader weights add FILE, or fetch it: grader weights fetch APPLICATION.",
            )
        return record


def as_shape(shape: Iterable[int] | None) -> Shape | None:
    """Three numbers, from a list as TOML gives it."""
    if shape is None:
        return None
    height, width, channels = shape
    return (height, width, channels)
