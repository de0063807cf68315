"""The `fine-tuned` builder as a rung: a head on the frozen base first, then the base's top opened with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from starshift import seeds
from starshift.compose.finetuned import BESIDE
from starshift.compose.views import PLAIN
from starshift.ladder import frozen, networks
from starshift.ladder.activations import Rows, Source
from starshift.ladder.linear import MIRRORED
from starshift.ladder.materials import Materials, Model
from starshift.ladder.rungs import STRENGTHS
from starshift.ladder.unfitted import unfitted
from starshift.recipe import HEADS, JOINING, Recipe
from starshift.records import Epoch, Learnware

if TYPE_CHECKING:
    from starshift.training.fit import Trained

POLICY = "float32"
"""What is opened is trained in float32: steps at a small learning rate, on depthwise convolutions that bfloat16 does
not speed up (206 pictures a second against 189 behind block_12_add of MobileNetV2)."""

CONVERSION_SECONDS = 8.0
"""Converting and opening the whole network, so that it can be used without Keras."""


def depends_on(recipe: Recipe, materials: Materials) -> tuple[object, ...]:
    """What the rung's result depends on beyond recipe and data: weights, precision. Raises MissingWeights."""
    tuning = _Tuning(recipe, materials)
    return frozen.depends_on(tuning.beside or tuning.features((recipe.arguments["base"],), HEADS[0]), materials)


def depended_on(learnware: Learnware) -> tuple[object, ...]:
    """The same of a model that is there, by what it says of itself."""
    return tuple((reference.digest, learnware.precision) for reference in learnware.bases)


def predict_seconds(recipe: Recipe, materials: Materials) -> float:
    """How long `fit` will take: heads, activations that are not stored yet, training, conversion."""
    tuning = _Tuning(recipe, materials)
    heads = sum(frozen.predict_seconds(one, materials) for one in tuning.heads)
    return heads + training_seconds(recipe, materials)


def fit(recipe: Recipe, materials: Materials, on_epoch: Callable[[Epoch], None]) -> Model:
    """The head first, on frozen features; then the head and what is opened of the base together."""
    tuning = _Tuning(recipe, materials)
    start = frozen.fit(tuning.start, materials, on_epoch) if tuning.start else None
    trained = tuning.train(start, tuning.source.rows(), on_epoch)
    beside = frozen.fit(tuning.beside, materials) if tuning.beside else None
    base = tuning.source.base
    bases = beside.learnware.bases if beside else (base.reference,)
    learnware = unfitted(recipe, materials, bases=bases, precision=base.precision)
    tensors = trained.tensors | ({f"{BESIDE}{name}": array for name, array in beside.tensors.items()} if beside else {})
    return Model(learnware, tensors, trained.history, tuning.details(trained, start, beside), networks.NONDETERMINISTIC)


def continued(
    recipe: Recipe, materials: Materials, start: dict[str, np.ndarray], on_epoch: Callable[[Epoch], None]
) -> Model:
    """A head, and what else is opened, trained further from where they stood.

    start: the head's tensors at least, by the names of models.opened. The recipe's `beside` is not looked at.
    """
    tuning = _Tuning(recipe, materials)
    base = tuning.source.base
    learnware = unfitted(recipe, materials, bases=(base.reference,), precision=base.precision)
    trained = tuning.train(Model(learnware, start), tuning.source.rows(), on_epoch)
    details = tuning.details(trained, None, None)
    return Model(learnware, trained.tensors, trained.history, details, networks.NONDETERMINISTIC)


def training_seconds(recipe: Recipe, materials: Materials) -> float:
    """How long `continued` will take."""
    tuning = _Tuning(recipe, materials)
    return tuning.source.seconds() + tuning.seconds() + CONVERSION_SECONDS


@dataclass(frozen=True)
class _Trained:
    """What came of the training by gradient steps."""

    tensors: dict[str, np.ndarray]  # the head and what is opened, by the names of models.opened
    history: tuple[Epoch, ...]
    opened: Trained  # the network, without the history of the head's start


@dataclass(frozen=True)
class _Tuning:
    """A recipe on its materials."""

    recipe: Recipe
    materials: Materials

    @cached_property
    def source(self) -> Source:
        """What is trained on."""
        return Source(self.recipe, self.materials)

    @property
    def head(self) -> str:
        """The kind of head: a name in recipe.HEADS."""
        return str(self.recipe.arguments.get("head", HEADS[0]))

    @cached_property
    def start(self) -> Recipe | None:
        """The first stage: `features` with the same base and head, where the second starts; none if both are one."""
        return (
            None if self.recipe.arguments.get("merged") else self.features((self.recipe.arguments["base"],), self.head)
        )

    @cached_property
    def beside(self) -> Recipe | None:
        """`features` whose answers are averaged with those of the opened network, if the recipe wants that."""
        bases = self.recipe.arguments.get("beside", ())
        if not bases:
            return None
        beside = self.features(tuple(bases), HEADS[0])
        joining = {JOINING: True} if self.recipe.arguments.get(JOINING) else {}
        return msgspec.structs.replace(beside, arguments={**beside.arguments, **joining})

    @property
    def heads(self) -> list[Recipe]:
        """All heads on frozen features, each once."""
        both = [self.start, self.beside]
        return [one for number, one in enumerate(both) if one and one not in both[:number]]

    def features(self, bases: tuple[str, ...], head: str) -> Recipe:
        """`features` on some bases, with the same pictures."""
        given = self.recipe.arguments
        arguments: dict[str, Any] = (
            {"bases": bases, "strengths": given.get("strengths", STRENGTHS)}
            if head == HEADS[0]
            else {"bases": bases, "head": head}
        )
        if any(stage.balance for stage in self.recipe.stages):
            arguments["balance"] = True  # or the head would start where the commonest class is favoured
        return Recipe("frozen", self.recipe.size, self.recipe.fit, arguments)

    @cached_property
    def _staged(self) -> Recipe:
        """For the training loop: pixels are augmented there, and of views an epoch takes one for each picture."""
        pictures = len(self.materials.split.train)
        stages = []
        for stage in self.recipe.stages:
            if self.source.from_pixels:
                mixing = {name: getattr(stage.augmentation, name) for name in ("mixup", "cutmix")}
                change: dict[str, Any] = {"augmentation": msgspec.structs.replace(self.source.policy, **mixing)}
            else:
                change = {"steps_per_epoch": stage.steps_per_epoch or -(-pictures // stage.batch_size)}
            stages.append(msgspec.structs.replace(stage, **change))
        return msgspec.structs.replace(self.recipe, stages=tuple(stages))

    def build(self) -> Any:
        """The network that is trained, with the base's weights and a random head."""
        from starshift.models import opened

        base = self.source.base
        return opened.build(
            base.base,
            base.own_weights(),
            size=self.recipe.size,
            cut=self.source.trunk.cut,
            heads=self.materials.dataset.targets,
            head=self.head,
            from_pixels=self.source.from_pixels,
        )

    def train(self, start: Model | None, rows: Rows, on_epoch: Callable[[Epoch], None]) -> _Trained:
        """Train the head, from where it started, and what is opened of the base."""
        from starshift.models import heads

        names: dict[str, str] = {}  # of what is opened, by its path in this very network
        history = list(start.history) if start else []
        epochs_before = len(history)

        def build() -> Any:
            from starshift.models import opened

            model = self.build()
            opened.start(model, heads.without_scales(start.tensors) if start else {})
            names.update({variable.path: name for name, variable in opened.opened(model).items()})
            return model

        def keep(epoch: Epoch) -> None:
            history.append(msgspec.structs.replace(epoch, epoch=epochs_before + epoch.epoch))
            on_epoch(history[-1])

        trained = networks.train(
            self._staged,
            self.materials,
            build,
            self._pace_name,
            rows.pixels,
            keep,
            task="fine-tuning",
            seed=seeds.child(self.materials.seed, self.recipe.builder),
            policy=POLICY,
            targets=rows.targets,
            split=rows.split,
            groups=rows.groups,
        )
        tensors = {name: trained.weights[path] for path, name in names.items()} | trained.scales
        return _Trained(tensors, tuple(history), trained)

    # --- how long it takes ---

    def seconds(self) -> float:
        """The training, from a few steps that are timed now unless they were in an earlier run."""
        return networks.seconds(
            self._staged,
            self.materials,
            self.build,
            self._pace_name,
            f"fine-tunes {self.source.base.base.title}",
            activations=not self.source.from_pixels,
            policy=POLICY,
        )

    @property
    def _pace_name(self) -> str:
        source, batch = self.source, self.recipe.stages[-1].batch_size
        start = f"pixels ({source.policy_name})" if source.from_pixels else "activations"
        return (
            f"fine-tuning {source.base.base.name} behind {source.trunk.cut} at {self.recipe.size} px from {start}, "
            f"{self.head} head, batches of {batch}{networks.several_in_name(self.materials)}"
        )

    # --- what it was ---

    def details(self, trained: _Trained, start: Model | None, beside: Model | None) -> dict[str, str]:
        """What the report says of how it was made."""
        base, cut = self.source.base, self.source.trunk.cut
        opened = sum(array.size for name, array in trained.tensors.items() if not _is_of_the_head(name))
        details = {
            "pretrained base": base.base.title,
            "opened": f"{opened:,} of {base.base.parameters:,} parameters: all behind {cut} but batch normalization, "
            "which keeps what it learned",
            "trained on": self._trained_on(),
            "head": self._head_in_words(start),
            "precision": base.precision,
            **networks.told(self.recipe, self.materials, trained.opened),
        }
        if self.recipe.arguments.get("mirrored"):
            details["asked"] = MIRRORED
        if beside:
            with_whom = (beside.details or {})["pretrained base"]
            details["averaged with"] = f"features of {with_whom}, frozen, and their linear head, half and half"
        return details

    def _trained_on(self) -> str:
        policy, count = self.source.policy_name, self.source.count
        if self.source.policy == PLAIN:
            return "the pictures as they are" + ("" if self.source.from_pixels else ", computed up to the cut once")
        if self.source.from_pixels:
            return f"pixels, augmented anew in each epoch ({policy})"
        views = "1 augmented view" if count == 1 else f"{count} augmented views"
        return f"{views} of each picture ({policy}), computed up to the cut once and kept"

    def _head_in_words(self, start: Model | None) -> str:
        if start is None:
            return "random at first, and trained together with the base from the first step (merged stages)"
        said = (start.details or {})["head"]
        others = [target.name for target in self.materials.dataset.targets[1:]] if self.head == HEADS[0] else []
        if others:
            said += f"; so were those of {' and '.join(others)}"
        return f"fitted before the base was opened: {said}"


def _is_of_the_head(name: str) -> bool:
    """Whether a tensor is of a head, of the units before it, or of the scale of its numbers."""
    stem = name.partition("/")[0]
    return stem in ("dense", "head", "target") or stem.startswith(("head_", "target_"))
