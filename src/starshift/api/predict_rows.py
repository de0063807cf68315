"""`starshift predict` for what comes as rows: the file is given back with columns added, a piece at a time."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO, cast

import numpy as np

from starshift.api.formats import check_top, told_classes, top_columns, write_lines, write_list
from starshift.api.predict import Answer, answered, answers_above, model_folder
from starshift.compose.apart import Apart
from starshift.compose.opening import Answering, AnsweringAll, open_model
from starshift.compose.tables import TableModel
from starshift.data import words
from starshift.data.cache import cache_root
from starshift.data.encoding import Surprises
from starshift.data.sequences import read_unlabelled
from starshift.data.sources import composed, some
from starshift.data.streams import Piece, pieces
from starshift.data.words import Corpus
from starshift.errors import DataError, UsageError
from starshift.learnware import package
from starshift.recipe import near
from starshift.records import Learnware, SequenceContract, TableContract, Target, TextContract


@dataclass(frozen=True)
class Part:
    """Some rows of a file, and the content that a model answers for, row by row."""

    piece: Piece
    content: Any


Form = Callable[[Learnware, Path], Iterator[Part]]
"""A saved model and a file → the file's rows. Raises DataError where the file is not what the model takes."""


def of_table(learnware: Learnware, source: Path) -> Iterator[Part]:
    """Rows with the columns that the model looks at. Raises DataError that names all that lack, with near matches."""
    contract = cast(TableContract, learnware.input)
    yield from _checked(source, [column.name for column in contract.columns], lambda piece: piece)


@dataclass(frozen=True)
class _Texts:
    words: Corpus


def of_texts(learnware: Learnware, source: Path) -> Iterator[Part]:
    """Rows with the column of texts."""
    column = cast(TextContract, learnware.input).column
    yield from _checked(source, [column], lambda piece: _Texts(words.corpus(piece.column(column))))


def of_sequences(learnware: Learnware, source: Path) -> Iterator[Part]:
    """All sequences of a file, padded or cut as the model takes them; a row for each, with its name."""
    found = read_unlabelled(source, cast(SequenceContract, learnware.input))
    names = [example.path for example in found.dataset.examples]
    yield Part(Piece(("sequence",), [[name] for name in names], list(range(len(names)))), found)


def _checked(source: Path, needed: Sequence[str], content: Callable[[Piece], Any]) -> Iterator[Part]:
    for place, piece in enumerate(pieces(source)):
        if place == 0 and (problems := _lacking(source, piece, needed)):
            raise DataError(problems)
        yield Part(piece, content(piece))


def _lacking(source: Path, piece: Piece, needed: Sequence[str]) -> list[str]:
    columns = [composed(column.strip()) for column in piece.columns]
    doubled = [name for name in dict.fromkeys(needed) if columns.count(name) > 1]
    problems = [f"'{source.name}' has the column {name!r} more than once; rename one." for name in doubled]
    return problems + [
        f"'{source.name}' lacks the column {name!r}, which the model looks at.{near(name, columns)}"
        for name in needed
        if name not in columns
    ]


FORMS: dict[type, Form] = {TableContract: of_table, TextContract: of_texts, SequenceContract: of_sequences}
"""How the files of each kind of model are read; a kind that is not here takes no files of rows."""


def takes_rows(model: str | Path) -> bool:
    """Whether the model of a run folder or model folder takes files of rows. Raises RunError where there is none."""
    learnware, _ = package.read(model_folder(Path(model)))
    column = getattr(learnware.input, "column", None)
    return type(learnware.input) in FORMS and column != ""  # texts that came as files are files again


# ----------------------------------------------------------------------------------------------------
# Answers


@dataclass(frozen=True)
class Row:
    """A row with what a model says of it. cells: as they stand in the file. answers: target by target."""

    number: int
    cells: list[str]
    answers: tuple[Answer, ...]


class RowPredictor:
    """The model of a run folder or model folder, answering for files of rows."""

    def __init__(self, model: str | Path, *, sure: float | None = None, threshold: float | None = None) -> None:
        """sure, threshold: as starshift.predict takes them. Raises RunError where the model cannot be used or promises
        no such share, UsageError where it takes no rows, for another share or threshold.
        """
        learnware, tensors = package.read(model_folder(Path(model)))
        if type(learnware.input) not in FORMS:
            raise UsageError(f"{learnware.name!r} takes no files of rows.")
        self.learnware = learnware
        self._above = answers_above(learnware, sure, threshold)
        self._model = open_model(learnware, tensors, cache_root())
        first = self._model.models[0] if isinstance(self._model, Apart) else self._model
        self.surprises = Surprises(first.encoding) if isinstance(first, TableModel) else None

    def parts(self, source: str | Path) -> Iterator[tuple[Piece, list[Row]]]:
        """The rows of a file, piece by piece, in their order. Raises DataError where it cannot be read."""
        for part in FORMS[type(self.learnware.input)](self.learnware, Path(source)):
            if self.surprises:
                self.surprises.add(part.content)
            yield part.piece, self._rows(part)

    def _rows(self, part: Part) -> list[Row]:
        outputs = _outputs(self._model, part.content, range(len(part.piece.rows)))
        answers = zip(*(self._answers(place, one) for place, one in enumerate(outputs)), strict=True)
        numbered = zip(part.piece.numbers, part.piece.rows, answers, strict=True)
        return [Row(number, cells, tuple(found)) for number, cells, found in numbered]

    def _answers(self, place: int, outputs: np.ndarray) -> list[Answer]:
        target = self.learnware.targets[place]
        found = [answered(target, output) for output in outputs]
        if place or self._above is None:
            return found
        return [one if (one.probability or 0) > self._above else replace(one, label="") for one in found]


def _outputs(model: Answering, content: Any, indices: range) -> list[np.ndarray]:
    if isinstance(model, AnsweringAll):
        return model.answer_all(content, indices)
    return [model.answer(content, indices)]


def predict_rows(
    model: str | Path, source: str | Path, *, sure: float | None = None, threshold: float | None = None
) -> Iterator[dict[str, Any]]:
    """A dict for each row of a file: its cells by column, then what `starshift predict --format json` adds.

    model: a run folder, or the model/ folder of one. source: .csv, .tsv (also .gz) or .parquet. sure, threshold: as
    starshift.predict takes them. Raises RunError, DataError or UsageError.
    """
    predictor = RowPredictor(model, sure=sure, threshold=threshold)
    for piece, rows in predictor.parts(source):
        added = Added.to(piece, predictor.learnware, all_classes=True)
        yield from (_as_dict(row, piece, added) for row in rows)


# ----------------------------------------------------------------------------------------------------
# Writing


@dataclass(frozen=True)
class Added:
    """The columns that are added, by names that the file has not."""

    names: tuple[str, ...]
    targets: tuple[Target, ...]
    all_classes: bool
    top: int = 0

    @classmethod
    def to(cls, piece: Piece, learnware: Learnware, *, all_classes: bool, top: int = 0) -> Added:
        """predicted and, of classes, probability; of further targets the same with their names behind."""
        wanted = []
        for place, target in enumerate(learnware.targets):
            of = f" {target.name}" if place else ""
            wanted += [f"predicted{of}", *([f"probability{of}"] if _has_probability(target) else [])]
            wanted += [f"{one}{of}" for one in top_columns(min(top, len(told_classes(target))))]
            wanted += [f"probability of {of.strip()}{'=' if of else ''}{name}" for name in target.classes] * all_classes
        names: list[str] = []
        for name in wanted:
            names.append(_free(name, {*piece.columns, *names}))
        return cls(tuple(names), learnware.targets, all_classes, top)

    def values(self, row: Row) -> list[Any]:
        """What stands in them for a row."""
        found: list[Any] = []
        for target, answer in zip(self.targets, row.answers, strict=True):
            found.append(answer.label if answer.value is None else answer.value)
            found += [answer.probability] if _has_probability(target) else []
            found += [cell for one in answer.top(min(self.top, len(told_classes(target)))) for cell in one]
            if self.all_classes and target.classes:
                found += [(answer.probabilities or {}).get(name) for name in target.classes]
        return found


def _has_probability(target: Target) -> bool:
    return target.is_classes or target.kind == "string"


def _free(name: str, taken: set[str]) -> str:
    return next(one for one in (name, *(f"{name} {count}" for count in range(2, len(taken) + 3))) if one not in taken)


def write_rows(
    model: str | Path,
    sources: Sequence[str | Path],
    stream: TextIO,
    form: str,
    *,
    all_classes: bool = False,
    sure: float | None = None,
    threshold: float | None = None,
    top: int | None = None,
) -> list[str]:
    """Write each row of a file with what the model says of it, while they are read.

    sources: one file. form: a name in WRITERS. top: as formats.check_top takes it. Returns what training never saw of
    these rows, in sentences. Raises UsageError for other than one file or form, else as `predict_rows`.
    """
    if form not in WRITERS:
        raise UsageError(f"Format {form!r} is not known.{near(form, WRITERS)}")
    if len(sources) != 1:
        raise UsageError(f"This model takes one file of rows at a time; {len(sources)} came ({some(sources, 3)}).")
    predictor = RowPredictor(model, sure=sure, threshold=threshold)
    shown = check_top(predictor.learnware, top)
    parts = predictor.parts(sources[0])
    told = (
        (piece, Added.to(piece, predictor.learnware, all_classes=all_classes, top=shown), rows) for piece, rows in parts
    )
    WRITERS[form](told, stream)
    return predictor.surprises.sentences if predictor.surprises else []


_Told = Iterable[tuple[Piece, Added, list[Row]]]


def _write_csv(told: _Told, stream: TextIO) -> None:
    """The file as it is, with its own delimiter, and the added columns behind."""
    for place, (piece, added, rows) in enumerate(told):
        writer = csv.writer(stream, delimiter=piece.delimiter, lineterminator="\n")
        if place == 0:
            writer.writerow([*piece.columns, *added.names])
        writer.writerows([*row.cells, *map(_in_csv, added.values(row))] for row in rows)


def _in_csv(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else f"{value:.6g}"


def _write_json(told: _Told, stream: TextIO) -> None:
    write_list(_dicts(told), stream)


def _write_json_lines(told: _Told, stream: TextIO) -> None:
    write_lines(_dicts(told), stream)


def _dicts(told: _Told) -> Iterator[dict[str, Any]]:
    return (_as_dict(row, piece, added) for piece, added, rows in told for row in rows)


def _as_dict(row: Row, piece: Piece, added: Added) -> dict[str, Any]:
    return dict(zip(piece.columns, row.cells, strict=True)) | dict(zip(added.names, added.values(row), strict=True))


def _write_table(told: _Told, stream: TextIO) -> None:
    """A line per row: what is predicted, its probability, and the row's number."""
    for place, (_, added, rows) in enumerate(told):
        if place == 0:
            stream.write("  ".join(["row".rjust(6), *(_cell(name) for name in added.names)]).rstrip() + "\n")
        for row in rows:
            stream.write("  ".join([f"{row.number:>6}", *map(_cell, added.values(row))]).rstrip() + "\n")


def _cell(value: Any) -> str:
    return _in_csv(value).ljust(16)


WRITERS: dict[str, Callable[[_Told, TextIO], None]] = {
    "table": _write_table,
    "csv": _write_csv,
    "json": _write_json,
    "jsonl": _write_json_lines,
}
