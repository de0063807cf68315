"""What all models of texts share when they are fitted: the words, the vocabulary of the training part, inner folds."""

from __future__ import annotations

from typing import cast

import msgspec
import numpy as np

from starshift import seeds
from starshift.apportion import within
from starshift.data.texts import Texts
from starshift.data.words import Corpus
from starshift.evaluation.forward import forward_folds
from starshift.evaluation.permits import rows_for
from starshift.evaluation.protocol import inner_folds
from starshift.ladder.materials import Materials
from starshift.ladder.unfitted import unfitted
from starshift.recipe import Recipe
from starshift.records import Learnware

FOLDS = 3
"""Inner folds of the training part. Texts have so many features that each fit takes its time, and so many examples that
a third of them says enough."""


def texts_of(materials: Materials) -> Texts:
    """The content, where it is texts."""
    return cast(Texts, materials.content)


def training_words(materials: Materials) -> Corpus:
    """The words of the training part: all that a vocabulary may be made of."""
    return texts_of(materials).words.rows(rows_for("weights", materials.split))


def orders_for(orders: tuple[int, ...], words: Corpus) -> tuple[int, ...]:
    """How many words in a row are looked at; pairs in any case where words are characters."""
    return tuple(sorted({*orders, 2})) if words.is_dense else tuple(sorted(set(orders)))


def folds_of(materials: Materials) -> list[tuple[np.ndarray, np.ndarray]]:
    """The inner folds of the training part, the same for everything that is chosen by them."""
    train = rows_for("choices", materials.split)
    strata, groups = materials.strata[train], within(materials.groups, train)
    if len(materials.order):
        order = [materials.order[index] for index in train]
        return forward_folds(strata, order, folds=FOLDS, groups=groups)
    return inner_folds(strata, folds=FOLDS, groups=groups, seed=seeds.child(materials.seed, "inner folds"))


def learnware_of(recipe: Recipe, materials: Materials) -> Learnware:
    """Of a model of the leading target, without files and evaluations."""
    found = unfitted(recipe, materials, contract=texts_of(materials).contract)
    return msgspec.structs.replace(found, targets=(materials.target,))


def in_a_row(orders: tuple[int, ...]) -> str:
    """Orders for a reader: "1", "1 to 3", "1 and 3"."""
    whole = list(range(orders[0], orders[-1] + 1)) == list(orders)
    if len(orders) > 1 and whole:
        return f"{orders[0]} to {orders[-1]}"
    return " and ".join(map(str, orders))
