"""A store's server on a port of its own, in this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starshift.learnware.store.store import LocalStore


@contextmanager
def served(store: LocalStore, **settings: Any) -> Iterator[str]:
    """Serve until the block ends; gives the address."""
    import uvicorn

    from starshift.serve.store import Settings, application

    config = uvicorn.Config(application(store, Settings(**settings)), port=0, log_config=None, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < until and thread.is_alive(), "the server does not start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)
