"""Where grades go: one file a system, found by being there."""

from grader.batch.exports._base import Export, Exported, Given, Remark, exports, find_export

__all__ = ["Export", "Exported", "Given", "Remark", "exports", "find_export"]
