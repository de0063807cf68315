"""Fakes of servers elsewhere, answering on loopback while a test runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

Fake = TypeVar("Fake", bound=Any)


@contextmanager
def answering(fake: Fake, handler: type[BaseHTTPRequestHandler]) -> Iterator[Fake]:
    """A fake whose `address` is told it. handler: takes the fake before what the server gives it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *given: handler(fake, *given))
    fake.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
