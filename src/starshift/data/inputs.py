"""Files without labels, to be predicted: found in files, folders and zips, read one by one."""

from __future__ import annotations

import zipfile
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple, overload

from starshift.data.sift import sift
from starshift.data.sources import SingleFile, Source, open_source, printable
from starshift.errors import UnreadablePicture
from starshift.records import SetAside


class Input(NamedTuple):
    """One file to predict."""

    path: str  # as to be shown: begins with what the user named
    load: Callable[[], bytes]  # raises UnreadablePicture
    file: Path | None = None  # where it lies on the disk; None inside a zip


@dataclass(frozen=True)
class _Found:
    """What one path means."""

    source: Source
    shown: str  # what the files' paths begin with
    paths: Sequence[str]  # in the source, in order
    lost: Mapping[str, SetAside]  # of them, those that are known to be unusable

    def __getitem__(self, index: int) -> Input:
        path = self.paths[index]
        read = partial(_refuse, self.lost[path]) if path in self.lost else partial(self.source.read, path)
        return Input(printable(self.shown + path), read, self.source.file(path))


class Inputs(Sequence[Input]):
    """Files in order. Holds their paths alone, however many they are: a quarter of a kilobyte each."""

    def __init__(self, found: Iterable[_Found]) -> None:
        self._found = list(found)
        self._starts = list(accumulate((len(one.paths) for one in self._found), initial=0))

    def __len__(self) -> int:
        return self._starts[-1]

    @overload
    def __getitem__(self, index: int) -> Input: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Input]: ...
    def __getitem__(self, index: int | slice) -> Input | Sequence[Input]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        which = bisect_right(self._starts, place) - 1
        return self._found[which][place - self._starts[which]]


def find_inputs(paths: Sequence[str | Path], without: Path | None = None) -> Inputs:
    """The pictures that are meant by files, folders (with everything below them) and zips, in that order.

    A file that is named itself is always among them; in folders and zips, what is no picture is passed
    over. Files that cannot be used are among them too, and their `load` says why. without: a folder, of which nothing
    is taken when it lies in one that is named. Raises DataError if a folder or zip may not be used.
    """
    return Inputs([_found(Path(path).expanduser(), without) for path in paths])


def _found(path: Path, without: Path | None) -> _Found:
    if not path.is_dir() and not (path.is_file() and zipfile.is_zipfile(path)):
        return _Found(SingleFile(path), "", [str(path)], {})
    source = open_source(path)
    sifted = sift(source)
    lost = {one.path: one for one in sifted.set_aside}
    spared = within(path, without)
    paths = sorted(one for one in (*sifted.candidates, *lost) if not (spared and one.startswith(spared)))
    return _Found(source, f"{path}/", paths, lost)


def within(folder: Path, without: Path | None) -> str:
    """What the paths of files in `without` begin with, as seen from a folder that it lies in; else ""."""
    if without is None:
        return ""
    above, below = folder.resolve(), without.resolve()
    return f"{printable(below.relative_to(above).as_posix())}/" if above in below.parents else ""


def _refuse(lost: SetAside) -> bytes:
    raise UnreadablePicture(lost.kind, lost.reason)
