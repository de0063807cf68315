"""Requests whose answers have a size, and errors as sentences."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager

import pytest

from starshift.errors import StoreError, UsageError
from starshift.learnware.store.web import ask


@contextmanager
def answering(content: bytes):
    """A server that gives these bytes to whoever comes first."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        heard: list[bytes] = []

        def answer() -> None:
            caller, _ = server.accept()
            with caller:
                heard.append(caller.recv(10_000))
                caller.sendall(content)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/", heard
        thread.join(5)


def refused(address: str, kind: str, most_bytes: int = 100) -> str:
    with pytest.raises(StoreError) as caught:
        ask("GET", address, most_bytes=most_bytes, timeout_seconds=5)
    assert caught.value.kind == kind
    return str(caught.value)


def test_an_answer_of_any_status_is_an_answer():
    with answering(b"HTTP/1.1 418 No\r\nX-Tea: yes\r\nContent-Length: 2\r\n\r\nno") as (address, heard):
        found = ask("GET", address, headers={"X-Name": "me"}, most_bytes=2)
    assert (found.status, found.content, found.headers["x-tea"]) == (418, b"no", "yes")
    assert b"X-Name: me" in heard[0] and b"User-Agent: starshift" in heard[0]


def test_more_than_was_agreed_is_not_read():
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" + bytes(101)) as (address, _):
        assert "answers with more than 100 bytes" in refused(address, "large")
    with answering(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(5000)) as (address, _):  # no length is claimed
        assert "answers with more than 100 bytes" in refused(address, "large")


def test_an_answer_that_breaks_off_is_a_sentence():
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf") as (address, _):
        assert "stopped in the middle of its answer" in refused(address, "unusable")
    with answering(b"SSH-2.0-OpenSSH\r\n") as (address, _):
        assert "cannot be reached" in refused(address, "unusable")
    with answering(b"") as (address, _):
        assert "cannot be reached" in refused(address, "unusable")


def test_redirections_are_answers_and_are_not_followed():
    with answering(b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n") as (address, _):
        found = ask("GET", address, most_bytes=10)
    assert (found.status, found.headers["location"]) == (302, "file:///etc/passwd")


def test_a_proxy_is_not_asked_for_this_machine(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as (address, _):
        assert ask("GET", address, most_bytes=2).content == b"ok"


@pytest.mark.parametrize("wrong", ["file:///etc/passwd", "ftp://host/x", "http://", "host"])
def test_other_schemes_are_refused(wrong):
    with pytest.raises(UsageError, match="http://HOST or https://HOST is"):
        ask("GET", wrong, most_bytes=10)
