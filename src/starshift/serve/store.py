"""A store over HTTP: JSON in and out, problems as RFC 9457 has them.

    GET    /v1/store                             revision, and what the server takes
    GET    /v1/learnwares?task=&withdrawn=       entries by name and version, page by page
    GET    /v1/learnwares/{reference}            an entry with its learnware.json
    GET    /v1/learnwares/{reference}/package    the plain tar
    GET    /v1/specifications?after=REVISION     what was published and withdrawn since, for searches on one's machine
    POST   /v1/learnwares?name=                  publish a plain tar; needs a token
    DELETE /v1/learnwares/{reference}?because=   withdraw; needs a token

Lists have an ETag, the store's revision, and answer 304 to who has it already.
"""

import asyncio
import math
from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated, Any

import msgspec
from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from starshift.errors import StarshiftError, StoreError
from starshift.learnware import package
from starshift.learnware.store import tokens
from starshift.learnware.store.remote import Found, Kept, Page, Problem
from starshift.learnware.store.store import PAGE, By, LocalStore
from starshift.serve.limits import Limit

STATUSES = {
    "missing": 404,
    "withdrawn": 410,
    "taken": 409,
    "unknown": 401,
    "forbidden": 403,
    "full": 403,
    "large": 413,
    "busy": 429,
    "damaged": 500,
    "unusable": 503,
}


@dataclass(frozen=True)
class Settings:
    """What a server allows."""

    anonymous_read: bool = False  # whether everybody may read; who has a token may in any case
    largest_bytes: int = 2**26  # of a package
    reads_per_minute: int = 1200  # of each address
    writes_per_minute: int = 60  # of each token
    upload_seconds: float = 120.0  # for the whole of a package
    uploads_at_once: int = 8  # what is in memory of packages: so many times `largest_bytes`


class _Busy(Exception):
    """Somebody asks too often."""

    def __init__(self, wait_seconds: float) -> None:
        self.wait_seconds = wait_seconds


Text = Annotated[str, Query(max_length=300, pattern=r"^[^\x00]*$")]
"""PostgreSQL takes no text with a NUL."""


def application(store: LocalStore, settings: Settings) -> FastAPI:
    """The application for one store, whose entries then leave tombstones when they are withdrawn."""
    store.keeps_tombstones = True
    app = FastAPI(title="Starshift store", version=version("starshift"), docs_url=None, redoc_url=None)
    reads, writes = Limit(settings.reads_per_minute), Limit(settings.writes_per_minute)
    uploads = asyncio.Semaphore(settings.uploads_at_once)
    _say_problems(app)

    def anyone(request: Request) -> By | None:
        """Who asks; None if they do not say. Who asks too often, or brings a token that does not hold, is refused."""
        address = request.client.host if request.client else ""
        if wait := reads.wait_seconds(address):
            raise _Busy(wait)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not token:
            return None
        by = tokens.holder(store.index, token.strip(), address) if scheme.lower() == "bearer" else None
        if by is None:
            with store.index.changing() as change:
                change.note("refused", "a token that does not hold", address=address)
            raise StoreError("unknown", "The token does not hold: it was revoked, replaced, or mistyped.")
        return by

    def reader(by: Annotated[By | None, Depends(anyone)]) -> None:
        if by is None and not settings.anonymous_read:
            raise StoreError("unknown", "This store is read with a token: set STARSHIFT_STORE_TOKEN.")

    def writer(by: Annotated[By | None, Depends(anyone)]) -> By:
        if by is None:
            raise StoreError("unknown", "This store is written to with a token: set STARSHIFT_STORE_TOKEN.")
        if wait := writes.wait_seconds(by.name):
            raise _Busy(wait)
        return by

    @app.get("/v1/store", dependencies=[Depends(reader)])
    def _store() -> Response:
        return _json({"revision": store.index.revision(), "largest_bytes": settings.largest_bytes})

    @app.get("/v1/learnwares", dependencies=[Depends(reader)])
    def _list(
        request: Request, task: Text = "", withdrawn: bool = False, name: Text = "", version: Text = ""
    ) -> Response:
        revision = store.index.revision()  # before the page: one that is too old is only asked for again
        if fresh := _unchanged(request, revision):
            return fresh
        found = store.page(after=(name, version), most=PAGE + 1, task=task, withdrawn=withdrawn)
        return _json(Page(tuple(found[:PAGE]), len(found) > PAGE), headers=_tag(revision))

    @app.get("/v1/learnwares/{reference}", dependencies=[Depends(reader)])
    def _find(reference: str) -> Response:
        entry = store.find(reference)
        learnware = store.learnware(entry)
        if not learnware:
            entry = store.find(reference)  # withdrawn just now, which it says
        return _json(Found(entry, msgspec.Raw(learnware)))

    @app.get("/v1/learnwares/{reference}/package", dependencies=[Depends(reader)])
    def _package(reference: str) -> Response:
        entry, tar = store.pull(reference)
        headers = {"ETag": f'"{entry.package}"', "Content-Disposition": f'attachment; filename="{entry.name}.tar"'}
        return Response(tar, media_type="application/x-tar", headers=headers)

    @app.get("/v1/specifications", dependencies=[Depends(reader)])
    def _specifications(
        request: Request,
        after: Annotated[int, Query(ge=0, le=2**62)] = 0,
        most: Annotated[int, Query(ge=1, le=PAGE)] = PAGE,
    ) -> Response:
        revision = store.index.revision()
        return _unchanged(request, revision) or _json(store.changes(after, most), headers=_tag(revision))

    @app.post("/v1/learnwares")
    async def _publish(request: Request, by: Annotated[By, Depends(writer)], name: Text) -> Response:
        async with uploads:
            tar = await _received(request, settings)
            published = await run_in_threadpool(lambda: store.publish(package.load(tar), name, by))
        return _json(Kept(published.entry, published.is_new), 201 if published.is_new else 200)

    @app.delete("/v1/learnwares/{reference}")
    def _withdraw(reference: str, by: Annotated[By, Depends(writer)], because: Text = "") -> Response:
        return _json(Kept(store.remove(reference, because, by), is_new=True))

    return app


async def _received(request: Request, settings: Settings) -> bytes:
    """The body, refused as soon as it is too large, whatever its header claims, or takes too long."""
    large = StoreError("large", f"A package has {settings.largest_bytes:,} bytes at most here.")
    claimed = request.headers.get("content-length", "0")
    if claimed.isdigit() and int(claimed) > settings.largest_bytes:
        raise large
    received = bytearray()
    try:
        async with asyncio.timeout(settings.upload_seconds):
            async for part in request.stream():
                received += part
                if len(received) > settings.largest_bytes:
                    raise large
    except TimeoutError as error:
        raise HTTPException(408, f"The package did not arrive within {settings.upload_seconds:g} s") from error
    return bytes(received)


# Answers ------------------------------------------------------------------------------------------------


def _json(record: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(record), status, headers, media_type="application/json")


def _tag(revision: int) -> dict[str, str]:
    return {"ETag": f'"{revision}"', "Cache-Control": "no-cache"}


def _unchanged(request: Request, revision: int) -> Response | None:
    """The answer to who has this revision already."""
    has = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    return Response(status_code=304, headers=_tag(revision)) if f'"{revision}"' in has else None


def _say_problems(app: FastAPI) -> None:
    """Every error becomes sentences; none shows a traceback to who asked."""

    def said(status: int, kind: str, problems: tuple[str, ...], headers: dict[str, str] | None = None) -> Response:
        content = msgspec.json.encode(Problem(status, kind, problems))
        return Response(content, status, headers, media_type="application/problem+json")

    @app.exception_handler(StarshiftError)
    def _starshift(request: Request, error: StarshiftError) -> Response:
        if not isinstance(error, StoreError):
            return said(422, "request", error.problems)
        headers = {"WWW-Authenticate": "Bearer"} if error.kind == "unknown" else None
        return said(STATUSES[error.kind], error.kind, error.problems, headers)

    @app.exception_handler(_Busy)
    def _busy(request: Request, error: _Busy) -> Response:
        seconds = math.ceil(error.wait_seconds)
        sentence = f"Asked too often; try again in {seconds} s."
        return said(429, "busy", (sentence,), {"Retry-After": str(seconds)})

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> Response:
        wrong = (f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}." for one in error.errors())
        return said(422, "request", tuple(wrong))

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        return said(error.status_code, "request", (f"{error.detail}.",))

    @app.exception_handler(Exception)
    def _bug(request: Request, error: Exception) -> Response:
        return said(500, "request", ("The server met a bug; its own output has the details.",))
