"""A label file: what it says of each picture, and what is wrong with its rows."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from io import StringIO
from pathlib import Path

from starshift.data.kinds import MISSING, Wanted
from starshift.data.layout import Layout, part_folders
from starshift.data.sources import composed, parents, some
from starshift.data.told import Told, lay
from starshift.errors import DataError
from starshift.records import SetAside
from starshift.records.dataset import Part
from starshift.records.target import SEPARATOR

DELIMITERS = ",;\t"

MATCHING_SHARE = 0.5
"""Of a column's cells, so many must name a picture before the column is guessed to hold the files."""


@dataclass(frozen=True)
class LabelFile:
    """A CSV or Parquet file; columns that are not named are found where only one can be meant."""

    path: Path  # as given, or relative to the source; in a zip, an entry's name
    file_column: str | None = None  # holds file names or paths, with or without ending
    targets: tuple[Wanted, ...] = ()  # columns to be predicted; the first leads


@dataclass(frozen=True)
class Row:
    """One row of a table."""

    number: int  # the line in which it begins, as an editor counts: the header is line 1
    cells: tuple[str, ...]  # without surrounding blanks; as many as the header has


@dataclass
class Table:
    """A CSV file, read."""

    name: str
    columns: tuple[str, ...]
    rows: list[Row]
    remarks: list[str] = field(default_factory=list)

    def cells(self, column: str) -> list[str]:
        """One column's cells, in the order of the rows."""
        place = self.columns.index(column)
        return [row.cells[place] for row in self.rows]


def parse(content: bytes, name: str) -> Table:
    """Read a CSV file: UTF-8 or UTF-16, separated by comma, semicolon or tab, with a header.

    Raises DataError if it is none of that, has a column name twice, or holds no rows.
    """
    text = _text(content, name)
    if not text.strip():
        raise DataError(f"'{name}' is empty. A header with the names of the columns is needed, and rows below it.")
    delimiter = _delimiter(text)
    lines = _lines(text, delimiter, name)
    header = next(lines, None)
    columns = tuple(composed(cell.strip()) for cell in header.cells) if header else ()
    if len(columns) < 2:
        first = columns[0] if columns else ""
        came = f" It reads {first[:60]!r}{_other_delimiter(first)}." if first else ""
        raise DataError(
            f"The first line of '{name}' names {len(columns)} column(s); a header of two or more is needed "
            f"(file and label), separated by commas, semicolons or tabs.{came}"
        )
    if doubled := [column for column, count in Counter(columns).items() if count > 1]:
        raise DataError(f"The header of '{name}' has {some(map(repr, doubled))} more than once; rename one.")
    return _table(name, columns, list(lines))


def _table(name: str, columns: tuple[str, ...], found: list[Row]) -> Table:
    width = len(columns)
    rows = [
        Row(row.number, tuple(cell.strip() for cell in row.cells[:width]) + ("",) * (width - len(row.cells)))
        for row in found
    ]
    if not rows:
        raise DataError(f"'{name}' has a header and no rows.")
    long = [row.number for row in found if len(row.cells) > width]
    remark = f"{_rows(long)} of '{name}' had more cells than the header; what is beyond it was not read."
    return Table(name, columns, rows, [remark] if long else [])


def _other_delimiter(line: str) -> str:
    """What seems to stand between the columns of a line that has none of DELIMITERS."""
    found = next((mark for mark in "|:^~" if mark in line), " " if " " in line.strip() else "")
    return f", as if columns were separated by {found!r}; put commas there" if found else ""


def _text(content: bytes, name: str) -> str:
    if content.startswith(b"PK\x03\x04"):
        raise DataError(f"'{name}' is a zip or a spreadsheet, not CSV; in the spreadsheet, save it as 'CSV UTF-8'.")
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"'{name}' is not UTF-8 (line {line}); in a spreadsheet, save it as 'CSV UTF-8'.") from error
    if encoding != "utf-16" and content.count(b"\0") > len(content) / 4:
        raise DataError(f"'{name}' looks like UTF-16 without its mark; save it as 'CSV UTF-8'.")
    return text


def _delimiter(text: str) -> str:
    """The delimiter that splits the header into the most columns; the comma in doubt."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    outside_quotes = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=outside_quotes.count)


def _lines(text: str, delimiter: str, name: str) -> Iterator[Row]:
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=delimiter != "\t")
    number = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield Row(number, tuple(cells))
            number = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"Line {number} of '{name}' is no CSV ({error}); is a quotation mark left open?") from error


# ----------------------------------------------------------------------------------------------------
# Rows and files


class Finder:
    """Finds the pictures that a cell may mean: with or without folders, with or without ending."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._named: dict[str, list[str]] = defaultdict(list)  # last piece of a path, folded: paths
        for path in paths:
            name = _folded(path).rpartition("/")[2]
            self._named[name].append(path)
            if (stem := name.rpartition(".")[0]) and stem != name:
                self._named[stem].append(path)

    def find(self, cell: str) -> list[str]:
        """Paths that the cell fits, the best fit alone where there is one; empty if it fits none."""
        wanted = composed(cell.replace("\\", "/").removeprefix("./"))
        last = _folded(wanted).rpartition("/")[2]
        found = [path for path in self._named.get(last, ()) if _fits(path, wanted)]
        if len(found) < 2:
            return found
        exact = [path for path in found if composed(path) == wanted]
        same_name = [path for path in found if f"/{composed(path)}".endswith(f"/{wanted}")]
        return exact or same_name or found


def _folded(path: str) -> str:
    return composed(path).casefold()


def _fits(path: str, wanted: str) -> bool:
    """Whether one of the two is the end of the other, with or without the path's ending."""
    asked = "/" + _folded(wanted)
    folder, _, name = ("/" + _folded(path)).rpartition("/")
    whole, stem = f"{folder}/{name}", f"{folder}/{name.rpartition('.')[0] or name}"
    return any(here.endswith(asked) or asked.endswith(here) for here in (whole, stem))


def label(labels: LabelFile, table: Table, candidates: Sequence[str], folders: Sequence[str]) -> Layout:
    """Give every picture the labels that its row says.

    table: the label file, read. candidates, folders: as in a Listing. Pictures without a row, or whose rows have no
    leading label, contradict each other or fit several pictures, are set aside; remarks give row numbers. What keeps a
    column from being a target is among the layout's problems.
    Raises DataError if a column is not there or cannot be guessed, or no row fits.
    """
    finder = Finder(candidates)
    file_column, targets, guesses = _columns(table, labels, finder)
    layout = Layout("label file", remarks=[*guesses, *table.remarks])
    columns = [[composed(cell) for cell in table.cells(one.name)] for one in targets]
    rows = zip(table.rows, table.cells(file_column), zip(*columns, strict=True), strict=True)
    given, doubtful = _matched(table.name, list(rows), finder, layout)
    if not given and not doubtful:
        raise DataError(_nothing_fits(table, file_column, candidates))
    parts, remarks = part_folders(folders)
    layout.remarks += remarks
    settled = [
        _settled(path, given.get(path, []), table.name, targets, parts, layout)
        for path in candidates
        if path not in doubtful
    ]
    lay(layout, targets, [one for one in settled if one], table.name)
    return layout


def column(labels: LabelFile, table: Table, paths: Sequence[str], wanted: str, option: str) -> dict[str, str]:
    """Another column of the label file: its cell for each of these pictures that has a row; empty cells are left out.

    Raises DataError if the column is not there, or if rows of one picture disagree.
    """
    if composed(wanted) not in table.columns:
        raise DataError(_no_column(table, wanted, option))
    finder = Finder(paths)
    file_column, _, _ = _columns(table, labels, finder)
    given: dict[str, set[str]] = defaultdict(set)
    for file, cell in zip(table.cells(file_column), table.cells(composed(wanted)), strict=True):
        found = finder.find(file) if file and cell else []
        if len(found) == 1:
            given[found[0]].add(cell)
    if torn := sorted(path for path, cells in given.items() if len(cells) > 1):
        raise DataError(
            f"Rows of '{table.name}' disagree in the column '{wanted}' on {some(map(repr, torn), 3)}. Mend them."
        )
    return {path: cells.pop() for path, cells in given.items()}


_Cells = tuple[str, ...]
"""What one row says of every target."""

_Given = dict[str, list[tuple[int, _Cells]]]


def _matched(
    name: str, rows: Sequence[tuple[Row, str, _Cells]], finder: Finder, layout: Layout
) -> tuple[_Given, set[str]]:
    """Row numbers and what they say by picture; and the pictures that a row could not tell apart."""
    given: _Given = defaultdict(list)
    doubtful: dict[str, str] = {}
    missing: list[int] = []
    for row, cell, said in rows:
        found = finder.find(cell) if cell else []
        if len(found) == 1:
            given[found[0]].append((row.number, said))
        elif found:
            reason = f"Row {row.number} of {name}, '{cell}', fits {len(found)} pictures: {some(found, 3)}."
            doubtful |= dict.fromkeys(found, reason)
        else:
            missing.append(row.number)
    if missing:
        layout.remarks.append(f"{_rows(missing)} of {name} named files that are not there.")
    layout.set_aside += [SetAside(path, "ambiguous row", reason) for path, reason in doubtful.items()]
    return given, set(doubtful)


def _settled(
    path: str,
    given: Sequence[tuple[int, _Cells]],
    name: str,
    targets: Sequence[Wanted],
    parts: Mapping[str, Part],
    layout: Layout,
) -> Told | None:
    """What the rows say of one picture; None where it is set aside."""
    if not given:
        layout.set_aside.append(SetAside(path, "unlabelled", f"No row of {name} names this file."))
        return None
    numbers, rows = zip(*given, strict=True)
    said = [_said(one, cells) for one, cells in zip(targets, zip(*rows, strict=True), strict=True)]
    if torn := [(one, cells) for one, cells in zip(targets, said, strict=True) if len(cells) > 1]:
        what = [f"{_different(one, len(targets))}: {some(map(repr, cells))}" for one, cells in torn]
        reason = f"{_rows(numbers)} of {name} gave it different {'; and '.join(what)}."
        layout.set_aside.append(SetAside(path, "contradictory labels", reason))
        return None
    if len(given) > 1 and all(one.kind != "multi-label" for one in targets):
        layout.remarks.append(f"{_rows(numbers)} of {name} said the same of '{path}'; it is used once.")
    part: Part = next((parts[f"{above}/"] for above in parents(path) if f"{above}/" in parts), "")
    return Told(path, part, tuple(cells[0] if cells else "" for cells in said), numbers[0])


def _said(target: Wanted, cells: Sequence[str]) -> list[str]:
    """What several rows say of one picture, each thing once; labels that apply at once may have a row each."""
    said = list(dict.fromkeys(cell for cell in cells if cell.casefold() not in MISSING))
    return [SEPARATOR.join(said)] if target.kind == "multi-label" else said


def _different(target: Wanted, targets: int) -> str:
    is_class = target.kind in (None, "binary", "multi-class")
    return "classes" if targets == 1 and is_class else f"values of {target.name!r}"


def _rows(numbers: Sequence[int]) -> str:
    return f"Row{'s' if len(numbers) > 1 else ''} {some(numbers)}"


def _nothing_fits(table: Table, column: str, candidates: Sequence[str]) -> str:
    cell = next((cell for cell in table.cells(column) if cell), "")
    return (
        f"No row of '{table.name}' names a picture: its column '{column}' holds values like '{cell}', the "
        f"files are named like '{candidates[0]}'. Name the right column with --file-column: "
        f"{_choice(table.columns)}."
    )


# ----------------------------------------------------------------------------------------------------
# Which column is which


def _columns(table: Table, labels: LabelFile, finder: Finder) -> tuple[str, list[Wanted], list[str]]:
    """The column of the files, those to be predicted, and remarks on what was guessed."""
    asked = [(labels.file_column, "--file-column"), *((one.name, "--target") for one in labels.targets)]
    problems = [
        _no_column(table, name, option)
        for name, option in asked
        if name is not None and composed(name) not in table.columns
    ]
    if problems:
        raise DataError(problems)
    file_column = composed(labels.file_column or "") or _guessed_files(table, labels, finder)
    targets = [Wanted(composed(one.name), one.kind) for one in labels.targets]
    targets = targets or [Wanted(_guessed_target(table, file_column))]
    if file_column in [one.name for one in targets]:
        raise DataError(f"--file-column and --target both name '{file_column}'; they must differ.")
    return file_column, targets, _guesses(table, labels, file_column, targets[0].name)


def _guesses(table: Table, labels: LabelFile, file_column: str, target: str) -> list[str]:
    guessed = [] if labels.file_column else [f"the column '{file_column}' was taken for the files"]
    guessed += [] if labels.targets else [f"the column '{target}' was taken for the labels"]
    return [f"In {table.name}, {' and '.join(guessed)}."] if guessed else []


def _no_column(table: Table, asked: str, option: str) -> str:
    near = get_close_matches(asked.casefold(), [column.casefold() for column in table.columns], n=1)
    meant = [column for column in table.columns if near and column.casefold() == near[0]]
    guess = f" Did you mean '{meant[0]}'?" if meant else ""
    return f"'{table.name}' has no column '{asked}' ({option}).{guess} Its columns: {_choice(table.columns)}."


def _guessed_files(table: Table, labels: LabelFile, finder: Finder) -> str:
    def share(column: str) -> float:
        return sum(bool(cell and finder.find(cell)) for cell in table.cells(column)) / len(table.rows)

    asked = [composed(one.name) for one in labels.targets]
    fitting = [column for column in table.columns if column not in asked and share(column) >= MATCHING_SHARE]
    if len(fitting) == 1:
        return fitting[0]
    what = "More than one column" if fitting else "No column"
    raise DataError(
        f"{what} of '{table.name}' seems to hold the files. Name it with --file-column: "
        f"{_choice(fitting or table.columns)}."
    )


def _guessed_target(table: Table, file_column: str) -> str:
    others = [column for column in table.columns if column != file_column]
    if len(others) == 1:
        return others[0]
    raise DataError(
        f"'{table.name}' has more than one column besides '{file_column}'. Name the one that holds the "
        f"labels with --target, or several of them: {_choice(others)}."
    )


def _choice(columns: Sequence[str]) -> str:
    return some((f"'{column}'" for column in columns), 20)
