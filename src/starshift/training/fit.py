"""The only training loop: network, examples, split and stages → a trained network and its history."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from starshift import seeds
from starshift.data.batches import Batches
from starshift.errors import TrainingDiverged, UsageError
from starshift.models.heads import scale_tensors
from starshift.recipe import UNCERTAINTY, Recipe, Stage
from starshift.records import Epoch, Split, Target
from starshift.training import feed, losses
from starshift.training.compiling import Compiled, compile_model, with_uncertainty
from starshift.training.feed import Labels
from starshift.training.keras_setup import load_keras, precision, training_policy
from starshift.training.losses import Objective
from starshift.training.metrics import measure
from starshift.training.optimizers import rate_at
from starshift.training.weights import Average, Weights, are_finite, read_weights, write_weights

VALIDATION_BATCH, VALIDATION_ROWS = 50, 256
"""Pictures, or other examples, per step when nothing is learned; no result depends on it."""


@dataclass(frozen=True)
class Trained:
    """A trained network. weights: float32 arrays by their path in the network, e.g. "conv1/kernel"."""

    weights: Weights
    history: tuple[Epoch, ...]
    policy: str  # the Keras dtype policy that was computed in
    kept: str  # which weights these are: "of the last epoch", …
    diverged: str = ""  # why it ended before its time, in a sentence; the weights are of the last good epoch
    scales: Weights = field(default_factory=dict)  # tensors that belong to the model: see models.heads.scale_tensors

    @property
    def parameters(self) -> int:
        """How many numbers the weights are."""
        return sum(array.size for array in self.weights.values())


@dataclass(frozen=True)
class Callbacks:
    """Whom a training tells what: steps done and steps in all, and each epoch."""

    on_step: Callable[[int, int], None] | None = None
    on_epoch: Callable[[Epoch], None] | None = None


def train(
    recipe: Recipe,
    build: Callable[[], Any],
    inputs: Any,
    targets: np.ndarray | Sequence[np.ndarray],
    split: Split,
    *,
    heads: Sequence[Target],
    seed: int,
    larger: Any = None,
    groups: Sequence[Sequence[int]] = (),
    policy: str | None = None,
    own: Mapping[str, Any] | None = None,
    soft: np.ndarray | None = None,
    on_step: Callable[[int, int], None] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Trained:
    """Train a network by the recipe's stages.

    build: makes the Keras model, inputs → what models.heads.heads_on gives, under the policy that is set here. The
        first outputs are the heads, in the order of `heads`; those after are auxiliary, as many times all heads as
        there are: their losses are added with AUXILIARY_WEIGHT, their weights are dropped at the end.
    inputs: array-like (N, …), what the model will be asked about: pictures, uint8 (N, size, size, C), which stages may
        augment; or rows, token ids, sequences, activations, of any dtype, which are batched as they are (floats may be
        mixed). A sparse matrix of SciPy is made dense batch by batch.
    targets: labels as Target.encode has them; of several heads, a list of them. A missing label teaches nothing.
    heads: what is predicted; the first leads: accuracy is of it. What the losses of several count, each stage says.
    larger: the same pictures with a larger side, to be augmented from; `inputs` if None.
    groups: examples that stay together where a stage's patience holds some out, as lists of indices.
    policy: the Keras dtype policy to compute in; the fastest of this machine if None.
    own: losses and metrics of the user's own that stages name, by their reference.
    soft: what a teacher says of the inputs, in the form of the head, float32 (N, outputs), NaN where it was not asked;
        for recipes with teaching, which have one head.
    on_step: called with steps done and steps in all. on_epoch: called after each epoch.
    A loss that is no longer finite ends the training; the weights of the last good epoch are then what is returned.
    Raises TrainingDiverged where no epoch was good; UsageError where too few examples are there to hold out some,
    where a number has no label in the training part, and for as many loss weights as there are no heads.
    """
    keras = load_keras()
    policy = policy or training_policy()
    keras.utils.set_random_seed(seeds.child(seed, "weights"))
    encoded = (targets,) if isinstance(targets, np.ndarray) else tuple(targets)
    teaching = recipe.teaching or None
    taught = losses.Taught(teaching.temperature, teaching.soft) if teaching and soft is not None else None
    objectives = losses.objectives_for(heads, encoded, np.array(split.train), taught)
    with precision(policy):
        model = with_uncertainty(build(), recipe, len(objectives))
    data = _Data(feed.rows_of(inputs), larger, Labels(objectives, encoded, soft), split)
    training = _Training(recipe, model, data, seed, Callbacks(on_step, on_epoch), groups, own or {})
    diverged = ""
    try:
        for number, stage in enumerate(recipe.stages):
            training.run(number, stage)
    except TrainingDiverged as lost:
        if not training.kept:
            raise
        diverged = f"{lost} The weights of epoch {training.kept_epoch} were kept."
    kept = {variable.path: training.kept[variable.path] for variable in training.answering.weights}
    scales = scale_tensors([one.scale for one in objectives])
    return Trained(kept, tuple(training.history), policy, training.kept_in_words(), diverged, scales)


@dataclass(frozen=True)
class _Data:
    """What a training looks at; see `train`."""

    inputs: Any
    larger: Any
    labels: Labels
    split: Split

    @property
    def size(self) -> int:
        """The pictures' side in px, at which the network will be asked; of other inputs a number that nothing uses."""
        return int(self.inputs.shape[1])

    @property
    def noun(self) -> str:
        """What one example is called."""
        return "picture" if feed.are_pictures(self.inputs) else "example"

    @property
    def batch(self) -> int:
        """Examples per step when nothing is learned."""
        return VALIDATION_BATCH if feed.are_pictures(self.inputs) else VALIDATION_ROWS

    def unchanged(self, indices: np.ndarray, size: int) -> tuple[np.ndarray, list[np.ndarray]]:
        """Some examples as they are, pictures at that side, and their labels head by head."""
        return feed.shrunk(self.inputs[indices], size), self.labels.divided(self.labels[indices])


@dataclass
class _Training:
    """A training under way."""

    recipe: Recipe
    model: Any
    data: _Data
    seed: int
    callbacks: Callbacks
    groups: Sequence[Sequence[int]]
    own: Mapping[str, Any]
    history: list[Epoch] = field(default_factory=list)
    kept: Weights = field(default_factory=dict)
    kept_epoch: int = 0
    steps_done: int = 0

    def __post_init__(self) -> None:
        # The layer that only weighs losses stands behind the network's own outputs.
        layer = next((one for one in self.model.layers if one.name == UNCERTAINTY), None)
        outputs, heads = list(self.model.outputs if layer is None else layer.input), len(self.objectives)
        answering = outputs[0] if heads == 1 else outputs[:heads]
        whole = layer is None and len(outputs) == heads
        self.answering = self.model if whole else load_keras().Model(self.model.inputs, answering)
        self.learning, self.deciding = np.array(self.data.split.train), np.array([], int)
        if any(stage.patience for stage in self.recipe.stages):
            seed = seeds.child(self.seed, "hold out")
            strata = self.objectives[0].target.strata_of(self.data.labels.encoded[0])
            self.learning, self.deciding = feed.hold_out(self.learning, strata, self.groups, seed, self.data.noun)
        self.steps_in_all = sum(stage.epochs * self._steps(stage) for stage in self.recipe.stages)

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What the heads are trained for."""
        return self.data.labels.objectives

    def _steps(self, stage: Stage) -> int:
        return stage.steps_per_epoch or -(-len(self.learning) // stage.batch_size)

    def run(self, number: int, stage: Stage) -> None:
        """One stage; leaves the weights that it keeps in the model."""
        compiled = compile_model(self.model, stage, self._steps(stage), self._weighed(stage), self.own)
        average = Average(self.model, stage.average) if stage.average else None
        lowest, waited = math.inf, 0
        for epoch in range(stage.epochs):
            began = time.perf_counter()
            learned = self._learn(number, stage, epoch, compiled, average)
            weights = average.copy() if average else read_weights(self.model)
            with self._holding(weights) if average else contextlib.nullcontext():  # else it has them already
                decision = self._judge(stage, epoch, compiled, learned, began)
            if not stage.patience or decision < lowest:
                lowest, waited, self.kept, self.kept_epoch = decision, 0, weights, len(self.history)
            elif (waited := waited + 1) >= stage.patience:
                break
        write_weights(self.model, self.kept)

    def _weighed(self, stage: Stage) -> tuple[Objective, ...]:
        """The objectives with what their losses count in a stage: as it says, or by the scale of each."""
        if len(self.objectives) == 1:
            return self.objectives
        if isinstance(stage.loss_weights, tuple):
            weights = stage.loss_weights
            if len(weights) != len(self.objectives):
                raise UsageError(f"{len(weights)} loss weights do not fit {len(self.objectives)} targets.")
        else:
            labels = self.data.labels
            weights = losses.balanced_weights(
                [
                    losses.best_constant_loss(one, labels.of(place, self.learning), stage.loss, self.own)
                    for place, one in enumerate(self.objectives)
                ]
            )
        return tuple(replace(one, weight=weight) for one, weight in zip(self.objectives, weights, strict=True))

    def _learn(
        self, number: int, stage: Stage, epoch: int, compiled: Compiled, average: Average | None
    ) -> tuple[float, float]:
        """An epoch's steps: mean loss and leading figure of what was learned from, while the weights moved.

        Raises TrainingDiverged at a loss or a weight that is not finite.
        """
        outputs, weights = len(self.model.outputs), self._class_weights(stage)
        sums, seen = np.zeros((len(compiled.heads), 2)), np.zeros((len(compiled.heads), 2))
        with contextlib.closing(self._batches(number, stage, epoch).epoch(len(self.history))) as batches:
            for step, (inputs, shaped) in enumerate(batches):
                parts = self.data.labels.divided(shaped)
                answers = parts[0] if outputs == 1 else parts * (outputs // len(parts))
                counting = _counting(self.objectives, parts, weights, stage, outputs)
                found = self.model.train_on_batch(inputs, answers, sample_weight=counting, return_dict=True)
                loss = float(found["loss"])
                if not math.isfinite(loss):
                    raise self._diverged(f"The loss became {loss}", stage, compiled.steps, epoch, step)
                known = np.array([_counts(one, part) for one, part in zip(self.objectives, parts, strict=True)])
                # Keras forgets its metrics with every train_on_batch.
                sums += known * [[float(one.result()) for one in head.metrics] for head in compiled.heads]
                seen += known
                if average:
                    average.update()
                self.steps_done += 1
                if self.callbacks.on_step:
                    self.callbacks.on_step(self.steps_done, self.steps_in_all)
        if not are_finite(read_weights(self.model)):
            raise self._diverged("A weight became NaN or infinite", stage, compiled.steps, epoch, compiled.steps - 1)
        means = sums / np.maximum(seen, 1)
        return compiled.total(means[:, 0].tolist()), float(means[0, 1])

    def _class_weights(self, stage: Stage) -> list[np.ndarray | None]:
        """What an example of each class counts in a stage's losses, head by head; None where all count the same."""
        labels = self.data.labels
        return labels.class_weights(self.learning) if stage.balance else [None] * len(self.objectives)

    def _batches(self, number: int, stage: Stage, epoch: int) -> Batches:
        data = self.data
        size = feed.size_at(stage, epoch, data.size)
        from_larger = data.larger is not None and feed.changes_pixels(stage, data.size, size)
        return feed.training_batches(
            data.larger if from_larger else data.inputs,
            data.labels,
            self.learning,
            stage,
            size=size,
            mixing=epoch < stage.epochs - stage.plain_epochs,
            seed=seeds.child(self.seed, "batches", number),
        )

    def _diverged(self, what: str, stage: Stage, steps: int, epoch: int, step: int) -> TrainingDiverged:
        rate = rate_at(stage, steps, epoch * steps + step)
        return TrainingDiverged(
            f"{what} in epoch {len(self.history) + 1}, step {step + 1}, at a learning rate of {rate:g}. "
            "Try a smaller learning rate."
        )

    @contextlib.contextmanager
    def _holding(self, weights: Weights) -> Iterator[None]:
        """Have these weights in the model, and afterwards those that were learned."""
        learned = read_weights(self.model)
        write_weights(self.model, weights)
        try:
            yield
        finally:
            write_weights(self.model, learned)

    def _judge(self, stage: Stage, epoch: int, compiled: Compiled, learned: tuple[float, float], began: float) -> float:
        """Write down the epoch; returns what decides when to stop: the loss on examples held out for that."""
        size = feed.size_at(stage, epoch, self.data.size)
        validation = np.array(self.data.split.validation)
        found = self._measure(validation, size, compiled, [None] * len(compiled.heads))
        decision = 0.0
        if stage.patience:
            held = self._measure(self.deciding, size, compiled, self._class_weights(stage))
            decision = compiled.total([one.loss for one in held])
        if math.isnan(decision):
            what = f"The loss on the {self.data.noun}s held out became nan"
            raise self._diverged(what, stage, compiled.steps, epoch, compiled.steps - 1)
        seconds = round(time.perf_counter() - began, 3)
        target = self.objectives[0].target
        record = Epoch(
            len(self.history) + 1,
            seconds,
            *learned,
            compiled.total([one.loss for one in found]),
            found[0].figure,
            self._figures(stage, validation, found),
            losses.figure_name(target),
        )
        self.history.append(record)
        if self.callbacks.on_epoch:
            self.callbacks.on_epoch(record)
        return decision

    def _figures(self, stage: Stage, validation: np.ndarray, found: Sequence[_Measured]) -> dict[str, float]:
        """The stage's metrics of the leading target, and the leading figures of the others, by name."""
        figures: dict[str, float] = {}
        if stage.metrics:
            labels = self.data.labels.encoded[0][validation]
            figures |= measure(stage.metrics, self.objectives[0].target, labels, found[0].outputs, self.own)
        for one, measured in list(zip(self.objectives, found, strict=True))[1:]:
            figures[f"{losses.figure_name(one.target)} of {one.target.name}"] = measured.figure
        return figures

    def _measure(
        self, indices: np.ndarray, size: int, compiled: Compiled, weights: Sequence[np.ndarray | None]
    ) -> list[_Measured]:
        """Every head on examples that are not learned from.

        weights: of each head, float32 (classes,), what an example of each class counts in the loss; 1 where None.
        """
        sums, seen = np.zeros((len(compiled.heads), 2)), np.zeros((len(compiled.heads), 2))
        said: list[list[np.ndarray]] = [[] for _ in compiled.heads]
        for start in range(0, len(indices), self.data.batch):
            inputs, parts = self.data.unchanged(indices[start : start + self.data.batch], size)
            outputs = self.answering.predict_on_batch(inputs)
            every = [outputs] if len(parts) == 1 else list(outputs)
            for place, (head, part, answer) in enumerate(zip(compiled.heads, parts, every, strict=True)):
                counting = feed.counting(self.objectives[place].labels(part), weights[place], 0.0)
                said[place].append(answer)
                sums[place, 0] += float(np.sum(head.loss(part, answer) * (1 if counting is None else counting)))
                sums[place, 1] += float(np.sum(head.figure(part, answer)))
                seen[place] += _counts(self.objectives[place], part)
        means = sums / np.maximum(seen, 1)
        return [
            _Measured(float(loss), float(figure), np.concatenate(answers))
            for (loss, figure), answers in zip(means, said, strict=True)
        ]

    def kept_in_words(self) -> str:
        """Which weights were kept."""
        stage = self.recipe.stages[-1]
        averaged = f", averaged over steps (momentum {stage.average:g})" if stage.average else ""
        if stage.patience:
            held = f"{len(self.deciding):,} training {self.data.noun}s held out to stop by"
            return f"of epoch {self.kept_epoch}, which had the lowest loss on {held}{averaged}"
        last = self.kept_epoch == sum(one.epochs for one in self.recipe.stages)
        return f"of {'the last epoch' if last else f'epoch {self.kept_epoch}'}{averaged}"


@dataclass(frozen=True)
class _Measured:
    """How a head does on some examples."""

    loss: float
    figure: float
    outputs: np.ndarray  # float32 (n, outputs)


def _by_what_is_known(objective: Objective, part: np.ndarray) -> np.ndarray:
    """Labels, and where they lack what a teacher says: float32 (n, outputs)."""
    labels = objective.labels(part)
    return np.where(np.isnan(labels), part[:, labels.shape[1] :], labels) if objective.taught else labels


def _counts(objective: Objective, part: np.ndarray) -> tuple[float, float]:
    """How many rows count in the loss, and how many in the figure."""
    learned, judged = objective.known(part)
    return float(learned.sum()), float(judged.sum())


def _counting(
    objectives: Sequence[Objective],
    parts: Sequence[np.ndarray],
    weights: Sequence[np.ndarray | None],
    stage: Stage,
    outputs: int,
) -> np.ndarray | list[np.ndarray] | None:
    """What each example of a batch counts, as Keras takes it: for one head an array, for several one per output."""
    found = [
        feed.counting(_by_what_is_known(objective, part), one, stage.label_smoothing)
        for objective, part, one in zip(objectives, parts, weights, strict=True)
    ]
    if len(found) == 1 or all(one is None for one in found):
        return found[0]
    whole = [np.ones(len(part), np.float32) if one is None else one for part, one in zip(parts, found, strict=True)]
    return whole * (outputs // len(parts))
