"""One course of gradient training, as a value that is checked when it is made."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Struct, UnsetType

from starshift.augmentation import Augmentation
from starshift.errors import UsageError
from starshift.recipe.words import is_a, is_own, near
from starshift.records.target import Kind, Target

OPTIMIZERS = ("rmsprop", "adam", "adamw", "sgd", "muon")
SCHEDULES = ("constant", "cosine")
LOSSES = ("crossentropy", "binary crossentropy", "focal", "mean squared error")
"""By name; "crossentropy" stands for the loss that belongs to a target's kind, whatever it is: training.losses."""

_LOSS_KINDS: dict[str, tuple[Kind, ...]] = {
    "binary crossentropy": ("binary", "multi-label", "share"),
    "focal": ("binary", "multi-class", "multi-label"),
    "mean squared error": ("binary", "multi-class", "multi-label", "regression", "share"),
}


def suits(loss: str, target: Target) -> bool:
    """Whether a loss of LOSSES, or of the user's own, is one for targets of this kind."""
    return target.kind in _LOSS_KINDS.get(loss, (target.kind,))


BALANCED, UNCERTAINTY = "balanced", "uncertainty"
"""How the losses of several targets are weighed, where no numbers say it: by the scale of each, or learned."""

METRICS = ("auc", "balanced accuracy", "brier", "log loss", "macro f1", "top-5")
"""What can be computed on the validation pictures after each epoch, beside accuracy; see training.metrics."""


FEWEST_STEPS = 16
"""Batches per epoch at the least, where data are few."""


class Stage(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One course of gradient training."""

    optimizer: str = "rmsprop"  # a name in OPTIMIZERS; "sgd" has Nesterov's momentum of 0.9
    learning_rate: float = 1e-4  # peak, after warm-up
    schedule: str = "constant"  # "cosine" falls to 0 at the end
    warmup_epochs: float = 0.0  # during which the learning rate rises linearly from 0
    weight_decay: float = 0.0  # decoupled, of kernels only: each step takes learning rate times this of them away
    batch_size: int = 20  # pictures per step
    epochs: int = 30
    steps_per_epoch: int = 0  # 0: as many as one pass over the training pictures takes
    loss: str = "crossentropy"  # a name in LOSSES, or a function of one's own: see is_own
    label_smoothing: float = 0.0  # share of each target that is spread over all classes
    augmentation: Augmentation = Augmentation()
    plain_epochs: int = 0  # epochs at the end in which pictures are no longer mixed
    sizes: tuple[int, ...] = ()  # sides of the pictures in px, over equal parts of the epochs; none: the recipe's
    average: float = 0.0  # momentum of the weights' exponential average, per step; 0: none is kept
    patience: int = 0  # epochs without a better loss on pictures held out of training before it stops; 0: never
    # Names in METRICS, or of one's own. Left out of the JSON where there are none, so that the digests of recipes
    # stay what they were before there were metrics, and finished rungs are known again.
    metrics: tuple[str, ...] | UnsetType = UNSET
    # Whether every class counts the same in the loss, however many pictures it has; left out where it does not.
    balance: bool | UnsetType = UNSET
    # What the losses of several targets count, in their order, or "uncertainty"; left out where scales balance them.
    loss_weights: tuple[float, ...] | str | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.loss_weights == BALANCED:
            msgspec.structs.force_setattr(self, "loss_weights", UNSET)
        for name in ("metrics", "balance", "loss_weights"):
            if not getattr(self, name):
                msgspec.structs.force_setattr(self, name, UNSET)
        if problems := _stage_problems(self):
            raise UsageError(problems)

    def with_enough_steps(self, examples: int, fewest: int = FEWEST_STEPS, most: int | None = None) -> Stage:
        """The same with epochs of one pass over the examples, or of as many steps as are fewest or most.

        A pass over few examples has so few batches that it teaches little, and half an epoch of warm-up warms nothing.
        """
        one_pass = -(-examples // self.batch_size)
        steps = max(one_pass, fewest)
        if most is not None:
            steps = min(steps, most)
        return msgspec.structs.replace(self, steps_per_epoch=0 if steps == one_pass else steps)


_MOST = {"batch_size": 4096, "epochs": 100_000, "steps_per_epoch": 1_000_000}
"""More would fill the memory, or be a slip of the pen."""


def _stage_problems(stage: Stage) -> list[str]:
    problems = [
        f"{title} {value!r} is not known.{near(value, known)}"
        for title, value, known in (
            ("Optimizer", stage.optimizer, OPTIMIZERS),
            ("Schedule", stage.schedule, SCHEDULES),
            ("Loss", stage.loss, LOSSES),
            *(("Metric", name, METRICS) for name in stage.metrics or ()),
        )
        if value not in known and not (known in (LOSSES, METRICS) and is_own(value))
    ]
    metrics = stage.metrics or ()
    problems += [f"Metric {name!r} is named twice." for name in dict.fromkeys(metrics) if metrics.count(name) > 1]
    if not 0 < stage.learning_rate < float("inf"):
        problems.append(f"The learning rate must be above 0; it is {stage.learning_rate}.")
    problems += [
        f"{name} must be at least {least}; it is {getattr(stage, name)}."
        for name, least in {
            "batch_size": 1,
            "epochs": 1,
            "steps_per_epoch": 0,
            "warmup_epochs": 0,
            "weight_decay": 0,
            "plain_epochs": 0,
            "patience": 0,
        }.items()
        if not getattr(stage, name) >= least
    ]
    problems += [
        f"{name} must be at most {most:,}; it is {getattr(stage, name):,}."
        for name, most in _MOST.items()
        if getattr(stage, name) > most
    ]
    problems += [
        f"{name} must be at least 0 and below 1; it is {getattr(stage, name)}."
        for name in ("label_smoothing", "average")
        if not 0 <= getattr(stage, name) < 1
    ]
    problems += [f"A side of {size} px in sizes is below 1." for size in stage.sizes if size < 1]
    problems += loss_weight_problems(stage.loss_weights or BALANCED)
    return problems or _quarrels(stage)


def loss_weight_problems(weights: tuple[float, ...] | str) -> list[str]:
    """What is wrong with what losses shall count, as sentences."""
    if isinstance(weights, str):
        known = (BALANCED, UNCERTAINTY)
        return [] if weights in known else [f"Loss weights {weights!r} are not known.{near(weights, known)}"]
    if all(is_a(float, weight) and 0 < weight < float("inf") for weight in weights):
        return []
    return [f"Loss weights are numbers above 0, one for each target; {', '.join(map(str, weights))} came."]


def _quarrels(stage: Stage) -> list[str]:
    """What of a stage cannot work together, or would change nothing."""
    problems = []
    if stage.loss == "focal" and (stage.augmentation.mixes or stage.label_smoothing):
        problems.append(
            "The focal loss is made for targets of one true class; mixup, cutmix and label_smoothing leave none. Take "
            "crossentropy, or do without them."
        )
    if stage.plain_epochs and not stage.augmentation.mixes:
        problems.append(f"plain_epochs {stage.plain_epochs} are without mixing, and the policy mixes nothing.")
    if stage.plain_epochs >= stage.epochs and stage.augmentation.mixes:
        problems.append(f"plain_epochs {stage.plain_epochs} leave none of {stage.epochs} epochs for mixing.")
    if stage.warmup_epochs >= stage.epochs:
        problems.append(f"warmup_epochs {stage.warmup_epochs:g} leave none of {stage.epochs} epochs at full rate.")
    if len(stage.sizes) > stage.epochs:
        problems.append(f"{len(stage.sizes)} sizes do not fit into epochs {stage.epochs}.")
    if stage.patience and len(set(stage.sizes)) > 1:
        problems.append(
            "patience compares the losses of epochs, which cannot be compared where sizes grow. Give one or the other."
        )
    if stage.patience >= stage.epochs:
        problems.append(f"patience {stage.patience} never ends a training of {stage.epochs} epochs.")
    return problems
