"""The store of pretrained weights: real files where they are to be had, seeded stand-ins elsewhere."""

from grader.tensor_files import StoreTensor
from grader.weights.compare import compare
from grader.weights.record import WeightsRecord
from grader.weights.store import WeightsStore

__all__ = ["StoreTensor", "WeightsRecord", "WeightsStore", "compare"]
