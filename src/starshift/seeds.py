"""Named child seeds: one root seed for a run, and a stream of its own for everything that draws.

    child(seed, "split"), child(seed, "convnet", "augment", fold)

Seeds made by counting (seed, seed + 1, …) collide between neighbours: fold 1 of seed 0 would be fold 0 of
seed 1. A name cannot collide, and a new consumer of chance changes no stream that was there before.
"""

from __future__ import annotations

import hashlib
import json
import operator


def child(seed: int, *names: str | int) -> int:
    """Return the seed that belongs to `names` under the root `seed`: 0 to 2**31 - 1.

    It is the first 31 bits of the SHA-256 of `[seed, *names]` as JSON, hence the same on every machine and in
    every version of Python, NumPy and Keras. 31 bits, because LightGBM and TensorFlow want a signed 32-bit
    integer and NumPy wants none below zero. The text "1" and the number 1 are different names.
    """
    path = [
        operator.index(seed),
        *(name if isinstance(name, str) else operator.index(name) for name in names),
    ]
    digest = hashlib.sha256(json.dumps(path).encode("ascii")).digest()
    return int.from_bytes(digest[:4], "big") >> 1
