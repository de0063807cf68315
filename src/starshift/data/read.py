"""From a folder, a zip, a label file or names to a Dataset, and from a Dataset to pixels."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from msgspec import convert

from starshift.data import enough
from starshift.data.cache import Rows, RowStore, Writer, cache_root
from starshift.data.decode import Facts, Frame, decode
from starshift.data.kinds import Wanted
from starshift.data.labels import LabelFile as LabelFile
from starshift.data.labels import Row, Table, label, parse
from starshift.data.layout import Labelled as Labelled
from starshift.data.layout import Layout, recognize
from starshift.data.pattern import Pattern, by_pattern
from starshift.data.sift import PICTURE_ENDINGS, Sifted, ending, explain_by_ending, sift
from starshift.data.sources import Source, counted, open_source, some
from starshift.data.tables import PARQUET, read_cells
from starshift.data.told import plain, present, too_much_alike
from starshift.errors import DataError, UnreadablePicture
from starshift.execution import map_ordered
from starshift.records import PARTS, Dataset, Picture, SetAside, Target

Progress = Callable[[int, int], None]
"""Called with the number of pictures done and their total."""


def read(
    source: str | Path,
    *,
    labels: LabelFile | None = None,
    pattern: Pattern | None = None,
    targets: Sequence[Wanted] = (),
    frame: Frame = Frame(64),  # noqa: B008  frozen
    min_per_class: int = 2,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Pictures:
    """Read a folder or zip of labelled pictures; every file is used, set aside with its reason, or skipped.

    labels: a label file. pattern: what file names say; targets: which of its fields are to be predicted, the first
    leads. Without either, the classes come from folders or file names. frame: pixels to decode to while the files are
    verified; they stay in the cache. min_per_class: readable pictures that every class needs, in a given training part
    too. cache: folder, by default `cache_root()`.
    Raises DataError, with every problem at once, if the source cannot be used as it is; StarshiftError if
    the cache cannot be written.
    """
    opened = open_source(source)
    sifted = sift(opened)
    if not sifted.candidates:
        raise DataError(_no_pictures(opened, sifted))
    layout = _layout(opened, sifted, labels, pattern, targets)
    places, problems = _with_normal_names(layout)
    if layout.problems:  # of the labels: nothing need be decoded to say so
        raise DataError([*layout.problems, *problems])
    folder = cache or cache_root()
    store = _store(folder, frame)
    pictures, unreadable = _verify(opened, places, store, frame, progress)
    if problems := problems + enough.lacks(layout, places, pictures, min_per_class):
        raise DataError(problems + enough.reasons(unreadable))
    dataset = _dataset(opened, layout, sifted, pictures, unreadable)
    return Pictures(dataset, opened, folder, store.damaged)


def read_unlabelled(
    source: str | Path,
    *,
    frame: Frame = Frame(64),  # noqa: B008  frozen
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Pictures:
    """Read a folder or zip of pictures without labels; folders in it mean nothing. Arguments: as `read` takes them.

    The dataset has no targets, and every label is "". Raises DataError where there is no readable picture.
    """
    opened = open_source(source)
    sifted = sift(opened)
    if not sifted.candidates:
        raise DataError(_no_pictures(opened, sifted))
    folder = cache or cache_root()
    store = _store(folder, frame)
    places = [Labelled(path, "", "") for path in sorted(sifted.candidates)]
    pictures, unreadable = _verify(opened, places, store, frame, progress)
    if not pictures:
        raise DataError([f"'{opened.name}' holds no picture that can be read.", *enough.reasons(unreadable)])
    set_aside = tuple(sorted([*sifted.set_aside, *unreadable], key=lambda lost: lost.path))
    dataset = Dataset(opened.name, "unlabelled", (), tuple(pictures), set_aside, dict(sorted(sifted.skipped.items())))
    return Pictures(dataset, opened, folder, store.damaged)


class Pictures:
    """What `read` found: the record, and the way from it to bytes and pixels."""

    def __init__(self, dataset: Dataset, source: Source, cache: Path, notes: Sequence[str] = ()) -> None:
        """dataset, source: what was read. cache: folder for pixels. notes: sentences about the cache."""
        self.dataset = dataset
        self.notes = list(notes)
        self.source = source
        self._cache = cache

    def bytes(self, path: str) -> bytes:
        """The file of a picture. Raises UnreadablePicture if it cannot be read any more."""
        return self.source.read(path)

    def pixels(self, frame: Frame, progress: Progress | None = None) -> Rows:
        """Every picture at this frame: uint8 (N, size, size, 3), in the order of `dataset.pictures`.

        Decodes what the cache has not. Raises DataError, naming the files, if some changed since they were
        read.
        """
        store = _store(self._cache, frame)
        first = {picture.digest: picture for picture in reversed(self.dataset.pictures)}
        missing = [first[digest] for digest in store.missing(self.dataset.digests)]
        self.notes += store.damaged
        if missing:
            self._decode(missing, frame, store, progress)
        return store.rows(self.dataset.digests)

    def _decode(self, missing: Sequence[Picture], frame: Frame, store: RowStore, progress: Progress | None) -> None:
        changed: list[str] = []
        results = map_ordered(partial(self._again, frame=frame), missing)
        with store.writer(len(missing)) as writer:
            for done, (picture, found) in enumerate(zip(missing, results, strict=True), start=1):
                if found is None:
                    changed.append(picture.path)
                else:
                    pixels, facts = found
                    writer.add(picture.digest, pixels, _stored(facts))
                if progress:
                    progress(done, len(missing))
        if changed:
            raise DataError(
                f"{counted(len(changed), 'file')} changed or vanished since the reading: {some(changed)}. "
                "Run the same command again when nothing writes to them any more."
            )

    def _again(self, picture: Picture, frame: Frame) -> tuple[np.ndarray, Facts] | None:
        try:
            data = self.source.read(picture.path)
            return decode(data, frame) if _digest(data) == picture.digest else None
        except UnreadablePicture:
            return None


# ----------------------------------------------------------------------------------------------------
# Places: which file is of which class


def _layout(
    source: Source, sifted: Sifted, labels: LabelFile | None, pattern: Pattern | None, targets: Sequence[Wanted]
) -> Layout:
    candidates, folders = sifted.candidates, source.listing.folders
    if labels is not None:
        return label(labels, label_table(source, labels.path), candidates, folders)
    if pattern is not None:
        return by_pattern(pattern, targets, candidates, folders)
    return recognize(candidates, folders, sifted.tables)


def label_table(source: Source, path: Path) -> Table:
    """The label file, read. Raises DataError where it is not there or is no table, MissingExtra for Parquet."""
    if not path.name.casefold().endswith(PARQUET):
        return parse(_label_bytes(source, path), path.name)
    if not path.is_file():
        raise DataError(f"There is no label file '{path}' here; Parquet is not looked for inside the source.")
    cells = read_cells(path)
    rows = zip(*cells.columns.values(), strict=True)
    found = [Row(number, tuple(row)) for number, row in zip(cells.rows, rows, strict=True)]
    return Table(cells.name, tuple(cells.columns), found)


def _label_bytes(source: Source, path: Path) -> bytes:
    """The label file: where the path leads, or inside the source."""
    if path.is_file():
        try:
            return path.read_bytes()
        except OSError as error:
            raise DataError(f"The label file '{path}' cannot be read: {error.strerror}.") from error
    if path.as_posix() not in source.listing.files:
        raise DataError(f"There is no label file '{path}', neither here nor in '{source.name}'.")
    try:
        return source.read(path.as_posix())
    except UnreadablePicture as error:
        raise DataError(f"The label file '{path}' cannot be read. {error}") from error


def _no_pictures(source: Source, sifted: Sifted) -> str:
    skipped = some(f"{kind} ({count})" for kind, count in sorted(sifted.skipped.items()))
    unusable = some(f"'{lost.path}' ({lost.reason})" for lost in sifted.set_aside)
    found = " and ".join(part for part in (skipped, unusable) if part) or "nothing"
    return (
        f"'{source.name}' holds no pictures (JPEG, PNG, WebP, BMP, TIFF or GIF), but {found}. Give the "
        "folder or zip that holds them."
    )


def _with_normal_names(layout: Layout) -> tuple[list[Labelled], list[str]]:
    """Places with the classes' names in Unicode's composed form, and sentences on names too much alike.

    Sorted by part, then by path, whatever order the file system has.
    """
    if layout.targets:
        problems = [problem for target in layout.targets for problem in too_much_alike(_names(target))]
        return sorted(layout.labelled, key=lambda place: (_order(place.part), place.path)), problems
    written = {place.label for place in layout.labelled} | {name for _, name in layout.folders}
    layout.folders = {(part, plain(name)): folder for (part, name), folder in layout.folders.items()}
    places = [replace(place, label=plain(place.label)) for place in layout.labelled]
    return sorted(places, key=lambda place: (_order(place.part), place.path)), too_much_alike(written)


def _names(target: Target) -> tuple[str, ...]:
    """Names that a person gave, and may have given twice; characters of strings are none."""
    return () if target.kind == "string" else target.classes


def _order(part: str) -> int:
    return PARTS.index(part) if part in PARTS else -1


# ----------------------------------------------------------------------------------------------------
# Content: every file once


def _store(cache: Path, frame: Frame) -> RowStore:
    return RowStore(cache, "pixels", {"frame": frame.key}, frame.shape, np.uint8)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


_Verified = tuple[Picture, np.ndarray | None]
"""A picture, and its pixels where the cache has them not."""


def _verify(
    source: Source, places: Sequence[Labelled], store: RowStore, frame: Frame, progress: Progress | None
) -> tuple[list[Picture], list[SetAside]]:
    """Decode every file that the cache does not know; keep the pixels, note what cannot be read."""
    pictures: list[Picture] = []
    unreadable: list[SetAside] = []
    results = map_ordered(partial(_verify_one, source, store, frame), places)
    with store.writer() as writer:
        for done, result in enumerate(results, start=1):
            if isinstance(result, SetAside):
                unreadable.append(result)
            else:
                pictures.append(_kept(result, writer))
            if progress:
                progress(done, len(places))
    return pictures, unreadable


def _verify_one(source: Source, store: RowStore, frame: Frame, place: Labelled) -> _Verified | SetAside:
    try:
        data = source.read(place.path)
        digest = _digest(data)
        if digest in store:
            return _picture(place, digest, convert(store.facts(digest), Facts), len(data)), None
        pixels, facts = decode(data, frame)
    except UnreadablePicture as error:
        error = explain_by_ending(place.path, error)
        return SetAside(place.path, error.kind, str(error))
    return _picture(place, digest, facts, len(data)), pixels


def _picture(place: Labelled, digest: str, facts: Facts, file_bytes: int) -> Picture:
    return Picture(
        path=place.path,
        label=place.label,
        part=place.part,
        digest=digest,
        width=facts.width,
        height=facts.height,
        format=facts.format,
        mode=facts.mode,
        file_bytes=file_bytes,
    )


def _kept(verified: _Verified, writer: Writer) -> Picture:
    picture, pixels = verified
    if pixels is not None:
        writer.add(picture.digest, pixels, _stored(picture))
    return picture


def _stored(facts: Facts | Picture) -> dict[str, str | int | float]:
    return {"width": facts.width, "height": facts.height, "format": facts.format, "mode": facts.mode}


# ----------------------------------------------------------------------------------------------------
# The record


def _dataset(
    source: Source,
    layout: Layout,
    sifted: Sifted,
    pictures: Sequence[Picture],
    unreadable: Sequence[SetAside],
) -> Dataset:
    set_aside = [*sifted.set_aside, *layout.set_aside, *unreadable]
    further = {name: tuple(labels[picture.path] for picture in pictures) for name, labels in layout.further.items()}
    absent = _absent_classes(pictures) if not layout.targets or layout.targets[0].is_classes else []
    return Dataset(
        source=source.name,
        layout=layout.name,
        targets=_targets(layout, pictures, further),
        examples=tuple(pictures),
        set_aside=tuple(sorted(set_aside, key=lambda lost: lost.path)),
        skipped=dict(sorted(sifted.skipped.items())),
        remarks=(*layout.remarks, *absent, *_odd_endings(pictures)),
        further=further,
    )


def _targets(layout: Layout, pictures: Sequence[Picture], further: Mapping[str, Sequence[str]]) -> tuple[Target, ...]:
    """What is to be predicted, with the classes of which there are readable pictures."""
    labels = [picture.label for picture in pictures]
    if not layout.targets:
        return (Target.of_classes(sorted(set(labels))),)
    leading, *others = layout.targets
    return present(leading, labels), *(present(target, further[target.name]) for target in others)


def _absent_classes(pictures: Sequence[Picture]) -> list[str]:
    """Classes that are learned and that a given part cannot examine."""
    held: dict[str, set[str]] = defaultdict(set)
    for picture in pictures:
        held[picture.part].add(picture.label)
    absent = {part: sorted(held["train"] - held[part]) for part in ("validation", "test") if part in held}
    return [
        f"The {part} part has no picture of {some(map(repr, names))}; nothing can be said of it there."
        for part, names in absent.items()
        if names
    ]


def _odd_endings(pictures: Sequence[Picture]) -> list[str]:
    """Remarks on names whose ending promises another format, or none."""
    promised = [(picture, PICTURE_ENDINGS.get(ending(picture.path))) for picture in pictures]
    wrong = [picture for picture, format in promised if format and format != picture.format]
    without = [picture for picture, format in promised if not format]
    remarks = (
        (wrong, "whose ending does not fit the content"),
        (without, "without the ending of a picture format, which by content are pictures"),
    )
    return [
        f"{counted(len(odd), 'file')} {what}, used all the same: '{odd[0].path}' is {odd[0].format}."
        for odd, what in remarks
        if odd
    ]
