"""Where pictures lie: a folder or a zip, as a list of files and a way to read each, safe against both."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import IO, Protocol

from starshift.errors import DataError, UnreadablePicture
from starshift.records import SetAside

MAX_FILE_BYTES = 512 * 2**20
"""Larger files are not read: no picture that may be decoded needs as many."""

MAX_TOTAL_BYTES = 50 * 2**30
MAX_ENTRIES = 1_000_000
MAX_RATIO = 200
RATIO_MATTERS_BYTES = 50 * 2**20
"""What a zip may unpack to: in all, in entries, and per entry in proportion to its packed size, which may
exceed MAX_RATIO below this many bytes."""


@dataclass
class Listing:
    """The files of a source, before any is opened. Paths use forward slashes and are printable."""

    files: list[str] = field(default_factory=list)  # regular files, sorted
    folders: list[str] = field(default_factory=list)  # sorted
    set_aside: list[SetAside] = field(default_factory=list)  # files and folders that cannot be read
    skipped: Counter[str] = field(default_factory=Counter)  # what is no file at all, by kind


class Source(Protocol):
    """A folder, a zip, or a single file."""

    name: str
    listing: Listing

    def read(self, path: str, limit: int = MAX_FILE_BYTES) -> bytes:
        """The bytes of a listed file. Raises UnreadablePicture. Safe to call from several threads."""

    def head(self, path: str, count: int) -> bytes:
        """At most the first `count` bytes. Raises UnreadablePicture."""

    def file(self, path: str) -> Path | None:
        """Where a listed file lies on the disk; None where it lies in another file."""


def open_source(source: str | Path) -> Source:
    """Open a folder or a zip. Raises DataError if it is neither or may not be used."""
    path = Path(source).expanduser()
    if path.is_dir():
        return Folder(path, str(source))
    if not path.exists():
        raise DataError(_not_found(path))
    if path.is_file() and zipfile.is_zipfile(path):
        return Zip(path, str(source))
    raise DataError(_no_source(path))


def _not_found(path: Path) -> str:
    sentence = f"There is no folder or zip file '{path}'."
    try:
        neighbours = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f"{sentence} The folder '{path.parent}' is not there or may not be read either."
    near = get_close_matches(path.name, neighbours, n=1, cutoff=0.6)
    return f"{sentence} Did you mean '{path.parent / near[0]}'?" if near else sentence


def _no_source(path: Path) -> str:
    if path.suffix.lower() == ".zip":
        return f"'{path}' is no complete zip file; copy or download it again."
    if re.search(r"\.(tar|tgz|tbz2?|txz|gz|bz2|xz|7z|rar)$", path.name, re.IGNORECASE):
        return f"'{path}' is an archive that is not read in place; unpack it, or pack it again as .zip."
    return f"'{path}' is a single file; give the folder that holds the pictures, or a zip of it."


def printable(path: str) -> str:
    """A path that any encoding can write: bytes of a file name that are no UTF-8 appear as \\xe9."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _read_file(stream: IO[bytes], limit: int) -> bytes:
    # `read(limit)` would set `limit` bytes of memory aside for every small file.
    if os.fstat(stream.fileno()).st_size > limit:
        raise _too_large(limit)
    return stream.read()


def _read_packed(stream: IO[bytes], limit: int) -> bytes:
    data = stream.read(limit + 1)  # however many bytes the entry's header promised
    if len(data) > limit:
        raise _too_large(limit)
    return data


def _too_large(limit: int) -> UnreadablePicture:
    return UnreadablePicture("too large", f"The file is larger than {limit / 2**20:,.0f} MiB.")


# ----------------------------------------------------------------------------------------------------
# A folder


class Folder:
    """A folder and everything below it. Links are followed, each folder is entered once."""

    def __init__(self, root: Path, name: str) -> None:
        """root: the folder. name: as the user wrote it. Raises DataError if it may not be listed."""
        self.name = name
        self.listing = Listing()
        self._root = root
        self._real: dict[str, str] = {}  # printable path: path on the disk, relative to the root
        self._walk()
        self.listing.files.sort()
        self.listing.folders.sort()

    def read(self, path: str, limit: int = MAX_FILE_BYTES) -> bytes:
        """As Source says."""
        with self._opened(path) as stream:
            return _read_file(stream, limit)

    def head(self, path: str, count: int) -> bytes:
        """As Source says."""
        with self._opened(path) as stream:
            return stream.read(count)

    def file(self, path: str) -> Path:
        """As Source says."""
        return self._root / self._real.get(path, path)

    def _opened(self, path: str) -> _Explained:
        return _Explained(os.fspath(self.file(path)))

    def _walk(self) -> None:
        # True folders first and links last, so that a folder is known under its own name wherever it has
        # one, and so that a link into a folder above, or to one already read, ends there.
        entered: set[tuple[int, int]] = set()
        links = self._walk_true("", entered)
        while links:
            links = [far for link in sorted(links) for far in self._follow(link, entered)]

    def _follow(self, link: str, entered: set[tuple[int, int]]) -> list[str]:
        if self._identity(link) in entered:
            self.listing.skipped["links to folders that are read anyway"] += 1
            return []
        return self._walk_true(link, entered)

    def _walk_true(self, start: str, entered: set[tuple[int, int]]) -> list[str]:
        """List everything below `start`; returns the links to folders that were met on the way."""
        links: list[str] = []
        waiting = [start]
        while waiting:
            folder = waiting.pop()
            entered.add(self._identity(folder))
            if folder:
                self.listing.folders.append(self._known(folder))
            for entry in self._entries(folder):
                path = f"{folder}/{entry.name}" if folder else entry.name
                if _is_true_folder(entry):
                    waiting.append(path)
                elif _leads_to_folder(entry):
                    links.append(path)
                else:
                    self._note(path, entry)
        return links

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(os.path.join(self._root, folder)) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            reason = f"The folder cannot be listed: {error.strerror}."
            if not folder:
                raise DataError(f"'{self.name}': {reason}") from error
            self.listing.set_aside.append(SetAside(self._known(folder), "unreadable folder", reason))
            return []

    def _note(self, path: str, entry: os.DirEntry[str]) -> None:
        """Put down one entry that is no folder."""
        try:
            mode = entry.stat().st_mode
        except OSError as error:
            self.listing.set_aside.append(_unreachable(self._known(path), entry, error))
            return
        if stat.S_ISREG(mode):
            self.listing.files.append(self._known(path))
        else:  # opening a pipe would wait for a writer for ever
            self.listing.skipped["pipes, sockets and devices"] += 1

    def _known(self, path: str) -> str:
        shown = printable(path)
        while self._real.get(shown, path) != path:  # another name that happens to print alike
            shown += "~"
        self._real[shown] = path
        return shown

    def _identity(self, folder: str) -> tuple[int, int]:
        try:
            found = os.stat(os.path.join(self._root, folder))
        except OSError:
            return (-1, -1)
        return (found.st_dev, found.st_ino)


def _is_true_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _unreachable(path: str, entry: os.DirEntry[str], error: OSError) -> SetAside:
    if entry.is_symlink():
        return SetAside(path, "broken link", "The link leads to no file.")
    return SetAside(path, "unreadable", f"The file cannot be reached: {error.strerror}.")


class _Explained:
    """Opens a file; whatever the system objects becomes an UnreadablePicture."""

    def __init__(self, file: str) -> None:
        self._file = file

    def __enter__(self) -> IO[bytes]:
        try:
            self._stream = open(self._file, "rb")
        except OSError as error:
            raise _refused(error) from error
        return self._stream

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._stream.close()
        if isinstance(error, OSError):
            raise _refused(error) from error


def _refused(error: OSError) -> UnreadablePicture:
    if isinstance(error, FileNotFoundError):
        return UnreadablePicture("missing", "The file is not there.")
    return UnreadablePicture("unreadable", f"The file cannot be read: {error.strerror or error}.")


class SingleFile:
    """One file that was named itself."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self.listing = Listing(files=[str(path)])

    def read(self, path: str, limit: int = MAX_FILE_BYTES) -> bytes:
        """As Source says."""
        file = os.fspath(self.name)
        try:
            regular = stat.S_ISREG(os.stat(file).st_mode)
        except OSError as error:
            raise _refused(error) from error
        if not regular:
            raise UnreadablePicture("unreadable", "It is no file.")
        with _Explained(file) as stream:
            return _read_file(stream, limit)

    def head(self, path: str, count: int) -> bytes:
        """As Source says."""
        return self.read(path)[:count]

    def file(self, path: str) -> Path:
        """As Source says."""
        return Path(path)


# ----------------------------------------------------------------------------------------------------
# A zip

_UNPACKING_FAILS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    RuntimeError,  # NotImplementedError among them: a method of compression that Python has not
)


class Zip:
    """A zip, read in place. Entries that could harm the reader refuse the whole file."""

    def __init__(self, file: Path, name: str) -> None:
        """file: the zip. name: as the user wrote it. Raises DataError, with every objection at once."""
        self.name = name
        # The stream is handed over open because ZipFile's own count of its users is not safe in threads.
        self._stream = _open_zip(file)
        try:
            self._zip = zipfile.ZipFile(self._stream)
            entries = self._zip.infolist()
        except _UNPACKING_FAILS as error:
            self._stream.close()
            raise DataError(f"'{name}' is no readable zip file ({error}); copy or pack it again.") from error
        self._entries = {_entry_name(entry): entry for entry in entries if not entry.is_dir()}
        if problems := _objections(name, entries):
            self._stream.close()
            raise DataError(problems)
        named = (_entry_name(entry).rstrip("/") for entry in entries if entry.is_dir())
        above = (parent for path in self._entries for parent in parents(path))
        self.listing = Listing(files=sorted(self._entries), folders=sorted({*named, *above} - {""}))

    def read(self, path: str, limit: int = MAX_FILE_BYTES) -> bytes:
        """As Source says."""
        return self._unpacked(path, limit, whole=True)

    def head(self, path: str, count: int) -> bytes:
        """As Source says."""
        return self._unpacked(path, count, whole=False)

    def file(self, path: str) -> None:
        """As Source says."""

    def _unpacked(self, path: str, limit: int, *, whole: bool) -> bytes:
        try:
            with self._zip.open(self._entries[path]) as stream:
                return _read_packed(stream, limit) if whole else stream.read(limit)
        except UnreadablePicture:
            raise
        except _UNPACKING_FAILS as error:
            reason = f"The zip's entry cannot be unpacked ({error})."
            raise UnreadablePicture("damaged entry", reason) from error

    def __del__(self) -> None:
        stream = getattr(self, "_stream", None)
        if stream is not None:
            stream.close()


def _open_zip(file: Path) -> IO[bytes]:
    try:
        return file.open("rb")
    except OSError as error:
        raise DataError(f"'{file}' cannot be read: {error.strerror}.") from error


def parents(path: str) -> Iterator[str]:
    """The folders above a path, nearest first: "a/b/c.jpg" gives "a/b", "a"."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


_UTF8_FLAG, _ENCRYPTED_FLAG = 0x800, 0x1


def _entry_name(entry: zipfile.ZipInfo) -> str:
    """The entry's name; UTF-8 where the packer (macOS among them) wrote it so without saying so."""
    if entry.flag_bits & _UTF8_FLAG:
        return printable(entry.filename)
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return printable(entry.filename)


def _objections(name: str, entries: list[zipfile.ZipInfo]) -> list[str]:
    """Every reason not to read this zip, as sentences with an example each."""
    if len(entries) > MAX_ENTRIES:
        return [f"'{name}' holds {len(entries):,} entries; at most {MAX_ENTRIES:,} are read."]
    total = sum(entry.file_size for entry in entries)
    too_much = [f"'{name}' unpacks to {total / 2**30:,.0f} GiB; at most 50 GiB are read."]
    names = Counter(entry.filename for entry in entries)
    objections = (
        ("leave its folder", (e for e in entries if _leaves(e.orig_filename))),
        ("are links", (e for e in entries if stat.S_ISLNK(e.external_attr >> 16))),
        ("are encrypted", (e for e in entries if e.flag_bits & _ENCRYPTED_FLAG)),
        ("would explode when unpacked", (e for e in entries if _explodes(e))),
        ("have a name that another entry has too", (e for e in entries if names[e.filename] > 1)),
    )
    found = [_objection(name, what, [e.orig_filename for e in them]) for what, them in objections]
    return (too_much if total > MAX_TOTAL_BYTES else []) + [sentence for sentence in found if sentence]


def _objection(name: str, what: str, bad: list[str]) -> str:
    if not bad:
        return ""
    example = printable(bad[0])
    return f"'{name}': {len(bad)} of its entries {what} ('{example}'). Pack the zip again without them."


def _leaves(path: str) -> bool:
    return path.startswith("/") or "\\" in path or bool(re.match(r"[A-Za-z]:", path)) or ".." in path.split("/")


def _explodes(entry: zipfile.ZipInfo) -> bool:
    ratio = entry.file_size / max(entry.compress_size, 1)
    return entry.file_size > MAX_FILE_BYTES or (ratio > MAX_RATIO and entry.file_size > RATIO_MATTERS_BYTES)


def composed(text: str) -> str:
    """Unicode's composed form (NFC): macOS stores "é" as two characters, label files as one."""
    return unicodedata.normalize("NFC", text)


def counted(count: int, noun: str) -> str:
    """A number with its noun: "1 file", "3,000 files"."""
    return f"{count:,} {noun}{'s' if count != 1 else ''}"


def some(names: Iterable[object], most: int = 10) -> str:
    """A list for a sentence: "3, 9 and 23 more"."""
    shown = [str(name) for name in names]
    if len(shown) > most:
        return f"{', '.join(shown[:most])} and {len(shown) - most} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else ""
