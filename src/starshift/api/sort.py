"""Files into folders named after their classes: copied or linked, whole or not at all, and never over another."""

from __future__ import annotations

import filecmp
import os
import re
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path, PurePath

from starshift.data.inputs import Input
from starshift.data.sources import composed, some
from starshift.errors import RunError, UnreadablePicture, UsageError
from starshift.records import Learnware
from starshift.records.files import TEMPORARY

UNSURE = "_unsure"
"""The folder of files for which the model names no class."""


class Sorter:
    """Puts files into `folder`/CLASS/NAME, and counts them."""

    def __init__(self, folder: Path, learnware: Learnware, *, link: bool = False) -> None:
        """folder: made where it is not there. link: symbolic links with absolute targets instead of copies; what lies
        in a zip is copied all the same.

        Raises UsageError where the model does not tell one class of several, or the folder is a file.
        """
        target = learnware.target
        if not target.is_classes:
            raise UsageError(f"--sort-into is for models that tell one class of several; {learnware.name!r} does not.")
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"'{folder}' is a file; --sort-into names a folder.")
        self.folder, self.link = folder, link
        self._names = folder_names(target.classes)
        self._counts: Counter[str] = Counter()
        self._there = self._lost = 0

    def put(self, one: Input, label: str) -> None:
        """Put a file where it belongs; label: one of the model's classes, or "" where it names none.

        A name that is taken gets " (2)" and so on, unless the same content lies there already. Raises RunError where
        that cannot be done.
        """
        name = self._names[label] if label else UNSURE
        place = self.folder / name
        try:
            place.mkdir(parents=True, exist_ok=True)
            self._put(one, place)
        except UnreadablePicture:
            self._lost += 1
        except OSError as error:
            hint = " Leave --link out to copy." if self.link else ""
            raise RunError(f"{one.path} cannot be put into '{place}': {error.strerror or error}.{hint}") from error
        else:
            self._counts[name] += 1

    def _put(self, one: Input, folder: Path) -> None:
        source: Path | bytes = one.file if one.file is not None else one.load()
        if isinstance(source, Path) and not os.access(source, os.R_OK):
            raise UnreadablePicture("missing", "The file is not there any more.")
        name = source.name if isinstance(source, Path) else _unpacked_name(PurePath(one.path))
        made = _link if self.link and isinstance(source, Path) else _copy
        for free in numbered(PurePath(name).stem, PurePath(name).suffix):
            place = folder / free
            if _holds(place, source):
                self._there += 1
                return
            if not os.path.lexists(place) and made(source, place):
                return

    @property
    def sentence(self) -> str:
        """What was done: "Sorted into sorted: cat 12, dog 9, _unsure 2 (copies; 3 were there already)"."""
        found = some((f"{name} {count:,}" for name, count in sorted(self._counts.items())), 20) or "nothing"
        notes = ["links" if self.link else "copies"]
        notes += [f"{self._there:,} {'was' if self._there == 1 else 'were'} there already"] * bool(self._there)
        notes += [f"{self._lost:,} could not be read any more"] * bool(self._lost)
        return f"Sorted into {self.folder}: {found} ({'; '.join(notes)})."


def _holds(place: Path, source: Path | bytes) -> bool:
    """Whether the same content lies there already."""
    try:
        if isinstance(source, Path):
            return place.samefile(source) or filecmp.cmp(place, source, shallow=False)
        return place.stat().st_size == len(source) and place.read_bytes() == source
    except OSError:  # nothing is there, or a link that leads nowhere
        return False


def _link(source: Path | bytes, place: Path) -> bool:
    assert isinstance(source, Path)
    return _done(lambda: place.symlink_to(source.absolute()))


def _copy(source: Path | bytes, place: Path) -> bool:
    """Copy, with the file's times; whoever looks sees the whole file or none. False where another came first."""
    draft = place.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")
    try:
        if isinstance(source, Path):
            shutil.copy2(source, draft)
        else:
            draft.write_bytes(source)
        return _renamed(draft, place)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _renamed(draft: Path, place: Path) -> bool:
    """Give a file its name. `Path.rename` alone would put it over another that came meanwhile."""
    try:
        return _done(lambda: os.link(draft, place))
    except OSError:  # the file system has no hard links
        if os.path.lexists(place):
            return False
        draft.rename(place)
        return True


def _done(action: Callable[[], None]) -> bool:
    try:
        action()
    except FileExistsError:
        return False
    return True


# ----------------------------------------------------------------------------------------------------
# Names

LONGEST = 120
"""Bytes of a folder's name: file systems take 255, some of them as many in UTF-16, and paths have an end too."""

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def safe(name: str) -> str:
    """A name that every usual file system takes, and that hides nothing: "a/b" becomes "a_b", "nul" becomes "_nul"."""
    short = name.encode("utf-8", "replace")[:LONGEST].decode("utf-8", "ignore")
    plain = _FORBIDDEN.sub("_", short).rstrip(". ")
    return f"_{plain}" if not plain or plain.startswith((".", " ")) or _RESERVED.fullmatch(plain) else plain


def _unpacked_name(path: PurePath) -> str:
    return f"{safe(path.stem)}{_FORBIDDEN.sub('_', path.suffix)}"


def folder_names(classes: Iterable[str]) -> dict[str, str]:
    """A folder's name for each class, different also where case or accents' form are not told apart."""
    names: dict[str, str] = {}
    taken = {UNSURE}
    for name in classes:
        free = next(one for one in numbered(safe(name)) if _alike(one) not in taken)
        taken.add(_alike(free))
        names[name] = free
    return names


def numbered(stem: str, suffix: str = "") -> Iterator[str]:
    """ "x.jpg", "x (2).jpg", "x (3).jpg" and so on."""
    return (f"{stem}{suffix}" if number == 1 else f"{stem} ({number}){suffix}" for number in count(1))


def _alike(name: str) -> str:
    return composed(composed(name).casefold())
