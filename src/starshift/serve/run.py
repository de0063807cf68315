"""A server as a process: until it is stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starshift.errors import MissingExtra, UsageError
from starshift.learnware.store.store import LocalStore

if TYPE_CHECKING:
    from starshift.serve.store import Settings

IDLE_SECONDS = 30
"""How long a connection may stay open without a request."""

MOST_CONNECTIONS = 500


def settings(
    *, anonymous_read: bool, largest_megabytes: int, reads_per_minute: int, writes_per_minute: int
) -> Settings:
    """What a server allows, checked. Raises UsageError, MissingExtra."""
    problems = [
        f"{option} must be 1 or more; {value} came."
        for option, value in (
            ("--largest-megabytes", largest_megabytes),
            ("--reads-per-minute", reads_per_minute),
            ("--writes-per-minute", writes_per_minute),
        )
        if value < 1
    ]
    if problems:
        raise UsageError(problems)
    _require()
    from starshift.serve.store import Settings

    return Settings(
        anonymous_read=anonymous_read,
        largest_bytes=largest_megabytes * 10**6,
        reads_per_minute=reads_per_minute,
        writes_per_minute=writes_per_minute,
    )


def serve_store(store: LocalStore, settings: Settings, *, host: str, port: int, behind_proxy: bool) -> None:
    """Serve a store until the process is stopped. What crashes left behind in it is swept away first."""
    _require()
    import uvicorn

    from starshift.serve.store import application

    store.sweep()
    uvicorn.run(
        application(store, settings),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        # An address that anybody may write into a header is no address; a proxy of one's own is asked for.
        proxy_headers=behind_proxy,
        timeout_keep_alive=IDLE_SECONDS,
        limit_concurrency=MOST_CONNECTIONS,
        ws="none",
    )


def _require() -> None:
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise MissingExtra(
            f"Serving needs FastAPI and Uvicorn, which are not installed ({error}): pip install 'starshift[serve]'"
        ) from error
