"""`ensemble` against its members on five folds of dogs-vs-cats and of caltech-101."""

from __future__ import annotations

from pathlib import Path

from benchmarks.common import Options, dataset, main, table, workplace
from benchmarks.folds import Answers, Folded, paired

FROZEN = "features:bases=mobilenet_v2/mobilenet:sizes=224/288:mirrored=yes"
"""The best single member on both tasks: both bases side by side, in two sizes, asked of mirror images too."""

MEMBERS = (
    FROZEN,
    "features:bases=mobilenet_v2:sizes=224/288:mirrored=yes",
    "features:bases=mobilenet:sizes=224/288:mirrored=yes",
    "fine-tuned:beside=",
)
"""What the ensemble's library has, as rungs; the last one's base is the first of the two."""


def measure(options: Options) -> str:
    """The ensemble and each of its members on the same folds."""
    with workplace(options) as place:
        return _measure(options, place / "cache")


def _measure(options: Options, cache: Path) -> str:
    rows, notes = [], []
    for name in ("dogs-vs-cats", "caltech-101"):
        folded = Folded.read(dataset(options, name), cache, quick=options.quick)
        members = [folded.climb(rung, bases=_bases(rung)) for rung in MEMBERS]
        whole = folded.climb("ensemble", bases=("mobilenet_v2", "mobilenet"))
        rows += [[name, one.rung, *one.figures()] for one in (*members, whole)]
        best = min(members, key=_loss)
        notes.append(f"{name}: {folded.in_words}. {paired(best, whole)} Of the last fold: {whole.details['combined']}.")
        print(*rows[-5:], notes[-1], sep="\n", flush=True)
    return table(["task", "rung", "accuracy", "log loss", "seconds per fold"], rows, *notes)


def _bases(rung: str) -> tuple[str, ...]:
    return ("mobilenet_v2",) if rung.startswith("fine-tuned") else ()


def _loss(one: Answers) -> float:
    return float(one.losses.mean())


if __name__ == "__main__":
    main(measure, __doc__)
