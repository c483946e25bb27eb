"""A real store of MobileNetV2's stand-ins: both Keras load it, it is the same every time, and it survives kills."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from grader.errors import WeightsError
from grader.weights import WeightsStore, compare
from grader.weights.jobs import Job, environment

STAND_IN = "grader_stand_in"
PREFIX = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_"
NO_TOP = f"{PREFIX}160_no_top.h5"
FILES = [f"{PREFIX}224_no_top.h5", f"{PREFIX}224.h5", NO_TOP, f"{PREFIX}160.h5"]
PROBE = Path(__file__).parent / "weights_probe.py"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> WeightsStore:
    """The stand-ins of MobileNetV2, made once; never written to by a test."""
    root = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        root = root.parent
    store = WeightsStore(root / "mobilenet-store")
    store.ensure("MobileNetV2", [(160, 160, 3)])
    return store


@pytest.fixture
def copy(made: WeightsStore, tmp_path: Path) -> WeightsStore:
    """A copy of the store that a test may spoil."""
    return WeightsStore(Path(shutil.copytree(made.folder, tmp_path / "store")))


def run_make(folder: Path, kill_at: int | None = None) -> int:
    """Run the subprocess on its own; kill it when it begins its file number `kill_at`. Gives its exit status."""
    job = Job(task="ensure", folder=folder, application="MobileNetV2", input_shapes=(None, (160, 160, 3)))
    with subprocess.Popen(
        [sys.executable, "-m", "grader.weights.make"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(str(folder.parent)),
    ) as process:
        assert process.stdin and process.stdout
        process.stdin.write(job.model_dump_json() + "\n")
        process.stdin.flush()
        begun = 0
        for line in process.stdout:
            begun += "progress" in json.loads(line)
            if begun == kill_at:
                process.kill()
        return process.wait()


def real_file(store: WeightsStore, path: Path) -> Path:
    """A file that is not marked as a stand-in, with one kernel of its own."""
    shutil.copyfile(store.path(NO_TOP), path)
    with h5py.File(path, "r+") as file:
        del file.attrs[STAND_IN]
        file["Conv1/Conv1/kernel:0"][...] *= 2
    return path


def tensors_of(store: WeightsStore, file_name: str) -> list[tuple[str, str, np.ndarray]]:
    return [(tensor.layer, tensor.role, tensor.array) for tensor in store.tensors(file_name)]


def test_every_file_that_the_application_asks_for_is_made(made: WeightsStore) -> None:
    records = made.ensure("MobileNetV2", [(160, 160, 3)])
    assert [(r.file, r.include_top, r.input_size, r.tensors, r.parameters) for r in records] == [
        (FILES[0], False, 224, 260, 2_257_984),
        (FILES[1], True, 224, 262, 3_538_984),
        (FILES[2], False, 160, 260, 2_257_984),
        (FILES[3], True, 160, 262, 3_538_984),
    ]
    assert {(r.application, r.kind, r.source) for r in records} == {
        ("MobileNetV2", "stand-in", "made with seed MobileNetV2")
    }
    assert [r.file for r in made.list()] == sorted(FILES, key=lambda name: name.removesuffix(".h5"))
    assert made.verify(NO_TOP) == made.find(NO_TOP)
    assert not list(made.folder.glob(".part-*"))


def test_tensors_come_in_layer_order_with_their_roles(made: WeightsStore) -> None:
    tensors = made.tensors(NO_TOP)
    assert [(t.layer, t.role, t.array.shape) for t in tensors[:7]] == [
        ("Conv1", "kernel", (3, 3, 3, 32)),
        ("bn_Conv1", "gamma", (32,)),
        ("bn_Conv1", "beta", (32,)),
        ("bn_Conv1", "moving_mean", (32,)),
        ("bn_Conv1", "moving_variance", (32,)),
        ("expanded_conv_depthwise", "depthwise_kernel", (3, 3, 32, 1)),
        ("expanded_conv_depthwise_BN", "gamma", (32,)),
    ]
    assert isinstance(tensors[0].array, np.memmap)
    with h5py.File(made.path(NO_TOP)) as file:
        assert np.array_equal(file["Conv1/Conv1/kernel:0"], tensors[0].array)


def test_sizes_and_tops_share_their_arrays(made: WeightsStore) -> None:
    base = tensors_of(made, NO_TOP)
    assert [compare(made, name, base) for name in FILES] == [(260, 260)] * 4
    assert compare(made, NO_TOP, tensors_of(made, FILES[1])) == (260, 260)


def test_moving_statistics_are_away_from_those_of_an_untrained_network(made: WeightsStore) -> None:
    for tensor in made.tensors(NO_TOP):
        if tensor.role == "moving_mean":
            assert np.abs(tensor.array).min() > 0.049
        if tensor.role == "moving_variance":
            assert np.abs(tensor.array - 1).min() > 0.049
            assert tensor.array.min() > 0
        assert np.isfinite(tensor.array).all()


def load(store: WeightsStore, keras: str, application: str, size: int) -> dict[str, dict[str, Any]]:
    """What the probe finds when it loads an application from the store on that Keras."""
    env = {key: value for key, value in os.environ.items() if key != "TF_USE_LEGACY_KERAS"}
    env |= {"TF_CPP_MIN_LOG_LEVEL": "3"} | ({"TF_USE_LEGACY_KERAS": "1"} if keras == "2" else {})
    command = [sys.executable, str(PROBE), str(store.folder), application, str(size)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["keras"] == keras
    return answer["found"]


@pytest.mark.parametrize("keras", ["2", "3"])
def test_the_application_loads_its_stand_in(made: WeightsStore, keras: str) -> None:
    found = load(made, keras, "MobileNetV2", 160)
    features, predictions = found["False 160"], found["True 160"]
    assert (features["file"], features["compared"]) == (NO_TOP, [260, 260])
    assert (predictions["file"], predictions["compared"]) == (FILES[3], [262, 262])
    assert features["finite"] and features["spread"] > 0.05 and features["largest"] <= 6
    assert predictions["finite"] and predictions["classes"] >= 3


def test_gates_and_a_normalization_layer_are_no_obstacle(tmp_path: Path) -> None:
    store = WeightsStore(tmp_path / "store")
    records = store.ensure("EfficientNetB0", [(160, 160, 3)])
    assert [record.file for record in records] == ["efficientnetb0_notop.h5", "efficientnetb0.h5"]
    features = load(store, "2", "EfficientNetB0", 160)["False 160"]
    assert features["compared"] == [312, 312]
    assert features["finite"] and features["spread"] > 0.05 and features["largest"] < 1000


def test_the_subprocess_ends_with_its_parent(tmp_path: Path) -> None:
    job = Job(task="ensure", folder=tmp_path, application="MobileNetV2", input_shapes=(None,))
    done = subprocess.run(
        [sys.executable, "-m", "grader.weights.make"],
        input=job.model_dump_json() + "\n",
        capture_output=True,
        text=True,
        env=environment(str(tmp_path)),
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert not list(tmp_path.glob("*.h5"))


def test_two_graders_at_once_make_the_same_bytes_as_one(made: WeightsStore, tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from grader.weights import WeightsStore; "
    code += "print(len(WeightsStore(Path(sys.argv[1])).ensure('MobileNetV2', [(160, 160, 3)])))"
    command = [sys.executable, "-c", code, str(tmp_path / "new")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate()[0] for process in both] == ["4\n", "4\n"]
    for path in made.folder.glob("mobilenet*"):
        assert (tmp_path / "new" / path.name).read_bytes() == path.read_bytes()


def test_a_kill_leaves_no_half_file_and_the_next_run_goes_on(made: WeightsStore, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    assert run_make(folder, kill_at=3) == -signal.SIGKILL
    store = WeightsStore(folder)
    left = store.list()
    assert left and len(left) < 4
    assert all(store.verify(record.file) == made.find(record.file) for record in left)
    assert run_make(folder) == 0
    assert store.list() == made.list()
    assert not list(folder.glob(".part-*"))


def test_a_store_that_is_made_is_only_read(copy: WeightsStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a store that is whole needs no subprocess")

    monkeypatch.setattr("grader.weights.store.run_job", refuse)
    for path in [copy.folder, *copy.folder.iterdir()]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = {path.name: path.stat().st_mtime_ns for path in [copy.folder, *copy.folder.iterdir()]}
    assert [record.file for record in copy.ensure("MobileNetV2", [(160, 160, 3)])] == FILES
    assert copy.resolve("x/" + NO_TOP) == copy.find(NO_TOP)
    assert compare(copy, NO_TOP, tensors_of(copy, NO_TOP)) == (260, 260)
    assert {path.name: path.stat().st_mtime_ns for path in [copy.folder, *copy.folder.iterdir()]} == before
    copy.folder.chmod(0o755)


def test_a_real_file_replaces_the_stand_in_and_stays(copy: WeightsStore, tmp_path: Path) -> None:
    given = real_file(copy, tmp_path / NO_TOP.replace(".h5", " (1).h5"))
    record = copy.add(given)
    assert (record.file, record.application, record.kind, record.input_size) == (
        NO_TOP,
        "MobileNetV2",
        "pretrained",
        160,
    )
    assert record.source == f"added from {given.name}"
    assert copy.path(NO_TOP).read_bytes() == given.read_bytes()
    assert given.exists()
    assert compare(copy, FILES[0], tensors_of(copy, NO_TOP)) == (260, 259)
    assert {r.file: r.kind for r in copy.ensure("MobileNetV2", [(160, 160, 3)])}[NO_TOP] == "pretrained"
    copy.path(NO_TOP).write_bytes(given.read_bytes()[:-10])
    with pytest.raises(WeightsError) as caught:
        copy.ensure("MobileNetV2", [(160, 160, 3)])
    assert (
        caught.value.message
        == f"{copy.path(NO_TOP)}: broken: {record.size - 10} bytes where {record.size} were written."
    )
    assert caught.value.remedy == "Add the file again: grader weights add FILE."


def test_a_broken_stand_in_is_made_anew(copy: WeightsStore) -> None:
    was = copy.find(NO_TOP)
    assert was is not None
    copy.path(NO_TOP).write_bytes(b"")
    with pytest.raises(WeightsError) as caught:
        copy.find(NO_TOP)
    assert str(caught.value) == (
        f"{copy.path(NO_TOP)}: broken: 0 bytes where {was.size} were written. "
        f"Delete {NO_TOP} and run the grader again: it makes the stand-in anew."
    )
    copy.ensure("MobileNetV2", [(160, 160, 3)])
    assert copy.verify(NO_TOP) == was


def test_a_file_that_does_not_fit_is_refused(copy: WeightsStore) -> None:
    with pytest.raises(WeightsError) as caught:
        copy.add(copy.path(FILES[3]), file_name=NO_TOP)
    assert caught.value.message == (
        f"{FILES[3]}: does not fit MobileNetV2 as {NO_TOP}: Layer count mismatch when loading weights from file. "
        "Model expected 104 layers, found 105 saved layers."
    )
    assert caught.value.remedy == "Give the file that keras.applications downloads for MobileNetV2."
    assert not list(copy.folder.glob(".part-*"))
    assert copy.verify(NO_TOP)


def test_a_file_of_unknown_kind_is_refused(copy: WeightsStore, tmp_path: Path) -> None:
    given = shutil.copyfile(copy.path(NO_TOP), tmp_path / "weights.h5")
    with pytest.raises(WeightsError) as caught:
        copy.add(given)
    assert str(caught.value) == f"{given}: the name does not say of which application it is. Name the application."
    with pytest.raises(WeightsError) as caught:
        copy.add(given, application="MobileNetV2")
    assert str(caught.value) == (
        f"weights.h5: MobileNetV2 asks for no file of this name, but for such as {FILES[1]}. "
        "Give the file the name under which keras.applications downloads it."
    )


def test_an_application_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        WeightsStore(tmp_path / "store").ensure("MobileNetV4", [])
    assert caught.value.message == "keras.applications has no 'MobileNetV4'."
    assert caught.value.remedy == "Did you mean MobileNetV2?"


def test_images_that_the_application_cannot_take(tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        WeightsStore(tmp_path / "store").ensure("MobileNetV2", [(20, 20, 3)])
    assert caught.value.message == (
        "MobileNetV2 takes no images of 20x20x3: Input size must be at least 32x32; Received: input_shape=(20, 20, 3)."
    )


def test_fetching_without_a_network_names_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    store = WeightsStore(tmp_path / "store")
    with pytest.raises(WeightsError) as caught:
        store.fetch("MobileNetV2", (160, 160, 3))
    assert caught.value.message == f"{NO_TOP} could not be fetched: [Errno 111] Connection refused."
    assert caught.value.remedy == "Download it elsewhere and add it: grader weights add FILE."
    assert store.list() == []
    assert not list(store.folder.glob(".part-*"))


FETCH_FROM_FOLDER = """
import shutil, sys
from pathlib import Path
from keras.src.utils import file_utils
from grader.weights.jobs import Job
from grader.weights.make import Maker

mirror, folder = map(Path, sys.argv[1:])

def get_file(fname, origin, cache_dir, cache_subdir):
    target = Path(cache_dir, cache_subdir, fname)
    target.parent.mkdir(parents=True, exist_ok=True)
    return shutil.copyfile(mirror / fname, target)

file_utils.get_file = get_file
job = Job(task="fetch", folder=folder, application="MobileNetV2", input_shapes=((160, 160, 3),))
print(Maker(job, lambda text: None).run())
"""


def test_what_is_fetched_replaces_the_stand_ins(copy: WeightsStore, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    real_file(copy, mirror / NO_TOP)
    shutil.copyfile(copy.path(FILES[3]), mirror / FILES[3])
    done = subprocess.run(
        [sys.executable, "-c", FETCH_FROM_FOLDER, str(mirror), str(copy.folder)],
        env=environment(str(tmp_path)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == str([NO_TOP, FILES[3]])
    record = copy.verify(NO_TOP)
    assert record.kind == "pretrained"
    assert record.source.startswith("fetched from https://") and record.source.endswith(f"/{NO_TOP}")
    assert copy.verify(FILES[3]).kind == "stand-in"
    assert not [path for path in copy.folder.glob(".part-*") if path.is_file()]
