"""Texts: a column of a CSV or Parquet file, or a folder of text files per class, and what is wrong with them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from msgspec import structs

from starshift.data import words
from starshift.data.content import cells_of
from starshift.data.enough import too_few
from starshift.data.inputs import within
from starshift.data.kinds import Labels, Wanted, understand
from starshift.data.layout import Labelled, Layout, recognize
from starshift.data.sniff import TEXT_FILES, is_text
from starshift.data.sources import composed, some
from starshift.data.tables import Cells, read_cells
from starshift.data.words import Corpus
from starshift.errors import DataError
from starshift.recipe import near
from starshift.records import Dataset, Example, SetAside, TextContract
from starshift.records.dataset import Part

LARGEST_BYTES = 20_000_000
"""Of a text file; what is larger is no text that a person labelled."""

ADVICE = "Add texts, or take the class out."
"""Where a class has too few."""


@dataclass(frozen=True)
class Texts:
    """Texts as they were read: the record, the texts themselves, and their words as numbers."""

    dataset: Dataset
    texts: tuple[str, ...] = field(repr=False)  # in the examples' order
    words: Corpus = field(repr=False)
    text_column: str = ""  # "" where they came from files
    cells: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)  # of the file's columns

    @property
    def contract(self) -> TextContract:
        """What a model of these texts takes."""
        return TextContract(self.text_column)

    def column(self, name: str) -> list[str]:
        """The cells of a column, in the examples' order. Raises DataError where there is no such column."""
        return cells_of(self.cells, name, f"{self.dataset.source} has no column {name!r}")


def read_texts(source: Path, targets: Sequence[Wanted], min_per_class: int = 2) -> Texts:
    """Read texts with their labels.

    source: .csv or .tsv (also .gz) or .parquet with a column of texts; or a folder with one folder of text files per
    class, also below train/, validation/ and test/. targets: columns of the file, of which the first leads; the one
    that is left beside texts and ids if none are given. min_per_class: texts that every class needs to learn from.
    Texts without words, and rows without the leading label, are set aside. Raises DataError with all that is wrong.
    """
    return (
        _from_folder(source, targets, min_per_class) if source.is_dir() else _from_file(source, targets, min_per_class)
    )


def text_files(paths: Sequence[str | Path], without: Path | None = None) -> list[Path]:
    """Text files to answer for: those named, whatever their ending, and those in folders that are named.

    without: a folder, of which nothing is taken when it lies in one that is named. Raises DataError with every path
    that does not exist or holds none.
    """
    problems: list[str] = []
    found: list[Path] = []
    for path in map(Path, paths):
        inside = sorted(one for one in path.rglob("*") if is_text_file(one)) if path.is_dir() else []
        if path.is_dir() and not inside:
            problems.append(f"The folder '{path}' holds no text files ({', '.join(TEXT_FILES)}).")
        elif not path.exists():
            problems.append(f"There is no file or folder '{path}'.")
        spared = within(path, without)
        kept = [one for one in inside if not (spared and one.relative_to(path).as_posix().startswith(spared))]
        found += kept if path.is_dir() else [path]
    if problems:
        raise DataError(problems)
    return found


def is_text_file(path: Path) -> bool:
    """Whether a file is called like a text, and is not hidden."""
    return path.name.casefold().endswith(TEXT_FILES) and not path.name.startswith(".") and path.is_file()


def decoded(content: bytes, name: str) -> tuple[str, str, str]:
    """The text of a file: UTF-8, or UTF-16 by its mark; else "", a short word and a sentence why there is none."""
    if len(content) > LARGEST_BYTES:
        return "", "too large", f"'{name}' has {len(content):,} bytes; a text has at most {LARGEST_BYTES:,}."
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        kind = "UTF-16" if encoding == "utf-16" else "UTF-8"
        return "", f"not {kind}", f"'{name}' is not {kind} (byte {error.start:,}); save it as UTF-8."
    if "\0" in text:
        return "", "no text", f"'{name}' holds null characters, which no text has; it is some other kind of file."
    return (text, "", "") if text.strip() else ("", "empty", f"'{name}' is empty.")


# ----------------------------------------------------------------------------------------------------
# A column of a file


def _from_file(source: Path, targets: Sequence[Wanted], min_per_class: int) -> Texts:
    cells = read_cells(source)
    problems = list(cells.problems)
    wanted, remarks = _targets(cells, targets, problems)
    column = _text_column(cells, {one.name for one in wanted}, problems)
    has_text = [place for place, text in enumerate(cells.columns[column]) if text.strip()] if column else []
    if column and not has_text:
        problems.append(f"The column {column!r} of '{cells.name}' is empty in every row; there is nothing to read.")
    rows = cells.chosen(has_text)
    labels = (
        [understand(one, rows.columns[one.name], rows.rows, f"'{cells.name}'") for one in wanted] if has_text else []
    )
    problems += [problem for one in labels for problem in one.problems]
    kept = [place for place, label in enumerate(labels[0].labels) if label] if labels else []
    if labels and not labels[0].problems:
        names = [f"row {rows.rows[place]}" for place in kept]
        found = [labels[0].labels[place] for place in kept]
        problems += too_few(labels[0].target, found, names, min_per_class, noun="text", advice=ADVICE)
    if problems or not column:
        raise DataError(problems)
    chosen, texts = rows.chosen(kept), [rows.columns[column][place] for place in kept]
    aside = _set_aside(cells, column, rows, labels[0])
    if not any(one.name == column for one in targets) and len(cells.columns) > 2:
        remarks.append(f"The texts were taken from the column {column!r}.")
    dataset = Dataset(
        source=str(source),
        layout="text column",
        targets=tuple(one.target for one in labels),
        examples=tuple(
            Example(f"row {row}", labels[0].labels[place], "", _digest(text))
            for row, place, text in zip(chosen.rows, kept, texts, strict=True)
        ),
        set_aside=aside,
        remarks=(*remarks, *_remarks(labels)),
        family="texts",
        further={one.target.name: tuple(one.labels[place] for place in kept) for one in labels[1:]},
    )
    return _finished(dataset, texts, column, chosen.columns)


def _targets(cells: Cells, targets: Sequence[Wanted], problems: list[str]) -> tuple[list[Wanted], list[str]]:
    """The targets that are there; the only one that can be meant where none is named. Problems are noted."""
    columns = list(cells.columns)
    if targets:
        named = [Wanted(composed(one.name), one.kind) for one in targets]
        problems += [
            f"'{cells.name}' has no column {one.name!r} (--target).{near(one.name, columns)}"
            for one in named
            if one.name not in cells.columns
        ]
        return [one for one in named if one.name in cells.columns], []
    able = [name for name in columns if not is_text(cells.columns[name]) and _could_be_label(cells.columns[name])]
    if len(able) == 1:
        return [Wanted(able[0])], [f"The column {able[0]!r} was taken for the target."]
    what = "No column" if not able else f"More than one column ({some(map(repr, able), 20)})"
    problems.append(
        f"{what} of '{cells.name}' could be what is to be predicted. Name it with --target; its columns: "
        f"{some(map(repr, columns), 30)}."
    )
    return [], []


def _could_be_label(cells: Sequence[str]) -> bool:
    """Whether a column is neither the same everywhere nor different in every row, as ids are."""
    return 1 < len({cell for cell in cells if cell}) < len(cells)


def _text_column(cells: Cells, targets: set[str], problems: list[str]) -> str:
    """The column of running text; "" with a problem where there is none, or more than one."""
    others = [name for name in cells.columns if name not in targets]
    found = [name for name in others if is_text(cells.columns[name])]
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        problems.append(
            f"'{cells.name}' has running text in more than one column ({some(map(repr, found))}); keep the one to "
            "learn from, or join them into one."
        )
        return ""
    words_only = [name for name in others if _could_be_text(cells.columns[name])]
    if len(words_only) == 1:  # short texts: titles, questions
        return words_only[0]
    problems.append(f"No column of '{cells.name}' holds texts; its columns: {some(map(repr, cells.columns), 30)}.")
    return ""


def _could_be_text(cells: Sequence[str]) -> bool:
    """Whether most cells have two words or more, or letters of a script without blanks."""
    present = [cell for cell in cells if cell]
    several = sum(len(words.tokens(cell)) > 1 and any(map(str.isalpha, cell)) for cell in present)
    return bool(present) and several > len(present) / 2


def _set_aside(cells: Cells, column: str, rows: Cells, labels: Labels) -> tuple[SetAside, ...]:
    empty = set(cells.rows) - set(rows.rows)
    unlabelled = {row for row, label in zip(rows.rows, labels.labels, strict=True) if not label}
    name = labels.target.name
    return tuple(
        SetAside(f"row {row}", "empty text", f"Row {row} has no text in {column!r}.")
        if row in empty
        else SetAside(f"row {row}", "unlabelled", f"Row {row} has no value of {name!r}.")
        for row in cells.rows
        if row in empty or row in unlabelled
    )


def _remarks(labels: Sequence[Labels]) -> list[str]:
    """What was noticed of the targets. That rows without the leading label are set aside is said as such."""
    return [remark for one in labels for remark in one.remarks if one is not labels[0] or "is missing in" not in remark]


# ----------------------------------------------------------------------------------------------------
# A folder


def _from_folder(source: Path, targets: Sequence[Wanted], min_per_class: int) -> Texts:
    if targets:
        raise DataError(
            f"--target names columns of a file; '{source}' is a folder, whose folders are the classes. Leave --target "
            "out."
        )
    files, folders, skipped = _listed(source)
    if not files:
        raise DataError(f"'{source}' holds no text files ({', '.join(TEXT_FILES)}).")
    try:
        layout = recognize(files, folders, [])
    except DataError as error:
        raise DataError([_of_texts(problem) for problem in error.problems]) from error
    aside = [SetAside(one.path, one.kind, _of_texts(one.reason)) for one in layout.set_aside]
    read = [(place, *decoded(_bytes(source / place.path), place.path)) for place in layout.labelled]
    aside += [SetAside(place.path, kind, reason) for place, _, kind, reason in read if kind]
    kept = sorted(((place, text) for place, text, kind, _ in read if not kind), key=lambda one: one[0].path)
    labels = understand(
        Wanted("class", "multi-class"),
        [composed(place.label) for place, _ in kept],
        [place.path for place, _ in kept],  # type: ignore[misc]
        f"'{source}'",
    )
    problems = [*labels.problems, *_lacking_classes(layout, kept, labels, min_per_class)]
    if problems:
        raise DataError(problems)
    dataset = Dataset(
        source=str(source),
        layout=layout.name,
        targets=(labels.target,),
        examples=tuple(
            Example(place.path, label, place.part, _digest(text))
            for (place, text), label in zip(kept, labels.labels, strict=True)
        ),
        set_aside=tuple(aside),
        skipped=skipped,
        remarks=tuple(_of_texts(remark) for remark in layout.remarks),
        family="texts",
    )
    return _finished(dataset, [text for _, text in kept], "", {})


def _listed(source: Path) -> tuple[list[str], list[str], dict[str, int]]:
    """Text files and folders below a folder, as paths from there, and how many others there are by kind."""
    files, folders, skipped = [], [], Counter[str]()
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source).as_posix()
        if any(piece.startswith(".") or piece == "__MACOSX" for piece in name.split("/")):
            skipped["hidden files"] += path.is_file()
        elif path.is_dir():
            folders.append(name)
        elif name.casefold().endswith(TEXT_FILES):
            files.append(name)
        else:
            skipped[f"{path.suffix.casefold() or 'no'} ending"] += 1
    return files, folders, {kind: count for kind, count in skipped.items() if count}


def _bytes(file: Path) -> bytes:
    """A file's content; nothing where it cannot be read, which is then set aside as empty."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _lacking_classes(
    layout: Layout, kept: Sequence[tuple[Labelled, str]], labels: Labels, min_per_class: int
) -> list[str]:
    """Classes, of the parts that are learned from, with too few readable texts; empty class folders too."""
    if labels.problems:
        return []
    parts: dict[Part, tuple[list[str], list[str]]] = {}
    for (place, _), label in zip(kept, labels.labels, strict=True):
        names, paths = parts.setdefault(place.part, ([], []))
        names.append(label)
        paths.append(place.path)
    problems = []
    for part, (names, paths) in parts.items():
        if part in ("", "train"):
            where = f" in the {part} part" if part else ""
            problems += too_few(labels.target, names, paths, min_per_class, noun="text", where=where, advice=ADVICE)
    there = {(place.part, place.label) for place, _ in kept}
    empty = [folder.rstrip("/") for group, folder in layout.folders.items() if group not in there]
    return problems + [
        f"The class folder '{folder}' holds no text that can be read. Add some, or remove it." for folder in empty
    ]


def _of_texts(sentence: str) -> str:
    """A sentence of the reader of pictures, whose rules for folders these are, said of texts."""
    return sentence.replace("picture", "text").replace("cat.0.jpg", "cat.0.txt")


# ----------------------------------------------------------------------------------------------------
# Of both


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _finished(dataset: Dataset, texts: Sequence[str], column: str, cells: Mapping[str, Sequence[str]]) -> Texts:
    """With the words, and what a reader asks of texts."""
    found = words.corpus(texts)
    lengths = found.lengths
    facts = {
        "Words": f"{len(found.ids):,}, of which {len(found.forms):,} are different",
        "Length": f"{median(lengths.tolist()):g} words in the middle, {lengths.min():,} to {lengths.max():,}",
        "Script": words.script(texts),
    }
    return Texts(structs.replace(dataset, facts=facts), tuple(texts), found, column, cells)
