"""Which figure leads: accuracy, or balanced accuracy where classes differ so much in size that accuracy misleads."""

from __future__ import annotations

from starshift.findings.imbalance import is_uneven
from starshift.records import Estimate, RunRecord, Score
from starshift.report import words


def is_balanced(run: RunRecord) -> bool:
    """Whether balanced accuracy leads, and chose the model."""
    return is_uneven(run.data.classes)


def figure(score: Score, *, balanced: bool) -> Estimate:
    """The figure that leads."""
    return score.balanced_accuracy if balanced else score.accuracy


def headline(rung: str, score: Score, part: str, *, balanced: bool) -> tuple[str, str, str, str]:
    """The leading sentence in its pieces: before the figure, the figure, after it; and the figure for the title.

    part: "validation", or "sealed test".
    """
    estimate = figure(score, balanced=balanced)
    pictures = words.counted(estimate.n, f"{part} picture")
    value, title = words.percent(estimate.value), words.estimate(estimate)
    if not balanced:
        return f"The best model, {rung}, is right for ", value, f" of {pictures}", title
    classes = words.counted(len(score.classes), "class", "classes")
    return f"The best model, {rung}, recognizes ", value, f" of a class, on average over {classes} of {pictures}", title


def why(score: Score, *, balanced: bool) -> str:
    """Why it is not accuracy that leads, with the accuracy; "" where it is."""
    if not balanced:
        return ""
    return (
        "The classes are uneven, so that balanced accuracy leads: every class counts the same, however many pictures "
        f"it has. Of all pictures it is right for {words.estimate(score.accuracy)}."
    )
