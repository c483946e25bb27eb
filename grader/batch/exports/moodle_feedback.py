"""Moodle: feedback files for all students in one zip archive, as *Upload multiple feedback files in a zip* takes it."""

from __future__ import annotations

import io
import re
import zipfile
from typing import ClassVar

from grader.batch.exports._base import Export, Exported, Given, Remark, no_grade
from grader.batch.gradebook import Gradebook
from grader.feedback.neutral import one_line
from grader.feedback.render import render

__all__ = ["MoodleFeedback", "feedback_name"]


class MoodleFeedback(Export):
    """One page a student, named ``Full name_12345_assignsubmission_file_feedback.html``."""

    name: ClassVar[str] = "moodle-feedback"
    title: ClassVar[str] = "Moodle feedback files, a zip to upload"

    def export(self, gradebook: Gradebook, given: Given | None) -> Exported:
        """The archive."""
        remarks: list[Remark] = []
        stream = io.BytesIO()
        written = 0
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for row in gradebook.rows:
                number = row.student.ids.get("moodle", "")
                if row.score is None:
                    remarks.append(no_grade(row))
                elif row.report is None:
                    who = row.student.name or row.student.key
                    remarks.append(Remark("skipped", who, "The score was set by hand; there is no report."))
                elif not number:
                    remarks.append(Remark("skipped", row.student.name or row.student.key, "No Moodle number is known."))
                else:
                    # A fixed time: the same feedback is the same archive.
                    entry = zipfile.ZipInfo(feedback_name(row.student.name, number))
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    archive.writestr(entry, render(row.report, "html"))
                    written += 1
        return Exported({"moodle-feedback.zip": stream.getvalue()}, written, tuple(remarks))


def feedback_name(name: str, number: str) -> str:
    """The file's name: five parts, as Moodle splits it at each ``_``; so the person's name must not have one."""
    safe = re.sub(r'[\\/:*?"<>|_]+', " ", one_line(name)).strip(".~ ") or "Participant"
    return f"{safe}_{number}_assignsubmission_file_feedback.html"
