"""The baseline: an answer that looks at no example, as the first thing that a model must beat."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from starshift.ladder.materials import Materials, Model
from starshift.ladder.unfitted import unfitted
from starshift.models.classical import majority
from starshift.recipe import Recipe
from starshift.records import AnyContract, Epoch, Learnware

SECONDS = 0.02


def depends_on(recipe: Recipe, materials: Materials) -> tuple[object, ...]:
    """Nothing beyond recipe, data and seed."""
    return ()


def depended_on(learnware: Learnware) -> tuple[object, ...]:
    """The same of a model that is there."""
    return ()


def predict_seconds(recipe: Recipe, materials: Materials) -> float:
    """A moment."""
    return SECONDS


def fit(recipe: Recipe, materials: Materials, on_epoch: Callable[[Epoch], None]) -> Model:
    """Class frequencies of the training part; of labels, how often each applies; of numbers, their mean."""
    return fit_constant(recipe, materials, getattr(materials.content, "contract", None))


def fit_constant(recipe: Recipe, materials: Materials, contract: AnyContract | None) -> Model:
    """`fit`, for what takes other things than pictures: `contract` says which."""
    targets = materials.targets[np.array(materials.split.train)]
    target = materials.target
    targets = targets[target.known(targets)]
    learnware = unfitted(recipe, materials, contract=contract)
    if target.is_number:
        mean = float(targets.mean())
        return Model(learnware, {"mean": np.array([mean])}, details={"mean": f"{mean:.6g}"})
    if target.kind == "multi-label":
        shares = (targets.sum(axis=0) + 1) / (len(targets) + 2)  # Laplace, as in `majority`
        return Model(learnware, {"frequencies": shares.astype(np.float32)})
    if target.kind == "string":
        values, counts = np.unique(targets.astype(str), return_counts=True)
        commonest = str(values[counts.argmax()])
        text = np.frombuffer(commonest.encode(), dtype=np.uint8)
        return Model(learnware, {"string": text}, details={"commonest string": commonest})
    frequencies = majority(targets, len(target.classes))
    largest = target.classes[int(frequencies.argmax())]
    return Model(learnware, {"frequencies": frequencies}, details={"majority class": largest})
