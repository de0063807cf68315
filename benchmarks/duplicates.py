"""Planted near copies: how many `starshift check` finds for each change, and how many pairs it makes up; minutes.

Originals become the training part, changed copies of some of them the validation part; all are files that Pillow
wrote, so that nothing of the detector takes part in making what it looks for. Strength is drawn at random.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from benchmarks.common import Options, dataset, main, run, table, workplace

SEED = 4

COPIES = 300
"""Planted for each change and data set; fewer where there are not so many pictures."""

LEAST_SIDE = 8
"""Pixels below which no copy is made smaller: a digit of 8 pixels is what it is."""

SETS = ("dogs-vs-cats", "caltech-101", "digits, 28 px", "digits, 8 px")
"""The digits are scikit-learn's, of 8 pixels; enlarged to the 28 of MNIST they are what most people mean by digits."""

CHECK = """
import json, sys
import starshift
checked = starshift.check(sys.argv[1], min_per_class=1)
pairs = [group for one in checked.findings if one.kind.startswith("near copies") for group in one.groups]
print(json.dumps({"pairs": pairs}))
"""

Chance = np.random.Generator


# ---- the changes ----------------------------------------------------------------------------------


def resized(picture: Image.Image, chance: Chance) -> Image.Image:
    """To between half and double the size, by one of the usual filters."""
    scale = max(2 ** chance.uniform(-1, 1), LEAST_SIDE / min(picture.size))
    width, height = (max(1, round(side * scale)) for side in picture.size)
    filters = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS, Image.Resampling.BOX)
    return picture.resize((width, height), filters[chance.integers(len(filters))])


def recompressed(picture: Image.Image, chance: Chance) -> Image.Image:
    """Through JPEG at a quality of 20 to 90, colours at full or half resolution."""
    stream = BytesIO()
    quality, subsampling = int(chance.integers(20, 91)), int(chance.choice([0, 2]))
    picture.save(stream, "JPEG", quality=quality, subsampling=subsampling)
    return Image.open(BytesIO(stream.getvalue())).convert("RGB")


def cropped(picture: Image.Image, chance: Chance) -> Image.Image:
    """A window that has lost up to 15 % of each side, anywhere; at least one line of pixels."""
    width, height = picture.size
    kept = [max(1, round(side * (1 - chance.uniform(0, 0.15)))) for side in (width, height)]
    if kept == [width, height]:
        kept[chance.integers(2)] -= 1
    left, top = int(chance.integers(width - kept[0] + 1)), int(chance.integers(height - kept[1] + 1))
    return picture.crop((left, top, left + kept[0], top + kept[1]))


def mirrored(picture: Image.Image, chance: Chance) -> Image.Image:
    """Left and right exchanged."""
    return ImageOps.mirror(picture)


def brightened(picture: Image.Image, chance: Chance) -> Image.Image:
    """Grey levels times 0.6 to 1.6, cut off at white."""
    return ImageEnhance.Brightness(picture).enhance(float(np.exp(chance.uniform(np.log(0.6), np.log(1.6)))))


CHANGES: dict[str, Callable[[Image.Image, Chance], Image.Image]] = {
    "resized": resized,
    "recompressed": recompressed,
    "cropped": cropped,
    "mirrored": mirrored,
    "brighter or darker": brightened,
}

TWO = "two of these"


def changed(picture: Image.Image, change: str, chance: Chance) -> Image.Image:
    """A copy with one change, or with two different ones in random order."""
    names = [change] if change != TWO else list(chance.choice(list(CHANGES), size=2, replace=False))
    for name in names:
        picture = CHANGES[name](picture, chance)
    return picture


# ---- planting -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Planted:
    """A changed copy among the validation pictures."""

    change: str
    original: str  # path as the check names it
    copy: str


def originals(options: Options, name: str, place: Path) -> list[tuple[str, Path]]:
    """Class and file of every picture of a data set."""
    if name.startswith("digits"):
        from starshift.api.demo import write_digits

        folder = write_digits(place / "pictures", pictures=1797)
        if "28" in name:
            _enlarge(folder, 28)
        return [(file.parent.name, file) for file in sorted(folder.glob("*/*.png"))]
    folder = dataset(options, name)
    pattern = "*/*/*.jpg" if name == "dogs-vs-cats" else "*/*.jpg"
    return [(file.parent.name, file) for file in sorted(folder.glob(pattern))]


def _enlarge(folder: Path, side: int) -> None:
    for file in folder.glob("*/*.png"):
        with Image.open(file) as opened:
            opened.resize((side, side), Image.Resampling.BICUBIC).save(file)


def plant(pictures: list[tuple[str, Path]], copies: int, folder: Path, chance: Chance) -> list[Planted]:
    """Write train/ with the pictures as they are and validation/ with the changed copies of some of them."""
    names = [f"{place:05d}{file.suffix}" for place, (_, file) in enumerate(pictures)]
    for name, (label, file) in zip(names, pictures, strict=True):
        _write(folder / "train" / label / name, file.read_bytes())
    chosen = iter(chance.permutation(len(pictures))[: copies * (len(CHANGES) + 1)])
    planted = []
    for change in (*CHANGES, TWO):
        for _ in range(copies):
            at = int(next(chosen))
            label, file = pictures[at]
            copy = Path("validation") / label / f"copy-of-{names[at]}"
            with Image.open(file) as opened:
                _write(folder / copy, _saved(changed(opened.convert("RGB"), change, chance), file.suffix))
            planted.append(Planted(change, f"train/{label}/{names[at]}", copy.as_posix()))
    return planted


def _saved(picture: Image.Image, suffix: str) -> bytes:
    """As programs save by default: a JPEG stays a JPEG."""
    stream = BytesIO()
    if suffix == ".png":
        picture.save(stream, "PNG")
    else:
        picture.save(stream, "JPEG", quality=90)
    return stream.getvalue()


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


# ---- counting -------------------------------------------------------------------------------------


def measure(options: Options) -> str:
    """One check per data set; the pairs that were not planted are listed for a person to look at."""
    rows: list[list[object]] = []
    listed: list[list[str]] = []
    notes: list[str] = []
    for name in SETS:
        with workplace(options) as place:
            pictures = originals(options, name, place)
            if options.quick:
                pictures = pictures[:: max(1, len(pictures) // 240)][:240]
            copies = min(COPIES, len(pictures) // (len(CHANGES) + 1))
            planted = plant(pictures, copies, place / "planted", np.random.default_rng(SEED))
            ran = run(sys.executable, "-c", CHECK, place / "planted")
            pairs = ran.result["pairs"]
            strange = [[source(path, pictures) for path in pair] for pair in unexplained(pairs, planted)]
            faces = [pair for pair in strange if same_photograph(*pair)]
            listed += [[name, *pair] for pair in strange if not same_photograph(*pair)]
            total = len(pictures) + len(planted)
            others = len(strange) - len(faces)
            rows.append([name, f"{total:,}", *shares(pairs, planted), others, f"{ran.seconds:.1f}"])
            notes += [f"Faces found again in Faces_easy: {len(faces)}."] if faces else []
    text = table(
        ["data set", "pictures", *CHANGES, TWO, "pairs that were not planted", "whole process, s"],
        rows,
        f"Shares found of {COPIES} planted copies each, or as many as there are. Of the pairs that were not planted "
        "a person must say whether they are copies in truth; they are listed on standard error.",
        *notes,
        "Run with --quick: few pictures." if options.quick else "",
    )
    print(*(" = ".join(row[1:]) for row in listed), sep="\n", file=sys.stderr)
    return text


def shares(pairs: list[list[str]], planted: list[Planted]) -> list[str]:
    """The share of the planted copies that were found, change by change."""
    found = {frozenset(pair) for pair in pairs}
    hits: dict[str, list[bool]] = defaultdict(list)
    for one in planted:
        hits[one.change].append(frozenset((one.original, one.copy)) in found)
    return [f"{100 * np.mean(hits[change]):.1f} %" for change in (*CHANGES, TWO)]


def unexplained(pairs: list[list[str]], planted: list[Planted]) -> Iterator[tuple[str, ...]]:
    """Pairs of which neither picture is the planted copy of the other; each pair of originals once."""
    original = {one.copy: one.original for one in planted}
    seen = set()
    for pair in pairs:
        shown = tuple(sorted({original.get(path, path) for path in pair}))
        if len(shown) == 2 and shown not in seen:
            seen.add(shown)
            yield shown


def same_photograph(one: str, other: str) -> bool:
    """Whether these are Caltech's Faces and Faces_easy of one number: one photograph, cut differently."""
    return {one.split("/")[0], other.split("/")[0]} == {"Faces", "Faces_easy"} and one[-8:] == other[-8:]


def source(path: str, pictures: list[tuple[str, Path]]) -> str:
    """The file of the data set that an original was written from."""
    label, file = pictures[int(Path(path).stem)]
    return f"{label}/{file.name}"


if __name__ == "__main__":
    main(measure, __doc__)
