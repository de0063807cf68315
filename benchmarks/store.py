"""64 clients publish to a served store and pull from it at once; the server is killed with SIGKILL in between.

In the end everything that was acknowledged must be there, with the very bytes. SIGKILL loses what a process holds, not
what the system holds: that files and commits are flushed to the disk is for the tests.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import msgspec
import numpy as np

from benchmarks.common import STARSHIFT, Options, options, parser, table
from starshift.errors import StarshiftError, StoreError
from starshift.learnware import package
from starshift.learnware.store import opening, tokens
from starshift.learnware.store.remote import RemoteStore
from starshift.records import LEARNWARE_SCHEMA, BaseReference, InputContract, Learnware, Target

CLIENTS, PROCESSES, SECONDS, KILLS = 64, 4, 120, 2
FEATURES = 1280
"""Of MobileNetV2."""


def small(seed: int) -> package.Package:
    """A learnware of 11 kB with tensors of its own."""
    learnware = Learnware(
        schema=LEARNWARE_SCHEMA,
        name=f"head {seed}",
        task="image classification",
        targets=(Target.of_classes(("cat", "dog")),),
        input=InputContract(224, "stretch"),
        builder="frozen",
        arguments={"bases": ("mobilenet_v2",), "strengths": (1e-2,)},
        bases=(BaseReference("mobilenet_v2", "ab" * 32, "mobilenet_v2"),),
        precision="f32",
        evaluations=(),
        trained_on="made-up features",
        made_by="a benchmark",
        files={},
        id="",
        licence="CC-BY-4.0",
    )
    kernel = np.random.default_rng(seed).standard_normal((FEATURES, 1)).astype(np.float32)
    return package.made(learnware, {"head/kernel": kernel, "head/bias": np.zeros(1, np.float32)})


@dataclass
class Told:
    """What a client was told."""

    acknowledged: dict[str, str] = field(default_factory=dict)  # name → digest of the package
    publish_seconds: list[float] = field(default_factory=list)
    pull_seconds: list[float] = field(default_factory=list)
    unanswered: int = 0  # requests that the killed server left without an answer; asked again
    wrong: list[str] = field(default_factory=list)  # what should not have been said


def client(number: int, address: str, token: str, until: float, told: Told) -> None:
    """Publish one and pull one of one's own, in turn, until the clock says so (time.time())."""
    store, made, chance = RemoteStore(address, token), 0, random.Random(number)
    while time.time() < until:
        name = f"c{number}-{made}"
        content, digest = small(number * 1_000_000 + made), ""
        while not digest and time.time() < until + 30:
            digest = _asked(lambda c=content, n=name: store.publish(c, n).entry.package, told, told.publish_seconds)
        if digest:
            told.acknowledged[name] = digest
            made += 1
        if told.acknowledged and time.time() < until:
            wanted = chance.choice(sorted(told.acknowledged))
            found = _asked(lambda n=wanted: store.pull(n)[0].package, told, told.pull_seconds)
            if found and found != told.acknowledged[wanted]:
                told.wrong.append(f"{wanted} came with other content")


def _asked(call, told: Told, seconds: list[float]) -> str:
    """What came, or "" where nobody answered."""
    began = time.perf_counter()
    try:
        found = call()
    except StoreError as error:
        if error.kind == "unusable":
            told.unanswered += 1
            time.sleep(random.uniform(1, 3))  # or 64 clients that knock keep the server from starting
        else:
            told.wrong.append(str(error))
        return ""
    except StarshiftError as error:
        told.wrong.append(str(error))
        return ""
    seconds.append(time.perf_counter() - began)
    return found


def _process(numbers, address, token, seconds, ready, answers) -> None:
    ready.wait()  # interpreters start at their own pace
    until = time.time() + seconds
    told = {number: Told() for number in numbers}
    threads = [threading.Thread(target=client, args=(n, address, token, until, one)) for n, one in told.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.write_bytes(msgspec.json.encode(list(told.values())))


def measure(options: Options, seconds: int = SECONDS, clients: int = CLIENTS, kills: int = KILLS) -> str:
    """A table with counts, rates and waits, and what was lost."""
    seconds = 10 if options.quick else seconds
    with TemporaryDirectory(prefix="starshift-benchmark-") as name:
        place = Path(name) / "store"
        with closing(opening.create(str(place))) as store:
            token = tokens.make(store.index, "bench", most_bytes=10**12, most_learnwares=10**9)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        told = _storm(place, port, token, seconds, clients, kills)
        return _judged(place, told, seconds, clients, kills)


def _storm(place: Path, port: int, token: str, seconds: int, clients: int, kills: int) -> list[Told]:
    """All clients at once, and the server killed at even times."""
    server = _serve(place, port)
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(PROCESSES + 1)
    answers = [place.with_name(f"told-{number}.json") for number in range(PROCESSES)]
    parts = [list(range(start, clients, PROCESSES)) for start in range(PROCESSES)]
    where = f"http://127.0.0.1:{port}"
    arguments = [(part, where, token, seconds, ready, file) for part, file in zip(parts, answers, strict=True)]
    workers = [context.Process(target=_process, args=given) for given in arguments]
    for worker in workers:
        worker.start()
    ready.wait()
    began = time.time()
    for kill in range(kills):
        time.sleep(max(0.0, began + seconds * (kill + 1) / (kills + 1) - time.time()))
        server.kill()
        server.wait()
        killed = time.time() - began
        server = _serve(place, port)
        again = time.time() - began
        print(f"  killed after {killed:.0f} s, listens again after {again:.0f} s", file=sys.stderr, flush=True)
    for worker in workers:
        worker.join(seconds + 120)
    if ended := [worker.exitcode for worker in workers if worker.exitcode != 0]:
        raise SystemExit(f"clients ended with {ended}")
    told = [one for file in answers for one in msgspec.json.decode(file.read_bytes(), type=list[Told])]
    server.kill()  # the last time: nothing is told it that it should write before it ends
    server.wait()
    return told


def _serve(place: Path, port: int) -> subprocess.Popen[bytes]:
    often = str(10**9)
    words = ["store", "serve", "--store", str(place), "--port", str(port), "--reads-per-minute", often]
    process = subprocess.Popen([STARSHIFT, *words, "--writes-per-minute", often], env=os.environ, stderr=sys.stderr)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.05)
    raise SystemExit("the server does not start")


def _judged(place: Path, told: list[Told], seconds: int, clients: int, kills: int) -> str:
    with closing(opening.open_local(str(place))) as store:
        there = {entry.name: entry.package for entry in store.entries()}
        verified = store.verify()
        swept = store.sweep(older_seconds=-1)
    acknowledged = {name: digest for one in told for name, digest in one.acknowledged.items()}
    lost = sum(there.get(name) != digest for name, digest in acknowledged.items())
    publishes = [one for client in told for one in client.publish_seconds]
    pulls = [one for client in told for one in client.pull_seconds]
    wrong = [one for client in told for one in client.wrong]
    rows = [
        ["publications acknowledged", f"{len(acknowledged):,}"],
        ["of them lost or changed", f"{lost}"],
        ["torn, damaged or missing in the store", f"{len(verified.problems)}"],
        ["pulls, each compared with its digest", f"{len(pulls):,}"],
        ["answers that were wrong", f"{len(wrong)}"],
        ["requests without an answer, asked again", f"{sum(one.unanswered for one in told):,}"],
        ["in the store though nobody was told so", f"{len(there.keys() - acknowledged.keys())}"],
        ["files that kills left behind, swept", f"{swept}"],
        ["publications per second", f"{len(publishes) / seconds:.0f}"],
        ["pulls per second", f"{len(pulls) / seconds:.0f}"],
        ["seconds per publication, median and 99 of 100", _waits(publishes)],
        ["seconds per pull, median and 99 of 100", _waits(pulls)],
    ]
    title = f"{clients} clients, {seconds} s, {kills} times SIGKILL"
    shown = table([title, "found"], rows, "\n".join(sorted(set(wrong))[:5]), "\n".join(verified.problems[:5]))
    if lost or verified.problems or wrong:
        raise SystemExit("The store did not hold what it promised.")
    return shown


def _waits(seconds: list[float]) -> str:
    return f"{median(seconds):.2f}, {np.quantile(seconds, 0.99):.2f}" if seconds else "–"


if __name__ == "__main__":
    made = parser(__doc__)
    made.add_argument("--seconds", type=int, default=SECONDS, help="how long the clients ask")
    made.add_argument("--clients", type=int, default=CLIENTS, help="how many there are")
    made.add_argument("--kills", type=int, default=KILLS, help="how often the server is killed")
    given = made.parse_args()
    measure(options(given), given.seconds, given.clients, given.kills)
