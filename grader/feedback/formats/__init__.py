"""One file a format. Each holds `FORMAT`, a `grader.feedback.formats._base.Format`; its name is the file's."""
