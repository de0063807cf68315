"""A real PostgreSQL, started in a folder of its own on a socket of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEBIAN = Path("/usr/lib/postgresql")


def reason_against() -> str:
    """Why none can be started here; "" where one can."""
    if _programs() is None:
        return "PostgreSQL is not installed (apt install postgresql)"
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        return "PostgreSQL does not run as root, and setpriv is not installed"
    return ""


@contextmanager
def running() -> Iterator[str]:
    """Start one, give its address as postgresql://…, stop it in the end."""
    programs = _programs()
    assert programs
    # Not in pytest's folder, which others may not enter, and whose path can be longer than a socket's may.
    with tempfile.TemporaryDirectory(prefix="starshift-pg-") as name:
        place = Path(name)
        place.chmod(0o755)
        data = place / "data"
        data.mkdir()
        if os.geteuid() == 0:
            shutil.chown(place, "postgres")
            shutil.chown(data, "postgres")
        _run(programs / "initdb", "-D", data, "-U", "starshift", "-A", "trust", "--no-sync", "-E", "UTF8")
        options = f"-c listen_addresses='' -c unix_socket_directories='{place}' -c max_connections=100"
        _run(programs / "pg_ctl", "-D", data, "-w", "-l", place / "log", "-o", options, "start")
        try:
            yield f"postgresql://starshift@/postgres?host={place}"
        finally:
            _run(programs / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


def database(server: str, name: str) -> str:
    """A fresh database on a server; its address."""
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
    return server.replace("/postgres?", f"/{name}?")


def _programs() -> Path | None:
    on_path = shutil.which("initdb")
    found = [Path(on_path).parent] if on_path else sorted(DEBIAN.glob("*/bin"))
    return found[-1] if found and (found[-1] / "initdb").is_file() else None


def _run(*command: object) -> None:
    words = [str(word) for word in command]
    if os.geteuid() == 0:
        words = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", *words]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, cwd="/")
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
