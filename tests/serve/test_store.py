"""A served store from outside: tokens, quotas, limits, problems, what is logged."""

from __future__ import annotations

import json
import socket
import time
from contextlib import contextmanager

import pytest

pytest.importorskip("fastapi")

from learnware.served import served
from learnware.small import small
from starshift.errors import RunError, StoreError
from starshift.learnware import package
from starshift.learnware.store import opening, tokens
from starshift.learnware.store.remote import RemoteStore
from starshift.learnware.store.web import Answer, ask


@pytest.fixture
def behind(tmp_path):
    made = opening.create(str(tmp_path / "store"))
    yield made
    made.close()


def get(address: str, path: str, **headers: str) -> Answer:
    return ask("GET", address + path, headers=headers, most_bytes=2**20)


def refused(kind: str, call, *given, **named) -> str:
    with pytest.raises(StoreError) as caught:
        call(*given, **named)
    assert caught.value.kind == kind, caught.value
    return str(caught.value)


def test_who_has_no_token_reads_only_where_that_is_allowed(behind):
    behind.publish(small(), "cats")
    with served(behind) as address:
        nobody = RemoteStore(address)
        said = refused("unknown", nobody.find, "cats")
        assert said == "This store is read with a token: set STARSHIFT_STORE_TOKEN."
        assert get(address, "/v1/store").headers["www-authenticate"] == "Bearer"
    with served(behind, anonymous_read=True) as address:
        nobody = RemoteStore(address)
        assert nobody.pull("cats")[0].name == "cats"
        assert "written to with a token" in refused("unknown", nobody.publish, small(1), "dogs")
        assert "written to with a token" in refused("unknown", nobody.remove, "cats")


def test_a_token_that_does_not_hold_is_refused_and_logged(behind):
    token = tokens.make(behind.index, "alice")
    with served(behind, anonymous_read=True) as address:
        for wrong in ("alice/guess", "bob/guess", "x", token + "x"):
            said = refused("unknown", RemoteStore(address, wrong).find, "cats")
            assert said == "The token does not hold: it was revoked, replaced, or mistyped."
        assert RemoteStore(address, token).publish(small(), "cats").is_new
        newer = tokens.make(behind.index, "alice")
        refused("unknown", RemoteStore(address, token).find, "cats")
        assert RemoteStore(address, newer).find("cats")
        tokens.revoke(behind.index, "alice")
        refused("unknown", RemoteStore(address, newer).find, "cats")
    lines = [(line.who, line.did, line.what, line.address) for line in behind.index.log(100)]
    assert lines[0] == ("", "token", "alice", "")
    assert lines[1] == ("", "refused", "a token that does not hold", "127.0.0.1")
    assert ("alice", "publish", "cats:1.0.0", "127.0.0.1") in lines and lines[-2][1] == "revoke"
    assert token.partition("/")[2] not in repr(behind.index.account("alice"))


def test_a_name_belongs_to_who_published_it_first(behind):
    behind.publish(small(), "ours")
    with served(behind) as address:
        alice, bob = (RemoteStore(address, tokens.make(behind.index, name)) for name in ("alice", "bob"))
        alice.publish(small(1), "cats")
        said = refused("forbidden", bob.publish, small(2, version="1.0.1"), "cats")
        assert said == "The name cats belongs to another; publish under another with --name."
        assert "only they can withdraw it" in refused("forbidden", bob.remove, "cats")
        refused("forbidden", alice.publish, small(3, version="2.0.0"), "ours")
        alice.remove("cats", "mine")
        refused("withdrawn", bob.publish, small(2), "cats")
        refused("forbidden", bob.publish, small(2, version="1.0.1"), "cats")
    behind.publish(small(4, version="1.0.2"), "cats")  # who holds the store may do everything


def test_quotas_hold_and_withdrawing_makes_room(behind):
    size = len(package.pack(small()))
    with served(behind) as address:
        alice = RemoteStore(address, tokens.make(behind.index, "alice", most_bytes=2 * size, most_learnwares=3))
        alice.publish(small(1), "a")
        alice.publish(small(2), "b")
        said = refused("full", alice.publish, small(3), "c")
        assert f"alice may keep {2 * size:,} bytes and keeps {2 * size:,}; this package has {size:,}." in said
        assert len(list(behind.blobs.kept())) == 2
        alice.remove("a")
        alice.publish(small(3), "c")
        alice.remove("b")
        assert "has published 3 learnwares, which is all" in refused("full", alice.publish, small(4), "d")
        assert not alice.publish(small(3), "c").is_new
    assert behind.verify().problems == [] and behind.verify().learnwares == 1


def test_who_asks_too_often_is_told_when_to_come_back(behind, monkeypatch):
    slept = []
    monkeypatch.setattr("starshift.learnware.store.remote.sleep", slept.append)
    with served(behind, anonymous_read=True, reads_per_minute=3) as address:
        answers = [get(address, "/v1/store") for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429]
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 20
        assert json.loads(answers[-1].content)["problems"][0].startswith("Asked too often; try again in ")
        assert "Asked too often" in refused("busy", RemoteStore(address).find, "cats")
        assert len(slept) == 5 and all(1 <= wait <= 20 for wait in slept)
    with served(behind, writes_per_minute=1) as address:
        alice = RemoteStore(address, tokens.make(behind.index, "alice"))
        alice.publish(small(1), "a")
        slept.clear()
        refused("busy", alice.publish, small(2), "b")
        assert slept and alice.find("a")


def test_what_is_too_large_is_refused_before_it_is_there(behind):
    with served(behind, largest_bytes=3000) as address:
        token = tokens.make(behind.index, "alice")
        said = refused("large", RemoteStore(address, token).publish, small(), "cats")
        assert said == "A package has 3,000 bytes at most here."
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as plain:  # no length is claimed
            head = f"POST /v1/learnwares?name=cats HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
            plain.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
            for _ in range(4):
                plain.sendall(b"3e8\r\n" + bytes(1000) + b"\r\n")
            answer = plain.recv(10_000)  # the body is not at its end yet
            assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_package_that_does_not_arrive_is_given_up(behind):
    with served(behind, upload_seconds=0.2) as address:
        token = tokens.make(behind.index, "alice")
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as slow:
            head = f"POST /v1/learnwares?name=cats HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
            slow.sendall(f"{head}Connection: close\r\nContent-Length: 1000\r\n\r\nhalf".encode())
            answer = slow.makefile("rb")
            assert answer.readline().startswith(b"HTTP/1.1 408 ")
            while answer.readline().strip():
                pass
            assert b"The package did not arrive within 0.2 s." in answer.readline()
    assert behind.index.entries(after=("", ""), most=10) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "It is no tar"), (b"\x80\x04K\x01.", "It is no tar"), (bytes(1024), "It has no learnware.json")],
)
def test_what_is_no_learnware_is_refused_with_all_reasons(behind, content, said):
    with served(behind) as address:
        headers = {"Authorization": f"Bearer {tokens.make(behind.index, 'alice')}"}
        answer = ask("POST", f"{address}/v1/learnwares?name=cats", headers=headers, body=content, most_bytes=2**20)
        assert answer.status == 422 and answer.headers["content-type"] == "application/problem+json"
        assert said in " ".join(json.loads(answer.content)["problems"])
    assert list(behind.blobs.kept()) == []


@contextmanager
def _broken(store, monkeypatch):
    def bug(*given):
        raise ZeroDivisionError("the secret of line 17")

    monkeypatch.setattr(store, "find", bug)
    yield


def test_no_traceback_leaves_the_server(behind, monkeypatch):
    with served(behind, anonymous_read=True) as address, _broken(behind, monkeypatch):
        answer = get(address, "/v1/learnwares/cats")
        assert answer.status == 500
        assert b"ZeroDivision" not in answer.content and b"secret" not in answer.content
        assert json.loads(answer.content)["problems"] == ["The server met a bug; its own output has the details."]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 404),
        ("/docs", 404),
        ("/v1/learnwares/cats", 404),
        ("/v1/learnwares/..%2f..%2fetc%2fpasswd", 404),
        ("/v1/learnwares/Cats", 422),
        ("/v1/learnwares/cats:1/package", 422),
        ("/v1/specifications?after=-1", 422),
        ("/v1/specifications?after=x", 422),
        (f"/v1/specifications?after={10**30}", 422),
        ("/v1/learnwares?task=%ff%ff", 200),
        ("/v1/learnwares?task=x%00", 422),
        (f"/v1/learnwares?task={'x' * 301}", 422),
    ],
)
def test_whatever_is_asked_is_answered_in_sentences(behind, path, status):
    with served(behind, anonymous_read=True) as address:
        answer = get(address, path)
        assert answer.status == status
        if status >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert all(one.endswith((".", ".]")) for one in json.loads(answer.content)["problems"])


def test_lists_are_not_sent_again_to_who_has_them(behind):
    behind.publish(small(), "cats")
    with served(behind, anonymous_read=True) as address:
        for path in ("/v1/learnwares", "/v1/specifications?after=0"):
            first = get(address, path)
            assert (first.status, first.headers["etag"]) == (200, f'"{behind.index.revision()}"')
            again = get(address, path, **{"If-None-Match": first.headers["etag"]})
            assert (again.status, again.content) == (304, b"")
        behind.publish(small(1), "dogs")
        assert get(address, path, **{"If-None-Match": first.headers["etag"]}).status == 200
        tar = get(address, "/v1/learnwares/cats/package")
        assert tar.headers["content-type"] == "application/x-tar" and package.load(tar.content).id == small().id


def test_specifications_of_a_thousand_come_in_pages(behind):
    one = small()
    for number in range(12):
        behind.publish(one, f"n{number}")
    with served(behind, anonymous_read=True) as address:
        store, seen, after, pages = RemoteStore(address), [], 0, 0
        while True:
            page = store.changes(after, most=5)
            seen += [changed.entry.name for changed in page.changed]
            after, pages = page.revision, pages + 1
            if not page.more:
                break
    assert seen == [f"n{number}" for number in range(12)] and pages == 3


def test_a_stranger_at_the_address_is_a_sentence(behind):
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    answers = [b"<html>", b'{"entry": 1}', b"[" * 100_000, b'{"problems": 1}']

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self):
            content = answers[0]
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    store = RemoteStore(f"http://127.0.0.1:{server.server_port}")
    while answers:
        assert "does not answer as a store of Starshift does" in refused("unusable", store.find, "cats")
        answers.pop(0)
    server.shutdown()
    server.server_close()
    assert "cannot be reached" in refused("unusable", store.find, "cats")


def test_another_package_than_was_asked_for_is_refused(behind):
    behind.publish(small(1), "cats")
    other = package.pack(small(2))
    with served(behind, anonymous_read=True) as address, pytest.MonkeyPatch.context() as patch:
        patch.setattr(behind, "pull", lambda reference: (behind.find(reference), other))
        assert "another digest" in refused("damaged", RemoteStore(address).pull, "cats")
        (problem,) = RemoteStore(address).verify().problems
        assert problem.startswith("cats:1.0.0: ")


def test_what_must_not_be_shared_is_refused_by_the_server_too(behind):
    from starshift.learnware import archive
    from starshift.records import OwnPart

    own = (OwnPart("builder", "mine", "build", "mine.py", "ab" * 32),)
    tar = archive.packed(small(own=own, unshareable="it has own code").contents)
    with served(behind) as address:
        headers = {"Authorization": f"Bearer {tokens.make(behind.index, 'alice')}"}
        answer = ask("POST", f"{address}/v1/learnwares?name=cats", headers=headers, body=tar, most_bytes=2**20)
    assert answer.status == 422 and "it has own code" in " ".join(json.loads(answer.content)["problems"])


def test_publishing_through_a_server_is_refused_as_locally(behind):
    with served(behind) as address:
        token = tokens.make(behind.index, "alice")
        headers = {"Authorization": f"Bearer {token}"}
        tar = package.pack(small())
        answer = ask("POST", f"{address}/v1/learnwares?name=My%20Cats", headers=headers, body=tar, most_bytes=2**20)
    assert answer.status == 422 and "my-cats would do" in json.loads(answer.content)["problems"][0]


def test_errors_of_packages_travel_as_they_are(behind, monkeypatch):
    with served(behind) as address:
        alice = RemoteStore(address, tokens.make(behind.index, "alice"))
        monkeypatch.setattr("starshift.learnware.package.pack", lambda content: b"nothing")
        with pytest.raises(RunError, match="The learnware cannot be used"):
            alice.publish(small(), "cats")


def test_a_moment_is_utc():
    from starshift.learnware.store.index import now

    assert abs(time.mktime(time.strptime(now(), "%Y-%m-%dT%H:%M:%SZ")) - time.mktime(time.gmtime())) < 5
