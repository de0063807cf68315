"""`starshift.Store`: learnwares kept, found by name, and handed on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from starshift.errors import RunError, StoreError, UsageError
from starshift.learnware import package
from starshift.learnware.card import card
from starshift.learnware.shelf import Copy
from starshift.learnware.store import names, oci, opening, registry, tokens
from starshift.learnware.store.places import usual_place
from starshift.learnware.store.store import LocalStore, Published, Verified
from starshift.progress import Progress
from starshift.records import Learnware
from starshift.records.entry import Account, Changes, Entry, LogLine
from starshift.report.words import counted

TOKEN = "STARSHIFT_STORE_TOKEN"
"""The environment variable with the token for a served store."""


@contextmanager
def opened_copy(place: str, cache: Path, progress: Progress, *, files: str = "") -> Iterator[Copy]:
    """What is known here of a store, brought up to date; the store is open until the end of the block.

    files, and the token of a served one: as Store has them. Raises StoreError where it is not there or not reached.
    """
    opened = opening.open_store(place, files, os.environ.get(TOKEN, ""))
    with closing(opened):
        copy = Copy(opened, cache)
        progress.say(f"Asking {opened.place} for what is new …")
        copy.update()
        yield copy


class Store:
    """A store of learnwares in a folder, in PostgreSQL with files elsewhere, or on a server.

    place: a folder, `postgresql://USER@HOST/DATABASE` (with the extra `postgres`), or `https://HOST` of
    `starshift store serve`; $STARSHIFT_STORE, or a folder of the user's own, if None. files: a folder or
    `s3://BUCKET/PREFIX` (with the extra `s3`) where the files are now, if not where `init` was told. token: for a
    server; $STARSHIFT_STORE_TOKEN if None.

    Every method raises StoreError where the store refuses, lacks something or cannot be reached.
    """

    def __init__(
        self, place: str | Path | None = None, *, files: str | Path | None = None, token: str | None = None
    ) -> None:
        token = os.environ.get(TOKEN, "") if token is None else token
        self._store = opening.open_store(str(place or usual_place()), str(files or ""), token)

    @classmethod
    def init(cls, place: str | Path | None = None, *, files: str | Path | None = None) -> Store:
        """Make an empty store and open it. Raises UsageError, MissingExtra; StoreError where there is one."""
        made = cls.__new__(cls)
        made._store = opening.create(str(place or usual_place()), str(files or ""))
        return made

    def close(self) -> None:
        """Let go of connections; also at the end of a `with` block."""
        self._store.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def place(self) -> str:
        """Where it is, without passwords."""
        return self._store.place

    @property
    def keeps_tombstones(self) -> bool:
        """Whether `remove` withdraws; in a folder it deletes."""
        return self._store.keeps_tombstones

    def publish(
        self,
        source: str | Path,
        *,
        name: str | None = None,
        version: str | None = None,
        licence: str | None = None,
    ) -> Published:
        """Keep a learnware under a name and version, for ever.

        source: a run, a model folder, or a tar. name: small letters and digits; made of the learnware's title if None.
        version, licence: written into it, where they are given. The same content again changes nothing. Raises
        RunError for what is no learnware or must not be shared; UsageError.
        """
        found = load(source)
        given = {"version": version, "licence": licence}
        if changes := {key: value for key, value in given.items() if value is not None}:
            found = package.restated(found, **changes)
        name = name or names.suggest(found.learnware.name)
        if not name:
            raise UsageError(f"No name can be made of {found.learnware.name!r}; give it one with --name.")
        return self._store.publish(found, name)

    def list(self, *, task: str = "", withdrawn: bool = False) -> Iterator[Entry]:
        """Entries by name and version. task: of this one alone. withdrawn: with tombstones."""
        return self._store.entries(task=task, withdrawn=withdrawn)

    def find(self, reference: str) -> Entry:
        """An entry by NAME (the highest version), NAME:VERSION, or the first 8 digits of its id or more."""
        return self._store.find(reference)

    def card(self, reference: str) -> str:
        """The model card of a learnware, in Markdown; its package is not fetched. Raises RunError as `pull` does."""
        return card(self.learnware(reference))

    def learnware(self, reference: str) -> Learnware:
        """The record of a learnware; its package is not fetched. Raises RunError for one of another version."""
        return package.record_of(self._store.learnware(self.find(reference)))

    def pull(self, reference: str, out: str | Path | None = None) -> Path:
        """Write a learnware as a folder, NAME-VERSION if `out` is None; it is checked whole before anything is written.

        reference: as for `find`, or `oci://HOST/REPOSITORY:TAG`, which asks no store. Returns the folder. Raises
        RunError for a package that is refused, or a folder that is there.
        """
        if registry.is_address(reference):
            return pull_from_registry(reference, out)
        entry, tar = self._store.pull(reference)
        found = package.load(tar)
        asked = names.reference(reference)
        by_id = asked.may_be_id and entry.name != asked.name
        if found.id != entry.id or (by_id and not found.id.startswith(asked.name)):
            raise StoreError("damaged", f"{self.place} gave another learnware than {reference}; nothing was written.")
        return _unpacked(found, Path(out or f"{entry.name}-{entry.version}"))

    def remove(self, reference: str, because: str = "") -> Entry:
        """Delete a learnware from a folder; in a database or on a server, withdraw it with a reason, for ever."""
        return self._store.remove(reference, because)

    def verify(self) -> Verified:
        """Read everything again, compare it with its digests, and open it. All problems are in the answer."""
        return self._store.verify()

    def changes(self, after: int = 0) -> Changes:
        """What was published and withdrawn after a revision of the store, with specifications, oldest first."""
        return self._store.changes(after)

    def push(self, reference: str, to: str) -> str:
        """Copy a learnware to an OCI registry. to: `oci://HOST/REPOSITORY:TAG`. Returns the digest of its manifest."""
        return oci.push(package.load(self._store.pull(reference)[1]), to)

    # For who serves it --------------------------------------------------------------------------------

    def token(
        self, name: str, *, most_bytes: int = tokens.MOST_BYTES, most_learnwares: int = tokens.MOST_LEARNWARES
    ) -> str:
        """A new token for writing to this store once it is served; an older one of the name no longer holds.

        It is shown once: the store keeps a salted hash. Raises UsageError.
        """
        return tokens.make(self.local.index, name, most_bytes=most_bytes, most_learnwares=most_learnwares)

    def revoke(self, name: str) -> None:
        """A token no longer holds; what it published stays."""
        tokens.revoke(self.local.index, name)

    def accounts(self) -> tuple[Account, ...]:
        """Whose tokens there are."""
        return tuple(self.local.index.accounts())

    def log(self, most: int = 100) -> tuple[LogLine, ...]:
        """Who published, withdrew, made tokens or was refused, oldest first; the newest `most` lines."""
        return tuple(self.local.index.log(most))

    @property
    def local(self) -> LocalStore:
        """The store itself, where this machine reaches its index. Raises UsageError for a server's."""
        if not isinstance(self._store, LocalStore):
            raise UsageError(f"{self.place} is served; tokens, log and serving are for the machine that serves it.")
        return self._store


is_address = registry.is_address


def load(source: str | Path) -> package.Package:
    """The learnware of a run, a model folder, or a tar. Raises RunError."""
    from starshift.api.predict import model_folder  # which brings what predicts; no other command of the store wants it

    path = Path(source)
    if not path.exists():
        raise RunError(f"{path} is not there; name a run, a model folder, or a learnware's tar.")
    return package.load(model_folder(path))


def push_to_registry(source: str | Path, to: str) -> str:
    """Copy the learnware of a run, a model folder or a tar to `oci://HOST/REPOSITORY:TAG`.

    Returns the digest of its manifest. Raises RunError, StoreError, UsageError.
    """
    return oci.push(load(source), to)


def pull_from_registry(address: str, out: str | Path | None = None) -> Path:
    """Write the learnware at `oci://HOST/REPOSITORY:TAG` (or `@sha256:…`) as a folder; REPOSITORY-TAG if None.

    Raises RunError, StoreError, UsageError.
    """
    place = registry.address(address)
    return _unpacked(oci.pull(address), Path(out or place.folder_name))


def _unpacked(found: package.Package, folder: Path) -> Path:
    package.unpack(found, folder)
    return folder


def told(done: Verified) -> str:
    """What was verified, as a sentence."""
    if not done.learnwares and not done.problems:
        return "The store is empty; there is nothing to verify."
    wrong = f"; {counted(len(done.problems), 'problem')}" if done.problems else ", all as they were published"
    return (
        f"{counted(done.learnwares, 'learnware')} in {counted(done.files, 'file')} read ({done.bytes:,} bytes){wrong}."
    )
