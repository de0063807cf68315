"""Arrays and DataFrames as a source: they are written down once as files, so that a run can be repeated from them."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Mapping, Sequence
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from starshift.data.cache import cache_root
from starshift.errors import DataError, UsageError
from starshift.records import files

Given = Any
"""A path, (pixels, labels), or a DataFrame."""


class Files(NamedTuple):
    """What was given, as files."""

    source: Path
    labels: str | Path | None
    file_column: str | None


def as_files(source: Given, labels: str | Path | None = None, file_column: str | None = None) -> Files:
    """What `fit` and `check` read, whatever form it was given in.

    source: a path, which is left as it is; (pixels, labels), pixels being uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3)
    and labels N values, or a mapping from names of targets to N values each; or a DataFrame, of which `file_column`
    holds the paths of pictures, or which is a table itself where that is None.
    Arrays and tables are kept in the cache, below given/, under a digest of their content: pictures as PNG, which loses
    nothing. Raises UsageError for another form, DataError for arrays that are no pictures or do not fit together.
    """
    if isinstance(source, str | os.PathLike):
        return Files(Path(source), labels, file_column)
    if labels is not None:
        raise UsageError(
            "--labels goes with a folder of pictures; arrays and DataFrames bring their labels themselves."
        )
    if isinstance(source, tuple) and len(source) == 2:
        return _of_arrays(*source)
    if hasattr(source, "to_csv") and hasattr(source, "columns"):
        return _of_frame(source, file_column)
    raise UsageError(
        f"The source is a path, (pixels, labels) or a DataFrame; {type(source).__name__} came. Put pictures and labels "
        "into one tuple."
    )


# ---- arrays ---------------------------------------------------------------------------------------


def _of_arrays(pixels: Any, labels: Any) -> Files:
    pixels = np.asarray(pixels)
    columns = {str(name): list(values) for name, values in _columns(labels).items()}
    if problems := _array_problems(pixels, columns):
        raise DataError(problems)
    pictures = [_png(one) for one in pixels]
    names = [f"{index:0{len(str(len(pictures)))}}.png" for index in range(len(pictures))]
    table = _table({"file": names, **columns})
    folder = _folder([*pictures, table])
    source = folder / f"arrays-{folder.name}"  # which names the run
    for name, picture in zip(names, pictures, strict=True):
        _keep(picture, source / name)
    return Files(source, _keep(table, folder / "labels.csv"), "file")


def _columns(labels: Any) -> Mapping[Any, Any]:
    return labels if isinstance(labels, Mapping) else {"class": labels}


def _array_problems(pixels: np.ndarray, columns: Mapping[str, Sequence[Any]]) -> list[str]:
    problems = []
    if pixels.ndim not in (3, 4) or (pixels.ndim == 4 and pixels.shape[3] not in (1, 3)):
        problems.append(f"Pixels must be (N, H, W), (N, H, W, 1) or (N, H, W, 3); {pixels.shape} came.")
    if pixels.dtype != np.uint8:
        problems.append(f"Pixels must be uint8, 0 to 255; {pixels.dtype} came. Scale them, then .astype('uint8').")
    problems += [
        f"There are {len(pixels):,} pictures and {len(values):,} labels of {name!r}; give one for each."
        for name, values in columns.items()
        if len(values) != len(pixels)
    ]
    if "file" in columns:
        problems.append("A target cannot be called 'file'; rename it.")
    return problems


def _png(pixels: np.ndarray) -> bytes:
    from PIL import Image

    stream = BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1:] == (1,) and pixels.ndim == 3 else pixels).save(stream, "PNG")
    return stream.getvalue()


# ---- DataFrames -----------------------------------------------------------------------------------


def _of_frame(frame: Any, file_column: str | None) -> Files:
    columns = {str(name): frame[name].tolist() for name in frame.columns}
    if len(columns) < len(frame.columns):
        raise DataError("The DataFrame has columns of one name; rename them.")
    if file_column is None:
        table = _table(columns)
        folder = _folder([table])
        return Files(_keep(table, folder / f"frame-{folder.name}.csv"), None, None)
    if file_column not in columns:
        raise DataError(f"The DataFrame has no column {file_column!r}. Its columns: {', '.join(map(repr, columns))}.")
    paths = [Path(str(path)).expanduser().resolve() for path in columns[file_column]]
    if missing := [path for path in paths if not path.is_file()]:
        shown = ", ".join(str(path) for path in missing[:3])
        raise DataError(f"{len(missing):,} of {len(paths):,} files are not there: {shown}. Give whole paths.")
    source = Path(os.path.commonpath([path.parent for path in paths]))
    columns[file_column] = [path.relative_to(source).as_posix() for path in paths]
    table = _table(columns)
    return Files(source, _keep(table, _folder([table]) / "labels.csv"), file_column)


# ---- files ----------------------------------------------------------------------------------------


def _table(columns: Mapping[str, Sequence[Any]]) -> bytes:
    stream = StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in zip(*columns.values(), strict=True))
    return stream.getvalue().encode()


def _cell(value: Any) -> str:
    """A value as a cell: "" for none; lists of labels with | between them."""
    if value is None or value != value:  # NaN, and pandas' NaT
        return ""
    return "|".join(map(str, value)) if isinstance(value, list | tuple | set) else str(value)


def _folder(contents: Sequence[bytes]) -> Path:
    """Where this content is kept: the same content, the same folder."""
    digest = hashlib.sha256()
    for content in contents:
        digest.update(hashlib.sha256(content).digest())
    return cache_root() / "given" / digest.hexdigest()[:16]


def _keep(content: bytes, file: Path) -> Path:
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        files.write_bytes(content, file)
    return file
