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
from starshift.ladder.textual import folds_of, in_a_row, learnware_of, orders_for, texts_of, training_words
from starshift.models import hinge, ngrams
from starshift.models.ngrams import LETTERS, VIEWS, Grams
from starshift.recipe import Recipe
from starshift.records import Epoch, Learnware

PACE_NAME, PACE = "linear model of texts, operation", 1.5e-9
"""Seconds per floating-point operation, before it was measured here."""

STEPS_OF_A_FIT, LETTERS_PER_WORD, COUNTING = 40, 6, 60
"""What is assumed for predictions of time: steps of the optimizer, letters of a word, operations per counted n-gram."""

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
    target = materials.target
    outputs = len(target.classes) if target.kind in ("multi-class", "multi-label") else 1
    fits = 1 + 2 * len(arguments["strengths"]) * len(arguments["balances"])  # of three folds of two thirds each
    total = 0.0
    for view in arguments["views"]:
        is_letters = VIEWS[view].source == "characters"
        orders = LETTERS if is_letters else arguments["orders"]
        found = words * len(orders) * (LETTERS_PER_WORD if is_letters else 1)
        total += COUNTING * found
        if hinge.pays_to_condense(rows, outputs):
            total += rows**3 / 3 + 0.02 * rows * found + 4 * fits * STEPS_OF_A_FIT * rows**2 * outputs / 10
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
    task = _Task(materials, truth, folds_of(materials), arguments)
    materials.progress.start("linear models", 2 * len(arguments["views"]))
    chosen = []
    for number, name in enumerate(arguments["views"]):
        view = View(name, sources[_source_of(name)], truth, len(materials.target.classes))
        chosen.append(_choose(view, task))
        materials.progress.update(2 * number + 1, 2 * len(arguments["views"]))
    loss, weights = task.weigh([one.held_out for one in chosen])
    tensors: dict[str, np.ndarray] = {}
    bias = np.zeros(task.wanted.shape[1], np.float32)
    for number, (one, weight) in enumerate(zip(chosen, weights.tolist(), strict=True)):
        kernel, offset = _last_fit(one, task)
        tensors[f"{one.view.name}/scale"] = one.view.scale(np.arange(len(truth)))
        tensors[f"{one.view.name}/kernel"] = (weight * task.scale * kernel).astype(np.float32)
        bias += np.float32(weight * task.scale) * offset
        materials.progress.update(len(chosen) + number + 1, 2 * len(chosen))
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
    classes: int

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


# ----------------------------------------------------------------------------------------------------
# Choices


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

    def solve(self, features: Any, rows: np.ndarray, candidate: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
        """A fit on some rows of the features."""
        strength, balance = candidate
        wanted = self.wanted[rows]
        is_number = self.materials.target.is_number
        return hinge.solve(features[rows], wanted, hinge.counting_of(wanted, balance), strength, is_number=is_number)

    def weigh(self, outputs: list[np.ndarray]) -> tuple[float, np.ndarray]:
        """See hinge.weigh. outputs: for the folds' held-out rows, one fold behind the other."""
        held = np.concatenate([held for _, held in self.folds])
        truth = self.wanted[held][:, 0] if self.materials.target.is_number else self.truth[held]
        return hinge.weigh(outputs, self.materials.target, truth)


@dataclass(frozen=True)
class _Chosen:
    """A view with what was chosen for it."""

    view: View
    candidate: tuple[float, float]
    held_out: np.ndarray  # outputs for texts by models that did not see them, fold behind fold
    condensed: hinge.Condensed | None
    features: Any  # of all training texts; None where they depend on what is fitted on


def _choose(view: View, task: _Task) -> _Chosen:
    """The strength and balance of the lowest loss on held-out texts."""
    everything = np.arange(len(task.truth))
    fixed = None if view.learns_scale else view.features(everything)
    pays = fixed is not None and hinge.pays_to_condense(len(task.truth), task.wanted.shape[1])
    condensed = hinge.condense(fixed) if pays else None
    matrix = condensed.rows if condensed else fixed

    def one(fold: tuple[np.ndarray, np.ndarray]) -> list[np.ndarray]:
        fitted_on, held = fold
        features = view.features(fitted_on) if matrix is None else matrix
        fits = (task.solve(features, fitted_on, candidate) for candidate in task.candidates)
        return [features[held] @ kernel + bias for kernel, bias in fits]

    # Dense products use all cores themselves; sparse ones use one each.
    by_fold = list(map_ordered(one, task.folds, workers=1 if condensed else None))
    held_out = [np.concatenate(parts) for parts in zip(*by_fold, strict=True)]
    losses = [task.weigh([outputs])[0] for outputs in held_out]
    best = int(np.argmin(losses))
    return _Chosen(view, task.candidates[best], held_out[best], condensed, None if condensed else fixed)


def _last_fit(chosen: _Chosen, task: _Task) -> tuple[np.ndarray, np.ndarray]:
    """The chosen fit on the whole training part: kernel float32 (columns, outputs), bias float32 (outputs,)."""
    everything = np.arange(len(task.truth))
    if chosen.condensed is None:
        features = chosen.view.features(everything) if chosen.features is None else chosen.features
        return task.solve(features, everything, chosen.candidate)
    kernel, bias = task.solve(chosen.condensed.rows, everything, chosen.candidate)
    return chosen.condensed.back(kernel), bias


def _details(chosen: list[_Chosen], weights: np.ndarray, loss: float, task: _Task) -> dict[str, str]:
    details = {}
    for one, weight in zip(chosen, weights.tolist(), strict=True):
        strength, balance = one.candidate
        grams = one.view.source.grams
        unit = "characters" if VIEWS[one.view.name].source == "characters" else "words"
        details[one.view.name] = (
            f"{VIEWS[one.view.name].title}: {len(grams):,} n-grams of {in_a_row(grams.orders)} {unit}, strength "
            f"{strength:g}{f', balance {balance:g}' if balance else ''}, weight {weight:.3g}"
        )
    what = "squared error" if task.materials.target.is_number else "log loss"
    details["chosen by"] = f"{what} {loss:.4f} over {len(task.folds)} inner folds"
    return details
