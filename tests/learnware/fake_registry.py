"""An OCI registry in memory on loopback, as the distribution specification has it; it asks for tokens if told to."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from loopback import answering


class FakeRegistry:
    """What is kept, and how it behaves."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, tuple[str, bytes]] = {}  # by repository/reference: media type, content
        self.auth = ""  # "", "basic" or "bearer"
        self.scopes: list[str] = []
        self.requests: list[tuple[str, str, str]] = []  # method, path, authorization
        self.elsewhere = ""  # blobs are read from this address instead, as from a bucket
        self.location = "relative"
        self.address = ""

    @property
    def host(self) -> str:
        return self.address.removeprefix("http://")


def running() -> AbstractContextManager[FakeRegistry]:
    return answering(FakeRegistry(), _Handler)


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


BASIC = f"Basic {base64.b64encode(b'alice:secret').decode()}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, fake: FakeRegistry, *given: Any) -> None:
        self.fake = fake
        super().__init__(*given)

    def log_message(self, *words: Any) -> None:
        pass

    def _answer(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _error(self, status: int, code: str, **headers: str) -> None:
        self._answer(status, json.dumps({"errors": [{"code": code, "message": code.lower()}]}).encode(), **headers)

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        authorization = self.headers.get("Authorization", "")
        self.fake.requests.append((self.command, parts.path, authorization))
        if parts.path == "/token":
            self._token(authorization, query)
            return
        reads = self.command in ("GET", "HEAD")
        wanted = {
            "": {authorization},
            "basic": {BASIC},
            "bearer": {"Bearer pull-push", "Bearer pull"} if reads else {"Bearer pull-push"},
        }[self.fake.auth]
        found = re.fullmatch(r"/v2/(.+)/(manifests|blobs|tags)/(.+?)/?", parts.path)
        if not found:
            self._error(404, "NAME_UNKNOWN")
        elif authorization not in wanted:
            scope = f"repository:{found[1]}:{'pull' if reads else 'pull,push'}"
            bearer = f'Bearer realm="{self.fake.address}/token",service="fake",scope="{scope}"'
            self._error(401, "UNAUTHORIZED", WWW_Authenticate='Basic realm="x"' if BASIC in wanted else bearer)
        else:
            getattr(self, f"_{found[2]}")(found[1], found[3], body, query)

    do_GET = do_HEAD = do_PUT = do_POST = _any

    def _token(self, authorization: str, query: dict[str, str]) -> None:
        self.fake.scopes.append(query.get("scope", ""))
        if authorization == BASIC:
            granted = query["scope"].rpartition(":")[2].replace(",", "-")
            self._answer(200, json.dumps({"token": granted}).encode())
        else:
            self._error(401, "UNAUTHORIZED")

    def _tags(self, repository: str, what: str, body: bytes, query: dict[str, str]) -> None:
        tags = [key.rpartition("/")[2] for key in self.fake.manifests if key.rpartition("/")[0] == repository]
        self._answer(200, json.dumps({"name": repository, "tags": sorted(tags)}).encode())

    def _manifests(self, repository: str, reference: str, body: bytes, query: dict[str, str]) -> None:
        key = f"{repository}/{reference}"
        if self.command == "PUT":
            kept = (self.headers["Content-Type"], body)
            for named in json.loads(body)["layers"]:
                if named["digest"] not in self.fake.blobs:
                    self._error(400, "MANIFEST_BLOB_UNKNOWN")
                    return
            self.fake.manifests[key] = self.fake.manifests[f"{repository}/{digest(body)}"] = kept
            self._answer(201, Location=self.path)
        elif key in self.fake.manifests:
            kind, content = self.fake.manifests[key]
            self._answer(200, content, Content_Type=kind, Docker_Content_Digest=digest(content))
        else:
            self._error(404, "MANIFEST_UNKNOWN")

    def _blobs(self, repository: str, what: str, body: bytes, query: dict[str, str]) -> None:
        if self.command == "POST":
            place = f"/v2/{repository}/blobs/uploads/17?state=abc"
            self._answer(202, Location=place if self.fake.location == "relative" else self.fake.address + place)
        elif self.command == "PUT":
            if digest(body) != query.get("digest") or query.get("state") != "abc":
                self._error(400, "DIGEST_INVALID")
                return
            self.fake.blobs[digest(body)] = body
            self._answer(201, Location=f"/v2/{repository}/blobs/{digest(body)}")
        elif what not in self.fake.blobs:
            self._error(404, "BLOB_UNKNOWN")
        elif self.fake.elsewhere and self.command == "GET":
            self._answer(307, Location=f"{self.fake.elsewhere}{self.path}")
        else:
            self._answer(200, self.fake.blobs[what])
