"""Parquet, for analysis of large classes."""

from __future__ import annotations

import io
from typing import ClassVar

from grader.batch.exports._base import Export, Exported, Given, no_grade
from grader.batch.exports._flat import check_codes, record_of
from grader.batch.gradebook import Gradebook
from grader.errors import GraderError

__all__ = ["Parquet"]


class Parquet(Export):
    """The same table as the plain CSV, with types; no grade is null."""

    name: ClassVar[str] = "parquet"
    title: ClassVar[str] = "Parquet: the table of the plain CSV, with types"

    def export(self, gradebook: Gradebook, given: Given | None) -> Exported:
        """The file."""
        import importlib.util

        if importlib.util.find_spec("pyarrow") is None:
            raise GraderError("Parquet needs the package pyarrow.", "Install it: pip install 'grader[parquet]'.")
        import pandas as pd

        codes = check_codes(gradebook)
        records = [record_of(row, gradebook, codes) for row in gradebook.rows]
        frame = pd.DataFrame.from_records(records).convert_dtypes()
        for column in ("score", "max_score", *(f"{code}_points" for code in codes)):
            frame[column] = frame[column].astype("Float64")
        frame["submitted"] = pd.to_datetime(frame["submitted"], utc=True, format="ISO8601")
        stream = io.BytesIO()
        frame.to_parquet(stream, engine="pyarrow", index=False)
        remarks = tuple(no_grade(row) for row in gradebook.rows if row.score is None)
        return Exported({"grades.parquet": stream.getvalue()}, len(records) - len(remarks), remarks)
