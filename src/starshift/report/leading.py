"""Which figure leads: accuracy, or balanced accuracy where classes differ so much in size that accuracy misleads."""

from __future__ import annotations

from starshift.findings.imbalance import is_uneven
from starshift.records import AnyScore, Estimate, LabelsScore, NumberScore, RunRecord, Score
from starshift.report import words


def is_balanced(run: RunRecord) -> bool:
    """Whether balanced accuracy leads, and chose the model."""
    return is_uneven(run.data.classes)


def figure(score: AnyScore, *, balanced: bool) -> Estimate:
    """The figure that leads."""
    return score.balanced_accuracy if balanced and isinstance(score, Score) else score.leading.estimate


def told(score: AnyScore, *, balanced: bool = False) -> str:
    """The figure that leads with its interval and n, in percent or in the target's unit."""
    return words.estimate(figure(score, balanced=balanced), decimals(score))


def decimals(score: AnyScore) -> int | None:
    """How the figure that leads is written: see words.figure."""
    return None if score.leading.is_share else words.AMOUNT


def headline(
    rung: str, score: AnyScore, part: str, *, balanced: bool, noun: str, target: str = ""
) -> tuple[str, str, str, str]:
    """The leading sentence in its pieces: before the figure, the figure, after it; and the figure for the title.

    part: "validation", or "sealed test". noun: what an example is called. target: the name of what is predicted.
    """
    estimate = figure(score, balanced=balanced)
    examples, title = words.counted(estimate.n, f"{part} {noun}"), told(score, balanced=balanced)
    if isinstance(score, NumberScore):
        value = words.amount(estimate.value)
        return f"The best model, {rung}, is off by ", value, f" in {target}, on average over {examples}", title
    value = words.percent(estimate.value)
    if isinstance(score, LabelsScore):
        return f"The best model, {rung}, is right for ", value, f" of the labels of {examples}", title
    if not balanced or not isinstance(score, Score):
        return f"The best model, {rung}, is right for ", value, f" of {examples}", title
    classes = words.counted(len(score.classes), "class", "classes")
    return f"The best model, {rung}, recognizes ", value, f" of a class, on average over {classes} of {examples}", title


def why(score: AnyScore, *, balanced: bool, noun: str) -> str:
    """Why it is not accuracy that leads, with the accuracy; "" where it is."""
    if not balanced or not isinstance(score, Score):
        return ""
    return (
        f"The classes are uneven, so that balanced accuracy leads: every class counts the same, however many {noun}s "
        f"it has. Of all {noun}s it is right for {words.estimate(score.accuracy)}."
    )
