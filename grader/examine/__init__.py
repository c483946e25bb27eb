"""What was left on disk -> typed, immutable Evidence, outside the student's process."""

from grader.examine.evidence import RunFacts, examine

__all__ = ["RunFacts", "examine"]
