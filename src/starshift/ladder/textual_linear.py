"""Linear models over n-grams as rungs: several views of the same texts, each with a strength, weighed into one model.

The rung `linear` has one view, the rival that every text model must beat; `ensemble` has several. Strengths, balances
and weights are chosen by inner folds of the training part, which also makes probabilities of what a margin says.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import numpy as np

from starshift.data.words import Corpus, characters
from starshift.errors import UsageError
from starshift.evaluation.permits import rows_for
from starshift.execution import map_ordered
from starshift.ladder.materials import Materials, Model
from starshift.ladder.textual import FOLDS, folds_of, in_a_row, learnware_of, orders_for, texts_of, training_words
from starshift.models import hinge, ngrams
from starshift.models.heads import outputs_of
from starshift.models.ngrams import LETTERS, VIEWS, Grams
from starshift.recipe import Recipe
from starshift.records import Epoch, Learnware

PACE_NAME, PACE = "linear model of texts, operation", 1.5e-9
"""Seconds per floating-point operation, before it was measured here."""

STEPS_OF_A_FIT, LETTERS_PER_WORD, COUNTING = 40, 6, 60
"""What is assumed for predictions of time: steps of the optimizer, letters of a word, operations per counted n-gram."""

DENSE, NEXT_FIT, PRODUCTS = 0.1, 0.1, 0.06
"""By products: what an operation on a dense matrix takes of one on a sparse one, what a fit takes of one that does not
begin where another ended, and multiplications per row and n-gram found."""

TELLING_SECONDS = 1.0
"""Fits that take less tell what calling costs; their pace is not remembered."""


def depends_on(recipe: Recipe, materials: Materials) -> tuple[object, ...]:
    """Nothing beyond recipe, data and seed. Raises UsageError for a view that is not for this kind of target."""
    labelled = [view for view in recipe.arguments["views"] if VIEWS[view].by_labels]
    if labelled and materials.target.kind != "binary":
        raise UsageError(
            f"The view {labelled[0]!r} weighs words by the ratio of two classes, and {materials.target.name!r} is "
            f"{materials.target.kind}. Take words or characters."
        )
    return ()


def depended_on(learnware: Learnware) -> tuple[object, ...]:
    """The same of a model that is there."""
    return ()


def predict_seconds(recipe: Recipe, materials: Materials) -> float:
    """How long `fit` will take, by the pace of earlier fits."""
    return (materials.paces.get(PACE_NAME) or PACE) * _operations(recipe, materials)


def _operations(recipe: Recipe, materials: Materials) -> float:
    arguments, rows = recipe.arguments, len(materials.split.train)
    words = len(texts_of(materials).words.ids) * rows / max(1, len(materials.dataset.examples))
    outputs = outputs_of(materials.target)
    candidates = len(arguments["strengths"]) * len(arguments["balances"])
    fits = 1 + 2 * candidates  # of three folds of two thirds each
    by_products = hinge.pays_by_products(materials.target, rows)
    total = DENSE * rows**3 * (1 + FOLDS * (2 / 3) ** 3 * (1 + NEXT_FIT * (candidates - 1))) if by_products else 0.0
    for view in arguments["views"]:
        is_letters = VIEWS[view].source == "characters"
        orders = LETTERS if is_letters else arguments["orders"]
        found = words * len(orders) * (LETTERS_PER_WORD if is_letters else 1)
        total += COUNTING * found
        if by_products:
            total += PRODUCTS * rows * found
        else:
            total += 4 * fits * STEPS_OF_A_FIT * outputs * (found + 10 * min(found, arguments["most"]))
    return total


def fit(recipe: Recipe, materials: Materials, on_epoch: Callable[[Epoch], None]) -> Model:
    """Find the n-grams of the training part, choose, fit, and weigh the views into one linear model."""
    began, arguments = time.perf_counter(), recipe.arguments
    train = rows_for("weights", materials.split)
    truth = materials.targets[train]
    sources = {
        source: _source(source, recipe, materials) for source in dict.fromkeys(map(_source_of, arguments["views"]))
    }
    views = [View(name, sources[_source_of(name)], truth) for name in arguments["views"]]
    task = _Task(materials, truth, folds_of(materials), arguments)
    groups = [tuple(views)] if task.by_products else [(view,) for view in views]
    materials.progress.start("linear models", 2 * len(groups))
    chosen = []
    for number, group in enumerate(groups):
        chosen.append(_choose(group, task))
        materials.progress.update(number + 1, 2 * len(groups))
    loss, weights = task.weigh([one.held_out for one in chosen])
    tensors: dict[str, np.ndarray] = {}
    bias = np.zeros(task.wanted.shape[1], np.float32)
    for number, (one, weight) in enumerate(zip(chosen, weights.tolist(), strict=True)):
        kernel, offset = _last_fit(one, task)
        kernel = (weight * task.scale * len(one.views) ** -0.5 * kernel).astype(np.float32)
        ends = np.cumsum([len(view.source.grams) for view in one.views])
        for view, part in zip(one.views, np.split(kernel, ends[:-1]), strict=True):
            tensors[f"{view.name}/scale"] = view.scale(np.arange(len(truth)))
            tensors[f"{view.name}/kernel"] = part
        bias += np.float32(weight * task.scale) * offset
        materials.progress.update(len(groups) + number + 1, 2 * len(groups))
    materials.progress.finish()
    tensors["bias"] = bias + np.float32(task.mean)
    for source, found in sources.items():
        tensors |= found.grams.tensors(source)
    orders = orders_for(tuple(arguments["orders"]), training_words(materials))
    settled = msgspec.structs.replace(recipe, arguments={**arguments, "orders": orders})
    if (seconds := time.perf_counter() - began) >= TELLING_SECONDS:
        materials.paces.put(PACE_NAME, seconds / _operations(recipe, materials))
    return Model(learnware_of(settled, materials), tensors, details=_details(chosen, weights, loss, task))


def _source_of(view: str) -> str:
    return VIEWS[view].source


# ----------------------------------------------------------------------------------------------------
# Views


@dataclass(frozen=True)
class Source:
    """N-grams of words or of characters, and how often each training text has them."""

    grams: Grams
    counts: Any  # csr_array, float32 (training texts, columns)


def _source(name: str, recipe: Recipe, materials: Materials) -> Source:
    words = training_words(materials)
    orders = orders_for(tuple(recipe.arguments["orders"]), words)
    corpus: Corpus = words
    if name == "characters":
        corpus, orders = characters(words), LETTERS
    materials.progress.start(f"n-grams of {name}", 2)
    grams = ngrams.learn(corpus, orders, most=recipe.arguments["most"])
    materials.progress.update(1, 2)
    counts = ngrams.count(grams, corpus)
    materials.progress.finish()
    return Source(grams, counts)


@dataclass(frozen=True)
class View:
    """One way to weigh n-grams: a name in models.ngrams.VIEWS."""

    name: str
    source: Source
    truth: np.ndarray  # of the training texts

    @property
    def learns_scale(self) -> bool:
        """Whether what columns are multiplied by depends on labels, and so on what is fitted on."""
        return VIEWS[self.name].by_labels

    def scale(self, rows: np.ndarray) -> np.ndarray:
        """What each column is multiplied by: float32 (columns,). rows: training texts that are fitted on."""
        if self.learns_scale:
            return ngrams.log_ratios(self.source.counts[rows], self.truth[rows] == 1)
        return self._inverse_frequencies

    @cached_property
    def _inverse_frequencies(self) -> np.ndarray:
        return ngrams.inverse_frequencies(self.source.counts)

    def features(self, rows: np.ndarray) -> Any:
        """Of all training texts, as models that are fitted on `rows` see them: csr_array, float32 (N, columns)."""
        return ngrams.weighed(self.source.counts, self.scale(rows), counted=VIEWS[self.name].counted)


def _side_by_side(views: tuple[View, ...], rows: np.ndarray) -> Any:
    """The views' features of all training texts as those of one model: csr_array, rows of length 1."""
    from scipy.sparse import hstack

    each = [view.features(rows) for view in views]
    return each[0] if len(each) == 1 else (hstack(each, format="csr") * np.float32(len(each) ** -0.5))


# ----------------------------------------------------------------------------------------------------
# Choices


_Fit = tuple[np.ndarray, np.ndarray]
"""A kernel, float32 (columns, outputs), and its bias, float32 (outputs,)."""


@dataclass(frozen=True)
class _Task:
    """What is fitted, whatever the view."""

    materials: Materials
    truth: np.ndarray
    folds: list[tuple[np.ndarray, np.ndarray]]
    arguments: dict[str, Any]

    @cached_property
    def _wanted(self) -> tuple[np.ndarray, float, float]:
        return hinge.wanted_of(self.materials.target, self.truth)

    @property
    def wanted(self) -> np.ndarray:
        """What outputs shall be: float32 (N, outputs)."""
        return self._wanted[0]

    @property
    def mean(self) -> float:
        """Of numbers: what outputs of 0 mean."""
        return self._wanted[1]

    @property
    def scale(self) -> float:
        """Of numbers: what an output of 1 is more than that."""
        return self._wanted[2]

    @property
    def candidates(self) -> list[tuple[float, float]]:
        """Strengths and balances to choose from."""
        return list(itertools.product(self.arguments["strengths"], self.arguments["balances"]))

    @property
    def by_products(self) -> bool:
        """Whether models are fitted by products of rows: all views at once, which is better than their weighed sum."""
        return hinge.pays_by_products(self.materials.target, len(self.truth))

    def solve(self, features: Any, rows: np.ndarray, candidate: tuple[float, float], start: _Fit | None = None) -> _Fit:
        """A fit on some rows of the features; see hinge.solve."""
        strength, balance = candidate
        wanted = self.wanted[rows]
        is_number = self.materials.target.is_number
        counting = hinge.counting_of(wanted, balance)
        return hinge.solve(features[rows], wanted, counting, strength, start=start, is_number=is_number)

    def solve_products(
        self, products: np.ndarray, rows: np.ndarray, candidate: tuple[float, float], start: np.ndarray | None
    ) -> np.ndarray:
        """The same by products: see hinge.solve_products."""
        strength, balance = candidate
        wanted = self.wanted[rows]
        return hinge.solve_products(products, wanted, hinge.counting_of(wanted, balance), strength, start=start)

    def weigh(self, outputs: list[np.ndarray]) -> tuple[float, np.ndarray]:
        """See hinge.weigh. outputs: for the folds' held-out rows, one fold behind the other."""
        held = np.concatenate([held for _, held in self.folds])
        truth = self.wanted[held][:, 0] if self.materials.target.is_number else self.truth[held]
        return hinge.weigh(outputs, self.materials.target, truth)


@dataclass(frozen=True)
class _Chosen:
    """Views that one model looks at, with what was chosen for it."""

    views: tuple[View, ...]
    candidate: tuple[float, float]
    held_out: np.ndarray  # outputs for texts by models that did not see them, fold behind fold
    features: Any  # of all training texts; None where they depend on what is fitted on
    products: np.ndarray | None


def _choose(views: tuple[View, ...], task: _Task) -> _Chosen:
    """The strength and balance of the lowest loss on held-out texts."""
    everything = np.arange(len(task.truth))
    features = None if any(view.learns_scale for view in views) else _side_by_side(views, everything)
    products = hinge.products_of(features) if task.by_products else None

    def one(fold: tuple[np.ndarray, np.ndarray]) -> list[np.ndarray]:
        fitted_on, held = fold
        if products is not None:
            return _by_products(products, fitted_on, held, task)
        known = _side_by_side(views, fitted_on) if features is None else features
        return _by_features(known, fitted_on, held, task)

    # Outputs that are fitted by products share the cores; else folds do.
    by_fold = list(map_ordered(one, task.folds, workers=1 if task.by_products else None))
    held_out = [np.concatenate(parts) for parts in zip(*by_fold, strict=True)]
    losses = [task.weigh([outputs])[0] for outputs in held_out]
    best = int(np.argmin(losses))
    return _Chosen(views, task.candidates[best], held_out[best], features, products)


def _by_features(features: Any, fitted_on: np.ndarray, held: np.ndarray, task: _Task) -> list[np.ndarray]:
    """Each candidate's outputs for held-out texts; a fit begins where the one before it ended."""
    outputs, start = [], None
    for candidate in task.candidates:
        start = task.solve(features, fitted_on, candidate, start)
        outputs.append(features[held] @ start[0] + start[1])
    return outputs


def _by_products(products: np.ndarray, fitted_on: np.ndarray, held: np.ndarray, task: _Task) -> list[np.ndarray]:
    """The same by products."""
    inside, across = products[np.ix_(fitted_on, fitted_on)], products[np.ix_(held, fitted_on)]
    outputs, start = [], None
    for candidate in task.candidates:
        start = task.solve_products(inside, fitted_on, candidate, start)
        outputs.append(across @ start)
    return outputs


def _last_fit(chosen: _Chosen, task: _Task) -> _Fit:
    """The chosen fit on the whole training part."""
    everything = np.arange(len(task.truth))
    if chosen.products is not None:
        adds = task.solve_products(chosen.products, everything, chosen.candidate, None)
        return np.asarray(chosen.features.T.tocsr() @ adds), adds.sum(axis=0)
    features = _side_by_side(chosen.views, everything) if chosen.features is None else chosen.features
    return task.solve(features, everything, chosen.candidate)


def _details(chosen: list[_Chosen], weights: np.ndarray, loss: float, task: _Task) -> dict[str, str]:
    details = {}
    for one, weight in zip(chosen, weights.tolist(), strict=True):
        strength, balance = one.candidate
        fitted = f"strength {strength:g}{f', balance {balance:g}' if balance else ''}, weight {weight:.3g}"
        for view in one.views:
            grams = view.source.grams
            unit = "characters" if VIEWS[view.name].source == "characters" else "words"
            together = " together" if len(one.views) > 1 else ""
            title, orders = VIEWS[view.name].title, in_a_row(grams.orders)
            details[view.name] = f"{title}: {len(grams):,} n-grams of {orders} {unit},{together} {fitted}"
    what = "squared error" if task.materials.target.is_number else "log loss"
    details["chosen by"] = f"{what} {loss:.4f} over {len(task.folds)} inner folds"
    return details
