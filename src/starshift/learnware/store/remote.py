"""A store that is served elsewhere, asked over HTTP. What it says is checked like what any stranger says."""

from __future__ import annotations

from collections.abc import Iterator
from time import sleep
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from starshift.errors import RunError, StarshiftError, StoreError
from starshift.learnware import archive, package
from starshift.learnware.store import names
from starshift.learnware.store.blobs import compared
from starshift.learnware.store.store import PAGE, Published, Verified
from starshift.learnware.store.web import Answer, ask
from starshift.records.entry import Changes, Entry

T = TypeVar("T")

LARGEST_ANSWER_BYTES = 2**26
"""Of lists and specifications."""

LARGEST_PACKAGE_BYTES = sum(archive.LARGEST.values()) + 2**16
TRIES = 6
LONGEST_WAIT_SECONDS = 60.0
"""What is waited for a server that says it is busy."""


class Page(msgspec.Struct, frozen=True):
    """What GET /v1/learnwares answers."""

    learnwares: tuple[Entry, ...]
    more: bool


class Found(msgspec.Struct, frozen=True):
    """What GET /v1/learnwares/REFERENCE answers."""

    entry: Entry
    learnware: msgspec.Raw  # learnware.json as it was published


class Kept(msgspec.Struct, frozen=True):
    """What POST /v1/learnwares answers."""

    entry: Entry
    is_new: bool


class Problem(msgspec.Struct, frozen=True):
    """What a server says instead, after RFC 9457."""

    status: int
    kind: str  # of StoreError; "request" where what was sent is wrong
    problems: tuple[str, ...]


# Made at import, as in learnware.package: the first decoding of a type is not for several threads at once.
_READERS: dict[type, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind) for kind in (Page, Found, Kept, Changes)
}
_PROBLEMS = msgspec.json.Decoder(Problem)


class RemoteStore:
    """A server of `starshift store serve`."""

    keeps_tombstones = True

    def __init__(self, place: str, token: str = "") -> None:
        self.place = place.rstrip("/")
        self._token = token

    def close(self) -> None:
        """Nothing is held between requests."""

    def publish(self, content: package.Package, name: str) -> Published:
        """As Store says."""
        names.check(name)
        tar = package.pack(content)
        kept = self._asked(Kept, "POST", f"/v1/learnwares?{urlencode({'name': name})}", body=tar)
        return Published(kept.entry, kept.is_new)

    def entries(self, *, task: str = "", withdrawn: bool = False) -> Iterator[Entry]:
        """As Store says."""
        after, more = ("", ""), True
        while more:
            asked = {"task": task, "withdrawn": str(withdrawn).lower(), "name": after[0], "version": after[1]}
            page = self._asked(Page, "GET", f"/v1/learnwares?{urlencode(asked)}")
            yield from page.learnwares
            ahead = (page.learnwares[-1].name, page.learnwares[-1].version) if page.learnwares else after
            more, after = page.more and ahead > after, ahead

    def find(self, reference: str) -> Entry:
        """As Store says."""
        return self._found(reference).entry

    def learnware(self, entry: Entry) -> bytes:
        """As Store says."""
        return bytes(self._found(entry.reference).learnware)

    def _found(self, reference: str) -> Found:
        return self._asked(Found, "GET", f"/v1/learnwares/{_path(reference)}")

    def pull(self, reference: str) -> tuple[Entry, bytes]:
        """As Store says."""
        entry = self.find(reference)
        path = f"/v1/learnwares/{_path(entry.reference)}/package"
        tar = self._answer("GET", path, most_bytes=LARGEST_PACKAGE_BYTES).content
        return entry, compared(tar, entry.package, self.place)

    def remove(self, reference: str, because: str = "") -> Entry:
        """As Store says."""
        path = f"/v1/learnwares/{_path(reference)}?{urlencode({'because': because})}"
        return self._asked(Kept, "DELETE", path).entry

    def changes(self, after: int = 0, most: int = PAGE) -> Changes:
        """As Store says."""
        return self._asked(Changes, "GET", f"/v1/specifications?{urlencode({'after': after, 'most': most})}")

    def verify(self) -> Verified:
        """Everything is pulled and opened as a user would."""
        done = Verified()
        for entry in self.entries():
            try:
                tar = self.pull(entry.reference)[1]
                if package.load(tar).id != entry.id:
                    done.problems.append(f"{entry.reference}: the package is another than its entry says.")
            except (StoreError, RunError) as error:
                if isinstance(error, StoreError) and error.kind in ("withdrawn", "unusable", "busy"):
                    if error.kind == "withdrawn":
                        continue
                    raise
                done.problems += [f"{entry.reference}: {problem}" for problem in error.problems]
                continue
            done.learnwares, done.files, done.bytes = done.learnwares + 1, done.files + 1, done.bytes + len(tar)
        return done

    # Asking -------------------------------------------------------------------------------------------

    def _asked(self, kind: type[T], method: str, path: str, body: bytes | None = None) -> T:
        answer = self._answer(method, path, body=body)
        try:
            return _READERS[kind].decode(answer.content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._stranger() from error

    def _answer(
        self, method: str, path: str, *, body: bytes | None = None, most_bytes: int = LARGEST_ANSWER_BYTES
    ) -> Answer:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        if body is not None:
            headers["Content-Type"] = "application/x-tar"
        for attempt in range(TRIES):
            answer = ask(method, self.place + path, headers=headers, body=body, most_bytes=most_bytes)
            wait = _seconds(answer)
            if wait is None or wait > LONGEST_WAIT_SECONDS or attempt + 1 == TRIES:
                break
            sleep(wait)
        if answer.status not in (200, 201):
            raise self._refusal(answer)
        return answer

    def _refusal(self, answer: Answer) -> StarshiftError:
        try:
            problem = _PROBLEMS.decode(answer.content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if _seconds(answer) is not None:
                return StoreError("busy", f"{self.place} is busy; try again in a minute.")
            return self._stranger(f", status {answer.status}")
        said = [one[:1000] for one in problem.problems[:100]]
        return StoreError(problem.kind, said) if problem.kind in StoreError.KINDS else RunError(said)

    def _stranger(self, more: str = "") -> StoreError:
        return StoreError("unusable", f"{self.place} does not answer as a store of Starshift does{more}.")


def _path(reference: str) -> str:
    return quote(str(names.reference(reference)), safe=":")


def _seconds(answer: Answer) -> float | None:
    """How long a busy server asks to wait; None if it is not busy."""
    if answer.status not in (429, 503):
        return None
    said = answer.headers.get("retry-after", "1")
    return float(said) if said.isascii() and said.isdigit() else 1.0
