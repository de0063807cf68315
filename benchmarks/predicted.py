"""How well `fit` foretells its own durations: predicted and needed seconds of every rung, as run.json has them."""

from __future__ import annotations

from pathlib import Path

from benchmarks.common import STARSHIFT, Options, dataset, main, run, rungs, table, workplace

WITHIN = 0.3
"""The share by which a prediction may be off."""


def measure(options: Options) -> str:
    """Each task with an empty cache, and again with the paces that the first run left (features computed anew)."""
    photos = dataset(options, "dogs-vs-cats")
    rows: list[list[str]] = []
    with workplace(options) as place:
        _add(rows, "digits, first run ever", place / "demo", "demo", place / "demo/run")
        digits = place / "demo" / "digits"
        _add(rows, "digits, seed 1, features kept", place, "fit", place / "digits-1", digits, "--seed", "1")
        _add(rows, "dogs-vs-cats, base known", place, "fit", place / "dogs", photos, "--rungs", "features")
        _add(rows, "dogs-vs-cats, features kept", place, "fit", place / "dogs-2", photos, "--rungs", "features")
        if not options.quick:
            chosen = (photos, "--rungs", "convnet", "--budget", "30m")
            _add(rows, "dogs-vs-cats", place, "fit", place / "dogs-3", *chosen)
    inside = sum(row[-1] == "yes" for row in rows)
    return table(
        ["run", "rung", "predicted, s", "needed, s", "predicted / needed", f"within {WITHIN:.0%}"],
        rows,
        f"{inside} of {len(rows)} predictions are within {WITHIN:.0%}; of rungs that take less than half a second none "
        "is judged.",
        "Run with --quick: without convnet on dogs-vs-cats." if options.quick else "",
    )


def _add(rows: list[list[str]], title: str, place: Path, command: str, out: Path, *arguments: str | Path) -> None:
    run(STARSHIFT, command, *arguments, "--out", place if command == "demo" else out)
    for name, rung in rungs(out).items():
        predicted, needed = rung["predicted_seconds"], rung["seconds"]
        if needed is None or needed < 0.5:
            continue
        ratio = predicted / needed
        rows.append(
            [
                title,
                name,
                f"{predicted:.1f}",
                f"{needed:.1f}",
                f"{ratio:.2f}",
                "yes" if abs(ratio - 1) <= WITHIN else "no",
            ]
        )
        print(*rows[-1], flush=True)


if __name__ == "__main__":
    main(measure, __doc__)
