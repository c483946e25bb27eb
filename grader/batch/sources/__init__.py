"""Where submissions come from: one file a layout, found by being there.

`find_submissions` looks into a folder or a zip archive, recognises the layout by what it holds, and says whose each
notebook is. Nothing in a source is trusted: what cannot be taken safely is refused by name, and the rest is found.
"""

from grader.batch.sources._find import find_submissions

__all__ = ["find_submissions"]
