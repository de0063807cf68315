"""A store of learnwares: an index, and the files that it names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from msgspec.structs import replace

from starshift.errors import RunError, StarshiftError, StoreError, UsageError
from starshift.learnware import archive, package
from starshift.learnware.store import names
from starshift.learnware.store.blobs import Blobs, digest_of
from starshift.learnware.store.index import Change, Index, now
from starshift.learnware.store.names import Reference
from starshift.recipe import near
from starshift.records.entry import Changes, Entry, Specified, Withdrawal

PAGE = 200
"""Entries that are read at a time."""

PAGE_BYTES = 2**23
"""Of specifications and records, behind which a page ends."""

SWEPT_AFTER_SECONDS = 600.0
"""Age from which a file that no learnware names is taken for what a crash left behind."""


LONGEST_WORDS = 200
"""Characters of what an entry says in words; learnware.json has all of it."""


@dataclass(frozen=True)
class By:
    """Who acts on a store, and what they may keep there."""

    name: str = ""  # of an account; "" for the one who holds the store, who may do everything
    address: str = ""  # where they asked from
    most_bytes: int | None = None  # of all their packages together
    most_learnwares: int | None = None


HOLDER = By()


@dataclass(frozen=True)
class Published:
    """What a store made of a package."""

    entry: Entry
    is_new: bool  # False where the very same was there already


@dataclass
class Verified:
    """What was read, and what is wrong with it."""

    learnwares: int = 0
    files: int = 0
    bytes: int = 0
    problems: list[str] = field(default_factory=list)


class Store(Protocol):
    """What every store does, wherever it is. All raise StoreError where the store refuses or lacks something."""

    place: str
    keeps_tombstones: bool  # whether `remove` withdraws; it deletes otherwise

    def publish(self, content: package.Package, name: str) -> Published:
        """Keep a package under a name and its own version, for ever. The same again changes nothing."""
        ...

    def entries(self, *, task: str = "", withdrawn: bool = False) -> Iterator[Entry]:
        """By name and version; of one task, or all; with those that were withdrawn, or without."""
        ...

    def find(self, reference: str) -> Entry:
        """The entry that is meant: of a name without a version, the highest."""
        ...

    def learnware(self, entry: Entry) -> bytes:
        """The learnware.json of an entry."""
        ...

    def pull(self, reference: str) -> tuple[Entry, bytes]:
        """An entry and its package as a plain tar, compared with its digest."""
        ...

    def remove(self, reference: str, because: str = "") -> Entry:
        """Delete it, or withdraw it with a reason, which leaves a tombstone."""
        ...

    def changes(self, after: int = 0, most: int = PAGE) -> Changes:
        """What was published and withdrawn after a revision, with specifications; what a search needs."""
        ...

    def verify(self) -> Verified:
        """Read everything again and compare it."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class LocalStore:
    """An index that this machine reaches, and its files."""

    def __init__(self, place: str, index: Index, blobs: Blobs, *, keeps_tombstones: bool) -> None:
        self.place = place
        self.index = index
        self.blobs = blobs
        self.keeps_tombstones = keeps_tombstones

    def close(self) -> None:
        """Let go of the index's connections."""
        self.index.close()

    # Writing ------------------------------------------------------------------------------------------

    def publish(self, content: package.Package, name: str, by: By = HOLDER) -> Published:
        """As Store says: first the files, flushed, then the entry, which makes them count."""
        tar = package.pack(content)
        specification = content.contents.get(archive.SPECIFICATION, b"")
        entry = _described(content, tar, specification, names.check(name), by)
        blobs = {digest_of(one): one for one in (tar, specification) if one}
        for one in blobs.values():
            self.blobs.put(one)
        try:
            with self.index.changing() as change:
                if there := change.entry(entry.name, entry.version):
                    return Published(_same(there, entry), is_new=False)
                _refuse(change, entry, by)
                for digest, one in blobs.items():  # a sweep may have taken them, before this change held the lock
                    if not self.blobs.has(digest):
                        self.blobs.put(one)
                entry = change.add(entry, _record(content))
                change.note("publish", entry.reference, who=by.name, id=entry.id, address=by.address)
        except StoreError:
            self._forget(list(blobs))  # or who is refused could fill the disk
            raise
        return Published(entry, is_new=True)

    def remove(self, reference: str, because: str = "", by: By = HOLDER) -> Entry:
        """As Store says. Its files go at once, unless another learnware has the same."""
        if because and not self.keeps_tombstones:
            raise UsageError(
                f"Nothing of what is deleted from {self.place} stays, so there is no place for a reason; leave "
                "--because out. A database or a server withdraws, with a reason."
            )
        entry = self.find(reference)
        if by.name and entry.publisher != by.name:
            raise StoreError("forbidden", f"{entry.reference} was published by another; only they can withdraw it.")
        with self.index.changing() as change:
            if change.entry(entry.name, entry.version) != entry:
                raise StoreError("missing", f"{entry.reference} was removed by another just now.")
            if self.keeps_tombstones:
                entry = change.withdraw(entry, Withdrawal(now(), by.name, because))
            else:
                change.delete(entry)
            did = "withdraw" if self.keeps_tombstones else "delete"
            change.note(did, entry.reference, who=by.name, id=entry.id, address=by.address)
        # Not before the entry is gone for good: a crash in between leaves files that a sweep finds, no torn learnware.
        self._forget([digest for digest in (entry.package, entry.specification) if digest])
        return entry

    def sweep(self, older_seconds: float = SWEPT_AFTER_SECONDS) -> int:
        """Remove what crashes left behind: drafts, and files that no learnware names. Returns how many."""
        named = self.index.named()
        old = [blob.digest for blob in self.blobs.kept() if blob.age_seconds > older_seconds]
        return self.blobs.sweep(older_seconds) + self._forget([digest for digest in old if digest not in named])

    def _forget(self, digests: Sequence[str]) -> int:
        """Delete those of these files that no learnware names. Returns how many."""
        forgotten = 0
        for start in range(0, len(digests), PAGE):
            part = digests[start : start + PAGE]
            with self.index.changing() as change:  # nobody publishes meanwhile
                unnamed = set(part) - change.names(part)
                for digest in unnamed:
                    self.blobs.delete(digest)
                forgotten += len(unnamed)
        return forgotten

    # Reading ------------------------------------------------------------------------------------------

    def page(self, *, after: tuple[str, str], most: int, task: str = "", withdrawn: bool = False) -> list[Entry]:
        """The next entries behind a name and version."""
        return self.index.entries(after=after, most=most, task=task, withdrawn=withdrawn)

    def entries(self, *, task: str = "", withdrawn: bool = False) -> Iterator[Entry]:
        """As Store says."""
        after = ("", "")
        while page := self.page(after=after, most=PAGE, task=task, withdrawn=withdrawn):
            yield from page
            after = (page[-1].name, page[-1].version)

    def find(self, reference: str) -> Entry:
        """As Store says."""
        asked = names.reference(reference)
        found = self.index.find(asked)
        if len({entry.id for entry in found if entry.name != asked.name}) > 1:
            raise StoreError("missing", f"{asked} is the beginning of several ids: {_listed(found)}. Name one.")
        if living := [entry for entry in found if not entry.withdrawn]:
            return max(living, key=lambda entry: names.numbers(entry.version))
        if found:
            raise StoreError("withdrawn", withdrawn(found[0]))
        raise StoreError("missing", self._unknown(asked))

    def _unknown(self, asked: Reference) -> str:
        if asked.version and (others := self.index.find(Reference(asked.name))):
            return f"{asked.name} has no version {asked.version}; it has {_listed(others)}."
        known = {entry.name for entry in self.page(after=("", ""), most=1000)}
        return f"{asked} is not in the store {self.place}.{near(asked.name, sorted(known))}"

    def learnware(self, entry: Entry) -> bytes:
        """As Store says."""
        return self.index.learnware(entry)

    def pull(self, reference: str) -> tuple[Entry, bytes]:
        """As Store says."""
        entry = self.find(reference)
        try:
            return entry, self.blobs.get(entry.package)
        except StoreError:
            self.find(entry.reference)  # it may have been withdrawn just now, which is then what to say
            raise

    def changes(self, after: int = 0, most: int = PAGE) -> Changes:
        """As Store says."""
        found = self.index.changed(after=after, most=most + 1)
        shown: list[Specified] = []
        volume = 0
        while len(shown) < min(most, len(found)) and volume < PAGE_BYTES:
            shown.append(self._specified(found[len(shown)]))
            volume += len(shown[-1].learnware) + len(shown[-1].specification)
        return Changes(shown[-1].entry.revision if shown else after, len(found) > len(shown), tuple(shown))

    def _specified(self, one: Specified) -> Specified:
        if one.entry.withdrawn or not one.entry.specification:
            return one
        try:
            return replace(one, specification=self.blobs.get(one.entry.specification))
        except StoreError:
            if self._is_living(one.entry):
                raise
            # Withdrawn just now: a later change says so.
            return replace(one, learnware=b"")

    # Verifying ----------------------------------------------------------------------------------------

    def verify(self) -> Verified:
        """As Store says. What is withdrawn meanwhile is no problem."""
        done = Verified(problems=self.index.check())
        for entry in self.entries():
            problems = list(self._problems(entry, done))
            if problems and not self._is_living(entry):
                continue
            done.learnwares += 1
            done.problems += [f"{entry.reference}: {problem}" for problem in problems]
        return done

    def _problems(self, entry: Entry, done: Verified) -> Iterable[str]:
        try:
            tar = self.blobs.get(entry.package)
            done.files, done.bytes = done.files + 1, done.bytes + len(tar)
            content = package.load(tar)
            specification = self.blobs.get(entry.specification) if entry.specification else b""
        except (StoreError, RunError) as error:
            yield from error.problems
            return
        done.files, done.bytes = done.files + bool(specification), done.bytes + len(specification)
        if content.id != entry.id or _record(content) != self.index.learnware(entry):
            yield "the index describes another learnware than its package holds."
        if content.contents.get(archive.SPECIFICATION, b"") != specification:
            yield "its specification is not the one in its package."

    def _is_living(self, entry: Entry) -> bool:
        try:
            return self.find(entry.reference).id == entry.id
        except StarshiftError:
            return False


def withdrawn(entry: Entry) -> str:
    """When and why a learnware was taken back, as a sentence."""
    assert entry.withdrawn
    by = f" by {entry.withdrawn.by}" if entry.withdrawn.by else ""
    because = entry.withdrawn.because or "no reason was given"
    return f"{entry.reference} was withdrawn on {entry.withdrawn.at[:10]}{by}: {because.rstrip('.')}."


def _record(content: package.Package) -> bytes:
    """learnware.json without the end of its last line, which JSON inside JSON does not keep."""
    return content.contents[archive.RECORD].strip()


def _described(content: package.Package, tar: bytes, specification: bytes, name: str, by: By) -> Entry:
    learnware = content.learnware
    return Entry(
        name=name,
        version=learnware.version,
        id=content.id,
        title=learnware.name[:LONGEST_WORDS],
        task=learnware.task[:LONGEST_WORDS],
        licence=learnware.licence[:LONGEST_WORDS],
        package=digest_of(tar),
        package_bytes=len(tar),
        specification=digest_of(specification) if specification else "",
        specification_bytes=len(specification),
        published=now(),
        publisher=by.name,
        revision=0,
    )


def _same(there: Entry, entry: Entry) -> Entry:
    """What is there. Raises StoreError where it has other content, or was withdrawn."""
    if there.withdrawn:
        raise StoreError(
            "withdrawn", f"{withdrawn(there)} Its name and version stay taken; publish under another version."
        )
    if there.package != entry.package:
        raise StoreError(
            "taken",
            f"{there.reference} is there already with other content (id {there.id[:12]}, published "
            f"{there.published[:10]}; this one is {entry.id[:12]}). A version never changes: publish with another, "
            f"such as --version {_following(there.version)}.",
        )
    return there


def _following(version: str) -> str:
    major, minor, patch = names.numbers(version)
    return f"{major}.{minor}.{patch + 1}"


def _refuse(change: Change, entry: Entry, by: By) -> None:
    """Raise StoreError where they may not publish it."""
    owner = change.owner(entry.name)
    if by.name and owner is not None and owner != by.name:
        raise StoreError("forbidden", f"The name {entry.name} belongs to another; publish under another with --name.")
    used_bytes, used = change.used(by.name)
    if by.most_learnwares is not None and used >= by.most_learnwares:
        raise StoreError("full", f"{by.name} has published {used} learnwares, which is all that it may.")
    if by.most_bytes is not None and used_bytes + entry.package_bytes > by.most_bytes:
        raise StoreError(
            "full",
            f"{by.name} may keep {by.most_bytes:,} bytes and keeps {used_bytes:,}; this package has "
            f"{entry.package_bytes:,}. Withdraw what is no longer needed.",
        )


def _listed(entries: Sequence[Entry]) -> str:
    shown = ", ".join(f"{entry.reference} ({entry.id[:12]})" for entry in entries[:5])
    return shown + (f" and {len(entries) - 5} more" if len(entries) > 5 else "")
