"""Search among 100,000 specifications: milliseconds per search, and memory."""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.common import Options, main, table
from starshift.learnware.search import Wanted
from starshift.learnware.shelf import Shelf

CLASSES = (2, 19)
"""Of each learnware, evenly drawn: a million means at 100,000."""

AXES = 100
"""Directions in which means differ."""


def measure(options: Options) -> str:
    """Specifications like those of real pictures: means on few directions of 640, and sampling noise."""
    count = 2_000 if options.quick else 100_000
    with tempfile.TemporaryDirectory(prefix="starshift-shelf-") as place:
        return _measure(count, Path(place), 5 if options.quick else 30)


def _measure(count: int, folder: Path, searches: int) -> str:
    from starshift.learnware import search, specify
    from starshift.learnware.shelf import Listed, OnDisk

    random = np.random.default_rng(0)
    space = specify.space_of("mobilenet_v2", "0" * 64, size=224, fit="stretch", features=1280)
    # Directions whose strength falls as that of caltech-101's class means does: half of it lies in 20 of them.
    axes = np.linalg.qr(random.standard_normal((space.dimensions, AXES)))[0].T.astype(np.float32)
    axes *= (1 / np.sqrt(1 + np.arange(AXES, dtype=np.float32)))[:, None]
    centre = random.standard_normal(space.dimensions) * 0.005
    lengths = random.integers(*CLASSES, size=count)
    listed, file = [], folder / "means.f16"
    with file.open("wb") as stream:
        for start in range(0, count, 5_000):
            some = lengths[start : start + 5_000]
            means = _means(int(some.sum()), axes, centre, random)
            stream.write(means.astype(np.float16).tobytes())
            for place, length in enumerate(some.tolist(), start):
                cells = tuple((f"class {place} {number}",) for number in range(length))
                listed.append(
                    Listed(f"{place:064x}", f"made-{place}:1.0.0", "made", "image classification", "", 30_000,
                           "pictures", cells, (30,) * length, specify.key(space))
                )  # fmt: skip
    began = time.perf_counter()
    shelf = Shelf.on(space, listed, OnDisk(file, space.dimensions))
    _ = shelf.coarse
    loading = time.perf_counter() - began
    seconds, cpu, found, wanted = [], [], 0, [_wanted(shelf, random) for _ in range(searches + 1)]
    for place, one in wanted:
        began, worked = time.perf_counter(), time.process_time()
        matches = search.nearest(shelf, one)
        seconds.append(time.perf_counter() - began)
        cpu.append(time.process_time() - worked)
        found += matches[0].place == place
    del seconds[0], cpu[0]  # it imports SciPy's optimizer
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    cpu_ms = f"{np.median(cpu) * 1000:.0f} ms"
    rows = [[f"{count:,}", f"{int(lengths.sum()):,}", f"{np.median(seconds) * 1000:.0f} ms",
             f"{max(seconds) * 1000:.0f} ms", cpu_ms, f"{loading:.1f} s", f"{memory:.2f} GiB",
             f"{found} of {len(wanted)}"]]  # fmt: skip
    return table(
        (
            "specifications",
            "means",
            "search, median",
            "slowest",
            "CPU time, median",
            "to load",
            "most memory",
            "the right one first",
        ),
        rows,
        "Specifications are made up. A user has 6 pictures of each of 6 classes of one of them.",
    )


def _means(count: int, axes: np.ndarray, centre: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Means of squared length about 0.4, as those of real classes: float32 (count, dimensions)."""
    drawn = random.standard_normal((count, len(axes)), dtype=np.float32) @ axes
    drawn *= (0.6 / np.linalg.norm(drawn, axis=1))[:, None]
    return np.asarray(drawn + centre, np.float32)


def _wanted(shelf: Shelf, random: np.random.Generator) -> tuple[int, Wanted]:
    """A user of one learnware's classes: which it is, and what a search takes."""
    from starshift.learnware import specify
    from starshift.records import SPECIFICATION_SCHEMA, Cell, SpecificationRecord

    able = np.flatnonzero(np.fromiter((len(one.counts) >= 6 for one in shelf.listed), bool, len(shelf)))
    place = int(random.choice(able))
    rows = shelf.cells(place)
    means = shelf.means[slice(rows.start, rows.start + 6)].astype(np.float32)
    # Six pictures' mean is so far from its class's: the spread of pictures over their number.
    noise = random.standard_normal(means.shape) * np.sqrt((1 - 0.4) / 6 / means.shape[1])
    means = (means + noise).astype(np.float16)
    cells = tuple(Cell((f"mine {number}",), 6) for number in range(6))
    record = SpecificationRecord(SPECIFICATION_SCHEMA, shelf.space, "bf16", 36, 1, cells)
    return place, Wanted.told(specify.Specification(record, means.mean(axis=0), means))


if __name__ == "__main__":
    main(measure, __doc__)
