"""Sources: every layout is recognised by what it holds, and nothing hostile gets through."""

from __future__ import annotations

import os
import stat
import zipfile
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.batch.entries import Found
from grader.batch.sources import find_submissions
from grader.batch.sources._tree import Limits
from grader.errors import GraderError

NOTEBOOK = b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}'

CANVAS = {
    "lovelaceada_340934_208490284_hw.ipynb": NOTEBOOK,
    "babbagecharles_LATE_340935_208490290_hw-1.ipynb": NOTEBOOK,
    "turingalan_340936_text.html": b"<p>see attached</p>",
}
MOODLE = {
    "Ada Lovelace_101_assignsubmission_file/hw.ipynb": NOTEBOOK,
    "Charles_B Babbage_102_assignsubmission_file_/deep/hw.ipynb": NOTEBOOK,
    "Group A-Alan Turing_103_assignsubmission_onlinetext/onlinetext.html": b"<p/>",
    "Participant_104_assignsubmission_file_mine.ipynb": NOTEBOOK,
}
ABOUT = (
    b"Name: Ada Lovelace (a_love)\r\nAssignment: HW_1\r\nDate Submitted: x\r\nFiles:\r\n"
    b"\tOriginal filename: my hw.ipynb\r\n\tFilename: HW_1_a_love_attempt_2026-02-01-10-00-00_my hw.ipynb\r\n"
)
BLACKBOARD = {
    "HW_1_a_love_attempt_2026-02-01-10-00-00.txt": ABOUT,
    "HW_1_a_love_attempt_2026-02-01-10-00-00_my hw.ipynb": NOTEBOOK,
    "HW_1_a_love_attempt_2026-02-01-09-00-00_my hw.ipynb": NOTEBOOK,
    "HW_1_cbab_attempt_2026-02-01-09-30-00_hw.ipynb": NOTEBOOK,
}
METADATA = b"""---
submission_7:
  :submitters:
  - :name: Ada Lovelace
    :sid: '0042'
    :email: ada@example.org
  :created_at: !ruby/object:ActiveSupport::TimeWithZone
    utc: 2026-02-01 10:00:00
  :score: 3.0
submission_8:
  :submitters:
  - :name: Charles
    :sid:
    :email: cb@example.org
  - :name: Alan
    :sid: 12
    :email: at@example.org
  :created_at: 2026-02-01 10:00:00 Z
"""
GRADESCOPE = {
    "assignment_1_export/submission_metadata.yml": METADATA,
    "assignment_1_export/submission_7/hw.ipynb": NOTEBOOK,
    "assignment_1_export/submission_8/src/hw.ipynb": NOTEBOOK,
}
NBGRADER = {
    "submitted/ada/ps1/hw.ipynb": NOTEBOOK,
    "submitted/ada/ps1/timestamp.txt": b"2026-02-01 15:58:23.948203 UTC",
    "submitted/cb/ps1/hw.ipynb": NOTEBOOK,
    "source/ps1/hw.ipynb": NOTEBOOK,
}
FOLDERS = {"ada/work/hw.ipynb": NOTEBOOK, "ada/data.csv": b"1", "cb/hw-2.ipynb": NOTEBOOK, "cb/hw-10.ipynb": NOTEBOOK}
FLAT = {"ada.ipynb": NOTEBOOK, "cb.ipynb": NOTEBOOK, "notes.pdf": b"%PDF"}
EXPECTED = {
    "canvas": (CANVAS, ["340934", "340935"]),
    "moodle": (MOODLE, ["101", "102", "104"]),
    "blackboard": (BLACKBOARD, ["a_love", "a_love", "cbab"]),
    "gradescope": (GRADESCOPE, ["cb@example.org+12", "0042"]),
    "nbgrader": (NBGRADER, ["ada", "cb"]),
    "folders": (FOLDERS, ["ada", "cb", "cb"]),
    "flat": (FLAT, ["ada", "cb"]),
}


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def laid_out(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def found_in(tmp_path: Path, files: dict[str, bytes], limits: Limits | None = None) -> Found:
    return find_submissions(zipped(tmp_path / "all.zip", files), tmp_path / "into", limits=limits)


def reasons(found: Found) -> dict[str, str]:
    return {one.what: one.reason for one in found.refused}


@pytest.mark.parametrize("form", ["zip", "folder"])
@pytest.mark.parametrize("name", EXPECTED)
def test_each_layout_is_recognised_as_zip_and_as_folder(name: str, form: str, tmp_path: Path) -> None:
    files, keys = EXPECTED[name]
    make = zipped if form == "zip" else laid_out
    found = find_submissions(make(tmp_path / "source", files), tmp_path / "into")
    assert found.source == name
    assert [attempt.student.key for attempt in found.attempts] == keys
    assert all(attempt.path.read_bytes() == NOTEBOOK for attempt in found.attempts)


def test_canvas_tells_late_names_and_what_was_typed(tmp_path: Path) -> None:
    found = found_in(tmp_path, CANVAS)
    first, second = found.attempts
    assert (first.student.name, first.student.ids, first.late) == ("lovelaceada", {"canvas": "340934"}, False)
    assert (second.late, second.name) == (True, "babbagecharles_LATE_340935_208490290_hw-1.ipynb")
    (typed,) = found.refused
    assert typed.student is not None and typed.student.key == "340936"
    assert typed.reason == "Text that was typed into Canvas, not a notebook; ask for the .ipynb file."


def test_later_attachment_of_a_student_counts(tmp_path: Path) -> None:
    found = found_in(tmp_path, {"a_1_90_hw-1.ipynb": NOTEBOOK, "a_1_100_hw.ipynb": NOTEBOOK})
    assert [(attempt.number, attempt.name) for attempt in found.attempts] == [
        (1, "a_1_90_hw-1.ipynb"),
        (2, "a_1_100_hw.ipynb"),
    ]


def test_moodle_names_are_kept_with_underscores_and_blind_ones_left_out(tmp_path: Path) -> None:
    found = found_in(tmp_path, MOODLE)
    assert [attempt.student.name for attempt in found.attempts] == ["Ada Lovelace", "Charles_B Babbage", ""]
    assert found.attempts[2].name == "mine.ipynb"


def test_blackboard_attempts_are_in_order_of_time_and_named_by_the_text_file(tmp_path: Path) -> None:
    ada = [attempt for attempt in found_in(tmp_path, BLACKBOARD).attempts if attempt.student.key == "a_love"]
    assert [attempt.submitted for attempt in ada] == [datetime(2026, 2, 1, 9), datetime(2026, 2, 1, 10)]
    assert (ada[1].student.name, ada[1].name, ada[1].number) == ("Ada Lovelace", "my hw.ipynb", 2)


def test_gradescope_groups_are_one_student_and_ruby_tags_make_nothing(tmp_path: Path) -> None:
    group, alone = found_in(tmp_path, GRADESCOPE).attempts
    assert (alone.student.email, alone.student.ids) == ("ada@example.org", {"gradescope": "7", "sid": "0042"})
    assert group.student.name == "Charles & Alan"
    assert group.submitted == datetime(2026, 2, 1, 10, tzinfo=timezone.utc)


def test_nbgrader_reads_the_time_and_wants_one_assignment(tmp_path: Path) -> None:
    found = found_in(tmp_path, NBGRADER)
    assert found.attempts[0].submitted == datetime(2026, 2, 1, 15, 58, 23, tzinfo=timezone.utc)
    assert reasons(found) == {
        "source/ps1/hw.ipynb": "Not named as in the nbgrader layout, so nobody can tell whose it is."
    }
    two = zipped(tmp_path / "two.zip", {**NBGRADER, "submitted/ada/ps2/hw.ipynb": NOTEBOOK})
    with pytest.raises(GraderError) as caught:
        find_submissions(two, tmp_path / "into")
    assert caught.value.message == f"{two}: there are 2 assignments in it: ps1, ps2."
    chosen = find_submissions(two, tmp_path / "into", "ps2")
    assert [attempt.student.key for attempt in chosen.attempts] == ["ada"]
    assert reasons(chosen)["submitted/cb/ps1/hw.ipynb"] == "Belongs to another assignment, ps1."


@pytest.mark.parametrize(
    ("files", "layout", "keys"),
    [
        ({"hw1/a.ipynb": NOTEBOOK, "hw1/b.ipynb": NOTEBOOK}, "flat", ["a", "b"]),
        ({"hw1/a/x.ipynb": NOTEBOOK, "hw1/b/x.ipynb": NOTEBOOK}, "folders", ["a", "b"]),
        ({"a/x.ipynb": NOTEBOOK}, "folders", ["a"]),
        ({"a/1.ipynb": NOTEBOOK, "a/2.ipynb": NOTEBOOK, "b/x.pdf": b""}, "folders", ["a", "a"]),
        ({"a.ipynb.txt": NOTEBOOK}, "flat", ["a"]),
    ],
)
def test_a_folder_around_everything_is_nobodys_name(
    files: dict[str, bytes], layout: str, keys: list[str], tmp_path: Path
) -> None:
    found = found_in(tmp_path, files)
    assert (found.source, [attempt.student.key for attempt in found.attempts]) == (layout, keys)


def test_a_file_beside_flat_notebooks_is_told_but_is_no_student(tmp_path: Path) -> None:
    found = found_in(tmp_path, {**FLAT, "dataset/1.png": b"", "dataset/2.png": b""})
    (stranger,) = found.refused
    assert (stranger.what, stranger.student) == ("notes.pdf", None)
    assert stranger.reason == "Not a notebook, and nobody can tell whose it is."


def test_a_student_without_a_notebook_is_one_line_however_many_files(tmp_path: Path) -> None:
    found = found_in(tmp_path, {"a/x.ipynb": NOTEBOOK, **{f"b/{number}.png": b"" for number in range(5)}})
    assert reasons(found) == {"b/0.png": "None of the 5 files there is a notebook; ask for the .ipynb file."}


def test_who_handed_in_no_notebook_is_told(tmp_path: Path) -> None:
    found = found_in(tmp_path, {"a/x.ipynb": NOTEBOOK, "b/x.zip": b"PK", "c/x.pdf": b"%PDF"})
    assert reasons(found) == {
        "b/x.zip": "An archive within the source is not opened; unpack it, or ask for the notebook itself.",
        "c/x.pdf": "Not a notebook; ask for the .ipynb file.",
    }
    assert [one.student.key for one in found.refused if one.student] == ["b", "c"]


def test_a_broken_list_of_submitters_is_an_error_and_not_other_names(tmp_path: Path) -> None:
    broken = {**GRADESCOPE, "assignment_1_export/submission_metadata.yml": b"a: [1"}
    with pytest.raises(GraderError) as caught:
        found_in(tmp_path, broken)
    assert caught.value.message.startswith(
        f"{tmp_path}/all.zip: assignment_1_export/submission_metadata.yml cannot be read: "
    )
    del broken["assignment_1_export/submission_metadata.yml"]
    keys = [attempt.student.key for attempt in found_in(tmp_path, broken).attempts]
    assert keys == ["submission_7", "submission_8"]


def test_numbers_longer_than_python_reads_are_names_like_any_other(tmp_path: Path) -> None:
    digits = "9" * 5000
    names = [f"a_{digits}_{digits}_hw.ipynb", f"submission_{digits}/hw.ipynb", f"{digits}.ipynb", ".ipynb", "٣.ipynb"]
    found = found_in(tmp_path, dict.fromkeys(names, NOTEBOOK))
    assert len(found.attempts) == len({attempt.student.key for attempt in found.attempts}) == 5
    assert all(attempt.student.key for attempt in found.attempts)


HOSTILE = {
    "../evil.ipynb": "The path leads out of the archive.",
    "a/../../evil.ipynb": "The path leads out of the archive.",
    "..\\evil.ipynb": "The path leads out of the archive.",
    "/etc/evil.ipynb": "An absolute path; members of an archive must lie within it.",
    "C:\\evil.ipynb": "An absolute path; members of an archive must lie within it.",
    "con.ipynb": "Named like a device of Windows; rename the file.",
    "x/LPT1 .ipynb": "Named like a device of Windows; rename the file.",
    "new\nline.ipynb": "There are control characters in the name; rename the file.",
    "__MACOSX/._good.ipynb": "An automatic copy, not what was handed in.",
    ".ipynb_checkpoints/good-checkpoint.ipynb": "An automatic copy, not what was handed in.",
}


def test_hostile_members_are_refused_one_by_one_and_the_rest_is_found(tmp_path: Path) -> None:
    found = found_in(tmp_path, {**dict.fromkeys(HOSTILE, NOTEBOOK), "good.ipynb": NOTEBOOK, ".DS_Store": b""})
    assert [attempt.name for attempt in found.attempts] == ["good.ipynb"]
    spoken = {name.replace("\\", "/").replace("\n", "\ufffd"): reason for name, reason in HOSTILE.items()}
    assert reasons(found) == spoken
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "all.zip"]
    assert [path.name for path in written] == ["good.ipynb"]


def special(name: str, mode: int = stat.S_IFREG | 0o644, flags: int = 0) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    entry.flag_bits |= flags
    return entry


def test_links_pipes_and_second_members_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(special("link.ipynb", stat.S_IFLNK | 0o777), "/etc/passwd")
        archive.writestr(special("pipe.ipynb", stat.S_IFIFO | 0o644), "")
        archive.writestr("good.ipynb", NOTEBOOK)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("good.ipynb", b"other")
    found = find_submissions(path, tmp_path / "into")
    assert [attempt.path.read_bytes() for attempt in found.attempts] == [NOTEBOOK]
    assert reasons(found) == {
        "link.ipynb": "A link, which could lead anywhere; put the file itself in its place.",
        "pipe.ipynb": "Not a file that holds anything (a pipe, a socket or a device).",
        "good.ipynb": "A second member of this name; only the first one is read.",
    }


def test_bombs_are_not_unpacked(tmp_path: Path) -> None:
    files = {"bomb.ipynb": b" " * 3_000_000, "large.ipynb": os.urandom(2_500_000), "good.ipynb": NOTEBOOK}
    found = found_in(tmp_path, files, Limits(member=4_000_000, total=2_000_000))
    assert reasons(found) == {
        "bomb.ipynb": "Unpacks to more than 200 times its size, as a zip bomb does; not unpacked.",
        "large.ipynb": "The archive holds more than the 0 GB that are unpacked; grade it in parts.",
    }
    large = found_in(tmp_path, files, Limits(member=2_400_000))
    assert reasons(large)["large.ipynb"] == (
        "The file has 2 MB, more than the 2 MB that are read; clear the outputs and save it again."
    )


def test_encrypted_damaged_and_lying_members_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "all.zip", {"good.ipynb": NOTEBOOK, "bad.ipynb": NOTEBOOK, "locked.ipynb": NOTEBOOK})
    data = bytearray(path.read_bytes())
    second = data.index(b"bad.ipynb") + len("bad.ipynb")
    data[second : second + 8] = b"\xff" * 8
    central = data.index(b"locked.ipynb", data.index(b"PK\x01\x02")) - 46
    data[central + 8] |= 1
    path.write_bytes(data)
    told = reasons(find_submissions(path, tmp_path / "into"))
    assert told["locked.ipynb"] == "Encrypted; unpack the archive with its password and name the folder."
    assert told["bad.ipynb"].startswith("Cannot be unpacked (") and told["bad.ipynb"].endswith(
        "; ask for the file again."
    )


def test_names_in_utf8_without_the_flag_are_read_right(tmp_path: Path) -> None:
    path = zipped(tmp_path / "all.zip", {"ZZ_.ipynb": NOTEBOOK})
    path.write_bytes(path.read_bytes().replace(b"ZZ_.ipynb", "é_.ipynb".encode()))
    assert [attempt.name for attempt in find_submissions(path, tmp_path / "into").attempts] == ["é_.ipynb"]


def test_a_member_without_a_name_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "all.zip", {"Z_.ipynb": NOTEBOOK, "good.ipynb": NOTEBOOK, "folder\\": b""})
    path.write_bytes(path.read_bytes().replace(b"Z_.ipynb", b"\x00_.ipynb"))
    found = find_submissions(path, tmp_path / "into")
    assert reasons(found) == {"\ufffd_.ipynb": "There are control characters in the name; rename the file."}


def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.ipynb").write_bytes(b"secret")
    source = laid_out(tmp_path / "all", {"good.ipynb": NOTEBOOK})
    (source / "evil.ipynb").symlink_to(tmp_path / "secret.ipynb")
    (source / "out").symlink_to(tmp_path)
    os.mkfifo(source / "pipe.ipynb")
    found = find_submissions(source, tmp_path / "into")
    assert [attempt.name for attempt in found.attempts] == ["good.ipynb"]
    assert set(reasons(found)) == {"evil.ipynb", "out", "pipe.ipynb"}


def test_what_is_no_source_is_one_line_with_a_remedy(tmp_path: Path) -> None:
    missing, empty, broken = tmp_path / "none", tmp_path / "empty", tmp_path / "broken.zip"
    empty.mkdir()
    broken.write_bytes(b"PK")
    (tmp_path / "x.tar.gz").write_bytes(b"")
    locked = zipped(tmp_path / "locked.zip", {"../a.ipynb": NOTEBOOK})
    expected = {
        missing: f"{missing}: there is no such file or folder. Check the path.",
        empty: f"{empty}: there is no notebook (.ipynb) in it, it is empty. "
        "Name the folder or the zip archive with the submissions.",
        broken: f"{broken}: not a zip archive that can be read: File is not a zip file. Download it again.",
        tmp_path / "x.tar.gz": f"{tmp_path}/x.tar.gz: only zip archives are opened. Unpack it and name the folder.",
        locked: f"{locked}: there is no notebook (.ipynb) in it that may be read. "
        "Refused was ../a.ipynb: The path leads out of the archive.",
    }
    for source, text in expected.items():
        with pytest.raises(GraderError) as caught:
            find_submissions(source, tmp_path / "into")
        assert str(caught.value) == text


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30), max_size=6))
def test_no_name_leads_out_of_the_folder_and_every_member_is_accounted_for(names: list[str], tmp_path: Path) -> None:
    path, into = tmp_path / "all.zip", tmp_path / "deep" / "into"
    wanted = {f"{name}.ipynb" for name in names if "\x00" not in name}
    with zipfile.ZipFile(path, "w") as archive:
        for name in [*wanted, "good.ipynb"]:
            archive.writestr(special(name), NOTEBOOK)
    found = find_submissions(path, into)
    assert len(found.attempts) + len(found.refused) == len(wanted) + 1
    for attempt in found.attempts:
        assert attempt.path.resolve().is_relative_to(into.resolve()) and attempt.path.read_bytes() == NOTEBOOK
    outside = [one for one in tmp_path.rglob("*") if one.is_file() and not one.is_relative_to(into) and one != path]
    assert outside == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=12))
def test_damaged_archives_end_in_attempts_refusals_or_one_error(changes: list[tuple[int, int]], tmp_path: Path) -> None:
    path = zipped(tmp_path / "all.zip", {**CANVAS, "z" * 40 + ".ipynb": NOTEBOOK * 20})
    data = bytearray(path.read_bytes())
    for place, value in changes:
        data[place % len(data)] = value
    path.write_bytes(data)
    try:
        found = find_submissions(path, tmp_path / "into")
    except GraderError:
        return
    assert found.attempts
