"""Who may write to a served store: accounts with a secret, of which the store keeps a salted hash alone."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from msgspec.structs import replace

from starshift.errors import StoreError, UsageError
from starshift.learnware.store.index import Index, now
from starshift.learnware.store.names import LONGEST, NAME
from starshift.learnware.store.store import By
from starshift.records.entry import Account

MOST_BYTES, MOST_LEARNWARES = 2**30, 1000
"""Quotas of an account that was given none."""


def make(index: Index, name: str, *, most_bytes: int = MOST_BYTES, most_learnwares: int = MOST_LEARNWARES) -> str:
    """A token for a new account, or a new one for an account that is there: the old one then no longer holds.

    Raises UsageError. What is returned is shown once and kept nowhere.
    """
    problems = []
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        problems.append(f"A token's name has small letters and digits, with single . _ or - between; {name!r} came.")
    if most_bytes < 1 or most_learnwares < 1:
        problems.append("Quotas must be 1 or more.")
    if problems:
        raise UsageError(problems)
    secret, salt = secrets.token_urlsafe(32), secrets.token_bytes(16)
    with index.changing() as change:
        change.keep_account(Account(name, now(), most_bytes, most_learnwares), salt, _hash(secret, salt))
        change.note("token", name)
    return f"{name}/{secret}"


def revoke(index: Index, name: str) -> None:
    """An account's token no longer holds; what it published stays. Raises StoreError."""
    found = index.account(name)
    if found is None:
        raise StoreError("missing", f"There is no token of the name {name}.")
    account, salt, hashed = found
    with index.changing() as change:
        change.keep_account(replace(account, revoked=account.revoked or now()), salt, hashed)
        change.note("revoke", name)


def holder(index: Index, token: str, address: str) -> By | None:
    """Whose token it is; None if nobody's, or if it was revoked."""
    name, _, secret = token.partition("/")
    found = index.account(name) if NAME.fullmatch(name) and len(name) <= LONGEST else None
    # A name that is not there takes as long, so that nobody learns names by the clock.
    account, salt, hashed = found or (None, b"", b"")
    holds = hmac.compare_digest(_hash(secret, salt), hashed)
    if account is None or account.revoked or not holds:
        return None
    return By(account.name, address, account.most_bytes, account.most_learnwares)


def _hash(secret: str, salt: bytes) -> bytes:
    """One round is enough: the secret has 256 bits of chance and cannot be guessed."""
    return hashlib.sha256(salt + secret.encode()).digest()
