"""What augmented views, and a second size, buy a frozen base: against `features` on folds of dogs-vs-cats."""

from __future__ import annotations

from pathlib import Path

from benchmarks.common import Options, dataset, main, table, workplace
from benchmarks.folds import Folded, paired

RUNGS = ("features", "features-augmented", "features:sizes=224/288")


def measure(options: Options) -> str:
    """All rungs on the same folds of all 3,000 pictures; every picture is predicted by a model that never saw it."""
    photos = dataset(options, "dogs-vs-cats")
    with workplace(options) as place:
        return _measure(options, photos, place / "cache")


def _measure(options: Options, photos: Path, cache: Path) -> str:
    folded = Folded.read(photos, cache, quick=options.quick)
    answers = [folded.climb(name) for name in RUNGS]
    rows = [[one.rung, one.details.get("augmented views", "none").split()[0], *one.figures()] for one in answers]
    return table(
        ["rung", "views", "accuracy", "log loss", "seconds per fold"],
        rows,
        " ".join([f"{folded.in_words}.", *(paired(answers[0], other) for other in answers[1:])]),
        "Seconds: features, views and head, those of later folds partly from the store; pictures were decoded before.",
        "Run with --quick: one fold." if options.quick else "",
    )


if __name__ == "__main__":
    main(measure, __doc__)
