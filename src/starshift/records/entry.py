"""What a store says of a learnware that it keeps."""

from __future__ import annotations

from msgspec import Struct


class Withdrawal(Struct, frozen=True):
    """That a learnware was taken back: its files are gone, its name and version stay taken."""

    at: str  # ISO 8601, UTC
    by: str  # a token's name; "" for the one who holds the store
    because: str  # a sentence


class Entry(Struct, frozen=True):
    """One version of a learnware in a store. Fields that a newer store adds are passed over."""

    name: str  # as names.NAME has it
    version: str
    id: str  # SHA-256, as learnware.json has it
    title: str  # the name in learnware.json
    task: str
    licence: str  # an SPDX expression; "" where none was given
    package: str  # SHA-256 of the plain tar
    package_bytes: int
    specification: str  # SHA-256 of spec.safetensors; "" where it has none
    specification_bytes: int
    published: str  # ISO 8601, UTC
    publisher: str  # a token's name; "" for the one who holds the store
    revision: int  # of the store when this entry last changed
    withdrawn: Withdrawal | None = None

    @property
    def reference(self) -> str:
        """How it is asked for."""
        return f"{self.name}:{self.version}"


class Specified(Struct, frozen=True):
    """An entry with what a search looks at."""

    entry: Entry
    learnware: bytes  # learnware.json; empty of a withdrawn one
    specification: bytes  # spec.safetensors; empty where it has none


class Changes(Struct, frozen=True):
    """What changed in a store after a revision, oldest first: published and withdrawn learnwares."""

    revision: int  # ask with this one for what comes after these
    more: bool  # whether there are more already
    changed: tuple[Specified, ...]


class Account(Struct, frozen=True):
    """Who may write to a served store, without the secret."""

    name: str
    made: str  # ISO 8601, UTC
    most_bytes: int  # of all packages together
    most_learnwares: int
    revoked: str = ""  # ISO 8601, UTC; "" while it holds


class LogLine(Struct, frozen=True):
    """One act on a store."""

    at: str  # ISO 8601, UTC
    who: str  # a token's name; "" for the one who holds the store
    did: str  # "publish", "withdraw", "delete", "token", "revoke", "refused"
    what: str  # NAME:VERSION, or a token's name, or what was refused
    id: str  # of the learnware; "" where it is about none
    address: str  # where it came from; "" from this machine's command line
