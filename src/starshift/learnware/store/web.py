"""HTTP as stores and registries are asked: whole answers of a size that was agreed, errors as sentences."""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import urlsplit

from starshift.errors import StoreError, UsageError

CHUNK = 2**20
TIMEOUT_SECONDS = 60.0
"""Without a byte. Longer than a server waits for its own disk."""

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True)
class Answer:
    """What came back, of any status."""

    status: int
    headers: Mapping[str, str]  # names in small letters
    content: bytes


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Who is asked for a token decides for each address anew; urllib would carry it to whatever host it is sent to."""

    def redirect_request(self, req: Any, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str) -> None:
        """None: the answer is the redirection."""
        return


def ask(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    most_bytes: int,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Answer:
    """One request. Raises StoreError where nobody answers, or with more than `most_bytes`; UsageError for no URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url} is not an address that can be asked; http://HOST or https://HOST is.")
    request = urllib.request.Request(url, body, {"User-Agent": "starshift", **(headers or {})}, method=method)
    try:
        with _opener(parts.hostname).open(request, timeout=timeout_seconds) as answer:
            return _whole(answer, parts.netloc, most_bytes)
    except urllib.error.HTTPError as error:
        with error:
            return _whole(error, parts.netloc, most_bytes)
    except (urllib.error.URLError, OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            reason = f"its certificate is not trusted ({reason.verify_message})"
        elif isinstance(reason, OSError) and reason.strerror:
            reason = reason.strerror
        said = str(reason) or type(reason).__name__
        raise StoreError("unusable", f"{parts.netloc} cannot be reached: {said}.") from error


def _opener(host: str) -> urllib.request.OpenerDirector:
    # A proxy that is set for the world outside does not know this machine's own ports.
    proxies: dict[str, str] | None = {} if host in LOOPBACK else None
    return urllib.request.build_opener(urllib.request.ProxyHandler(proxies), _NoRedirects())


def _whole(answer: Any, host: str, most_bytes: int) -> Answer:
    parts, count = [], 0
    try:
        while part := answer.read(CHUNK):
            count += len(part)
            if count > most_bytes:
                raise StoreError("large", f"{host} answers with more than {most_bytes:,} bytes, which are not read.")
            parts.append(part)
        if answer.length:  # http.client says nothing of what is missing when it is read in parts
            raise http.client.IncompleteRead(b"", answer.length)
    except (OSError, http.client.HTTPException) as error:
        raise StoreError("unusable", f"{host} stopped in the middle of its answer.") from error
    return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, b"".join(parts))
