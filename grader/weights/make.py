"""The store's subprocess: the only part that imports TensorFlow, ``python -m grader.weights.make``.

It reads one `Job`, a line of JSON, from standard input and prints JSON lines: ``{"progress": text}`` as it goes,
and last either ``{"done": [file names]}`` or ``{"error": [message, remedy]}``.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from filelock import FileLock, Timeout

from grader.errors import WeightsError
from grader.weights import layout, names
from grader.weights.jobs import LOCK, LOCK_SECONDS, SECONDS_WITHOUT_ANSWER, Job
from grader.weights.record import WeightsRecord

__all__ = ["main"]

Say = Callable[[str], None]


def main() -> None:
    """Do the job on standard input."""
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    # TensorFlow and Keras print what they like; only this module's lines may reach the parent.
    os.dup2(2, 1)
    try:
        job = Job.model_validate_json(sys.stdin.readline())
        threading.Thread(target=end_with_parent, daemon=True).start()
        with writing(job.folder):
            done = Maker(job, lambda text: tell(channel, progress=text)).run()
    except WeightsError as exc:
        tell(channel, error=[exc.message, exc.remedy])
    else:
        tell(channel, done=done)


def end_with_parent() -> None:
    """End at once when the parent closes its end of standard input or dies: nobody waits for the work any more."""
    sys.stdin.read()
    os._exit(1)


def tell(channel: TextIO, **message: object) -> None:
    """One line to the parent."""
    channel.write(json.dumps(message) + "\n")


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Hold the store's lock, and clear away what a killed predecessor left unfinished."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / LOCK, timeout=LOCK_SECONDS):
            for left in folder.glob(f"{layout.PART}*"):
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            yield
    except Timeout:
        raise WeightsError(
            f"{folder}: another grader has been writing there for {LOCK_SECONDS} s.", "Try again later."
        ) from None
    except OSError as exc:
        reason = exc.strerror or str(exc)
        raise WeightsError(
            f"{folder}: the weights store cannot be written: {reason}.", "Set GRADER_WEIGHTS to another folder."
        ) from exc


class Maker:
    """One job, done under the store's lock."""

    def __init__(self, job: Job, say: Say) -> None:
        self.job = job
        self.folder = job.folder
        self.say = say
        self.arrays: list[np.ndarray] = []

    def run(self) -> list[str]:
        """Names of the files that stand for the job, in the order of its requests."""
        if self.job.task == "ensure" and (files := self.standing()) is not None:
            return files  # Another grader made them while this one waited.
        import tensorflow as tf

        # One thread adds in one order: the same bytes on every run.
        tf.config.threading.set_intra_op_parallelism_threads(1)
        from grader.weights import ask

        if self.job.task == "add":
            return [self.add()]
        self.application = ask.find(self.job.application)
        return self.ensure() if self.job.task == "ensure" else self.fetch()

    def standing(self) -> list[str] | None:
        """The files asked for, if the store has all of them."""
        files = layout.answered(layout.read_answers(self.folder), self.job.application, self.job.keys())
        return files if files is not None and all(layout.stands(self.folder, file) for file in files) else None

    def answers(self) -> Iterator[tuple[str, Any]]:
        """What the application asks for, by request; None where it has no file for that shape."""
        from grader.weights.ask import NoSuchFileError

        for key, (include_top, shape) in self.job.keys().items():
            try:
                yield key, self.application.ask(include_top, shape, values=False)
            except NoSuchFileError as exc:
                if not include_top:
                    size = "x".join(map(str, shape or ()))
                    reason = str(exc).split("\n")[0].rstrip(".")
                    raise WeightsError(f"{self.application.name} takes no images of {size}: {reason}.") from exc
                yield key, None

    def ensure(self) -> list[str]:
        """Make the stand-ins that are missing."""
        name = self.application.name
        found: dict[str, str | None] = {}
        for key, answer in self.answers():
            found[key] = answer.file if answer else None
            if answer and not layout.stands(self.folder, answer.file):
                self.say(f"making stand-in weights {answer.file}")
                self.make(answer)
        layout.note_answers(self.folder, name, found)
        return [file for file in dict.fromkeys(found.values()) if file]

    def make(self, answer: Any) -> None:
        """Write one stand-in. All sizes of an application, with top and without, have the same arrays."""
        from grader.weights import ask, calibrate, hdf5

        if not self.arrays:
            with_top = self.application.ask(True, None)
            self.arrays = calibrate.make_arrays(self.application, with_top.model)
        shapes = [slot.shape for slot in ask.slots(answer.model)]
        arrays = self.arrays[: len(shapes)]
        if [array.shape for array in arrays] != shapes:
            raise WeightsError(f"{answer.application}: its layers with the classifier do not begin with those without.")
        part = self.folder / f"{layout.PART}{os.getpid()}.h5"
        tensors = hdf5.write(part, answer.model, arrays)
        self.commit(answer, part, tensors, kind="stand-in", source=f"made with seed {answer.application}")

    def fetch(self) -> list[str]:
        """Download the files asked for with Keras's own `get_file`."""
        files: list[str] = []
        socket.setdefaulttimeout(SECONDS_WITHOUT_ANSWER)
        for (_, shape), (_, answer) in zip(self.job.keys().values(), self.answers(), strict=True):
            if answer is None or answer.file in files:
                continue
            self.say(f"fetching {answer.origin}")
            path = self.download(answer)
            self.take(answer, path, shape, source=f"fetched from {answer.origin}")
            files.append(answer.file)
        return files

    def download(self, answer: Any) -> Path:
        """The downloaded file, in a folder of its own inside the store."""
        cache = self.folder / f"{layout.PART}{os.getpid()}"
        keywords = {**answer.keywords, "cache_dir": str(cache), "cache_subdir": "models"}
        try:
            return Path(self.application.files.get_file(answer.file, answer.origin, **keywords))
        except Exception as exc:  # Keras raises a bare Exception where an address cannot be reached.
            shutil.rmtree(cache, ignore_errors=True)
            reason = " ".join(str(exc).split()).split(" -- ")[-1]
            raise WeightsError(
                f"{answer.file} could not be fetched: {reason}.",
                "Download it elsewhere and add it: grader weights add FILE.",
            ) from exc

    def add(self) -> str:
        """Take a file that is already on this machine."""
        from grader.weights import ask
        from grader.weights.choose import choose

        source = self.job.path
        assert source is not None  # The parent's method has it as a required argument.
        wanted = names.clean(self.job.file_name or source.name)
        known = ask.application_names()
        name = self.job.application or names.name_application(wanted, known)
        if not name:
            raise WeightsError(f"{source}: the name does not say of which application it is.", "Name the application.")
        self.application = ask.find(name)
        answer, shape, more = choose(self.application, wanted, source.name)
        self.say(f"adding {answer.file}")
        copy = self.folder / f"{layout.PART}{os.getpid()}.h5"
        shutil.copyfile(source, copy)
        self.take(answer, copy, shape, source=f"added from {source.name}", **more)
        return str(answer.file)

    def take(self, answer: Any, path: Path, shape: tuple[int, ...] | None, *, source: str, **more: Any) -> None:
        """Put a given file in the store once the application has loaded it."""
        from grader.weights import ask, hdf5

        try:
            stand_in = hdf5.is_stand_in(path)
            model = self.application.load(answer, str(path), shape, **more)
        except (ask.NoSuchFileError, OSError, KeyError, TypeError, IndexError) as exc:
            path.unlink()
            reason = " ".join(str(exc).split()).rstrip(".")
            raise WeightsError(
                f"{source.split(' from ')[1]}: does not fit {answer.application} as {answer.file}: {reason}.",
                f"Give the file that keras.applications downloads for {answer.application}.",
            ) from exc
        tensors = {slot.key: slot.value() for slot in ask.slots(model)}
        self.commit(answer, path, tensors, kind="stand-in" if stand_in else "pretrained", source=source)

    def commit(self, answer: Any, path: Path, tensors: dict[str, np.ndarray], *, kind: Any, source: str) -> None:
        """Give the file its name, with its tensors and its record."""
        record = WeightsRecord(
            file=answer.file,
            application=answer.application,
            kind=kind,
            include_top=answer.include_top,
            input_size=answer.input_size,
            sha256="",
            size=0,
            tensors=0,
            tensors_size=0,
            parameters=0,
            source=source,
        )
        layout.commit(self.folder, record, path, tensors)


if __name__ == "__main__":
    main()
