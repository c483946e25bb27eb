"""Evidence is read by handle, plain and bounded; whatever else lies there is told and never followed."""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from grader.examine import wall
from grader.examine.arrays import Snapshots
from grader.examine.evidence import integrity_notes
from grader.examine.graph import ModelConfig, inputs_of
from grader.examine.journal import Journal, read_journal
from grader.examine.probes import read_events
from grader.examine.tree import ModelTree
from grader.examine.wall import RefusedError, parse_json, read_bytes

ENVIRONMENT = {"event": "environment", "python": "3", "tensorflow": "2", "keras": "3", "keras_flavour": "3"}
LAYER = {"number": 2, "name": "a", "kind": "Dense", "nested": False, "own": []}
posix = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes as POSIX has them")


def link(path: Path) -> None:
    path.with_suffix(".real").write_text("secret")
    path.symlink_to(path.with_suffix(".real"))


def hidden_by_size(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(10**12)  # Sparse: takes no room.


ODD: list[tuple[Callable[[Path], None], str]] = [
    (link, "cannot be opened: Too many levels of symbolic links"),
    (os.mkfifo if sys.platform != "win32" else link, "is no plain file"),
    (Path.mkdir, "is no plain file"),
    (lambda path: path.symlink_to("/dev/zero"), "cannot be opened: Too many levels of symbolic links"),
    (hidden_by_size, "has 1000000000000 bytes, more than the 1000 that are read"),
]


@posix
@pytest.mark.parametrize("by_number", [True, False], ids=["openat2", "flags"])
@pytest.mark.parametrize(("make", "told"), ODD, ids=["link", "pipe", "folder", "device", "huge"])
def test_what_is_no_plain_small_file_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], told: str, by_number: bool
) -> None:
    if not by_number:
        monkeypatch.setattr(wall, "system_call", lambda: None)
    make(tmp_path / "file")
    with pytest.raises(RefusedError) as caught:
        read_bytes(tmp_path, "file", 1000)
    assert str(caught.value) == told


@pytest.mark.parametrize("name", ["", ".", "..", "../file", "inner/file", "a\0b", "..\\file"])
def test_only_plain_names_are_opened(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("secret")
    with pytest.raises(RefusedError, match="is no plain name"):
        read_bytes(tmp_path, name, 1000)


def test_a_plain_file_is_read_and_no_handle_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 3_000_000)
    for _ in range(3):
        assert len(read_bytes(tmp_path, "file", 3_000_000)) == 3_000_000
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path, "nowhere", 10)
    if Path("/proc/self/fd").is_dir():
        targets = [
            os.readlink(f"/proc/self/fd/{number}")
            for number in os.listdir("/proc/self/fd")
            if number.isdigit() and os.path.lexists(f"/proc/self/fd/{number}")
        ]
        assert not [target for target in targets if target.startswith(str(tmp_path))]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"[" * 101 + b"]" * 101, "nested too deep"),
        (b"[" * 1_000_000, "nested too deep"),
        (b'"half of a pair: \\ud83d"', "not Unicode"),
        (b'{"\\uDC00": 1}', "not Unicode"),
        (b'{"a":' * 200_000, "nested too deep"),
        (b"[" + b"[]," * 600_000 + b"[]]", "too many values"),
        (b"9" * 100_000, "Exceeds the limit"),
        (b"\xff\xfe\x00", "codec can't decode"),
    ],
    ids=["deep", "very-deep", "half-pair", "half-pair-key", "deep-objects", "wide", "long-number", "no-text"],
)
def test_json_bombs_are_no_json(text: bytes, told: str) -> None:
    if told == "Exceeds the limit" and not hasattr(sys, "set_int_max_str_digits"):
        told = "Expecting"
        text = b"-"
    with pytest.raises(ValueError, match=told):
        parse_json(text)


def test_text_beyond_ascii_is_read_however_it_is_written() -> None:
    assert parse_json(rb'["\ud83e\udd99", "\u00e9"]') == parse_json('["🦙", "é"]'.encode()) == ["🦙", "é"]


def test_half_a_pair_in_bytes_is_no_unicode_either() -> None:
    with pytest.raises(ValueError, match="not Unicode"):
        parse_json(b'["\xed\xa0\x80"]')


def test_brackets_in_texts_do_not_count_as_depth() -> None:
    assert parse_json(json.dumps({"code": '["' * 500}).encode()) == {"code": '["' * 500}


@posix
@pytest.mark.parametrize("make", [make for make, _ in ODD], ids=["link", "pipe", "folder", "device", "huge"])
def test_odd_evidence_is_told_to_staff_and_is_no_evidence(tmp_path: Path, make: Callable[[Path], None]) -> None:
    for name in ("journal.jsonl", "probes.jsonl", "snapshot-1.safetensors", "config-1.json"):
        make(tmp_path / name)
    journal, snapshots = read_journal(tmp_path), Snapshots(tmp_path)
    assert journal.environment is None
    assert snapshots.latest() == 0
    assert read_events(tmp_path) == []
    assert ModelConfig.read(tmp_path, "config-1.json") is None
    first, second = integrity_notes(journal, snapshots)
    assert first.text.startswith("The recorder's journal was not read: it ")
    assert second.text == "1 of the recorder's array files could not be read."
    assert {first.kind, second.kind} == {"integrity"}


def safetensors(header: dict[str, object], body: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def entry(kind: str, shape: list[int], end: int) -> dict[str, object]:
    return {"1.0": {"dtype": kind, "shape": shape, "data_offsets": [0, end]}}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 64,
        struct.pack("<Q", 2**63) + b"{}",
        safetensors(entry("F32", [2**40], 4), b"\0" * 4),
        safetensors(entry("F32", [-1], 4), b"\0" * 4),
        safetensors(entry("F32", [2**33, 2**33], 4), b"\0" * 4),
        safetensors(entry("F32", [4], 16), b"\0" * 8),
        safetensors(entry("F32", [1], 4), b"\0" * 400),
        safetensors(entry("BF16", [2], 4), b"\0" * 4),
        safetensors(entry("PICKLE", [1], 4), b"\0" * 4),
        safetensors(entry("F32", [1] * 9, 4), b"\0" * 4),
        safetensors({"1.0": ["no", "entry"]}, b"\0" * 4),
        b"\x80\x04\x95" + b"cos\nsystem\n(S'true'\ntR.",
    ],
    ids=[
        "empty",
        "garbage",
        "header-of-exabytes",
        "shape-beyond-file",
        "negative",
        "overflow",
        "truncated",
        "trailing",
        "bfloat16",
        "unknown-type",
        "nine-dimensions",
        "no-entry",
        "pickle",
    ],
)
def test_arrays_whose_header_does_not_fit_are_left_out_and_counted(tmp_path: Path, content: bytes) -> None:
    save_file({"1.0": np.ones(1, np.float32)}, str(tmp_path / "snapshot-1.safetensors"))
    (tmp_path / "snapshot-2.safetensors").write_bytes(content)
    snapshots = Snapshots(tmp_path)
    assert (snapshots.damaged, snapshots.latest()) == (1, 1)
    assert snapshots.value("1.0", 2) is not None


def journal_of(tmp_path: Path, *events: object) -> Journal:
    (tmp_path / "journal.jsonl").write_text("\n".join(json.dumps(event) for event in events))
    return read_journal(tmp_path)


def model(number: int, *layers: dict[str, object]) -> dict[str, object]:
    return {"event": "model", "model": number, "name": "m", "kind": "Functional", "is_model": True, "layers": layers}


def test_containers_that_hold_each_other_twice_are_walked_once(tmp_path: Path) -> None:
    nested = [model(number, *({**LAYER, "number": number + 1, "nested": True},) * 2) for number in range(1, 45)]
    journal = journal_of(tmp_path, *nested, model(45, {**LAYER, "number": 99}))
    described = journal.model(1)
    assert described is not None
    assert [leaf.number for leaf in ModelTree(journal, described).leaves] == [99]


def test_a_chain_of_containers_deeper_than_any_model_ends(tmp_path: Path) -> None:
    chain = [model(number, {**LAYER, "number": number + 1, "nested": True}) for number in range(1, 5000)]
    journal = journal_of(tmp_path, *chain)
    described = journal.model(1)
    assert described is not None
    assert len(ModelTree(journal, described).leaves) == 1


@pytest.mark.parametrize("size", [-1, 10**30, float("nan"), "4"], ids=["negative", "huge", "nan", "text"])
def test_sizes_that_no_weight_has_are_none_of_the_recorders(tmp_path: Path, size: object) -> None:
    weight = {"role": "kernel", "shape": [size], "trains": True}
    journal = journal_of(tmp_path, ENVIRONMENT, model(1, {**LAYER, "own": [weight]}))
    if size == "4":
        # A number in quotes reads as that number.
        assert (len(journal.models), journal.damaged) == (1, 0)
    else:
        assert (journal.models, journal.damaged) == ([], 1)


def test_a_flood_of_lines_is_cut_off_and_counted(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text("{}\n" * 60_000)
    assert read_journal(tmp_path).damaged == 60_000


def test_the_latest_description_of_a_model_holds(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, model(1), {**model(1), "name": "later"})
    described = journal.model(1)
    assert described is not None
    assert described.name == "later"
    assert journal.model(2) is None


def test_a_forged_config_of_a_tensor_gives_no_traceback() -> None:
    assert list(inputs_of({"class_name": "__keras_tensor__", "config": ["no", "dict"]})) == []
