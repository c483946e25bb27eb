"""Text that a student wrote, made harmless before any format shows it.

Names, code and messages of a notebook may hold terminal escapes, bidirectional overrides, HTML, Markdown or
rich markup. `clean` takes out what no format may show; what is special in one format only is escaped there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from grader.printable import without_escapes

__all__ = ["Safe", "clean", "one_line", "spans"]

# Control characters, invisible and direction-changing ones, lone surrogates, the private use area (which the
# terminal format borrows two characters from), and non-characters.
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff]"
)
LINE_BREAK = re.compile("\r\n|[\r\u0085\u2028\u2029]")
CODE_SPAN = re.compile(r"`([^`]+)`")
REPLACEMENT = "\ufffd"


class Safe(str):
    """Text that is already escaped for the format it goes into.

    Unlike `markupsafe.Markup` it knows nothing of HTML, so that joining it escapes nothing by mistake.
    """

    __slots__ = ()


def clean(text: str) -> str:
    """The text without escape sequences; each other character that no format may show becomes U+FFFD.

    Line breaks become ``\\n``, a tab four blanks.
    """
    text = LINE_BREAK.sub("\n", without_escapes(text)).expandtabs(4)
    return UNSEEN.sub(REPLACEMENT, text)


def one_line(text: str) -> str:
    """`clean`, with every run of white space that holds a line break made one blank."""
    return re.sub(r"\s*\n\s*", " ", clean(text)).strip()


def spans(text: str) -> Iterator[tuple[str, bool]]:
    """Split the text of a finding at its `backticks`: pieces, each with whether it is code."""
    for number, piece in enumerate(CODE_SPAN.split(one_line(text))):
        if piece:
            yield piece, number % 2 == 1
