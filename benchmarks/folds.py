"""Rungs on folds of all pictures of a data set: every picture is predicted by a model that never saw it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from benchmarks.common import timed

if TYPE_CHECKING:
    from starshift.data.labels import LabelFile

SIZE, FOLDS = 224, 5


@dataclass(frozen=True)
class Answers:
    """What one rung said of the held-out pictures of all folds."""

    rung: str
    probabilities: np.ndarray  # float32 (N, classes)
    targets: np.ndarray  # int (N,)
    seconds: list[float]  # per fold
    details: dict[str, str] = field(default_factory=dict)  # of the last fold's model

    @property
    def losses(self) -> np.ndarray:
        """Log loss of each picture: float (N,)."""
        own = self.probabilities[np.arange(len(self.targets)), self.targets]
        return -np.log(np.clip(own, np.finfo(np.float32).eps, 1))

    @property
    def right(self) -> np.ndarray:
        """Which pictures were told right: bool (N,)."""
        return self.probabilities.argmax(axis=1) == self.targets

    def figures(self) -> list[str]:
        """Accuracy, log loss and seconds per fold, as a table shows them."""
        return [f"{self.right.mean():.2%}", f"{self.losses.mean():.5f}", f"{mean(self.seconds):.1f}"]


@dataclass(frozen=True)
class Folded:
    """A data set and its folds."""

    pictures: Any
    cache: Path
    folds: list[tuple[np.ndarray, np.ndarray]]

    @classmethod
    def read(cls, photos: Path, cache: Path, *, quick: bool, labels: LabelFile | None = None) -> Folded:
        """All pictures of a folder, in FOLDS stratified folds; only the first of them where it must be quick."""
        from starshift.data.decode import Frame
        from starshift.data.read import read
        from starshift.evaluation.protocol import inner_folds

        pictures = read(photos, labels=labels, frame=Frame(SIZE), cache=cache)
        folds = inner_folds(pictures.dataset.encoded(), folds=FOLDS, seed=0)
        return cls(pictures, cache, folds[: 1 if quick else FOLDS])

    @property
    def in_words(self) -> str:
        """How many pictures and folds."""
        held = sum(len(test) for _, test in self.folds)
        return f"{held:,} pictures, {len(self.folds)} folds" + (" (run with --quick)" if len(self.folds) == 1 else "")

    def climb(self, rung: str, *, bases: tuple[str, ...] = (), seed: int = 0) -> Answers:
        """Fit a rung on each fold, by its own code, and ask it about what was held out."""
        from starshift.compose.predictor import Predictor
        from starshift.ladder import fit as family
        from starshift.ladder.answering import predict_part
        from starshift.ladder.families import find
        from starshift.ladder.materials import Materials
        from starshift.ladder.options import Options
        from starshift.ladder.paces import Paces
        from starshift.learnware import package
        from starshift.progress import Silent
        from starshift.records import Predictions, Split

        recipe = find(rung).recipe(Options(bases=bases), self.pictures.dataset)
        found, seconds, models = [], [], []
        for train, held in self.folds:
            split = Split(tuple(train.tolist()), tuple(held.tolist()), (), "benchmark")
            materials = Materials(self.pictures, split, (), seed, self.cache, Paces(self.cache), Silent())

            def one(materials=materials, split=split) -> None:
                model = family.fit(recipe, materials, on_epoch=lambda epoch: None)
                learnware = package.write(model.learnware, model.tensors, self.cache / "model")
                predictor = Predictor(learnware, model.tensors, self.cache)
                answers = cast(Predictions, predict_part(predictor, materials, split.validation))
                found.append(answers.probabilities)
                models.append(model)

            seconds.append(timed(one))
            print(f"{rung}: fold {len(found)} of {len(self.folds)}, {seconds[-1]:.0f} s", flush=True)
        held_out = np.concatenate([held for _, held in self.folds])
        targets = self.pictures.dataset.encoded()[held_out]
        return Answers(rung, np.concatenate(found), targets, seconds, models[-1].details or {})


def of_given_parts(pictures: Any, cache: Path) -> Any:
    """Materials of a data set as its own folders divide it, with nobody to talk to."""
    from starshift.ladder.materials import Materials
    from starshift.ladder.paces import Paces
    from starshift.progress import Silent
    from starshift.records import Split

    train, validation = (
        tuple(row for row, one in enumerate(pictures.dataset.examples) if one.part == part)
        for part in ("train", "validation")
    )
    return Materials(pictures, Split(train, validation, (), "given"), (), 0, cache, Paces(cache), Silent())


def paired(first: Answers, second: Answers) -> str:
    """The second's log loss less the first's, picture by picture, with an interval; and who told more right."""
    difference = second.losses - first.losses
    change, margin = difference.mean(), 1.96 * difference.std(ddof=1) / len(difference) ** 0.5
    better, worse = int((second.right & ~first.right).sum()), int((first.right & ~second.right).sum())
    return (
        f"{second.rung} against {first.rung}: log loss {change:+.5f}, 95 % interval {change - margin:+.5f} to "
        f"{change + margin:+.5f}, picture by picture; {better} pictures more told right, {worse} fewer."
    )
