"""What needs no TensorFlow: names, comparison, records, and what is said of a store that is broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from grader.errors import WeightsError
from grader.tensor_files import tensors_path
from grader.weights import StoreTensor, WeightsRecord, WeightsStore, compare, layout
from grader.weights.names import clean, name_application, numbers

MOBILENET = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_160_no_top.h5"
MOBILENET_224 = MOBILENET.replace("160", "224")
MOBILENET_TOP = MOBILENET.replace("_no_top", "")
RESNET = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"


def put(store: WeightsStore, file: str, application: str, size: int, arrays: dict[str, np.ndarray]) -> WeightsRecord:
    """A weights file of any bytes, as the subprocess would put it in place."""
    store.folder.mkdir(exist_ok=True)
    part = store.folder / ".part-1.h5"
    part.write_bytes(b"\x89HDF\r\n\x1a\n" + file.encode())
    record = WeightsRecord(
        file=file,
        application=application,
        kind="pretrained",
        include_top="top.h5" not in file,
        input_size=size,
        sha256="",
        size=0,
        tensors=0,
        tensors_size=0,
        parameters=0,
        source="added from here",
    )
    return layout.commit(store.folder, record, part, arrays)


def arrays() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        "0001:Conv1/kernel": random.normal(size=(3, 3, 3, 8)).astype("float32"),
        "0002:bn_Conv1/gamma": random.normal(size=8).astype("float32"),
        "0002:bn_Conv1/beta": random.normal(size=8).astype("float32"),
        "0002:bn_Conv1/moving_mean": random.normal(size=8).astype("float32"),
        "0002:bn_Conv1/moving_variance": random.normal(size=8).astype("float32"),
        "0010:deep/depthwise_kernel": random.normal(size=(3, 3, 8, 1)).astype("float32"),
    }


@pytest.fixture
def store(tmp_path: Path) -> WeightsStore:
    store = WeightsStore(tmp_path / "store")
    for file, application, size in (
        (MOBILENET, "MobileNetV2", 160),
        (MOBILENET_224, "MobileNetV2", 224),
        (MOBILENET_TOP, "MobileNetV2", 160),
        (RESNET, "ResNet50", 224),
    ):
        put(store, file, application, size, arrays())
    return store


@pytest.mark.parametrize(
    ("given", "file"),
    [
        (MOBILENET, MOBILENET),
        (f"imagenet_base_model/without_top/{MOBILENET}", MOBILENET),
        (f"C:\\data\\{MOBILENET}", MOBILENET),
        (MOBILENET.replace(".h5", "(1).h5"), MOBILENET),
        (MOBILENET.replace(".h5", " - Copy.h5"), MOBILENET),
        (MOBILENET.replace(".h5", "-Copy1.h5"), MOBILENET),
        (f"{MOBILENET} (2)", MOBILENET),
        (MOBILENET.replace(".h5", ".hdf5"), MOBILENET),
        (MOBILENET.upper(), MOBILENET),
        (MOBILENET_TOP, MOBILENET_TOP),
        ("weights/MobileNetV2_160_notop.h5", MOBILENET),
        ("mobilenet-v2-no-top.h5", MOBILENET_224),
        ("mobilenetv2_imagenet_160.h5", MOBILENET_TOP),
        ("ResNet50_no_top_160.h5", RESNET),
        ("mobilenet_v2_no_top_192.h5", None),
        ("mobilenet_v2_0.5_160_no_top.h5", None),
        ("mobilenet_v2.h5", None),
        ("mobilenet_v2_no_top_finetuned.h5", None),
        ("vgg16_no_top.h5", None),
        ("imagenet", None),
        ("", None),
        ("folder/", None),
    ],
)
def test_a_path_in_a_notebook_stands_for_a_file_of_the_store(store: WeightsStore, given: str, file: str | None) -> None:
    record = store.resolve(given)
    assert (record.file if record else None) == file


def test_names_are_read_as_people_write_them() -> None:
    assert clean(r"a\b/x - Copy (2).H5") == "x.h5"
    assert clean("notes.txt") == ""
    assert name_application("resnet50v2_weights.h5", ["ResNet50", "ResNet50V2", "ResNet101"]) == "ResNet50V2"
    assert (
        name_application("weights_mobilenet_v3_small_224_1.0_float.h5", ["MobileNet", "MobileNetV3Small"])
        == "MobileNetV3Small"
    )
    assert numbers("densenet121_weights_tf_dim_ordering_tf_kernels.h5", "DenseNet121") == []
    assert numbers(MOBILENET, "MobileNetV2") == [160]


def base(values: dict[str, np.ndarray]) -> list[tuple[str, str, np.ndarray]]:
    """The tensors as an outer model would name them, the depthwise kernel as Keras 3 does."""
    split = [(key.split(":")[1].split("/"), array) for key, array in values.items()]
    return [(f"{layer}_3", role.replace("depthwise_", ""), array) for (layer, role), array in split]


def test_equal_tensors_are_counted_by_order_of_layers(store: WeightsStore) -> None:
    assert compare(store, MOBILENET, base(arrays())) == (6, 6)
    shuffled = base(arrays())
    shuffled[1:5] = shuffled[4:0:-1]
    assert compare(store, MOBILENET, shuffled) == (6, 6)


def test_one_bit_makes_a_difference(store: WeightsStore) -> None:
    values = arrays()
    values["0002:bn_Conv1/moving_mean"][3] = np.nextafter(values["0002:bn_Conv1/moving_mean"][3], np.float32(9))
    assert compare(store, MOBILENET, base(values)) == (6, 5)
    values["0001:Conv1/kernel"] = values["0001:Conv1/kernel"].astype("float16")
    assert compare(store, MOBILENET, base(values)) == (6, 4)
    values["0010:deep/depthwise_kernel"] = values["0010:deep/depthwise_kernel"].reshape(3, 3, 1, 8)
    assert compare(store, MOBILENET, base(values)) == (6, 3)


def test_only_layers_that_both_have_are_compared(store: WeightsStore) -> None:
    with_top = [*base(arrays()), ("predictions", "kernel", np.ones((8, 2), "float32"))]
    assert compare(store, MOBILENET, with_top) == (6, 6)
    assert compare(store, MOBILENET, base(arrays())[:5]) == (5, 5)
    assert compare(store, MOBILENET, []) == (0, 0)


def test_a_variable_that_keras_only_numbered_is_matched_by_shape(store: WeightsStore) -> None:
    named = base(arrays())
    named[0] = (named[0][0], "variable_12", named[0][2])
    assert compare(store, MOBILENET, named) == (6, 6)


def test_tensors_keep_their_values_and_order(store: WeightsStore) -> None:
    tensors = store.tensors(MOBILENET)
    assert [f"{t.layer}/{t.role}" for t in tensors] == [key.split(":")[1] for key in arrays()]
    assert all(
        isinstance(t, StoreTensor) and np.array_equal(t.array, a)
        for t, a in zip(tensors, arrays().values(), strict=True)
    )
    with pytest.raises(ValueError, match="read-only"):
        tensors[0].array[0] = 0


def test_numbers_of_every_type_and_shape_come_back(tmp_path: Path) -> None:
    store = WeightsStore(tmp_path)
    values = {
        "0001:n/count": np.array(3, "int64"),
        "0001:n/half": np.ones((2, 3), "float16"),
        "0001:n/none": np.ones((0,), "float32"),
    }
    put(store, "x.h5", "VGG16", 224, values)
    for tensor, value in zip(store.tensors("x.h5"), values.values(), strict=True):
        assert (tensor.array.dtype, tensor.array.shape) == (value.dtype, value.shape)
        assert np.array_equal(tensor.array, value)


def test_a_file_that_the_store_lacks(store: WeightsStore) -> None:
    assert store.find("vgg16.h5") is None
    with pytest.raises(WeightsError) as caught:
        store.tensors("vgg16.h5")
    assert caught.value.message == f"The weights store {store.folder} has no vgg16.h5."
    assert caught.value.remedy == "Add it: grader weights add FILE, or fetch it: grader weights fetch APPLICATION."


def test_changed_bytes_are_found_by_their_hash(store: WeightsStore) -> None:
    path = store.path(MOBILENET)
    path.write_bytes(b"x" * path.stat().st_size)
    assert store.find(MOBILENET)
    with pytest.raises(WeightsError) as caught:
        store.verify(MOBILENET)
    assert caught.value.message == f"{path}: broken: its bytes are not those that were written."
    assert caught.value.remedy == "Add the file again: grader weights add FILE."


def test_a_missing_file_behind_a_record(store: WeightsStore) -> None:
    path = tensors_path(store.folder, MOBILENET)
    path.unlink()
    with pytest.raises(WeightsError) as caught:
        store.find(MOBILENET)
    assert caught.value.message == f"{path}: this file of the weights store is missing."


@pytest.mark.parametrize("spoil", [lambda data: b"\xff" * len(data), lambda data: data[:8] + b"{" * (len(data) - 8)])
def test_tensors_that_cannot_be_read(store: WeightsStore, spoil) -> None:
    path = tensors_path(store.folder, MOBILENET)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(WeightsError) as caught:
        store.tensors(MOBILENET)
    assert caught.value.message == f"{path}: not a file of tensors that can be read."
    assert caught.value.remedy == "Add the file again, or delete it and run the grader again."


def test_a_record_that_cannot_be_read(store: WeightsStore) -> None:
    path = layout.record_path(store.folder, MOBILENET)
    path.write_text("{")
    with pytest.raises(WeightsError) as caught:
        store.list()
    assert str(caught.value) == f"{path}: not a weights record. Delete that file, then add or make the weights again."


def test_what_is_no_hdf5_file_is_not_added(store: WeightsStore, tmp_path: Path) -> None:
    page = tmp_path / MOBILENET
    page.write_text("<html>Sign in</html>")
    with pytest.raises(WeightsError) as caught:
        store.add(page)
    assert (
        str(caught.value) == f"{page}: not an HDF5 weights file. Give the .h5 file that keras.applications downloads."
    )
    with pytest.raises(WeightsError) as caught:
        store.add(tmp_path / "none.h5")
    assert str(caught.value) == (
        f"{tmp_path / 'none.h5'}: cannot be read: No such file or directory. Give the path of a weights file."
    )


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = WeightsStore(tmp_path / "file" / "store")
    with pytest.raises(WeightsError) as caught:
        store.ensure("MobileNetV2", [])
    assert caught.value.message == f"{store.folder}: the weights store cannot be written: Not a directory."
    assert caught.value.remedy == "Set GRADER_WEIGHTS to another folder."


def test_the_folder_is_the_users_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADER_WEIGHTS", str(tmp_path))
    assert WeightsStore().folder == tmp_path
    monkeypatch.delenv("GRADER_WEIGHTS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert WeightsStore().folder.name == "weights"
    assert WeightsStore(tmp_path / "x").list() == []


def test_the_store_is_imported_without_tensorflow() -> None:
    code = "import sys, grader.weights; print(sorted({'tensorflow', 'keras', 'tf_keras', 'h5py'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
