"""As much of S3 as a store asks for: PUT, GET, HEAD, DELETE of objects, and lists, in memory on loopback."""

from __future__ import annotations

from contextlib import AbstractContextManager
from email.utils import formatdate
from hashlib import md5
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from loopback import answering

STAMP = "2026-01-01T00:00:00.000Z"
PAGE = 3
"""Objects of a list, so that lists have pages."""


class FakeS3:
    """What is kept, by bucket/key, and an address."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.signed: set[str] = set()  # access keys that asked
        self.failing = False
        self.address = ""


def running() -> AbstractContextManager[FakeS3]:
    return answering(FakeS3(), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, fake: FakeS3, *given: Any) -> None:
        self.fake = fake
        super().__init__(*given)

    def log_message(self, *words: Any) -> None:
        pass

    def handle_one_request(self) -> None:
        super().handle_one_request()

    def _answer(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _error(self, status: int, code: str) -> None:
        self._answer(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

    @property
    def key(self) -> str:
        return unquote(urlsplit(self.path).path).lstrip("/")

    def _is_allowed(self) -> bool:
        credential = self.headers.get("Authorization", "").partition("Credential=")[2].partition("/")[0]
        self.fake.signed.add(credential)
        if self.fake.failing or credential != "key":
            self._error(403, "AccessDenied")
            return False
        return True

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self._is_allowed():
            self.fake.objects[self.key] = content
            self._answer(200, ETag=f'"{md5(content).hexdigest()}"')

    def do_GET(self) -> None:
        if not self._is_allowed():
            return
        query = parse_qs(urlsplit(self.path).query)
        if "list-type" in query:
            self._list({name: values[0] for name, values in query.items()})
        elif (content := self.fake.objects.get(self.key)) is None:
            self._error(404, "NoSuchKey")
        else:
            etag = f'"{md5(content).hexdigest()}"'
            self._answer(200, content, ETag=etag, Last_Modified=formatdate(0, usegmt=True))

    do_HEAD = do_GET

    def do_DELETE(self) -> None:
        if self._is_allowed():
            self.fake.objects.pop(self.key, None)
            self._answer(204)

    def do_POST(self) -> None:
        """DeleteObjects is the only one."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self._is_allowed():
            keys = [part.partition("</Key>")[0] for part in body.split("<Key>")[1:]]
            for key in keys:
                self.fake.objects.pop(f"{self.key.rstrip('/')}/{key}", None)
            gone = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
            self._answer(200, f"<DeleteResult>{gone}</DeleteResult>".encode())

    def _list(self, query: dict[str, str]) -> None:
        bucket = self.key.rstrip("/")
        keys = sorted(key.partition("/")[2] for key in self.fake.objects if key.startswith(f"{bucket}/"))
        keys = [key for key in keys if key.startswith(query.get("prefix", ""))]
        after = query.get("continuation-token", "")
        keys = [key for key in keys if key > after]
        shown, more = keys[:PAGE], len(keys) > PAGE
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>{STAMP}</LastModified>"
            f"<Size>{len(self.fake.objects[f'{bucket}/{key}'])}</Size><ETag>x</ETag></Contents>"
            for key in shown
        )
        token = f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if more else ""
        self._answer(
            200,
            f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}"
            f"<KeyCount>{len(shown)}</KeyCount>{contents}</ListBucketResult>".encode(),
        )
