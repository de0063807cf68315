"""Models inside a model: several saved as one, and each of them as if it had been saved alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import structs

from starshift.models.heads import layer_name
from starshift.records import Learnware

Tensors = dict[str, np.ndarray]


def prefix(stem: str, place: int) -> str:
    """Before the names of the tensors of one of them: "apart/", "apart_2/", …"""
    return f"{layer_name(place, stem)}/"


def together(stem: str, models: Sequence[Mapping[str, np.ndarray]]) -> Tensors:
    """The tensors of all models, none of which has the name of another's."""
    return {f"{prefix(stem, place)}{name}": array for place, one in enumerate(models) for name, array in one.items()}


def parts(stem: str, inner: Sequence[Learnware], tensors: Mapping[str, np.ndarray]) -> list[tuple[Learnware, Tensors]]:
    """The models inside, in their order. inner: what the learnware of the whole says of them."""
    found = []
    for place, one in enumerate(inner):
        start = prefix(stem, place)
        own = {key.removeprefix(start): array for key, array in tensors.items() if key.startswith(start)}
        found.append((identified(one, own), own))
    return found


def identified(learnware: Learnware, tensors: Mapping[str, np.ndarray]) -> Learnware:
    """A model that has no file of its own, with a digest of its tensors by which its converted network is known."""
    content = hashlib.sha256()
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        content.update(f"{name} {array.dtype} {array.shape} ".encode())
        content.update(array.data)
    return structs.replace(learnware, files={"model.safetensors": content.hexdigest()})
