"""Write FACTS.md: what the last `grader verify` measured on every notebook of the references.

python reference/make_facts.py
"""

from __future__ import annotations

import sys
from pathlib import Path

from grader.errors import GraderError
from grader.verify.cases import find_references
from grader.verify.facts import facts_of
from grader.verify.matrix import Matrix
from grader.verify.records import Records, default_records

HERE = Path(__file__).resolve().parent
INTRODUCTION = """\
# Measured facts

What happens when each notebook is run, measured on the weights before and after each stretch of training. Made by
`make facts` from the last `grader verify`; nothing here is a verdict.

* *Trainable tensors*: those that could train as compiled, in phase 1 / in fine-tuning. `–`: that phase was not reached.
* *BN layers that drift*: layers of the base whose moving mean or variance changed, in phase 1 / in fine-tuning; `+ n`
  are those that changed between the two, outside all training.
"""


def main() -> int:
    """Write the file; the exit status: 1 if an assignment is left out."""
    sections, missing = [], []
    for reference in find_references([], HERE):
        records = Records(default_records(reference.folder))
        if Matrix.of(reference, records).missing:
            missing.append(reference.slug)
        else:
            sections.append(facts_of(reference, records))
    (HERE / "FACTS.md").write_text("\n".join([INTRODUCTION, *sections]), encoding="utf-8")
    for slug in missing:
        print(f"make_facts: {slug} is left out: not all of it is measured. Run grader verify {slug}.", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except GraderError as error:
        sys.exit(f"make_facts: {error}")
