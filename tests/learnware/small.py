"""Learnwares of a few KB, each of its own content."""

from __future__ import annotations

from typing import Any

import numpy as np

from learnware import hostile
from starshift.learnware import package


def small(seed: int = 0, *, specified: bool = False, **changes: Any) -> package.Package:
    """A head on frozen features. Other seeds have other tensors; `changes` are of learnware.json."""
    kernel = np.random.default_rng(seed).standard_normal((hostile.FEATURES, 1)).astype(np.float32)
    tensors = {"head/kernel": kernel, "head/bias": np.zeros(1, np.float32)}
    record = hostile.learnware(**{"licence": "CC-BY-4.0", **changes})
    return package.made(record, tensors, hostile.specification() if specified else None)
