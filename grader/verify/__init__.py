"""Is the grader right? An assignment's reference notebooks, each graded and compared with what is declared of it.

The solution has full marks, the starter has none, and each known-wrong variant fails exactly the checks that
`variants.toml` names. `plugin` runs this as pytest tests; what came out is kept, and `matrix` and `facts` read it.
"""

from grader.verify.cases import Case, cases_of, find_references
from grader.verify.records import Record, Records
from grader.verify.variants import Reference, Variant, load_reference
from grader.verify.verdict import Mismatch, judge

__all__ = [
    "Case",
    "Mismatch",
    "Record",
    "Records",
    "Reference",
    "Variant",
    "cases_of",
    "find_references",
    "judge",
    "load_reference",
]
