"""The base's weights, as training began, against the grader's own copy."""

from __future__ import annotations

from grader.assignment import Assignment
from grader.evidence import StoreComparison
from grader.examine.arrays import Snapshots
from grader.examine.bases import FoundBase
from grader.weights import WeightsStore, compare

__all__ = ["compare_with_store"]


def compare_with_store(
    store: WeightsStore, assignment: Assignment, snapshots: Snapshots, base: FoundBase, moment: int
) -> StoreComparison:
    """How many of the base's tensors, moving statistics included, are equal to the store's to the last bit."""
    application = base.application
    file = application.file or expected_file(store, assignment, application.application, application.include_top)
    record = store.find(file) if file else None
    arrays = []
    for member in base.members:
        for leaf in member.leaves:
            for position, weight in enumerate(leaf.own):
                value = snapshots.value(f"{leaf.number}.{position}", moment)
                if value is not None:
                    # The file has the weights by the application's own layers too.
                    arrays.append((member.name, weight.role, value))
    if record is None or not arrays:
        return StoreComparison(file="", kind="none", tensors=len(arrays), equal=0)
    tensors, equal = compare(store, record.file, arrays)
    return StoreComparison(file=record.file, kind=record.kind, tensors=tensors, equal=equal)


def expected_file(store: WeightsStore, assignment: Assignment, application: str, include_top: bool) -> str:
    """The file that this application would have asked for, for a base that asked for none.

    All sizes of an application share one architecture; the assignment's own size comes first.
    """
    records = [record for record in store.list() if record.application == application]
    records.sort(
        key=lambda record: (record.include_top != include_top, str(assignment.base.input_shape[0]) not in record.file)
    )
    return records[0].file if records else ""
