"""Sequences: numbers by step and feature, from an NPZ file or from a long table, and what is wrong with them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from starshift.data import long, npz
from starshift.data.content import cells_of
from starshift.data.enough import too_few
from starshift.data.kinds import Labels, Wanted, no_strings, understand
from starshift.data.long import Raw
from starshift.data.sources import composed, some
from starshift.errors import DataError
from starshift.recipe import near
from starshift.records import Dataset, Example, SequenceContract, SetAside
from starshift.records.target import SEPARATOR

NPZ = ".npz"

VALUES, TARGET, LENGTHS, FEATURES = "x", "y", "lengths", "features"
"""Names of arrays in an NPZ file: of the values, of what is to be predicted unless --target names another, of the steps
that are there, of the features' names."""

MOST_STEPS = 4096
"""What is behind them is cut off, and that is said."""

MOST_BYTES = 4 * 2**30
"""Of all values, padding included."""


@dataclass(frozen=True)
class Sequences:
    """Sequences as they were read: the record, and the values.

    values: float32 (N, steps, features), NaN where a value is missing, 0 behind a sequence's end. lengths: int64 (N,),
    steps that are there.
    """

    dataset: Dataset
    values: np.ndarray = field(repr=False)
    lengths: np.ndarray = field(repr=False)
    features: tuple[str, ...]
    cells: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)  # of what there is once per sequence

    @property
    def contract(self) -> SequenceContract:
        """What a model takes that learned from these."""
        return SequenceContract(self.values.shape[1], self.features)

    def column(self, name: str) -> list[str]:
        """What there is once per sequence, in their order. Raises DataError where there is no such array or column."""
        lack = f"{self.dataset.source} has nothing called {name!r} with one value per sequence"
        return cells_of(self.cells, name, lack)


def read_sequences(source: Path, targets: Sequence[Wanted], min_per_class: int = 2) -> Sequences:
    """Read sequences with what is to be predicted.

    source: .npz with an array x (N, steps, features) or (N, steps) and what is to be predicted, y or as `targets` name
    it; or a table (.csv, .tsv, also .gz, .parquet) with a row for each step, see data.long. targets: the first leads.
    min_per_class: sequences that every class needs. Those without a leading label are set aside. Raises DataError with
    all that is wrong.
    """
    problems: list[str] = []
    raw = _raw(source, [one.name for one in targets], problems)
    wanted = _wanted(raw, targets, problems)
    labels = [understand(one, raw.cells[one.name], raw.rows, f"'{raw.name}'") for one in wanted]
    problems += [problem for one in labels for problem in one.problems]
    problems += no_strings(labels, "sequence")
    kept = [place for place, label in enumerate(labels[0].labels) if label] if labels else []
    if labels and not labels[0].problems:
        problems += too_few(
            labels[0].target,
            [labels[0].labels[place] for place in kept],
            [raw.names[place] for place in kept],
            min_per_class,
            noun="sequence",
            of=f" of {labels[0].target.name!r}",
            advice="Add sequences, or give them another class.",
        )
    if problems:
        raise DataError(problems)
    return _sequences(source, raw, labels, kept)


def read_unlabelled(source: Path, contract: SequenceContract) -> Sequences:
    """Read sequences that a model is asked about, as it takes them: padded or cut to its steps, its features in order.

    Raises DataError with all that is wrong, features that lack among it.
    """
    problems: list[str] = []
    raw = _raw(source, (), problems, contract.features)
    if not problems:
        problems += _feature_problems(raw, contract)
    if problems:
        raise DataError(problems)
    order = _order(raw, contract)
    values, lengths = _fitted(raw.values[:, :, order], raw.lengths, contract.steps)
    examples = tuple(Example(name, "", "", "") for name in raw.names)
    cut = int((raw.lengths > contract.steps).sum())
    remarks = [f"{cut:,} sequences were cut to the model's {contract.steps:,} steps."] if cut else []
    dataset = Dataset(str(source), raw.layout, (), examples, remarks=(*raw.remarks, *remarks), family="sequences")
    return Sequences(dataset, values, lengths, contract.features, raw.cells)


def _sequences(source: Path, raw: Raw, labels: Sequence[Labels], kept: Sequence[int]) -> Sequences:
    steps = min(MOST_STEPS, int(raw.lengths[kept].max()))
    values, lengths = _fitted(raw.values[kept], raw.lengths[kept], steps)
    names = [raw.names[place] for place in kept]
    dataset = Dataset(
        source=str(source),
        layout=raw.layout,
        targets=tuple(one.target for one in labels),
        examples=tuple(
            Example(name, labels[0].labels[place], "", digest)
            for name, place, digest in zip(names, kept, _digests(values, lengths), strict=True)
        ),
        set_aside=_without_label(raw, labels[0]),
        remarks=(*raw.remarks, *_remarks(labels, raw.lengths[kept], steps)),
        family="sequences",
        facts=_facts(values, lengths, raw),
        further={one.target.name: tuple(one.labels[place] for place in kept) for one in labels[1:]},
    )
    cells = {name: [column[place] for place in kept] for name, column in raw.cells.items()}
    return Sequences(dataset, values, lengths, raw.features, cells)


def _fitted(values: np.ndarray, lengths: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Values and lengths at so many steps: padded with 0 behind, or cut there."""
    found = np.zeros((len(values), steps, values.shape[2]), np.float32)
    found[:, : values.shape[1]] = values[:, :steps]
    lengths = np.minimum(lengths, steps)
    found[np.arange(steps) >= lengths[:, None]] = 0
    return found, lengths


def _digests(values: np.ndarray, lengths: np.ndarray) -> list[str]:
    """Of each sequence, that of its values, as long as it is."""
    return [
        hashlib.sha256(repr(one[:length].shape).encode() + np.ascontiguousarray(one[:length]).tobytes()).hexdigest()
        for one, length in zip(values, lengths, strict=True)
    ]


# ----------------------------------------------------------------------------------------------------
# Files


def _raw(source: Path, targets: Sequence[str], problems: list[str], features: Sequence[str] | None = None) -> Raw:
    """What a file holds. Problems are noted; a file that cannot be read at all raises DataError."""
    if source.name.casefold().endswith(NPZ):
        return _from_arrays(npz.read_arrays(source), source.name, problems)
    if not source.is_file():
        raise DataError(
            f"There is no file '{source}'. Sequences are read from {NPZ}, or from a table (.csv, .parquet)."
        )
    return long.read_long(source, targets, problems, features)


def _from_arrays(arrays: dict[str, np.ndarray], name: str, problems: list[str]) -> Raw:
    by_name = {one.casefold(): array for one, array in reversed(arrays.items())} | arrays
    x = by_name.get(VALUES)
    if x is None or x.dtype.kind not in "biuf" or x.ndim not in (2, 3) or not x.size:
        raise DataError([*problems, _no_values(arrays, x, name)])
    if x.size * 4 > MOST_BYTES:
        raise DataError(f"The array 'x' of '{name}' would take {x.size * 4 / 2**30:,.1f} GiB; at most 4 are read.")
    values, infinite = as_values(x if x.ndim == 3 else x[:, :, None])
    count, steps, width = values.shape
    features = _feature_names(by_name.get(FEATURES), width, name, problems)
    lengths = _lengths(by_name.get(LENGTHS), count, steps, name, problems)
    cells = {
        composed(one): _cells(one, array)
        for one, array in arrays.items()
        if len(array.shape) and len(array) == count and array is not x and _is_column(array)
    }
    names = tuple(f"sequence {number}" for number in range(count))
    remarks = _infinite(infinite)
    return Raw(name, "arrays", values, lengths, features, names, names, cells, tuple(remarks))


def _is_column(array: np.ndarray) -> bool:
    """Whether it has one value for each example, or marks of 0 and 1 for several labels."""
    if array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1):
        return True
    return array.ndim == 2 and array.dtype.kind in "biuf" and bool(np.isin(array, (0, 1)).all())


def _cells(name: str, array: np.ndarray) -> list[str]:
    """One cell for each example: of marks, classes by number where one is set in each row, else "y 0|y 2"."""
    if array.ndim == 1 or array.shape[1] == 1:
        return npz.cells_of(array)
    if (array.sum(axis=1) == 1).all():
        return [str(place) for place in array.argmax(axis=1)]
    return [SEPARATOR.join(f"{name} {place}" for place in np.flatnonzero(row)) or SEPARATOR for row in array]


def as_values(x: np.ndarray) -> tuple[np.ndarray, int]:
    """Numbers as float32, infinite ones as NaN, which is a value that is missing; and how many those were."""
    with np.errstate(over="ignore"):
        values = x.astype(np.float32)
    infinite = np.isinf(values)
    values[infinite] = np.nan
    return values, int(infinite.sum())


def _infinite(count: int) -> list[str]:
    return [f"{count:,} infinite values are treated as missing."] if count else []


def _no_values(arrays: dict[str, np.ndarray], x: np.ndarray | None, name: str) -> str:
    wanted = "numbers of the shape (sequences, steps, features) or (sequences, steps)"
    if x is None:
        return (
            f"'{name}' has no array 'x', which must hold {wanted}; its arrays: {npz.shapes(arrays)}. Save them with "
            f"numpy.savez('{name}', x=…, y=…)."
        )
    shape = ", ".join(map(str, x.shape))
    return f"The array 'x' of '{name}' must hold {wanted}; it is of type {x.dtype} and of the shape ({shape})."


def _feature_names(given: np.ndarray | None, width: int, name: str, problems: list[str]) -> tuple[str, ...]:
    if given is None:
        return tuple(map(str, range(width)))
    names = tuple(composed(cell.strip()) for cell in npz.cells_of(given)) if given.ndim == 1 else ()
    if len(names) != width or len(set(names)) < width or not all(names):
        problems.append(
            f"The array 'features' of '{name}' must name each of the {width:,} features of 'x' once; it has the shape "
            f"({', '.join(map(str, given.shape))}) and {len(set(names)):,} different names."
        )
        return tuple(map(str, range(width)))
    return names


def _lengths(given: np.ndarray | None, count: int, steps: int, name: str, problems: list[str]) -> np.ndarray:
    if given is None:
        return np.full(count, steps)
    if given.shape != (count,) or given.dtype.kind not in "iu":
        problems.append(f"The array 'lengths' of '{name}' must hold {count:,} whole numbers, one for each sequence.")
    elif len(wrong := np.flatnonzero((given < 1) | (given > steps))):
        shown = some(f"sequence {place}: {given[place]}" for place in wrong)
        problems.append(f"'lengths' of '{name}' must lie between 1 and the {steps:,} steps of 'x'; {shown}.")
    else:
        return given.astype(np.int64)
    return np.full(count, steps)


# ----------------------------------------------------------------------------------------------------
# Targets


def _wanted(raw: Raw, targets: Sequence[Wanted], problems: list[str]) -> list[Wanted]:
    """The targets that are there; y, or the column that says so, where none is named. Problems are noted."""
    named = [Wanted(composed(one.name), one.kind) for one in targets]
    if not named:
        usual = [one for one in raw.cells if one.casefold() in (TARGET, "target", "label", "class")]
        if len(usual) == 1:
            return [Wanted(usual[0])]
        problems.append(
            f"Say with --target what of '{raw.name}' is to be predicted. With one value per sequence it has: "
            f"{some(map(repr, raw.cells), 20) or 'nothing'}."
        )
    problems += [
        f"'{raw.name}' has nothing called {one.name!r} with one value per sequence (--target)."
        f"{near(one.name, list(raw.cells))}"
        for one in named
        if one.name not in raw.cells
    ]
    return [one for one in named if one.name in raw.cells]


def _without_label(raw: Raw, labels: Labels) -> tuple[SetAside, ...]:
    return tuple(
        SetAside(name, "unlabelled", f"It has no value of {labels.target.name!r}.")
        for name, label in zip(raw.names, labels.labels, strict=True)
        if not label
    )


# ----------------------------------------------------------------------------------------------------
# What is said


def _facts(values: np.ndarray, lengths: np.ndarray, raw: Raw) -> dict[str, str]:
    shortest, longest = int(lengths.min()), int(lengths.max())
    facts = {
        "Steps": f"{longest:,}"
        if shortest == longest
        else f"{shortest:,} to {longest:,}, the median {np.median(lengths):g}",
        "Features": f"{len(raw.features):,} ({some(raw.features, 20)})",
    }
    there = np.arange(values.shape[1]) < lengths[:, None]
    missing = np.isnan(values) & there[..., None]
    if missing.any():
        by_feature = missing.sum(axis=(0, 1))
        shown = some((f"{raw.features[place]} {by_feature[place]:,}" for place in np.flatnonzero(by_feature)), 10)
        facts["Missing values"] = f"{missing.sum():,} of {there.sum() * len(raw.features):,} ({shown})"
    return facts


def _remarks(labels: Sequence[Labels], lengths: np.ndarray, steps: int) -> list[str]:
    said = [remark for one in labels for remark in one.remarks if one is not labels[0] or "is missing in" not in remark]
    if int(lengths.min()) < steps:
        said.append(f"Shorter sequences are padded to {steps:,} steps; networks pass over what is padding.")
    if cut := int((lengths > steps).sum()):
        said.append(f"{cut:,} sequences are longer than {steps:,} steps and were cut there, at most {lengths.max():,}.")
    return said


# ----------------------------------------------------------------------------------------------------
# For a model that is there


def _feature_problems(raw: Raw, contract: SequenceContract) -> list[str]:
    unnamed = raw.features == tuple(map(str, range(len(raw.features))))
    if unnamed and len(raw.features) != len(contract.features):
        return [
            f"'{raw.name}' has {len(raw.features):,} features; the model takes {len(contract.features):,}: "
            f"{some(contract.features, 20)}."
        ]
    if unnamed:
        return []
    lacking = [one for one in contract.features if one not in raw.features]
    return [
        f"'{raw.name}' lacks the feature {one!r}, which the model takes.{near(one, raw.features)}" for one in lacking
    ]


def _order(raw: Raw, contract: SequenceContract) -> list[int]:
    """Where the model's features are: by name, or in order where the file names none."""
    if set(contract.features) <= set(raw.features):
        return [raw.features.index(one) for one in contract.features]
    return list(range(len(contract.features)))
