"""A client of OCI registries: addresses, who asks, redirections, and refusals as sentences.

Sources: the OCI distribution specification 1.1, and the Docker registry's token authentication.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec

from starshift.errors import StoreError, UsageError
from starshift.learnware.store.web import LOOPBACK, Answer, ask

USER, PASSWORD = "STARSHIFT_REGISTRY_USER", "STARSHIFT_REGISTRY_PASSWORD"
"""Environment variables; without them, what `docker login` left in its config.json."""

MOST_BYTES = 2**22
"""Of everything that is no layer."""

MOST_REDIRECTIONS = 5

T = TypeVar("T")

_ADDRESS = re.compile(
    r"(?P<scheme>oci|oci\+http)://(?P<host>[A-Za-z0-9.-]+(?::[0-9]{1,5})?|\[[0-9a-fA-F:]+\](?::[0-9]{1,5})?)"
    r"/(?P<repository>[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@sha256:(?P<digest>[0-9a-f]{64}))?"
)


@dataclass(frozen=True)
class Address:
    """Where an artifact is in a registry."""

    url: str  # of the registry: https://HOST, or http:// on loopback and where it was asked for
    host: str
    repository: str
    tag: str  # "" where none was given
    digest: str  # SHA-256 of the manifest; "" where none was given

    @property
    def folder_name(self) -> str:
        """What it is unpacked into if nobody says."""
        return "-".join(filter(None, [self.repository.rpartition("/")[2], self.tag or self.digest[:12]]))

    def __str__(self) -> str:
        return f"{self.host}/{self.repository}" + (f":{self.tag}" if self.tag else "")


class _Token(msgspec.Struct, frozen=True):
    token: str = ""
    access_token: str = ""


def is_address(text: str) -> bool:
    """Whether somebody means a registry."""
    return text.startswith(("oci://", "oci+http://"))


def address(text: str) -> Address:
    """Raises UsageError."""
    found = _ADDRESS.fullmatch(text)
    if not found:
        raise UsageError(
            f"An artifact in a registry is named as oci://HOST/REPOSITORY:TAG, in small letters; {text[:200]!r} came."
        )
    host = found["host"]
    plain = found["scheme"] == "oci+http" or urlsplit(f"//{host}").hostname in LOOPBACK
    url = f"{'http' if plain else 'https'}://{host}"
    return Address(url, host, found["repository"], found["tag"] or "", found["digest"] or "")


@dataclass
class Registry:
    """One repository, with what it wants to hear from who may use it."""

    place: Address
    _authorization: str = field(default="", repr=False)

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        fine: tuple[int, ...] = (200,),
        most_bytes: int = MOST_BYTES,
    ) -> Answer:
        """A request below the repository, or to an address that the registry gave. Raises StoreError."""
        base = f"{self.place.url}/v2/{self.place.repository}/"
        url = urljoin(base, path)
        answer = self._followed(method, url, headers or {}, body, most_bytes)
        if answer.status == 401:
            self._authorization = self._authorized(answer.headers.get("www-authenticate", ""), method)
            answer = self._followed(method, url, headers or {}, body, most_bytes)
        if answer.status not in fine:
            raise self._refusal(answer)
        return answer

    def _followed(self, method: str, url: str, headers: dict[str, str], body: bytes | None, most: int) -> Answer:
        for _ in range(MOST_REDIRECTIONS):
            if self.place.url.startswith("https:") and not url.startswith("https:"):
                raise StoreError("unusable", f"{self.place.host} leads to an address without encryption.")
            # Another host, as that of a bucket, is not told what this one may know.
            mine = urlsplit(url).netloc == urlsplit(self.place.url).netloc
            known = {"Authorization": self._authorization} if mine and self._authorization else {}
            answer = ask(method, url, headers={**headers, **known}, body=body, most_bytes=most)
            if answer.status not in (301, 302, 303, 307, 308) or method not in ("GET", "HEAD"):
                return answer
            url = urljoin(url, answer.headers.get("location", ""))
        raise StoreError("unusable", f"{self.place.host} leads from one address to the next without end.")

    def _authorized(self, challenge: str, method: str) -> str:
        scheme, _, rest = challenge.partition(" ")
        known = _credentials(self.place.host)
        if scheme.lower() == "basic":
            if not known:
                raise self._unknown()
            return f"Basic {known}"
        if scheme.lower() != "bearer":
            raise StoreError("unusable", f"{self.place.host} asks for {scheme[:40]!r}, which is not known here.")
        asked = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        actions = "pull" if method in ("GET", "HEAD") else "pull,push"
        # The scope that is asked for, and no less than this request needs.
        scope = asked.get("scope") or f"repository:{self.place.repository}:{actions}"
        query = urlencode(
            {key: value for key, value in (("service", asked.get("service", "")), ("scope", scope)) if value}
        )
        realm = asked.get("realm", "")
        if self.place.url.startswith("https:") and not realm.startswith("https:"):
            raise StoreError("unusable", f"{self.place.host} wants a password to be sent without encryption.")
        headers = {"Authorization": f"Basic {known}"} if known else {}
        answer = ask("GET", f"{realm}{'&' if '?' in realm else '?'}{query}", headers=headers, most_bytes=MOST_BYTES)
        if answer.status != 200:
            raise self._unknown()
        token = decoded(answer.content, _Token, self.place)
        return f"Bearer {token.token or token.access_token}"

    def _unknown(self) -> StoreError:
        return StoreError(
            "unknown",
            f"{self.place.host} wants to know who asks: `docker login {self.place.host}`, or set {USER} and "
            f"{PASSWORD}.",
        )

    def _refusal(self, answer: Answer) -> StoreError:
        if answer.status in (401, 403):
            return (
                self._unknown() if answer.status == 401 else StoreError("forbidden", f"{self.place} may not be used.")
            )
        if answer.status == 404:
            return StoreError("missing", f"{self.place} is not in the registry, or lacks a file.")
        if answer.status == 429:
            return StoreError("busy", f"{self.place.host} is busy; try again in a minute.")
        return StoreError("unusable", f"{self.place.host} answers with status {answer.status}{_said(answer)}.")


def _said(answer: Answer) -> str:
    """The first message of a registry's error, cut and without hidden characters."""
    try:
        first = msgspec.json.decode(answer.content)["errors"][0]
        return f": {str(first.get('message') or first.get('code'))[:200]!a}"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, IndexError, TypeError, AttributeError):
        return ""


def _credentials(host: str) -> str:
    """Base64 of USER:PASSWORD; "" where there are none."""
    if (user := os.environ.get(USER)) and (password := os.environ.get(PASSWORD)):
        return base64.b64encode(f"{user}:{password}".encode()).decode()
    config = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
    try:
        entries: Any = msgspec.json.decode(config.read_bytes())["auths"]
        kept = entries[host]["auth"]
        base64.b64decode(kept, validate=True)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, binascii.Error):
        return ""
    return str(kept)


def decoded(content: bytes, kind: type[T], place: Address) -> T:
    """JSON of a registry as a record. Raises StoreError."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StoreError("unusable", f"{place.host} does not answer as an OCI registry does.") from error
