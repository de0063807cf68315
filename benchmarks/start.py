"""How long a user waits for an answer: `--help`, `check` on 3,000 photographs, `predict` of one, whole processes."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.common import STARSHIFT, Options, alternate, dataset, main, middle, run, table, workplace


def measure(options: Options) -> str:
    """Each command in turn; `check` with an empty cache each time, `predict` with one that is in use."""
    photos = dataset(options, "dogs-vs-cats")
    for file in photos.rglob("*.jpg"):
        file.read_bytes()  # in the system's memory for all
    with workplace(options) as place:
        return _measure(options, photos, place)


def _measure(options: Options, photos: Path, place: Path) -> str:
    model = place / "run"
    run(STARSHIFT, "fit", photos, "--rungs", "features", "--out", model)
    one = next((photos / "validation" / "dogs").glob("*.jpg"))
    turn = iter(range(10**6))
    rows = {
        "`starshift --help`": lambda: run(STARSHIFT, "--help").seconds,
        "`starshift check`, 3,000 JPEGs, empty cache": lambda: (
            run(STARSHIFT, "check", photos, cache=place / f"cold-{next(turn)}").seconds
        ),
        "`starshift predict`, one photograph": lambda: run(STARSHIFT, "predict", model, one).seconds,
        "for scale: `python -c pass`": lambda: run(sys.executable, "-c", "pass").seconds,
        "for scale: `python -c 'import tensorflow'`": lambda: run(sys.executable, "-c", "import tensorflow").seconds,
    }
    seconds = alternate(rows, 1 if options.quick else max(options.repeats, 5))
    return table(
        ["command", "seconds, whole process"],
        [[name, middle(found)] for name, found in seconds.items()],
        "Run with --quick: once each." if options.quick else "",
    )


if __name__ == "__main__":
    main(measure, __doc__)
