"""How much of a model's answer is luck: heads fitted on other samples of the training part, alone and averaged.

An ensemble lowers the variance of what it is asked (seed 001, "Ensemble methods"); where its members are unlike, so
that they say nothing of it, one of them is fitted again and again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from msgspec import structs

from starshift import seeds
from starshift.compose import ensemble
from starshift.evaluation.permits import rows_for
from starshift.execution import map_ordered
from starshift.ladder.ensemble import drawn, opened, said_of
from starshift.ladder.inside import TOGETHER
from starshift.ladder.linear import bootstrap_head_seconds
from starshift.ladder.materials import HeldOut, Materials, Model
from starshift.models.classical import LinearHead, fit_alike
from starshift.records import EnsembleRecord, Variance

HEADS = 25
"""Of these, five ensembles of five share no member."""

AFFORDABLE_SECONDS = 15.0
"""What the heads may take; a figure that explains is not worth more."""

LEFT_OUT_VIEWS = "none of its members is a linear head on pictures as they are, which could be fitted again in a moment"


def with_variance(
    record: EnsembleRecord | None, model: Model, materials: Materials, indices: tuple[int, ...]
) -> EnsembleRecord | None:
    """The record with the variance that an ensemble removes, or with the reason why nobody measured it.

    indices: of the examples that the models are asked about. What members that are alike say of it stays.
    """
    if record is None or record.variance is not None:
        return record
    found = _chosen(model)
    if found is None:
        return structs.replace(record, no_variance=LEFT_OUT_VIEWS)
    member, head = found
    seconds = HEADS * bootstrap_head_seconds(materials, len(head.kernel))
    if seconds > AFFORDABLE_SECONDS:
        return structs.replace(record, no_variance=f"{HEADS} more heads would take about {seconds:.0f} s")
    return structs.replace(record, variance=_Refitted(member, head, materials).variance(indices))


def _chosen(model: Model) -> tuple[Model, LinearHead] | None:
    """The first member that is a linear head on plain pictures."""
    return next(
        ((one, one.head) for one in model.members if one.head and not one.learnware.arguments.get("views")), None
    )


@dataclass(frozen=True)
class _Refitted:
    """A member's head, fitted on other samples."""

    member: Model
    head: LinearHead
    materials: Materials

    def variance(self, indices: tuple[int, ...]) -> Variance:
        answers = self._answers(np.asarray(indices))
        single, together = (ensemble.variance(answers, size) for size in (1, TOGETHER))
        what = f"{self.member.learnware.name}, its head fitted on {HEADS} bootstrap samples of the training part"
        return Variance(what, single, HEADS, TOGETHER, together)

    def _answers(self, indices: np.ndarray) -> list[np.ndarray]:
        """What each head says of the examples: float32 (n, classes) each."""
        import scipy.optimize  # noqa: F401  as in models.classical.fit_head
        from threadpoolctl import threadpool_limits

        features, targets = self._training
        generator = np.random.default_rng(seeds.child(self.materials.seed, "variance"))
        samples = [drawn(targets, generator) for _ in range(HEADS)]

        def fitted(rows: np.ndarray) -> HeldOut:
            kernel, bias = fit_alike(
                self.head,
                features[rows],
                targets[rows],
                classes=len(self.materials.dataset.classes),
                balance=bool(self.member.learnware.arguments.get("balance")),
            )
            return HeldOut(indices, self.member.learnware, {"head/kernel": kernel, "head/bias": bias})

        with threadpool_limits(1, user_api="blas"):
            heads = list(map_ordered(fitted, samples))
        return [said_of(one, self.materials, indices) for one in heads]

    @property
    def _training(self) -> tuple[np.ndarray, np.ndarray]:
        """Features and classes of the training part, from the cache."""
        materials = self.materials
        train = rows_for("weights", materials.split)
        train = train[materials.targets[train] >= 0]
        digests = [materials.dataset.digests[index] for index in train]
        predictor = opened(self.member, materials)
        features = predictor.bases.stored(digests, lambda: materials.pixels(predictor.frame, train.tolist()))
        return features, materials.targets[train]
