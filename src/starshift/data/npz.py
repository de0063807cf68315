"""NPZ files, as numpy.savez writes them: arrays by name. Nothing in them is ever unpickled."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from starshift.data.sources import some
from starshift.errors import DataError

MOST_BYTES = 4 * 2**30
"""Of all arrays together, unpacked."""

MOST_ARRAYS = 1000

_Header = tuple[tuple[int, ...], bool, np.dtype[Any]]

_HEADERS: dict[tuple[int, int], Callable[[IO[bytes]], _Header]] = {
    (1, 0): npy.read_array_header_1_0,
    (2, 0): npy.read_array_header_2_0,
}


def read_arrays(source: Path) -> dict[str, np.ndarray]:
    """All arrays of a file by name.

    Sizes are looked at before anything is unpacked. Raises DataError with everything that is wrong: no NPZ, arrays of
    Python objects, arrays that are cut off, too much of it all.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            entries = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
            if problems := _problems(archive, entries, source.name):
                raise DataError(problems)
            return {_name(entry): _read(archive, entry) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(
            f"'{source.name}' is no whole NPZ file ({error}). Write it with numpy.savez, or copy it again."
        ) from error
    except OSError as error:
        raise DataError(f"'{source}' cannot be read: {error.strerror or error}.") from error


def _name(entry: zipfile.ZipInfo) -> str:
    return entry.filename.removesuffix(".npy")


def _problems(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], name: str) -> list[str]:
    if not entries:
        return [f"'{name}' is a zip without arrays; write it with numpy.savez('{name}', x=…, y=…)."]
    if len(entries) > MOST_ARRAYS:
        return [f"'{name}' holds {len(entries):,} arrays; at most {MOST_ARRAYS:,} are taken."]
    names = [_name(entry) for entry in entries]
    problems = [f"'{name}' holds {one!r} twice." for one in sorted({one for one in names if names.count(one) > 1})]
    problems += [problem for entry in entries for problem in _entry_problems(archive, entry, name)]
    total = sum(entry.file_size for entry in entries)
    if total > MOST_BYTES:
        problems.append(
            f"The arrays of '{name}' take {total / 2**30:,.1f} GiB; at most {MOST_BYTES // 2**30} are read. Keep fewer "
            "sequences, fewer steps, or numbers of 32 bits."
        )
    return problems


def _entry_problems(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> list[str]:
    """What is wrong with one array, by its header alone."""
    named = f"The array {_name(entry)!r} of '{name}'"
    if entry.flag_bits & 1:
        return [f"{named} is encrypted; save it without a password."]
    try:
        with archive.open(entry) as stream:
            version = npy.read_magic(stream)
            if version not in _HEADERS:
                return [f"{named} is in a form of number {version[0]}.{version[1]}; plain arrays have 1.0 or 2.0."]
            shape, _, dtype = _HEADERS[version](stream)
    except ValueError as error:
        return [f"{named} is no array as NumPy writes it ({error})."]
    if dtype.hasobject:
        return [
            f"{named} holds Python objects, which could run code and are never loaded. Save numbers, or words as "
            "numpy.array(…, dtype=str); sequences of different lengths are padded, with their lengths in an array "
            "'lengths'."
        ]
    if dtype.kind not in "biufUS":
        return [f"{named} is of type {dtype}; numbers, truth values and words can be read."]
    if math.prod(shape) * dtype.itemsize > entry.file_size:
        return [f"{named} says that it has the shape {shape}, and is cut off before its end; copy the file again."]
    return []


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(entry) as stream:
        return np.asarray(npy.read_array(stream, allow_pickle=False))


def cells_of(array: np.ndarray) -> list[str]:
    """One value for each example as words: (N,), or (N, 1).

    Truth values as 0 and 1, whole numbers as such, others exactly; "" for NaN.
    """
    array = array.reshape(len(array))
    if array.dtype.kind == "S":
        return [value.decode("utf-8", "replace") for value in array.tolist()]
    if array.dtype.kind == "f":
        return ["" if math.isnan(value) else repr(value) for value in array.tolist()]
    return [str(int(value) if array.dtype.kind == "b" else value) for value in array.tolist()]


def shapes(arrays: dict[str, np.ndarray]) -> str:
    """Names and shapes for a sentence: "'x' (100, 50, 3) and 'y' (100)"."""
    return some((f"'{name}' ({', '.join(map(str, array.shape))})" for name, array in arrays.items()), 20)
