"""A seeded subset of a large flat folder, as links in part and class folders: no picture is copied."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from starshift.data.layout import labels_by_name
from starshift.data.sift import PICTURE_ENDINGS, ending
from starshift.data.sources import some
from starshift.errors import DataError
from starshift.seeds import child

Drawn = dict[str, Path]
"""Where each link goes ("train/cat/cat.7.jpg") → the picture it leads to."""


def flat_folder(folder: Path) -> tuple[Path, dict[str, list[str]]] | None:
    """The folder, or its `train`, that holds pictures named after their class, and their names by class, sorted.

    None where pictures lie in folders of their classes. Only names are looked at: cat.0.jpg, dog.12.jpg.
    """
    for place in (folder, folder / "train"):
        if not place.is_dir():
            continue
        names = sorted(file.name for file in place.iterdir() if ending(file.name) in PICTURE_ENDINGS)
        if labels := labels_by_name(names):
            by_class = defaultdict(list)
            for name in names:
                if name in labels:
                    by_class[labels[name]].append(name)
            return place, dict(by_class)
    return None


def draw(folder: Path, by_class: Mapping[str, list[str]], counts: Mapping[str, int], *, seed: int) -> Drawn:
    """Draw so many pictures for each part, as many of each class, none twice.

    counts: pictures by part; multiples of the number of classes. The draw depends on the names and the seed alone.
    Raises DataError where a class has too few, or where the counts cannot be shared out among the classes.
    """
    if uneven := [part for part, count in counts.items() if count % len(by_class)]:
        raise DataError(
            f"'{folder}' holds pictures of {len(by_class)} classes ({some(sorted(by_class))}), among which "
            f"{counts[uneven[0]]:,} for {uneven[0]} cannot be shared out evenly. Give a folder of cats and dogs alone, "
            "or one with train/ and validation/."
        )
    needed = sum(counts.values()) // len(by_class)
    if short := {name: len(files) for name, files in by_class.items() if len(files) < needed}:
        held = some(f"{count:,} of '{name}'" for name, count in sorted(short.items()))
        raise DataError(
            f"'{folder}' holds {held}; the subset takes {needed:,} of each class "
            f"({', '.join(f'{count:,} for {part}' for part, count in counts.items())}). Give the whole folder, or one "
            "with train/ and validation/."
        )
    drawn: Drawn = {}
    for label, files in sorted(by_class.items()):
        order = np.random.default_rng(child(seed, "subset", label)).permutation(len(files))
        begin = 0
        for part, count in counts.items():
            end = begin + count // len(by_class)
            chosen = sorted(files[row] for row in order[begin:end])
            drawn |= {f"{part}/{label}/{name}": folder / name for name in chosen}
            begin = end
    return drawn


def link(drawn: Drawn, out: Path) -> Path:
    """Make the links below `out`; those that lead to the right picture already stay. Returns `out`.

    Raises DataError where `out` holds anything else, or where links cannot be made.
    """
    there = (
        {file.relative_to(out).as_posix() for file in out.rglob("*") if not file.is_dir()} if out.is_dir() else set()
    )
    if strange := sorted(there - drawn.keys()):
        raise DataError(f"{out} holds other files ({some(strange, 3)}); name another folder with --out.")
    for place, picture in drawn.items():
        target, wanted = out / place, picture.resolve()
        if target.is_symlink() and target.readlink() != wanted:
            target.unlink()  # it leads to where the pictures lay before they were moved
        elif place in there:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.symlink_to(wanted)
        except OSError as error:
            raise DataError(
                f"No link to a picture can be made in {out} ({error.strerror or error}). Name a folder on "
                "another disk with --out, or sort the pictures into train/ and validation/ yourself."
            ) from error
    return out
