"""One file a diagnosis: each defines one `grader.feedback.diagnosis.Rule`, found by looking into this folder."""
