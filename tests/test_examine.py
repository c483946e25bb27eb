"""Reading what a kernel left: nothing in it is trusted, and what is damaged is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from safetensors.numpy import save_file

from grader.evidence import Place
from grader.examine.arrays import Snapshots
from grader.examine.graph import ModelConfig
from grader.examine.journal import PlaceFacts, read_journal
from grader.examine.phases import mean_drift, ratio
from grader.examine.places import Places
from grader.run.execution import CellOutcome

KERAS3 = {
    "class_name": "Functional",
    "config": {
        "layers": [
            {"class_name": "InputLayer", "name": "image", "config": {"name": "image"}, "inbound_nodes": []},
            {
                "class_name": "Functional",
                "name": "base",
                "config": {"name": "base", "layers": []},
                "inbound_nodes": [
                    {
                        "args": [{"class_name": "__keras_tensor__", "config": {"keras_history": ["image", 0, 0]}}],
                        "kwargs": {"training": False},
                    },
                    {
                        "args": [{"class_name": "__keras_tensor__", "config": {"keras_history": ["image", 0, 0]}}],
                        "kwargs": {},
                    },
                ],
            },
        ]
    },
}
KERAS2 = {
    "class_name": "Functional",
    "config": {
        "layers": [
            {"class_name": "InputLayer", "name": "image", "config": {"name": "image"}, "inbound_nodes": []},
            {
                "class_name": "Functional",
                "name": "base",
                "config": {"name": "base"},
                "inbound_nodes": [[["image", 0, 0, {"training": True}]]],
            },
        ]
    },
}
SEQUENTIAL = {
    "class_name": "Sequential",
    "config": {"layers": [{"class_name": "Functional", "config": {"name": "base", "layers": []}}]},
}


def config(folder: Path, data: object) -> ModelConfig | None:
    (folder / "config-1.json").write_text(json.dumps(data))
    return ModelConfig.read(folder, "config-1.json")


def test_the_training_argument_is_read_from_configs_of_both_flavours(tmp_path: Path) -> None:
    for data, expected in ((KERAS3, ["false", "unset"]), (KERAS2, ["true"]), (SEQUENTIAL, ["unset"])):
        read = config(tmp_path, data)
        assert read is not None
        assert read.has_graph
        assert read.training_of("base") == expected
        assert read.training_of("another") == []


def test_the_outer_graph_tells_what_is_called_on_what(tmp_path: Path) -> None:
    read = config(tmp_path, KERAS2)
    assert read is not None
    image, base = read.nodes(frozenset())
    assert (image.name, image.inputs) == ("image", ())
    assert (base.name, base.kind, base.inputs, base.training) == ("base", "Functional", ("image",), "true")


@pytest.mark.parametrize("name", [None, "nowhere.json", "../secret.json", "/etc/hostname"])
def test_a_config_is_read_only_from_its_own_folder(tmp_path: Path, name: str | None) -> None:
    (tmp_path / "secret.json").write_text("{}")
    inner = tmp_path / "evidence"
    inner.mkdir()
    assert ModelConfig.read(inner, name) is None


def test_a_config_behind_a_link_or_too_deep_or_no_json_is_none(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("{}")
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "text.json").write_text("not json")
    for name in ("link.json", "deep.json", "text.json"):
        assert ModelConfig.read(tmp_path, name) is None


def test_lines_that_the_recorder_did_not_write_are_counted_and_left_out(tmp_path: Path) -> None:
    lines = [
        {"event": "environment", "python": "3.11", "tensorflow": "2.21", "keras": "3.15", "keras_flavour": "3"},
        {"event": "environment", "python": "3.11", "tensorflow": "2.21", "keras": "3.15", "keras_flavour": "9"},
        {"event": "note", "kind": "compat", "text": "hello"},
        {"event": "note", "kind": "integrity", "text": "all is well"},
        {"event": "compile", "id": "one", "model": 1, "place": None},
        {"event": "surprise"},
        ["a", "list"],
    ]
    text = "\n".join(json.dumps(line) for line in lines) + '\n{"event": "comp'
    (tmp_path / "journal.jsonl").write_text(text)
    journal = read_journal(tmp_path)
    assert journal.damaged == 6
    assert journal.environment is not None
    assert journal.environment.keras_flavour == "3"
    assert [note.text for note in journal.notes] == ["hello"]


def test_no_journal_is_an_empty_one(tmp_path: Path) -> None:
    assert read_journal(tmp_path).environment is None


def test_a_variable_stands_in_the_last_snapshot_in_which_it_changed(tmp_path: Path) -> None:
    save_file({"1.0": np.zeros(3), "2.0": np.ones(2)}, str(tmp_path / "snapshot-1.safetensors"))
    save_file({"1.0": np.full(3, np.nan)}, str(tmp_path / "snapshot-3.safetensors"))
    (tmp_path / "snapshot-4.safetensors").write_bytes(b"cut off")
    snapshots = Snapshots(tmp_path)
    assert snapshots.damaged == 1
    assert snapshots.changed(["1.0", "2.0", "9.0"], 1, 3) == ["1.0"]
    assert snapshots.changed(["1.0"], 3, 4) == []
    assert snapshots.same("9.0", 1, 3) is None
    value = snapshots.value("2.0", 2)
    assert value is not None
    assert value.tolist() == [1.0, 1.0]


def test_the_digest_of_weights_goes_by_their_order_and_values_and_not_by_their_numbers(tmp_path: Path) -> None:
    arrays = {"1.0": np.zeros(3), "2.0": np.ones(2), "7.0": np.zeros(3), "8.0": np.ones(2), "9.0": np.ones((2, 1))}
    save_file(arrays, str(tmp_path / "snapshot-1.safetensors"))
    snapshots = Snapshots(tmp_path)
    digest = snapshots.digest(["1.0", "2.0"], 1)
    assert len(digest) == 64
    assert snapshots.digest(["7.0", "8.0", "not there"], 1) == digest
    assert digest not in (snapshots.digest(["2.0", "1.0"], 1), snapshots.digest(["1.0", "9.0"], 1))
    assert snapshots.digest(["1.0"], 0) == snapshots.digest([], 1) == ""


def test_drift_is_measured_in_standard_deviations_and_stays_finite() -> None:
    before, after = np.array([0.0, 1.0]), np.array([0.5, 1.0])
    assert mean_drift(before, after, np.array([4.0, 1.0])) == 0.25
    assert mean_drift(before, np.array([np.nan, 1.0]), np.array([4.0, 1.0])) == 1e6
    assert ratio(np.array([2.0, 4.0]), np.array([3.0, 4.0])) == 0.5
    assert ratio(np.array([2.0]), np.array([np.inf])) == 1e6
    assert ratio(np.array([2.0]), np.array([2.0, 3.0])) == 1e6


def test_a_place_is_told_as_a_reader_counts() -> None:
    notebook = new_notebook(cells=[new_code_cell("a = 1"), new_code_cell("\n\nb = 2\nc = 3"), new_code_cell("d = 4")])
    places = Places(notebook, (CellOutcome(1, "ran", 1), CellOutcome(2, "ran", 2), CellOutcome(3, "not_run")))
    # The kernel compiles a cell without the blank lines at its top.
    assert places.place(PlaceFacts(count=2, line=2)) == Place(cell=2, line=4, code="c = 3")
    assert places.place(PlaceFacts(count=2, line=99)) == Place(cell=2)
    assert places.place(PlaceFacts(count=7, line=1)) is None
    assert places.place(None) is None
    assert places.sources() == {2: "\n\nb = 2\nc = 3"}
