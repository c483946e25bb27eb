"""A spreadsheet's CSV file, read and written again as it was: encoding, delimiter, decimal comma, line ends."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grader.errors import GraderError

__all__ = ["Table", "as_number", "folded", "to_csv"]

DECIMAL_COMMA = re.compile(r"-?\d+,\d+")
NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")


@dataclass
class Table:
    """The rows of a file, the first of which is its header."""

    name: str
    header: list[str]
    rows: list[list[str]]
    encoding: str = "utf-8"
    delimiter: str = ","
    line_end: str = "\r\n"
    decimal_comma: bool = False
    lead: list[list[str]] = field(default_factory=list)
    """Rows above the students' that belong to the header."""

    @classmethod
    def read(cls, name: str, data: bytes) -> Table:
        """The table in a file.

        Raises:
            GraderError: there is none in it.
        """
        text, encoding = decoded(data)
        first = text.lstrip("\r\n").split("\n", 1)[0]
        delimiter = max(",;\t", key=first.count)
        try:
            rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
        except csv.Error as exc:
            raise GraderError(f"{name}: not a CSV file that can be read: {exc}.", "Download it again.") from None
        if len(rows) < 2 or len(rows[0]) < 2:
            raise GraderError(f"{name}: there is no table in it.", "Name the CSV file as the system gave it.")
        width = len(rows[0])
        for number, row in enumerate(rows[1:], 2):
            if len(row) > width:
                raise GraderError(
                    f"{name}, row {number}: {len(row)} cells below {width} headings.", "Download it again."
                )
            row.extend([""] * (width - len(row)))
        comma = delimiter != "," and any(DECIMAL_COMMA.fullmatch(cell.strip()) for row in rows[1:] for cell in row)
        return cls(name, rows[0], rows[1:], encoding, delimiter, "\r\n" if "\r\n" in text else "\n", comma)

    def number(self, text: str) -> str:
        """A number as this file writes them."""
        return text.replace(".", ",") if self.decimal_comma else text

    def write(self) -> bytes:
        """The file."""
        rows = [self.header, *self.lead, *self.rows]
        text = to_text(rows, self.delimiter, self.line_end)
        try:
            return text.encode(self.encoding)
        except UnicodeEncodeError:
            return text.encode("utf-8-sig")


def decoded(data: bytes) -> tuple[str, str]:
    """The text of a file and the encoding it had."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace"), "utf-16"
    encoding = "utf-8-sig" if data.startswith(codecs.BOM_UTF8) else "utf-8"
    try:
        return data.decode(encoding), encoding
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace"), "cp1252"


def to_text(rows: Sequence[Sequence[str]], delimiter: str = ",", line_end: str = "\r\n") -> str:
    """Rows as text."""
    stream = io.StringIO(newline="")
    lines = []
    for row in rows:
        # With "\r\n" as its line end the writer puts quotes around either of them within a cell.
        csv.writer(stream, delimiter=delimiter, lineterminator="\r\n").writerow(row)
        lines.append(stream.getvalue().removesuffix("\r\n") + line_end)
        stream.seek(0)
        stream.truncate()
    return "".join(lines)


def to_csv(header: Sequence[str], rows: Sequence[Mapping[str, str]]) -> bytes:
    """A new table, in UTF-8 with the mark by which spreadsheets know it."""
    cells = [[row.get(heading, "") for heading in header] for row in rows]
    return to_text([header, *cells]).encode("utf-8-sig")


def as_number(text: str) -> float | None:
    """A cell's number, with a decimal point or comma; None where it is none."""
    text = text.strip()
    return float(text.replace(",", ".")) if NUMBER.fullmatch(text) else None


def folded(text: str) -> str:
    """Text as it is compared: without case and surrounding blanks."""
    return text.strip().casefold()
