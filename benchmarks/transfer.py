"""`starshift fit --rungs features` on dogs-vs-cats, whole process, against the official Keras recipe beside it."""

from __future__ import annotations

import shutil
from pathlib import Path
from statistics import median

from benchmarks.common import STARSHIFT, Options, Ran, dataset, main, middle, rival, run, rungs, table, workplace

WEIGHTS = "models/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"

STATES = {
    "empty": "nothing cached: the base is converted too",
    "converted": "the base was used before, no cached pictures or features",
    "cached": "pictures and features cached, a new run folder",
}


def measure(options: Options) -> str:
    """Ours in three states of the cache, the recipe once in the middle of them."""
    photos = dataset(options, "dogs-vs-cats")
    for file in photos.rglob("*.jpg"):
        file.read_bytes()  # all contenders find the files in the system's memory
    epochs = 1 if options.quick else 10
    found: dict[str, list[tuple[Ran, float]]] = {state: [] for state in STATES}
    with workplace(options) as place:
        half = -(-options.repeats // 2)
        for turn in range(half):
            _turn(photos, place / f"{turn}", found)
        print(f"  the Keras recipe, {epochs} + {epochs} epochs …", flush=True)
        recipe = rival("keras_transfer.py", photos, options.weights / WEIGHTS, str(epochs))
        for turn in range(half, options.repeats):
            _turn(photos, place / f"{turn}", found)
    rows = [_row(f"`starshift fit --rungs features`: {STATES[state]}", ran, recipe) for state, ran in found.items()]
    title = f"official Keras recipe, {epochs} + {epochs} epochs"
    accuracy = f"{recipe.result['accuracy']:.1%} (frozen part {recipe.result['frozen_accuracy']:.1%})"
    rows.append([title, f"{recipe.seconds:.1f}", "1", accuracy, f"{recipe.peak_mib:,.0f}"])
    note = "Run with --quick: the recipe was cut short, its figures mean nothing." if options.quick else ""
    return table(
        ["whole process", "seconds", "times faster", "validation accuracy", "peak memory, MiB"],
        rows,
        "2,000 training and 1,000 validation photographs; the files themselves were in the system's memory.",
        note,
    )


def _turn(photos: Path, place: Path, found: dict[str, list[tuple[Ran, float]]]) -> None:
    """One process per state, each with a cache of its own making."""
    cache, converted = place / "cache", place / "converted"
    found["empty"].append(_fit(photos, cache, place / "empty"))
    converted.mkdir()
    shutil.copytree(cache / "networks", converted / "networks")
    shutil.copy(cache / "paces.json", converted)
    found["converted"].append(_fit(photos, converted, place / "run-converted"))
    found["cached"].append(_fit(photos, converted, place / "run-cached"))


def _fit(photos: Path, cache: Path, out: Path) -> tuple[Ran, float]:
    ran = run(STARSHIFT, "fit", photos, "--rungs", "features", "--out", out, cache=cache)
    print(f"  {out.name}: {ran.seconds:.2f} s", flush=True)
    return ran, rungs(out)["features"]["score"]["accuracy"]["value"]


def _row(title: str, ran: list[tuple[Ran, float]], recipe: Ran) -> list[str]:
    seconds = [one.seconds for one, _ in ran]
    faster = f"{recipe.seconds / median(seconds):.0f}"
    memory = max(one.peak_mib for one, _ in ran)
    return [title, middle(seconds), faster, f"{ran[0][1]:.1%}", f"{memory:,.0f}"]


if __name__ == "__main__":
    main(measure, __doc__)
