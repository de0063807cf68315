"""The files of a learnware as bytes: from a folder, from a plain tar, and into either. Nothing is unpacked to be read.

A tar is one of USTAR's with regular files under the known names and nothing else. It is read header by header instead
of by tarfile, which follows extended headers, links and sparse maps before anybody can look at them; tarfile is asked
for the fields of single headers only.
"""

from __future__ import annotations

import io
import os
import secrets
import shutil
import stat
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from starshift.errors import RunError

RECORD, CARD, MODEL, SPECIFICATION = "learnware.json", "README.md", "model.safetensors", "spec.safetensors"

LARGEST: dict[str, int] = {
    RECORD: 2**20,  # 1,000 classes with their scores, a confusion matrix and synonyms come to half of it
    CARD: 2**18,  # 1,000 classes named in a sentence are a tenth of it
    MODEL: 2**30,  # the largest network from scratch (models.scratch.MOST_WEIGHTS) in float32
    SPECIFICATION: 2**20,  # 700 classes
}
"""Every name that a learnware may have a file under, with the most bytes that are read of it. Content that is larger is
refused as soon as it is, whatever a header or a directory says of its size."""

CHUNK = 2**20
"""Bytes read at once, so that a size that is only claimed costs no memory."""

BLOCK = tarfile.BLOCKSIZE
MOST_PADDING = tarfile.RECORDSIZE
"""Zeros behind a tar's last file: two blocks, filled up to a record of 20."""

_KINDS = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.DIRTYPE: "a folder",
    tarfile.FIFOTYPE: "a pipe",
    tarfile.CONTTYPE: "a contiguous file",
    tarfile.GNUTYPE_LONGNAME: "an extended header of GNU tar (a long name)",
    tarfile.GNUTYPE_LONGLINK: "an extended header of GNU tar (a long link)",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
    tarfile.XHDTYPE: "an extended header (PAX)",
    tarfile.XGLTYPE: "an extended header (PAX)",
    tarfile.SOLARIS_XHDTYPE: "an extended header (Solaris)",
}

_COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"\x1f\x9d": "compress",
    b"\x04\x22\x4d\x18": "lz4",
}


def read(source: Path | bytes) -> dict[str, bytes]:
    """The files of a folder, of a tar file, or of the bytes of a tar. Raises RunError with all that is wrong."""
    if isinstance(source, bytes):
        return _untarred(io.BytesIO(source))
    if source.is_dir():
        return _of_folder(source)
    with _opened(source) as stream:
        return _untarred(stream)


def packed(contents: Mapping[str, bytes]) -> bytes:
    """A tar of the files by name, without times, owners or compression: same files, same bytes."""
    stream = io.BytesIO()
    for name in sorted(contents):
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(contents[name]), 0o644
        stream.write(info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict"))
        stream.write(contents[name])
        stream.write(bytes(-len(contents[name]) % BLOCK))
    stream.write(bytes(2 * BLOCK))
    return stream.getvalue()


def unpacked(contents: Mapping[str, bytes], folder: Path) -> None:
    """Write the files into a folder that is not there yet: whole, or not at all. Raises RunError."""
    if folder.exists() or folder.is_symlink():
        raise RunError(f"{folder} is there already; name a folder that is not.")
    draft = folder.with_name(f".partial-{secrets.token_hex(4)}-{folder.name}")
    try:
        draft.mkdir(parents=True)
        for name, content in contents.items():
            (draft / name).write_bytes(content)
        draft.rename(folder)
    except OSError as error:
        raise RunError(f"{folder} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


# ----------------------------------------------------------------------------------------------------
# Folders


def _of_folder(folder: Path) -> dict[str, bytes]:
    contents, problems = {}, []
    for entry in sorted(os.scandir(folder), key=lambda one: one.name):
        if entry.name.startswith("."):
            continue  # what file managers leave; it is never opened
        if entry.name not in LARGEST:
            problems.append(_unknown(entry.name))
            continue
        try:
            with _opened(folder / entry.name) as stream:
                contents[entry.name] = _up_to(stream, LARGEST[entry.name], entry.name)
        except RunError as error:
            problems += error.problems
    if problems:
        raise RunError(problems)
    return contents


def _opened(path: Path) -> BinaryIO:
    """A regular file. Raises RunError for links and everything else, which is neither followed nor waited for."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        if path.is_symlink():  # where there is no O_NOFOLLOW
            raise RunError(f"{path.name} is a symbolic link, which is not followed.")
        stream = os.fdopen(os.open(path, flags), "rb")
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise RunError(f"{path.name} is no regular file.")
    return stream


def _up_to(stream: BinaryIO, most: int, name: str) -> bytes:
    """Everything of a stream. Raises RunError as soon as it is more than `most`."""
    parts, count = [], 0
    while part := stream.read(CHUNK):
        count += len(part)
        if count > most:
            raise RunError(_too_large(name, most))
        parts.append(part)
    return b"".join(parts)


# ----------------------------------------------------------------------------------------------------
# Tars


def _untarred(stream: BinaryIO) -> dict[str, bytes]:
    """Stops at the first member that is wrong: behind it, nothing says where the next one begins."""
    contents: dict[str, bytes] = {}
    while (header := stream.read(BLOCK)) and header != bytes(BLOCK):
        if not contents and (
            form := next((form for magic, form in _COMPRESSED.items() if header.startswith(magic)), "")
        ):
            raise RunError(f"It is compressed ({form}); a learnware is a plain tar. Unpack it first.")
        info = _member(header)
        if info.name in contents:
            raise RunError(f"{info.name} is in it twice.")
        contents[info.name] = _exactly(stream, info.size, info.name)
        if any(padding := _exactly(stream, -info.size % BLOCK, info.name)):
            raise RunError(f"Behind {info.name} there are {len(padding)} bytes that belong to no file.")
    if header != bytes(BLOCK):
        raise RunError("It is no tar, or one that was cut off: it does not end as a tar does.")
    rest = stream.read(MOST_PADDING)
    if len(rest) < BLOCK or any(rest) or stream.read(1):
        raise RunError("Behind its last file there is something that belongs to no file.")
    return contents


def _member(header: bytes) -> tarfile.TarInfo:
    """The fields of one header. Raises RunError for everything but a regular file under a known name."""
    try:
        info = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError, ValueError) as error:
        raise RunError("It is no tar, or a damaged one: a header cannot be read.") from error
    if info.type in _KINDS:
        raise RunError(f"{info.name!r} is {_KINDS[info.type]}; a learnware has regular files only.")
    if info.type not in tarfile.REGULAR_TYPES or info.isdir() or info.linkname:
        raise RunError(f"{info.name!r} is a member of the kind {info.type!r}; a learnware has regular files only.")
    if info.name not in LARGEST or header[:100].rstrip(b"\0") != info.name.encode():
        raise RunError(_unknown(header[:100].rstrip(b"\0").decode("latin-1") if info.name in LARGEST else info.name))
    if not 0 <= info.size <= LARGEST[info.name]:
        raise RunError(_too_large(info.name, LARGEST[info.name]))
    return info


def _exactly(stream: BinaryIO, size: int, name: str) -> bytes:
    """So many bytes. Raises RunError where there are fewer; `size` is only believed as they come."""
    parts, left = [], size
    while left:
        part = stream.read(min(left, CHUNK))
        if not part:
            raise RunError(f"{name} is cut off: {left:,} of its {size:,} bytes are missing.")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _unknown(name: str) -> str:
    return f"{name!a} does not belong to a learnware; its files are {', '.join(LARGEST)}."


def _too_large(name: str, most: int) -> str:
    return f"{name} is larger than {most:,} bytes, the most that is read of it."
