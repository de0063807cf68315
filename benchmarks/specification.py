"""Specifications: size and time, whether they tell classes, and what they tell of single pictures; a minute or two."""

from __future__ import annotations

import os
import time
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.common import Options, dataset, main, table, workplace

BASE, SIZE = "mobilenet_v2", 224
OURS = (2, 4, 10)
"""Pictures of a class that a user has, who looks for the class among those of others."""
TOLD = (10, 100, 1000)
"""Pictures behind a mean."""
DRAWS = 20


def measure(options: Options) -> str:
    """Features once, then everything in NumPy."""
    with workplace(options) as place:
        os.environ["STARSHIFT_CACHE"], os.environ["KERAS_HOME"] = str(place / "cache"), str(options.weights)
        objects, kinds = _features(dataset(options, "caltech-101"), place)
        pets, pet_kinds = _features(dataset(options, "dogs-vs-cats"), place)
    parts = [
        _size_and_time(objects, kinds, pets, pet_kinds, options.repeats),
        _told_apart(objects, kinds),
        _of_single(pets, pet_kinds),
    ]
    return "\n\n".join(parts)


def _features(photos: Path, place: Path) -> tuple[np.ndarray, np.ndarray]:
    from starshift.compose.frozen import FrozenBases
    from starshift.data.decode import Frame
    from starshift.data.read import read
    from starshift.inference.network import best_precision

    frame = Frame(SIZE, "stretch")
    pictures = read(photos, frame=frame)
    digests = [one.digest for one in pictures.dataset.examples]
    bases = FrozenBases.find((BASE,), frame, best_precision(), place / "cache")
    return bases.stored(digests, lambda: pictures.pixels(frame)), np.array(pictures.dataset.labels())


def _size_and_time(
    objects: np.ndarray, kinds: np.ndarray, pets: np.ndarray, pet_kinds: np.ndarray, repeats: int
) -> str:
    from starshift.learnware import specify

    begun = time.perf_counter()
    specify.frequencies_of(_space())
    drawn = time.perf_counter() - begun
    ten = np.isin(kinds, np.unique(kinds)[:10])
    rows = []
    for name, features, labels in (
        ("dogs vs. cats, 2 classes", pets, pet_kinds),
        ("10 classes of caltech-101", objects[ten], kinds[ten]),
        ("caltech-101, 101 classes", objects, kinds),
    ):
        seconds = []
        for _ in range(repeats):
            begun = time.perf_counter()
            made = specify.write(specify.specify(features, labels.tolist(), _space(), precision="f32"))
            seconds.append(time.perf_counter() - begun)
        rows.append([name, f"{len(features):,}", f"{len(made) / 1024:.1f}", f"{median(seconds):.2f}"])
    note = f"Medians, from features in memory. Once in a process the space is drawn, here in {drawn:.2f} s."
    return table(["pictures", "n", "KiB", "seconds"], rows, note)


def _told_apart(objects: np.ndarray, kinds: np.ndarray) -> str:
    from starshift.learnware import specify

    names = np.unique(kinds)
    vectors = specify.embed(objects, _space())
    lengths = objects / np.linalg.norm(objects, axis=1, keepdims=True)
    random, rows = np.random.default_rng(0), []
    found: dict[tuple[str, int], list[float]] = {}
    for _ in range(5):
        halves = [np.array_split(random.permutation(np.flatnonzero(kinds == name)), 2) for name in names]
        for title, values in (("specifications", vectors), ("means of all 1,280 features", lengths)):
            theirs = np.stack([values[there].mean(axis=0) for there, _ in halves]).astype(np.float16)
            for count in OURS:
                ours = np.stack([values[here[:count]].mean(axis=0) for _, here in halves])
                distances = ((ours[:, None] - theirs[None].astype(np.float32)) ** 2).sum(axis=2)
                if title == "specifications":
                    counts = [len(there) for there, _ in halves]
                    distances = specify.squared_distances(ours, [count] * len(names), theirs, counts)
                found.setdefault((title, count), []).append(
                    float((distances.argmin(1) == np.arange(len(names))).mean())
                )
    for title in ("specifications", "means of all 1,280 features"):
        rows.append([title, *(f"{np.mean(found[title, count]):.1%}" for count in OURS)])
    note = (
        "Share of caltech-101's 101 classes whose nearest mean, among those of other halves, is their own; 5 halvings."
    )
    return table(["nearest by", *(f"{count} pictures of ours" for count in OURS)], rows, note)


def _of_single(pets: np.ndarray, kinds: np.ndarray) -> str:
    """How near to what is told a picture that was among those told is, and whether it can be known by that."""
    from starshift.learnware import specify

    vectors = specify.embed(pets, _space()).astype(np.float32)
    of_one = vectors[kinds == np.unique(kinds)[0]]
    random, rows = np.random.default_rng(0), []
    pairs = random.choice(len(of_one), (2000, 2))
    typical = float(np.median(np.linalg.norm(of_one[pairs[:, 0]] - of_one[pairs[:, 1]], axis=1)))
    for count in TOLD:
        nearest, areas, areas_private, recovered = [], [], [], []
        for _ in range(DRAWS):
            order = random.permutation(len(of_one))
            told, others = of_one[order[:count]], of_one[order[count : count + 500]]
            mean = told.mean(axis=0).astype(np.float16).astype(np.float32)
            nearest.append(float(np.linalg.norm(told - mean, axis=1).min()))
            areas.append(_area(told @ mean, others @ mean))
            sigma = specify.gaussian_sigma(1.0, specify.DELTA, 2 / count)
            noised = specify.noised(told.mean(axis=0), sigma)
            areas_private.append(_area(told @ noised, others @ noised))
            recovered.append(_recovered(told, others, mean))
        rows.append(
            [
                f"{count:,}",
                f"{median(nearest):.2f}",
                f"{median(nearest) / typical:.2f}",
                f"{np.mean(areas):.2f}",
                f"{np.mean(recovered):.0%}",
                f"{np.mean(areas_private):.2f}",
            ]
        )
    note = (
        f"Pictures of cats, {DRAWS} draws. Typical: two cats are {typical:.2f} apart. Area: under the curve by which "
        "one who has a picture and the mean tells whether it was among those told (0.5: by chance). Recovered: of as "
        "many pictures as were told, chosen greedily among them and 500 others so that their mean is nearest, the "
        "share that was told; by chance n/(n + 500). Private: with the noise of (1, 1e-5)-differential privacy."
    )
    head = ["pictures told, n", "nearest to their mean", "in typical distances", "area", "recovered", "area, private"]
    return table(head, rows, note)


def _area(members: np.ndarray, others: np.ndarray) -> float:
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(members, others).statistic / (len(members) * len(others)))


def _recovered(told: np.ndarray, others: np.ndarray, mean: np.ndarray) -> float:
    """By herding (Chen, Welling and Smola 2010): the next picture is the one that lacks most."""
    pool, count = np.concatenate([told, others]), len(told)
    free, total, hits = np.ones(len(pool), dtype=bool), np.zeros_like(mean), 0
    for step in range(1, count + 1):
        lacks = pool @ (step * mean - total)
        lacks[~free] = -np.inf
        chosen = int(lacks.argmax())
        free[chosen], total, hits = False, total + pool[chosen], hits + (chosen < count)
    return hits / count


def _space():  # type: ignore[no-untyped-def]
    from starshift.learnware import specify

    return specify.space_of(BASE, "0" * 64, size=SIZE, fit="stretch", features=1280)


if __name__ == "__main__":
    main(measure, __doc__)
