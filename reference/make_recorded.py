"""Write each reference's recorded.jsonl.xz: the evidence of its notebooks from the last `grader verify`.

python reference/make_recorded.py
"""

from __future__ import annotations

import sys
from pathlib import Path

from grader.errors import GraderError
from grader.verify.cases import cases_of, find_references
from grader.verify.recorded import write_recorded
from grader.verify.records import Records, default_records

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Write the files; the exit status: 1 if a notebook has not been run as it is now."""
    incomplete = []
    for reference in find_references([], HERE):
        kept = Records(default_records(reference.folder)).of(reference.slug)
        cases = cases_of(reference)
        usable = [record for case in cases if (record := kept.get(case.key)) and record.is_of(case)]
        usable = [record for record in usable if record.as_declared]
        if len(usable) < len(cases):
            incomplete.append(f"{reference.slug} ({len(usable)} of {len(cases)})")
        else:
            write_recorded(reference, usable)
    if incomplete:
        what = ", ".join(incomplete)
        print(
            f"make_recorded: left as they were: {what}. Not all of it came out as declared in the last grader verify.",
            file=sys.stderr,
        )
    return 1 if incomplete else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except GraderError as error:
        sys.exit(f"make_recorded: {error}")
