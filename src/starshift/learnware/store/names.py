"""How learnwares are called in a store: `cats`, `cats:1.2.0`, or the beginning of an id."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from starshift.errors import UsageError

NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
"""As OCI registries have names, so that a store's name is one there too."""

VERSION = re.compile(r"[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6}")
"""As learnware.json has it."""

ID = re.compile(r"[0-9a-f]{8,64}")
LONGEST = 64
"""Characters of a name."""


@dataclass(frozen=True)
class Reference:
    """What a learnware is asked for by; without a version, the highest."""

    name: str  # or an id's beginning
    version: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.version}" if self.version else self.name

    @property
    def may_be_id(self) -> bool:
        """Whether it can be the beginning of an id."""
        return not self.version and ID.fullmatch(self.name) is not None


def check(name: str) -> str:
    """The name. Raises UsageError where it is none."""
    if NAME.fullmatch(name) and len(name) <= LONGEST:
        return name
    guess = suggest(name)
    raise UsageError(
        f"A name in a store has small letters and digits, with single . _ or - between them, {LONGEST} characters at "
        f"most; {name[:80]!r} came." + (f" {guess} would do." if guess else "")
    )


def reference(text: str) -> Reference:
    """`NAME`, `NAME:VERSION`, or the first 8 to 64 digits of an id. Raises UsageError."""
    name, colon, version = text.partition(":")
    if colon and not VERSION.fullmatch(version):
        raise UsageError(f"A version is three numbers, as in cats:1.0.0; {text[:80]!r} came.")
    return Reference(check(name), version)


def numbers(version: str) -> tuple[int, ...]:
    """A version to be compared: 1.10.0 is above 1.9.0."""
    return tuple(int(part) for part in version.split("."))


def suggest(text: str) -> str:
    """A name made of free text, as "convnet for cat, dog" → "convnet-for-cat-dog"; "" where nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:LONGEST].strip("-")
