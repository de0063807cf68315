"""Stores by where they are: a folder, `postgresql://…`, `http://…` or `https://…`."""

from __future__ import annotations

from pathlib import Path

from starshift.errors import StarshiftError, StoreError, UsageError
from starshift.learnware.store.blobs import Blobs, FolderBlobs
from starshift.learnware.store.bucket import BucketBlobs
from starshift.learnware.store.index import Index
from starshift.learnware.store.remote import RemoteStore
from starshift.learnware.store.store import LocalStore

INDEX, FILES = "index.sqlite", "files"
"""What a store in a folder consists of."""


def create(place: str, files: str = "") -> LocalStore:
    """Make an empty store. files: a folder or `s3://BUCKET/PREFIX`; a folder beside the index if "".

    Raises UsageError; StoreError where there is one already; MissingExtra.
    """
    if _is_served(place):
        raise UsageError("A served store is made where it is served, from a folder or a database.")
    if _is_database(place):
        if not files:
            raise UsageError("A store in PostgreSQL keeps its files elsewhere: --files FOLDER, or s3://BUCKET/PREFIX.")
        files = files if _is_bucket(files) else str(Path(files).expanduser().resolve())
        blobs, index = _blobs(files), Index(place)
    else:
        folder = Path(place).expanduser()
        blobs = _blobs(files or str(folder / FILES))
        _make_folder(folder)
        index = Index(folder / INDEX)
    if isinstance(blobs, FolderBlobs):
        _make_folder(blobs.folder)
    try:
        index.create(files)
    except StarshiftError:
        index.close()
        raise
    return _local(place, index, blobs)


def open_local(place: str, files: str = "") -> LocalStore:
    """A store in a folder or a database. files: where they are now, if not where `create` was told.

    Raises UsageError; StoreError where there is none, or it is newer; MissingExtra.
    """
    folder = Path(place).expanduser()
    if not _is_database(place) and not (folder / INDEX).is_file():
        raise StoreError(
            "missing", f"There is no store in {folder}. Make one with `starshift store init`, or name one with --store."
        )
    index = Index(place if _is_database(place) else folder / INDEX)
    try:
        index.open()
        blobs = _blobs(files or index.files() or str(folder / FILES))
        if isinstance(blobs, FolderBlobs) and not blobs.folder.is_dir():
            raise StoreError(
                "missing",
                f"The files of the store {index.place} should be in {blobs.folder}, which is not there. Name their "
                "folder with --files.",
            )
    except StarshiftError:
        index.close()
        raise
    return _local(place, index, blobs)


def _local(place: str, index: Index, blobs: Blobs) -> LocalStore:
    if _is_database(place):
        return LocalStore(index.place, index, blobs, keeps_tombstones=True)
    return LocalStore(str(Path(place).expanduser()), index, blobs, keeps_tombstones=False)


def open_store(place: str, files: str = "", token: str = "") -> LocalStore | RemoteStore:
    """A store, wherever it is. token: for writing to a served one. Raises as `open_local` does."""
    if not _is_served(place):
        return open_local(place, files)
    if files:
        raise UsageError("--files goes with a store in PostgreSQL or a folder; a server has its own.")
    return RemoteStore(place, token)


def _is_served(place: str) -> bool:
    return place.startswith(("http://", "https://"))


def _is_database(place: str) -> bool:
    if place.startswith(("postgresql://", "postgres://")):
        return True
    scheme, found, _ = place.partition("://")
    if found:
        raise UsageError(
            f"{scheme}:// is no store; a store is a folder, postgresql://…, http://… or https://…."
            + (" A bucket goes into --files." if scheme == "s3" else "")
        )
    return False


def _is_bucket(files: str) -> bool:
    return files.startswith("s3://")


def _blobs(files: str) -> Blobs:
    return BucketBlobs(files) if _is_bucket(files) else FolderBlobs(Path(files).expanduser())


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError("unusable", f"{folder} cannot be made: {error.strerror or error}.") from error
