"""`fine-tuned` against `features` on five folds: dogs-vs-cats, the same from a base of birds, caltech-101."""

from __future__ import annotations

from pathlib import Path

from benchmarks.common import Options, dataset, main, stop, table, workplace
from benchmarks.folds import Folded, paired

BIRDS = "mobilenet_v2_inat_bird_no_top.h5"
"""A base that learned another speciality: on dogs and cats, a fine-tuning that does nothing shows."""


def measure(options: Options) -> str:
    """Both rungs on the same folds, task by task."""
    with workplace(options) as place:
        return _measure(options, place / "cache")


def _measure(options: Options, cache: Path) -> str:
    rows, notes = [], []
    for title, name, base in _tasks(options):
        folded = Folded.read(dataset(options, name), cache, quick=options.quick)
        bases = (base,) if base else ()
        answers = [folded.climb(rung, bases=bases) for rung in ("features", "fine-tuned")]
        rows += [[title, one.rung, *one.figures()] for one in answers]
        notes.append(f"{title}: {folded.in_words}. {paired(*answers)}")
        print(*rows[-2:], notes[-1], sep="\n", flush=True)
    return table(["task", "rung", "accuracy", "log loss", "seconds per fold"], rows, *notes)


def _tasks(options: Options) -> list[tuple[str, str, str]]:
    """Title, data set, and base unless it is the task's own."""
    birds = options.weights / "models" / BIRDS
    if not birds.is_file():
        stop(f"{birds} is not there; this benchmark measures with it.")
    return [
        ("dogs-vs-cats", "dogs-vs-cats", ""),
        ("dogs-vs-cats, base of birds", "dogs-vs-cats", f"mobilenet_v2@{birds}"),
        ("caltech-101", "caltech-101", ""),
    ]


if __name__ == "__main__":
    main(measure, __doc__)
