"""The lead of a report: one warm thought about what is right and what is not yet."""

from __future__ import annotations

from collections.abc import Sequence

from grader.evidence import Evidence
from grader.feedback.diagnoses.run_broke_off import ending, first_broken
from grader.feedback.diagnosis import follows_from, outcome_of, rules
from grader.feedback.wording import exercise_name, joined, number, plural
from grader.results import CheckResult, Diagnosis, Outcome

__all__ = ["summarise"]

# What is praised when it holds, most telling first; a few say it all, so two are named.
STRENGTHS = {
    "TL202": "the right layers are fine-tuned",
    "TL101": "the base is frozen while the head trains",
    "TL103": "the base runs in inference mode",
    "TL401": "the head trains",
    "TL303": "the head is built as asked",
    "TL301": "the images reach the base in the range it expects",
    "TL102": "the base brings its pretrained weights along",
    "NB001": "the notebook runs from top to bottom",
}
FLAWS = {
    "NB001": "the notebook does not run to its end",
    "NB002": "no trained model could be found",
    "NB003": "some exercises are still open",
    "TL101": "the base was not frozen while the new head trained",
    "TL102": "the base did not begin with the pretrained weights",
    "TL103": "the base is not kept in inference mode",
    "TL201": "what `trainable` said was not what was compiled",
    "TL202": "the layers that were fine-tuned are not those that were asked for",
    "TL203": "the statistics that BatchNorm learned from ImageNet were overwritten",
    "TL204": "the second phase kept too high a learning rate",
    "TL205": "the second phase did not go on from the first",
    "TL301": "the images do not reach the base in the range it expects",
    "TL302": "the augmentation does not act as asked",
    "TL303": "the head is not built as asked",
    "TL304": "the loss does not fit what the last layer gives",
    "TL305": "the model does not take the images of this assignment",
    "TL401": "the head did not train",
    "TL402": "an image's prediction depends on the others in its batch",
    "TL403": "the accuracy is below what was asked",
}
NEVER_TUNED = "the fine-tuning is still missing"
NEARLY, STARTED = 0.6, 0.25
"""Share of the points from which on the lead opens with *Nearly there* and with *A good start*."""


def summarise(evidence: Evidence, results: Sequence[CheckResult], diagnoses: Sequence[Diagnosis]) -> str:
    """The lead, composed from what passed and what failed; `backticks` are code.

    A grader's error comes first, then a notebook that is not begun, then one that broke, then the rest.
    """
    if any(result.outcome is Outcome.ERROR for result in results):
        return on_grader_error(results)
    flaws = flaw_clauses(evidence, results, diagnoses)
    if not flaws:
        return on_success(results, diagnoses)
    if outcome_of(results, "NB003") is Outcome.FAILED and not evidence.phases:
        return on_unfinished(evidence)
    broken = first_broken(evidence)
    if outcome_of(results, "NB001") is Outcome.FAILED and broken:
        return (
            f"So close to a full picture: the notebook {ending(broken)} in cell {broken.cell}, and what comes after "
            "could not be judged in full."
        )
    return f"{opening(results)} {contrast(strengths(results), flaws)}"


def on_grader_error(results: Sequence[CheckResult]) -> str:
    """The lead where a check of the grader's broke."""
    erred = sum(result.outcome is Outcome.ERROR for result in results)
    them = "It costs" if erred == 1 else "They cost"
    failed = sum(result.outcome is Outcome.FAILED for result in results)
    rest = "the others stand as they are" + (f", {plural(failed, 'failed check')} among them" if failed else "")
    return (
        f"The grader stumbled, not you: {plural(erred, 'check')} could not be judged. {them} you nothing, "
        f"staff have been told, and {rest}."
    )


def on_success(results: Sequence[CheckResult], diagnoses: Sequence[Diagnosis]) -> str:
    """The lead where nothing failed."""
    warned = [result for result in results if result.outcome is Outcome.WARNED]
    if not warned:
        good = strengths(results)
        return (
            f"Well done. {capitalised(joined(good))}, and every check holds."
            if good
            else "Well done: every check holds."
        )
    clauses = [rules()[diagnosis.code].clause for diagnosis in diagnoses if diagnosis.code in rules()]
    told = next((clause for clause in clauses if clause), "")
    told = told or f"{number(len(warned))} {'finding is' if len(warned) == 1 else 'findings are'} worth reading"
    return f"Well done, everything that counts is right. One thing to know: {told}."


def on_unfinished(evidence: Evidence) -> str:
    """The lead where exercises are open and nothing was trained."""
    still_open = evidence.notebook.open_exercises
    if not still_open:
        return "This one is waiting for you: exercises are still open, and no model has been trained yet."
    begin = f"begin with {exercise_name(still_open[0].name)}"
    count = f"{number(len(still_open))} {'exercise is' if len(still_open) == 1 else 'exercises are'}"
    return f"This one is waiting for you: {count} still open, and no model has been trained yet; {begin}."


def flaw_clauses(evidence: Evidence, results: Sequence[CheckResult], diagnoses: Sequence[Diagnosis]) -> list[str]:
    """What is not right, causes only, in the order of the checks."""
    consequences = follows_from(diagnoses, results)
    by_cause = {
        diagnosis.checks[0]: rules()[diagnosis.code].clause
        for diagnosis in reversed(diagnoses)
        if diagnosis.checks and diagnosis.code in rules()
    }
    clauses = []
    for result in results:
        if result.outcome is Outcome.FAILED and result.code not in consequences:
            flaw = (
                NEVER_TUNED if result.code == "TL202" and not evidence.phase("fine-tuning") else FLAWS.get(result.code)
            )
            clauses.append(by_cause.get(result.code) or flaw or f"{result.code} does not hold")
    unassessed = any(result.outcome is Outcome.SKIPPED and result.max_points > 0 for result in results)
    return clauses or (["not everything could be assessed"] if unassessed else [])


def strengths(results: Sequence[CheckResult]) -> list[str]:
    """The two most telling requirements that hold, in the order of the checks."""
    telling = [code for code in STRENGTHS if outcome_of(results, code) is Outcome.PASSED][:2]
    return [STRENGTHS[result.code] for result in results if result.code in telling]


def opening(results: Sequence[CheckResult]) -> str:
    """A few words for the share of points reached."""
    most = sum(result.max_points for result in results)
    share = sum(result.points for result in results) / most if most else 0.0
    return "Nearly there." if share >= NEARLY else "A good start." if share >= STARTED else "Not there yet."


def contrast(good: Sequence[str], flaws: Sequence[str]) -> str:
    """``The head trains, but ...``; beyond two flaws the others are counted."""
    shown = list(flaws[:2])
    if len(flaws) > 2:
        shown.append(
            f"{number(len(flaws) - 2)} more {'thing needs' if len(flaws) == 3 else 'things need'} another look"
        )
    bad = joined(shown) if len(shown) != 2 else ", and ".join(shown)
    return f"{capitalised(joined(good))}, but {bad}." if good else f"{capitalised(bad)}."


def capitalised(text: str) -> str:
    """The text with a capital first letter, the others as they are."""
    return text[:1].upper() + text[1:]
