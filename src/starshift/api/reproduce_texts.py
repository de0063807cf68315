"""Film reviews and newswires: the seeds' recipes for texts in their true amounts, beside ours on the same texts.

Source: seed 003, "common templates" 2.1 and 2.2. Reviews: 10,000 multi-hot words, 16-16-1, RMSprop, 20 epochs in
batches of 512 while 10,000 reviews are held out, then as many epochs as were best there on all reviews. Newswires:
64-64-46, 1,000 held out, 9 epochs, labels one-hot and as integers.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from starshift.api.outcome import Asked, Line, Told
from starshift.compose.own import own
from starshift.compose.texts import TextModel
from starshift.data.cache import cache_root
from starshift.data.kinds import Wanted
from starshift.data.sniff import TABLES
from starshift.data.texts import Texts, read_texts
from starshift.errors import DataError
from starshift.evaluation import metrics
from starshift.findings.duplicates import groups
from starshift.ladder import fit as ways
from starshift.ladder import texts as rungs
from starshift.ladder.materials import Materials
from starshift.ladder.options import Options
from starshift.ladder.paces import Paces
from starshift.ladder.retrain import with_validation
from starshift.ladder.textual_networks import BAG
from starshift.recipe import Recipe, Stage, digest
from starshift.records import Epoch, Split, files
from starshift.seeds import child

KEPT = "results.json"
"""In the folder of the outcome: every finished fit by its digest, so that the same command goes on."""

OURS = ("linear", "ensemble")
"""Rungs of ours that are fitted on the same texts."""


class Fitted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One recipe with one root seed."""

    trained_on: int  # texts
    held_out: float  # accuracy
    macro_f1: float  # on the same texts
    test: float | None  # accuracy, where there is a test file
    seconds: float
    epochs: int  # 0 where nothing is trained by epochs
    best: int = 0  # the epoch with the lowest loss on the texts held out


@dataclass(frozen=True)
class Experiment:
    """What the seeds did."""

    held_out: int  # texts
    epochs: int
    units: tuple[int, ...]
    theirs: dict[str, str]  # what they, or the usual source, measured, by recipe
    finds_epochs: bool = False  # whether the epochs are found on the texts held out, and all are trained on then
    labels: tuple[str, ...] = ("one-hot",)


IMDB = Experiment(10_000, 20, (16, 16), {"the seeds' 16-16-1, best epoch, on all": "about 88 % (test)"}, True)

REUTERS = Experiment(
    1_000,
    9,
    (64, 64),
    {"the seeds' 64-64-46, one-hot labels": "about 79 % (test, another split)"},
    labels=("one-hot", "integer"),
)


def integer_crossentropy(targets: Any, outputs: Any) -> Any:
    """Cross-entropy of integer labels. targets: (N, classes) of one 1 each, whose place is the label."""
    from starshift.training.keras_setup import load_keras

    ops = load_keras().ops
    return ops.sparse_categorical_crossentropy(ops.argmax(targets, axis=-1), outputs)


def imdb(asked: Asked) -> Told:
    """Film reviews, positive or negative."""
    return _Reproducing(IMDB, asked).told()


def reuters(asked: Asked) -> Told:
    """Newswires of 46 topics."""
    return _Reproducing(REUTERS, asked).told()


# ----------------------------------------------------------------------------------------------------
# Texts


def find_texts(data: Path) -> tuple[Texts, Texts | None]:
    """The texts to train on, and those to test by where there are any. Raises DataError.

    data: a folder with train.csv or train.csv.gz, and test.csv or test.csv.gz where there is one, columns text and
    label; or with train/CLASS/*.txt, and test/CLASS/*.txt.
    """
    if not data.is_dir():
        raise DataError(f"There is no folder '{data}'. Give the folder with train.csv or train.csv.gz by --data.")
    train, test = (_part(data, part) for part in ("train", "test"))
    if train is None:
        raise DataError(f"'{data}' holds neither train.csv nor train.csv.gz nor a folder train.")
    if test is not None and (strange := sorted(set(test.dataset.classes) - set(train.dataset.classes))):
        raise DataError(f"The test file in '{data}' has classes that training never saw: {', '.join(strange)}.")
    return train, test


def _part(data: Path, part: str) -> Texts | None:
    for ending in TABLES:
        if (file := data / f"{part}{ending}").is_file():
            return read_texts(file, [Wanted("label")], 1 if part == "test" else 2)
    return read_texts(data / part, (), 1 if part == "test" else 2) if (data / part).is_dir() else None


def hold_out(texts: Texts, count: int, seed: int) -> Split:
    """So many texts at random, copies on one side; the others to train on. Raises DataError where there are too few."""
    if len(texts.texts) <= count:
        raise DataError(f"{len(texts.texts):,} texts came, of which {count:,} are to be held out; more are needed.")
    taken = np.zeros(len(texts.texts), dtype=bool)
    together = {index: group for group in groups(texts.dataset, ()) for index in group}
    for index in np.random.default_rng(child(seed, "hold out")).permutation(len(taken)).tolist():
        group = together.get(index, [index])
        if not taken[index] and taken.sum() + len(group) <= count:
            taken[group] = True
    train, held = (tuple(np.flatnonzero(mask).tolist()) for mask in (~taken, taken))
    return Split(train=train, validation=held, test=(), how=f"{taken.sum():,} texts held out, seed {seed}")


# ----------------------------------------------------------------------------------------------------
# Fits


class _Reproducing:
    """One experiment under way."""

    def __init__(self, plan: Experiment, asked: Asked) -> None:
        self.plan, self.asked = plan, asked
        self.train, self.test = find_texts(asked.data)
        self.integers = own("loss", integer_crossentropy)
        self.kept = asked.out / KEPT
        self.known = files.read(self.kept, dict[str, Fitted]) if self.kept.is_file() else {}

    def told(self) -> Told:
        """Every recipe, seed by seed, as lines and notes."""
        found: dict[str, list[Fitted]] = {}
        for seed in range(self.asked.seeds):
            for name, fitted in self._of_seed(seed):
                found.setdefault(name, []).append(fitted)
        return list(self._lines(found)), self._notes(found)

    def _of_seed(self, seed: int) -> Iterator[tuple[str, Fitted]]:
        cache = cache_root()
        materials = Materials(
            self.train,
            hold_out(self.train, self.plan.held_out, seed),
            groups(self.train.dataset, ()),
            seed,
            cache,
            Paces(cache),
            self.asked.progress,
            own={self.integers.reference: self.integers},
        )
        yield from self._theirs(materials)
        for name in OURS:
            recipe = rungs.RUNGS[name].recipe(Options(), self.train.dataset)
            if self.plan.finds_epochs:
                yield name, self._fit(name, recipe, materials, test=False)
                yield from self._on_all(f"{name}, on all", recipe, materials)
            else:
                yield name, self._fit(name, recipe, materials)

    def _theirs(self, materials: Materials) -> Iterator[tuple[str, Fitted]]:
        """The seeds' network for their epochs; and for as many as were best on all texts, where they do so."""
        outputs = 1 if len(self.train.dataset.classes) == 2 else len(self.train.dataset.classes)
        network = f"the seeds' {'-'.join(map(str, (*self.plan.units, outputs)))}"
        for labels in self.plan.labels:
            recipe = self._recipe("crossentropy" if labels == "one-hot" else self.integers.reference, self.plan.epochs)
            if not self.plan.finds_epochs:
                name = f"{network}, {labels} labels"
                yield name, self._fit(name, recipe, materials)
                continue
            name = f"{network}, {self.plan.epochs} epochs"
            whole = self._fit(name, recipe, materials, test=False)
            yield name, whole
            shorter = self._recipe("crossentropy", whole.best)
            name = f"{network}, best epoch"
            yield name, self._fit(name, shorter, materials, test=False)
            yield from self._on_all(f"{name}, on all", shorter, materials)

    def _recipe(self, loss: str, epochs: int) -> Recipe:
        stage = Stage(optimizer="rmsprop", learning_rate=1e-3, batch_size=512, epochs=epochs, loss=loss)
        return Recipe(BAG, 1, arguments={"words": rungs.WORDS, "units": self.plan.units}, stages=(stage,))

    def _on_all(self, name: str, recipe: Recipe, materials: Materials) -> Iterator[tuple[str, Fitted]]:
        """Trained on the texts held out too; only a test file can say how good that is."""
        if self.test is not None:
            yield name, self._fit(name, recipe, with_validation(materials))

    def _fit(self, name: str, recipe: Recipe, materials: Materials, *, test: bool = True) -> Fitted:
        tested = self.test if test else None
        digests = (self.train.dataset.digests, tested.dataset.digests if tested else [])
        key = digest(name, recipe, materials.seed, materials.split.train, digests)
        if key not in self.known:
            self.asked.progress.say(f"Seed {materials.seed}: {name} …")
            self.known[key] = _fitted(recipe, materials, tested)
            files.write(self.known, self.kept)
        return self.known[key]

    # --- what it came to ---

    def _lines(self, found: dict[str, list[Fitted]]) -> Iterator[Line]:
        many = len(self.train.dataset.classes) > 2
        for name, fits in found.items():
            seconds, theirs = sum(one.seconds for one in fits), self.plan.theirs.get(name, "")
            if not name.endswith("on all"):
                held = tuple(one.held_out for one in fits)
                yield Line(name, "accuracy, held out", "" if "test" in theirs else theirs, held, seconds)
                if many:
                    yield Line(name, "macro F1, held out", "", tuple(one.macro_f1 for one in fits), seconds)
            if tests := tuple(one.test for one in fits if one.test is not None):
                yield Line(name, "accuracy, test", theirs, tests, seconds)

    def _notes(self, found: dict[str, list[Fitted]]) -> list[str]:
        held = self.plan.held_out
        notes = [
            f"{len(self.train.texts):,} texts, of which {held:,} are held out by each seed, copies on one side.",
            f"The test file has {len(self.test.texts):,} texts."
            if self.test
            else "There is no test file, so that nothing is trained on all texts and tested.",
            *(f"The usual figure for {name}: {told}." for name, told in self.plan.theirs.items() if not self.test),
        ]
        whole = next((fits for name, fits in found.items() if name.endswith(f"{self.plan.epochs} epochs")), [])
        if whole:
            best = ", ".join(str(one.best) for one in whole)
            notes.append(
                f"The epoch with the lowest loss on the reviews held out, seed by seed: {best}; the seeds' is 4."
            )
        return notes


def _fitted(recipe: Recipe, materials: Materials, test: Texts | None) -> Fitted:
    began = time.perf_counter()
    history: list[Epoch] = []
    fitted = ways.fit(recipe, materials, on_epoch=history.append)
    seconds = time.perf_counter() - began
    model = TextModel(fitted.learnware, fitted.tensors)
    held = np.array(materials.split.validation)
    targets, answers = materials.targets[held], model.answer(materials.content, held.tolist()).argmax(axis=1)
    return Fitted(
        trained_on=len(materials.split.train),
        held_out=float((targets == answers).mean()),
        macro_f1=float(metrics.macro_f1(targets, answers, np.ones((len(held), 1)))[0]),
        test=_tested(model, test),
        seconds=round(seconds, 2),
        epochs=len(history),
        best=_best(history),
    )


def _best(history: Sequence[Epoch]) -> int:
    return min(history, key=lambda epoch: epoch.validation_loss).epoch if history else 0


def _tested(model: TextModel, test: Texts | None) -> float | None:
    if test is None:
        return None
    answers = model.answer(test, range(len(test.texts))).argmax(axis=1)
    truth = [model.learnware.classes.index(label) for label in test.dataset.labels()]
    return float((answers == np.array(truth)).mean())
