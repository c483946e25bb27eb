"""NB003 complete."""

from __future__ import annotations

from grader.checks._base import Check, Failed, Passed, Verdict
from grader.checks._words import count, locate
from grader.evidence import Evidence, Exercise
from grader.policy import Policy
from grader.results import Finding

__all__ = ["Complete"]


class Complete(Check):
    """What it checks
    --------------
    No exercise is left as the starter notebook had it: no placeholder of the starter (`None`, `...`,
    `NotImplementedError`) still stands where your code belongs.

    Why it matters
    --------------
    A placeholder is valid Python. `x = None` raises nothing where it stands; the error comes many lines later
    and speaks of something else, such as an attribute that `NoneType` does not have. Knowing which gaps are
    still open saves the search.

    Example
    -------
    ```python
    def add_head(base, inputs):
        # UNQ_C1 (3 lines of code)
        x = base(inputs, training=False)
        x = tf.keras.layers.GlobalAveragePooling2D()(x)
        outputs = None
        return tf.keras.Model(inputs, outputs)
    ```

    Use instead
    -----------
    ```python
    def add_head(base, inputs):
        # UNQ_C1 (3 lines of code)
        x = base(inputs, training=False)
        x = tf.keras.layers.GlobalAveragePooling2D()(x)
        outputs = tf.keras.layers.Dense(1)(x)
        return tf.keras.Model(inputs, outputs)
    ```
    """

    code = "NB003"
    name = "complete"
    title = "Every exercise is filled in"
    example_starter = """\
def add_head(base, inputs):
    # UNQ_C1 (3 lines of code)
    x = None
    x = None
    outputs = None
    return tf.keras.Model(inputs, outputs)
"""

    def judge(self, evidence: Evidence, policy: Policy) -> Verdict:
        findings = tuple(of_exercise(exercise) for exercise in evidence.notebook.open_exercises)
        return Failed(findings) if findings else Passed()


def of_exercise(exercise: Exercise) -> Finding:
    """An exercise that still has gaps, pointed at by its first one."""
    name = f"`{exercise.name}`" if exercise.name.isidentifier() else exercise.name
    first = exercise.places[0] if exercise.places else None
    left = len(exercise.places)
    what = (
        f"{count(left, 'placeholder')} of the starter {'is' if left == 1 else 'are'} still there"
        if left
        else "it is as the starter has it"
    )
    return Finding(
        message=f"{name} is not filled in: {what}.",
        expected="your own code in place of each placeholder",
        observed=f"`{first.code}`" if first and first.code else "",
        location=locate(first),
        fix="Write your own code in place of each placeholder, and run the notebook again.",
    )
