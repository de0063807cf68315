"""`starshift predict` on folders of photographs: rate once it runs, and peak memory, beside two loops that one writes.

The network is MobileNetV2 at 128 px, about 100 million multiply-adds. Whole processes; the rate once running is the
difference of pictures over the difference of seconds between two folders.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.common import (
    STARSHIFT,
    Options,
    Ran,
    alternate,
    dataset,
    main,
    middle,
    rival,
    run,
    table,
    workplace,
)
from starshift.execution import cores

SIZE = 128
WEIGHTS = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
TIMES = 10
"""The largest folder has so many links to each photograph."""


def measure(options: Options) -> str:
    """Each contender on the smaller folder and on the larger one, in turns; ours on links to ten times as many too."""
    photos = dataset(options, "dogs-vs-cats")
    with workplace(options) as place:
        return _measure(options, photos, place)


def _measure(options: Options, photos: Path, place: Path) -> str:
    model, network = place / "run", ("--base", "mobilenet_v2", "--size", str(SIZE))
    run(STARSHIFT, "fit", photos, "--rungs", "features", *network, "--out", model)
    whole = (place / "cache/networks").glob("*/network.xml")  # of the specification's space, too
    (converted,) = [one for one in whole if f'"?,{SIZE},{SIZE},3"' in one.read_text(encoding="utf-8")]
    weights = options.weights / "models" / WEIGHTS
    folders = [photos / "validation", photos]
    if not options.quick:
        folders.append(_linked(photos, place / "many"))
    sizes = [sum(1 for _ in folder.rglob("*.jpg")) for folder in folders]
    ways: dict[str, Callable[[Path], Ran]] = {
        "`starshift predict --format csv`": lambda folder: run(STARSHIFT, "predict", model, folder, "--format", "csv"),
        "Pillow and OpenVINO in a loop": lambda folder: rival("openvino_loop.py", folder, converted, str(SIZE)),
        "Keras, `model.predict`": lambda folder: rival("keras_predict.py", folder, weights, str(SIZE)),
    }
    found: dict[tuple[str, Path], list[Ran]] = {}
    asked = [(name, folder) for name in ways for folder in folders[: 3 if name.startswith("`starshift") else 2]]

    def once(name: str, folder: Path) -> float:
        found.setdefault((name, folder), []).append(ways[name](folder))
        return found[name, folder][-1].seconds

    alternate(
        {f"{name} {folder.name}": lambda one=(name, folder): once(*one) for name, folder in asked},  # type: ignore[misc]
        1 if options.quick else options.repeats,
    )
    return _table(found, folders, sizes)


def _linked(photos: Path, folder: Path) -> Path:
    """Links to every photograph, TIMES over."""
    for file in photos.rglob("*.jpg"):
        for number in range(TIMES):
            link = folder / str(number) / file.parent.relative_to(photos) / file.name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(file)
    return folder


def _table(found: dict[tuple[str, Path], list[Ran]], folders: list[Path], sizes: list[int]) -> str:
    rates: dict[tuple[str, Path], float] = {}
    rows = []
    ours, *others = names = list(dict.fromkeys(name for name, _ in found))
    for (name, folder), ran in sorted(
        found.items(), key=lambda one: (names.index(one[0][0]), folders.index(one[0][1]))
    ):
        place = folders.index(folder)
        row = [
            name,
            f"{sizes[place]:,}",
            middle([one.seconds for one in ran]),
            f"{max(one.peak_mib for one in ran):.0f}",
        ]
        if place:
            smaller = found[name, folders[place - 1]]
            pictures = sizes[place] - sizes[place - 1]
            rates[name, folder] = pictures / _more(ran, smaller, lambda one: one.seconds)
            per_picture = 1000 * _more(ran, smaller, lambda one: one.cpu_seconds) / pictures
            row += [f"{rates[name, folder]:.0f}", f"{per_picture:.2f}"]
        rows.append([*row, *["–"] * (6 - len(row))])
    ratios = "; ".join(f"{rates[ours, folders[1]] / rates[one, folders[1]]:.1f} times that of {one}" for one in others)
    return table(
        ["whole process", "pictures", "seconds", "peak MiB", "pictures per second once running", "CPU ms per picture"],
        rows,
        f"Once running: of the pictures that a folder has more than the one before. The rate of {ours} is {ratios}. "
        f"CPU time is that of all {cores()} cores together, which tells less of what else the machine did.",
        f"The largest folder holds {TIMES} links to each photograph."
        if len(folders) > 2
        else "Run with --quick: once.",
    )


def _more(ran: list[Ran], smaller: list[Ran], of: Callable[[Ran], float]) -> float:
    return median(map(of, ran)) - median(map(of, smaller))


if __name__ == "__main__":
    main(measure, __doc__)
