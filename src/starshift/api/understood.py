"""What was understood of the data and what is planned, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

from starshift.augmentation import label_risks
from starshift.ladder.climb import Planned
from starshift.ladder.variants import policies
from starshift.progress import Progress
from starshift.records import Dataset, Split, Summary
from starshift.report import words


def summarize(dataset: Dataset, split: Split | None) -> Summary:
    """The counts that a reader asks for."""
    by_area = sorted((picture.width * picture.height, picture.width, picture.height) for picture in dataset.pictures)
    parts = {"train": len(split.train), "validation": len(split.validation), "test": len(split.test)} if split else {}
    return Summary(
        source=dataset.source,
        layout=dataset.layout,
        classes=dict(sorted(Counter(picture.label for picture in dataset.pictures).items())),
        parts=parts,
        formats=dict(Counter(picture.format for picture in dataset.pictures).most_common()),
        smallest=by_area[0][1:],
        median=(
            int(median(picture.width for picture in dataset.pictures)),
            int(median(picture.height for picture in dataset.pictures)),
        ),
        largest=by_area[-1][1:],
        set_aside=dict(Counter(aside.kind for aside in dataset.set_aside).most_common()),
        skipped=dataset.skipped,
        remarks=dataset.remarks,
    )


def understood(dataset: Dataset) -> list[str]:
    """What was understood of the source, in sentences."""
    summary = summarize(dataset, None)
    classes = list(summary.classes.items())
    shown = ", ".join(f"{words.visible(name)} {count:,}" for name, count in classes[:8])
    more = f" and {len(classes) - 8} more" if len(classes) > 8 else ""
    sentences = [
        f"{words.counted(len(dataset.pictures), 'picture')} of {len(classes)} classes ({shown}{more}), by "
        f"{summary.layout}; median size {words.pixels(summary.median)}; {words.counts(summary.formats)}.",
        *dataset.remarks,
    ]
    if summary.set_aside:
        sentences.append(f"Set aside: {words.counts(summary.set_aside)}.")
    if summary.skipped:
        sentences.append(f"Skipped as no pictures: {words.counts(summary.skipped)}.")
    return sentences


def label_risks_of(planned: Sequence[Planned], classes: Sequence[str]) -> list[str]:
    """What of the planned augmentation could change a label, in sentences."""
    found = [policy for one in planned if not one.reason for policy in policies(one.recipe)]
    return [risk for policy in dict.fromkeys(found) for risk in label_risks(policy, classes)]


def say_plan(progress: Progress, planned: list[Planned], budget_seconds: float) -> None:
    """Say aloud how long each rung is predicted to take."""
    coming = [f"{one.rung.name} {words.seconds(one.seconds)}" for one in planned if not one.done and not one.reason]
    if coming:
        progress.say(f"Predicted: {', '.join(coming)}; budget {words.seconds(budget_seconds)}.")
