"""Learnwares mutated at random, read as a stranger's: 10 minutes; each must be refused with a reason, or be sound."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import random
import resource
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import Options, main, table

SECONDS, QUICK_SECONDS = 600, 5

Contents = dict[str, bytes]


def measure(options: Options) -> str:
    """Mutate, load, and ask of what was taken whether its network is what it declares."""
    from starshift.training.keras_setup import load_keras

    load_keras()
    chance = random.Random(0)
    seeds = [dict(one.contents) for one in _good()]
    counts: dict[str, Counter[str]] = {name: Counter() for name in MUTATIONS}
    before, deadline = _peak_mib(), time.monotonic() + (QUICK_SECONDS if options.quick else SECONDS)
    slowest = 0.0
    while time.monotonic() < deadline:
        name = chance.choice(list(MUTATIONS))
        tar = MUTATIONS[name](dict(chance.choice(seeds)), chance)
        begun = time.process_time()
        counts[name][_outcome(tar, seeds)] += 1
        slowest = max(slowest, time.process_time() - begun)
    total = sum(counts.values(), Counter())
    rows = [
        [name, *(f"{found[outcome]:,}" for outcome in OUTCOMES)] for name, found in (*counts.items(), ("all", total))
    ]
    return table(
        ["mutation", *OUTCOMES],
        rows,
        f"Memory at the peak grew by {_peak_mib() - before:,.0f} MiB; the slowest took {slowest:.1f} s of CPU. Taken: "
        "other words or numbers that are as good as those before, with digests made anew. Failed: anything but a "
        "refusal in words.",
        "Run with --quick: seconds only." if options.quick else "",
    )


OUTCOMES = ("refused", "taken", "unchanged", "failed")


def _outcome(tar: bytes, seeds: list[Contents]) -> str:
    """What comes of reading it; what fails is kept in the working folder."""
    from starshift.errors import RunError
    from starshift.learnware import declared, package

    try:
        found = package.load(tar)
        if found.contents in seeds:
            return "unchanged"
        declared.verify(found.learnware, found.tensors)
        return (
            "taken" if package.load(package.pack(found)).contents == found.contents else _kept(tar, "came back changed")
        )
    except RunError as error:
        return "refused" if all(map(str.isprintable, error.problems)) else _kept(tar, "a reason that deceives")
    except Exception as error:  # whatever else it raises is what is looked for: counted, kept, told
        return _kept(tar, f"{type(error).__name__}: {error}")


def _kept(tar: bytes, why: str) -> str:
    file = Path(f"fuzz-{hashlib.sha256(tar).hexdigest()[:16]}.tar")
    file.write_bytes(tar)
    print(f"{file}: {why}", flush=True)
    return "failed"


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# ----------------------------------------------------------------------------------------------------
# What is mutated


def _good() -> list[Any]:
    """A head on a base, a network, an ensemble of both, and models of texts and of sequences."""
    from starshift.learnware import package, specify
    from starshift.models.declared import declared
    from starshift.records import (
        LEARNWARE_SCHEMA,
        BaseReference,
        InputContract,
        Learnware,
        SequenceContract,
        Target,
    )

    targets = (Target.of_classes(("cat", "dog")),)
    base = BaseReference("mobilenet_v2", "ab" * 32, "mobilenet_v2")

    def learnware(builder: str, **changes: Any) -> Learnware:
        said: dict[str, Any] = {
            "schema": LEARNWARE_SCHEMA,
            "name": f"{builder} for cat, dog",
            "task": "image classification",
            "targets": targets,
            "input": InputContract(16, "stretch"),
            "builder": builder,
            "arguments": {},
            "bases": (),
            "precision": "f32",
            "evaluations": (),
            "trained_on": "24 pictures of 2 classes",
            "made_by": "starshift",
            "files": {},
            "id": "",
        }
        return Learnware(**(said | changes))

    def zeros(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
        return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}

    space = specify.space_of("mobilenet_v2", "ab" * 32, size=224, fit="stretch", features=1280)
    features = np.random.default_rng(0).random((24, 1280)).astype(np.float32)
    specification = specify.write(specify.specify(features, ["cat", "dog"] * 12, space, precision="f32"))
    head = zeros({"head/kernel": (1280, 1), "head/bias": (1,)})
    frozen = learnware(
        "frozen", arguments={"bases": ("mobilenet_v2",)}, bases=(base,), input=InputContract(224, "stretch")
    )
    small = {"channels": (2,), "dense": 2}
    network = learnware("convnet", arguments=small)
    weights = zeros(declared("convnet", 16, targets, small))
    both = {f"member/{name}": array for name, array in weights.items()}
    both |= {f"member_2/{name}": array for name, array in head.items()}
    ensemble = learnware(
        "ensemble", arguments={"of": ("convnet", "features")}, members=(network, frozen), bases=(base,)
    )
    words: dict[str, np.ndarray] = {
        "bias": np.zeros(1, np.float32),
        "words/units": np.frombuffer(b"good\nbad", np.uint8),
        "words/keys": np.array([1, 2], np.int64),
        "words/scale": np.ones(2, np.float32),
        "words/kernel": np.ones((2, 1), np.float32),
    }
    from starshift.records import TextContract

    texts = learnware("ngrams", arguments={"views": ("words",), "orders": (1,)}, input=TextContract(""))
    sequences = learnware("majority", input=SequenceContract(5, ("x",)))
    return [
        package.made(frozen, head, specification),
        package.made(network, weights),
        package.made(ensemble, both | {"weights": np.full(2, 0.5, np.float32)}),
        package.made(texts, words),
        package.made(sequences, {"frequencies": np.full(2, 0.5, np.float32)}),
    ]


def _packed(contents: Contents) -> bytes:
    from starshift.learnware import archive

    return archive.packed(contents)


def _forged(contents: Contents, record: Any) -> bytes:
    """With digests that fit, as far as the record can have such."""
    from starshift.recipe import digest

    if isinstance(record, dict) and isinstance(record.get("files"), dict):
        digests = {name: hashlib.sha256(contents[name]).hexdigest() for name in record["files"] if name in contents}
        with contextlib.suppress(UnicodeEncodeError, OverflowError):  # of what no digest can be made
            digests["learnware.json"] = digest({key: one for key, one in record.items() if key not in ("files", "id")})
        record = {**record, "files": dict(sorted(digests.items())), "id": digest(digests)}
    text = json.dumps(record).encode("utf-8", "surrogatepass")
    return _packed({**contents, "learnware.json": text})


# ----------------------------------------------------------------------------------------------------
# Mutations


def _bits(content: bytes, chance: random.Random) -> bytes:
    found = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 8, 64))):
        found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
    return bytes(found)


def _spliced(content: bytes, chance: random.Random) -> bytes:
    """A piece of it cut out, doubled, or put somewhere else."""
    start = chance.randrange(len(content))
    piece = content[start : start + chance.choice((1, 8, 64, 512, 4096))]
    rest = content[:start] + content[start + len(piece) :]
    place = chance.randrange(len(rest) + 1)
    return chance.choice((rest, content[:place] + piece + content[place:], rest[:place] + piece + rest[place:]))


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def _header(contents: Contents, chance: random.Random) -> bytes:
    """A byte of a tar's first header, its checksum made anew."""
    found = bytearray(_packed(contents))
    found[chance.choice((chance.randrange(148), chance.randrange(156, 512)))] = chance.randrange(256)
    found[148:156] = b"%06o\0 " % (sum(found[:148]) + 8 * 32 + sum(found[156:512]))
    return bytes(found)


def _of_file(mutate: Callable[[bytes, random.Random], bytes]) -> Callable[[Contents, random.Random], bytes]:
    def mutated(contents: Contents, chance: random.Random) -> bytes:
        name = chance.choice(sorted(contents.keys() - {"learnware.json"}))
        return _forged({**contents, name: mutate(contents[name], chance)}, json.loads(contents["learnware.json"]))

    return mutated


VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63 - 1, 2**63, 10**30, 0.5, -1.5, 1e300, float("nan"), float("inf"),
    "", "a", "../x", "mobilenet_v2@/etc/passwd", "\u202e", "\x00", "\ud800", "x" * 5000, "ensemble", "own", "reader",
    "fine-tuned", "truncated", "modern", "vgg16", [], {}, [[]], [0], [1, 2, 3], ["cat"], {"a": 1}, [[[[1]]]],
)  # fmt: skip

KEYS = ("run", "members", "apart", "arguments", "__class__", "dense", "cuts")


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in _places(one, (*path, key)))]


def _changed(value: Any, chance: random.Random) -> Any:
    """A value set, taken away, added or moved somewhere in a JSON."""
    found = copy.deepcopy(value)
    path = chance.choice(_places(found)[1:])
    inner = found
    for key in path[:-1]:
        inner = inner[key]
    what = chance.randrange(5)
    if what == 0:
        del inner[path[-1]]
    elif what == 1 and isinstance(inner, dict):
        inner[chance.choice(("run", "members", "apart", "arguments", "__class__", "dense", "cuts"))] = chance.choice(
            VALUES
        )
    elif what == 2:
        other: Any = found
        for key in chance.choice(_places(found)[1:]):
            other = other[key]
        inner[path[-1]] = copy.deepcopy(other)
    elif what == 3 and isinstance(inner[path[-1]], int | float):
        inner[path[-1]] = inner[path[-1]] * chance.choice((-1, 0, 2, 10, 1000, 10**6, 10**12))
    else:
        inner[path[-1]] = chance.choice(VALUES)
    return found


def _record(contents: Contents, chance: random.Random) -> bytes:
    record = json.loads(contents["learnware.json"])
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        record = _changed(record, chance) if isinstance(record, dict) and len(_places(record)) > 1 else record
    return _forged(contents, record)


def _tensors(contents: Contents, chance: random.Random) -> bytes:
    """The header of a safetensors file changed as JSON."""
    name = chance.choice([name for name in contents if name.endswith(".safetensors")])
    content = contents[name]
    length = int.from_bytes(content[:8], "little")
    header = _changed(json.loads(content[8 : 8 + length]), chance)
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    made = len(text).to_bytes(8, "little") + text + content[8 + length :]
    return _forged({**contents, name: made}, json.loads(contents["learnware.json"]))


def _specification(contents: Contents, chance: random.Random) -> bytes:
    """The record inside a specification changed as JSON."""
    if "spec.safetensors" not in contents:
        return _record(contents, chance)
    content = contents["spec.safetensors"]
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    record = _changed(json.loads(header["__metadata__"]["specification"]), chance)
    header["__metadata__"]["specification"] = json.dumps(record)
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    made = len(text).to_bytes(8, "little") + text + content[8 + length :]
    return _forged({**contents, "spec.safetensors": made}, json.loads(contents["learnware.json"]))


MUTATIONS: dict[str, Callable[[Contents, random.Random], bytes]] = {
    "bits of the tar": lambda contents, chance: _bits(_packed(contents), chance),
    "pieces of the tar": lambda contents, chance: _spliced(_packed(contents), chance),
    "the tar cut off": lambda contents, chance: _cut(_packed(contents), chance),
    "headers of the tar, checksum right": _header,
    "bits of a file, digests right": _of_file(_bits),
    "pieces of a file, digests right": _of_file(_spliced),
    "a file cut off, digests right": _of_file(_cut),
    "the record as JSON, digests right": _record,
    "headers of tensors, digests right": _tensors,
    "the specification's record, digests right": _specification,
}
"""How a learnware is mutated."""


if __name__ == "__main__":
    main(measure, __doc__)
