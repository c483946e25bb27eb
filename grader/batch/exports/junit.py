"""JUnit's XML, which continuous integration shows: a suite a student, a case a check."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from grader.batch.exports._base import Export, Exported, Given, Remark, no_grade
from grader.batch.exports._text import check_text
from grader.batch.gradebook import Gradebook, Row
from grader.feedback.neutral import one_line
from grader.results import CheckResult, Outcome

if TYPE_CHECKING:
    from junitparser import TestCase

__all__ = ["Junit"]


class Junit(Export):
    """A student without a grade is a suite with an error in it."""

    name: ClassVar[str] = "junit"
    title: ClassVar[str] = "JUnit XML for continuous integration"

    def export(self, gradebook: Gradebook, given: Given | None) -> Exported:
        """The XML file."""
        from junitparser import Error, JUnitXml, TestCase, TestSuite

        xml = JUnitXml(one_line(gradebook.title))
        remarks: list[Remark] = []
        for row in gradebook.rows:
            suite = TestSuite(one_line(row.student.key))
            if row.score is None:
                remarks.append(no_grade(row))
            if row.report is None and row.score is not None:
                suite.add_testcase(TestCase("graded by hand", one_line(row.student.key)))
            elif row.report is None:
                case = TestCase("graded", one_line(row.student.key))
                case.result = [Error(one_line(row.trouble or "Not graded."), "grader")]
                suite.add_testcase(case)
            else:
                for check in row.report.checks:
                    suite.add_testcase(case_of(row, check))
                suite.add_property("score", "" if row.score is None else f"{row.score:g}")
                suite.add_property("max_score", f"{row.report.max_score:g}")
            xml.add_testsuite(suite)
        xml.update_statistics()
        return Exported({"junit.xml": xml.tostring()}, len(gradebook.rows) - len(remarks), tuple(remarks))


def case_of(row: Row, check: CheckResult) -> TestCase:
    """One check."""
    from junitparser import Error, Failure, Skipped, TestCase

    case = TestCase(f"{check.code} {one_line(check.title)}", one_line(row.student.key))
    kinds = {Outcome.FAILED: Failure, Outcome.ERROR: Error, Outcome.SKIPPED: Skipped}
    if check.outcome in kinds:
        message = check.findings[0].message if check.findings else check.outcome.value
        result = kinds[check.outcome](one_line(message), check.code)
        result.text = check_text(check)
        case.result = [result]
    elif check.outcome is Outcome.WARNED:
        case.system_out = check_text(check)
    return case
