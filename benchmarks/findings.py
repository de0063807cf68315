"""What is said of pictures, planted and honest: shortcuts, blank, dark, bright, blurred and strange ones, the map.

Planted faults are made here, from the files' own pixels, and not by the detectors' code.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import structs

from benchmarks.common import Options, dataset, main, table, workplace

SIDE = 64
HONEST = 200
PLANTED = 40
STRANGERS = 12

SETS = ("dogs-vs-cats", "caltech-101", "digits")


def measure(options: Options) -> str:
    """All tables, one below the other."""
    with workplace(options) as place:
        sets = {name: _read(options, name, place) for name in SETS}
        return "\n\n".join(
            [_honest(options, sets), _shortcuts(options, sets), _quality(options, sets), _maps(options, sets, place)]
        )


def _read(options: Options, name: str, place: Path) -> tuple[Any, Any]:
    """A data set as `check` reads it, and its measures."""
    from starshift.data.decode import Frame
    from starshift.data.read import read
    from starshift.findings.measures import measures_of

    source = _digits(place) if name == "digits" else dataset(options, name)
    pictures = read(source, frame=Frame(SIDE), cache=place / "cache")
    return pictures, measures_of(pictures, Frame(SIDE), place / "cache")


def _digits(place: Path) -> Path:
    """The handwritten digits that come with scikit-learn, 1,797 pictures of 8 × 8 px, enlarged."""
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    for i, (image, target) in enumerate(zip(digits.images, digits.target, strict=True)):
        folder = place / "digits" / str(target)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray((image * 255 / 16).astype(np.uint8)).resize((32, 32)).save(folder / f"{i:04d}.png")
    return place / "digits"


# --- shortcuts ---


def _honest(options: Options, sets: dict[str, tuple[Any, Any]]) -> str:
    """Classes shuffled, so that nothing can tell them: how often a shortcut is called all the same."""
    from starshift.findings.shortcuts import findings

    draws = 5 if options.quick else HONEST
    rows = []
    for name, (pictures, measures) in sets.items():
        alarms, seconds = 0, []
        for seed in range(draws):
            shuffled = _shuffled(pictures.dataset, seed)
            began = time.perf_counter()
            found = findings(shuffled, measures)
            seconds.append(time.perf_counter() - began)
            alarms += bool(found)
        low, high = _wilson(alarms, draws)
        own = findings(pictures.dataset, measures)
        rows.append(
            [name, draws, f"{alarms / draws:.1%} ({low:.1%} to {high:.1%})", f"{np.median(seconds):.2f}", len(own)]
        )
    return table(
        ["pictures of", "shuffles", "called a shortcut", "seconds each", "findings as they are"],
        rows,
        "Classes and given parts shuffled together: whatever is found is a false alarm.",
        *(f"{name}: {finding.sentence}" for name, (p, m) in sets.items() for finding in findings(p.dataset, m)),
    )


def _shuffled(data: Any, seed: int) -> Any:
    order = np.random.default_rng(seed).permutation(len(data.pictures))
    pictures = tuple(
        structs.replace(one, label=data.pictures[other].label, part=data.pictures[other].part)
        for one, other in zip(data.pictures, order, strict=True)
    )
    return structs.replace(data, examples=pictures)


def _wilson(right: int, n: int) -> tuple[float, float]:
    from starshift.evaluation.statistics import wilson

    return wilson(right, n) or (0.0, 1.0)


def _shortcuts(options: Options, sets: dict[str, tuple[Any, Any]]) -> str:
    """One class changed, in a share of its pictures, on 200 pictures of two classes drawn anew each time."""
    from starshift.findings.shortcuts import findings

    draws = 3 if options.quick else PLANTED
    pictures, measures = sets["dogs-vs-cats"]
    planted: dict[str, Callable[..., tuple[Any, Any]]] = {
        "half the sides": _smaller,
        "saved as PNG": _as_png,
        "twice the bytes": _heavier,
        "30 levels brighter": _brighter,
    }
    rows = []
    for what, plant in planted.items():
        cells = []
        for share in (0.25, 0.5, 1.0):
            found = 0
            for seed in range(draws):
                data, own = _two_hundred(pictures.dataset, measures, seed)
                found += any(f.kind == "shortcut" for f in findings(*plant(data, own, share, seed)))
            cells.append(f"{found / draws:.0%}")
        rows.append([what, *cells])
    return table(
        ["changed of one class of two", "a quarter", "a half", "all"],
        rows,
        f"200 pictures of dogs-vs-cats, classes shuffled first, {draws} draws per cell: how often it is said.",
    )


def _two_hundred(data: Any, measures: Any, seed: int) -> tuple[Any, Any]:
    shuffled = _shuffled(data, seed)
    rows = np.sort(np.random.default_rng(seed).choice(len(data.pictures), 200, replace=False))
    few = structs.replace(shuffled, examples=tuple(structs.replace(shuffled.pictures[r], part="") for r in rows))
    return few, type(measures)(*(getattr(measures, name)[rows].copy() for name in measures.__dataclass_fields__))


def _changed(data: Any, share: float, seed: int, change: Callable[[Any], Any]) -> tuple[Any, np.ndarray]:
    rng = np.random.default_rng(seed + 1)
    chosen = np.array([one.label == data.classes[0] and rng.random() < share for one in data.pictures])
    pictures = tuple(change(one) if here else one for one, here in zip(data.pictures, chosen, strict=True))
    return structs.replace(data, examples=pictures), chosen


def _smaller(data: Any, measures: Any, share: float, seed: int) -> tuple[Any, Any]:
    half = lambda one: structs.replace(one, width=one.width // 2, height=one.height // 2)  # noqa: E731
    return _changed(data, share, seed, half)[0], measures


def _as_png(data: Any, measures: Any, share: float, seed: int) -> tuple[Any, Any]:
    return _changed(data, share, seed, lambda one: structs.replace(one, format="PNG"))[0], measures


def _heavier(data: Any, measures: Any, share: float, seed: int) -> tuple[Any, Any]:
    return _changed(data, share, seed, lambda one: structs.replace(one, file_bytes=2 * one.file_bytes))[0], measures


def _brighter(data: Any, measures: Any, share: float, seed: int) -> tuple[Any, Any]:
    same, chosen = _changed(data, share, seed, lambda one: one)
    measures.brightness[chosen] = np.minimum(measures.brightness[chosen] + 30, 255)
    return same, measures


# --- quality ---


def _quality(options: Options, sets: dict[str, tuple[Any, Any]]) -> str:
    """Some pictures of a set spoilt, one fault at a time: found, and what else is named."""
    rows = []
    for name, (pictures, _) in sets.items():
        count = len(pictures.dataset.pictures)
        chosen = np.random.default_rng(0).choice(count, min(PLANTED, count // 10), replace=False)
        before = _named(pictures, {})
        rows.append([name, "nothing", "", *_rates(before, set(), count)])
        for what, (kind, spoil) in _FAULTS.items():
            spoilt = {int(row): spoil(_original(pictures, int(row)), i) for i, row in enumerate(chosen)}
            found = _named(pictures, spoilt)
            paths = {pictures.dataset.pictures[row].path for row in spoilt}
            hit = len(found.get(kind, set()) & paths) / len(paths)
            others = {one: named - before.get(one, set()) for one, named in found.items()}
            rows.append([name, what, f"{hit:.0%}", *_rates(others, paths, count)])
    return table(
        ["pictures of", "spoilt", "found as such", "others newly named, per 1,000"],
        rows,
        f"{PLANTED} pictures spoilt (a tenth of them in small sets), from the files' own pixels. The line `nothing`: "
        "what is named in the set as it is, per 1,000.",
    )


def _rates(found: dict[str, set[str]], paths: set[str], count: int) -> list[str]:
    rates = {kind: 1000 * len(named - paths) / count for kind, named in found.items() if named - paths}
    return [", ".join(f"{kind} {rate:.1f}" for kind, rate in rates.items()) or "none"]


def _original(pictures: Any, row: int) -> np.ndarray:
    """A picture at the size that it has: uint8 (H, W, 3)."""
    from io import BytesIO

    from PIL import Image

    with Image.open(BytesIO(pictures.bytes(pictures.dataset.pictures[row].path))) as picture:
        return np.asarray(picture.convert("RGB"))


def _blurred(share: float) -> Callable[[np.ndarray, int], np.ndarray]:
    def spoil(pixels: np.ndarray, number: int) -> np.ndarray:
        import cv2

        return cv2.GaussianBlur(pixels, (0, 0), share * min(pixels.shape[:2]))

    return spoil


def _one_colour(pixels: np.ndarray, number: int) -> np.ndarray:
    rng = np.random.default_rng(number)
    return np.broadcast_to(rng.integers(0, 256, 3, dtype=np.uint8), pixels.shape)


def _noisy_white(pixels: np.ndarray, number: int) -> np.ndarray:
    return 255 - np.random.default_rng(number).integers(0, 8, pixels.shape, dtype=np.uint8)


_FAULTS: dict[str, tuple[str, Callable[[np.ndarray, int], np.ndarray]]] = {
    "one colour": ("blank", _one_colour),
    "white with noise": ("blank", _noisy_white),
    "8 times darker": ("very dark", lambda pixels, _: pixels // 8),
    "washed out": ("very bright", lambda pixels, _: 235 + pixels // 14),
    "blurred by 1 % of the shorter side": ("blurred", _blurred(0.01)),
    "blurred by 2 %": ("blurred", _blurred(0.02)),
    "blurred by 4 %": ("blurred", _blurred(0.04)),
    "blurred by 8 %": ("blurred", _blurred(0.08)),
}


def _named(pictures: Any, spoilt: dict[int, np.ndarray]) -> dict[str, set[str]]:
    """Paths by kind of finding, some pictures replaced."""
    from PIL import Image

    from starshift.data.decode import Frame
    from starshift.findings.measures import measure as measured
    from starshift.findings.quality import findings

    pixels = np.array(np.asarray(pictures.pixels(Frame(SIDE))))
    for row, picture in spoilt.items():
        pixels[row] = np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    return {f.kind: {group[0] for group in f.groups} for f in findings(pictures.dataset, measured(pixels))}


# --- far out, and the map ---


def _maps(options: Options, sets: dict[str, tuple[Any, Any]], place: Path) -> str:
    """Strangers among the pictures of a set, and how well the map keeps neighbours."""
    from starshift.compose.frozen import FrozenBase
    from starshift.data.decode import Frame
    from starshift.data.read import read
    from starshift.findings.layout import MOST, lay_out, main_components
    from starshift.findings.quality import far_out
    from starshift.inference.network import best_precision

    frame = Frame(224)
    base = FrozenBase.find("mobilenet_v2", frame, best_precision(), place / "cache")
    strangers = _features(base, _folder_of(options, "unlabelled/background", STRANGERS))
    rows = []
    for name in SETS[:2]:
        pictures = read(dataset(options, name), frame=frame, cache=place / "cache")
        few = slice(None, None, 4 if options.quick else 1)
        data = pictures.dataset.pictures[few]
        features = _features(base, np.asarray(pictures.pixels(frame)[few]))
        targets = pictures.dataset.encoded()[few]
        mixed = [*data, *(structs.replace(data[0], path=f"stranger-{i}") for i in range(len(strangers)))]
        found = {group[0] for f in far_out(mixed, np.concatenate([features, strangers])) for group in f.groups}
        hit = sum(path.startswith("stranger-") for path in found) / len(strangers)
        alone = sum(len(f.groups) for f in far_out(data, features))
        chosen = np.random.default_rng(0).permutation(len(features))[:MOST]
        began = time.perf_counter()
        laid = lay_out(features[chosen])
        seconds = time.perf_counter() - began
        agree = [_agreement(p, targets[chosen]) for p in (main_components(features[chosen], 50), laid)]
        two = _agreement(main_components(features[chosen], 2), targets[chosen])
        rows.append(
            [name, f"{hit:.0%}", f"{1000 * alone / len(data):.1f}", *(f"{one:.1%}" for one in (*agree, two)),
             f"{seconds:.1f}"]
        )  # fmt: skip
    return table(
        ["pictures of", "strangers far out", "far out as it is, per 1,000", "neighbours of the same class",
         "the same on the map", "the same on two components", "seconds"],
        rows,
        f"Strangers: {len(strangers)} backgrounds of Caltech 101. Neighbours: the 10 nearest of each picture "
        f"in 50 components. Seconds: to lay out {MOST:,} pictures.",
    )  # fmt: skip


def _folder_of(options: Options, name: str, count: int) -> np.ndarray:
    from starshift.data.decode import Frame, decode

    files = sorted(dataset(options, name).glob("*.jpg"))
    return np.stack([decode(file.read_bytes(), Frame(224))[0] for file in files[:: len(files) // count][:count]])


def _features(base: Any, pixels: np.ndarray) -> np.ndarray:
    found: np.ndarray = base.network.run(pixels)
    return found


def _agreement(places: np.ndarray, targets: Sequence[int] | np.ndarray) -> float:
    targets = np.asarray(targets)
    squares = np.square(places).sum(axis=1)
    distances = squares[:, None] + squares - 2 * places @ places.T
    np.fill_diagonal(distances, np.inf)
    nearest = np.argpartition(distances, 10, axis=1)[:, :10]
    return float((targets[nearest] == targets[:, None]).mean())


if __name__ == "__main__":
    main(measure, __doc__)
