"""A base by the name that a user gives it."""

from __future__ import annotations

import difflib
from pathlib import Path

from starshift.catalogue import applications, hub
from starshift.catalogue.row import Base
from starshift.errors import RunError, UsageError

_ROWS = applications.ROWS + hub.ROWS

BASES: dict[str, Base] = {row.name: row for row in _ROWS}
"""Every base by its name."""


def _plain(name: str) -> str:
    """Letters and digits alone, small: "Inception v3", "InceptionV3" and "inception_v3" are one."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


_ALSO_CALLED = {_plain(name): row for row in _ROWS for name in (row.name, row.title)} | {
    _plain(row.constructor): row for row in applications.ROWS
}


def base(name: str) -> Base:
    """The base of that name, however it is written: "vgg16", "VGG16", "Inception v3".

    Raises UsageError with the nearest name for one that is not in BASES.
    """
    if found := BASES.get(name) or _ALSO_CALLED.get(_plain(name)):
        return found
    near = difflib.get_close_matches(name.lower(), BASES, n=1)
    guess = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(BASES)}."
    raise UsageError(f"There is no base {name!r}. {guess}")


def cut_problems(base: Base, cut: str) -> list[str]:
    """A sentence with the nearest cut point for a layer that is none of this base's; nothing for one that is."""
    if cut in base.cut_points:
        return []
    near = difflib.get_close_matches(cut, base.cut_points, n=1)
    guess = f"Did you mean {near[0]!r}?" if near else f"It can be cut behind {', '.join(base.cut_points)}."
    return [f"{base.title} cannot be cut behind {cut!r}. {guess}"]


OWN_FILE, OWN_WEIGHTS = "base.json", "base.safetensors"
"""What a folder that `starshift pretrain` wrote holds: the base as a row of this catalogue, and its weights."""


def parse(spec: str) -> tuple[Base, Path | None]:
    """Read how a user names a base: "mobilenet_v2", "mobilenet_v2@FILE.h5" for other weights in it, or a folder.

    Returns the base, and the weights file or None for the published ones. A folder is one that `starshift pretrain`
    wrote. Raises UsageError for an unknown name and for an empty file name, RunError for a folder whose base.json
    cannot be read or names no builder; whether the weights file exists is found when it is opened.
    """
    folder = Path(spec.strip()).expanduser()
    if (folder / OWN_FILE).is_file():
        from starshift.records import files  # with it comes NumPy, which the names alone do not need

        row = files.read(folder / OWN_FILE, Base)
        if not row.builder:
            raise RunError(f"{folder / OWN_FILE} names no builder of ours; it is no base of `starshift pretrain`.")
        return row, folder / OWN_WEIGHTS
    name, at, file = spec.partition("@")
    if at and not file.strip():
        raise UsageError(f"{spec!r} names no file after the @. Write {name}@FILE.h5, or {name} alone.")
    if "/" in name:
        raise UsageError(
            f"There is no base in '{folder}': it has no {OWN_FILE}. Give a folder of `starshift pretrain`."
        )
    return base(name.strip()), Path(file.strip()).expanduser() if at else None
