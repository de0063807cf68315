"""A saved model of pictures that answers: pixels → answers, without Keras once its network is converted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np

from starshift import catalogue
from starshift.compose import apart, ensemble, finetuned, own
from starshift.compose.constant import Constant
from starshift.compose.finetuned import BESIDE, Mirrored, together
from starshift.compose.frozen import Form, FrozenBases, Shrunk
from starshift.compose.networks import CONVERTER, open_network
from starshift.compose.views import mirrored
from starshift.data.content import Content
from starshift.data.decode import Frame
from starshift.data.read import Pictures
from starshift.errors import RunError
from starshift.evaluation.calibration import scaled
from starshift.inference.network import Network, Precision
from starshift.models import heads
from starshift.models.dense import DENSE_UNITS, dense_logits
from starshift.models.linear_heads import activated, outputs_on
from starshift.models.multitask import divided, joined
from starshift.recipe import HEADS, digest
from starshift.records import Learnware, Target

Step = Callable[[int, int], None]
PixelsIn = Callable[[Frame], Any]
"""Yields pictures as a frame has them, array-like of uint8 (N, size, size, 3)."""
Outputs = list[np.ndarray]
"""What a model puts out for each of its targets: see records.answers_for."""


@dataclass(frozen=True)
class Seen:
    """What frozen bases said of the pictures at hand, so that members of an ensemble do not ask them twice."""

    plain: dict[tuple[str, Frame], np.ndarray] = field(default_factory=dict)
    mirrored: dict[tuple[str, Frame], np.ndarray] = field(default_factory=dict)


class Predictor:
    """Answers for one saved model. `frame` is how its pictures must be decoded."""

    def __init__(
        self,
        learnware: Learnware,
        tensors: dict[str, np.ndarray],
        cache: Path,
        build: Callable[..., Any] | None = None,
    ) -> None:
        """build: the user's own function that the network was built by, needed where it was never converted here."""
        if build is not None:
            own.refuse_other_builder(learnware, build)
        self.learnware, self.tensors, self.cache, self.build = learnware, tensors, cache, build
        self.parts = [Predictor(*part, cache) for part in apart.parts(learnware, tensors)]
        self.members = [Predictor(*member, cache) for member in ensemble.members(learnware, tensors)]
        self.scales: tuple[heads.Scale | None, ...] = ()
        if self.members:
            self.weights = _weights(learnware, tensors)
            self.share = _share(learnware, tensors)
        elif not self.parts:
            _refuse_other_tensors(learnware, tensors)
            if learnware.builder != "majority":
                self.scales = heads.scales_in(tensors, learnware.targets)
        self.frame = Frame(learnware.picture.size, cast(Any, learnware.picture.fit))
        self.precision = cast(Precision, learnware.precision)

    @property
    def targets(self) -> tuple[Target, ...]:
        """What it predicts."""
        return self.learnware.targets

    @property
    def frames(self) -> tuple[Frame, ...]:
        """How pictures must be decoded: once, or for each size that members of an ensemble look at."""
        inner = [frame for one in (*self.parts, *self.members) for frame in one.frames]
        return tuple(dict.fromkeys([self.frame, *inner]))

    def __call__(self, pixels: Any, progress: Step | None = None) -> np.ndarray:
        """For the leading target: see `all`. pixels: array-like of uint8 (N, size, size, 3)."""
        return self.all(pixels, progress)[0]

    def all(self, pixels: Any, progress: Step | None = None) -> Outputs:
        """For every target, as records.answers_for takes it: of classes float32 (N, classes), rows sum to 1; …

        pixels: array-like of uint8 (N, size, size, 3); where there are several `frames`, a mapping from each of them to
            its own, as files are decoded, or pictures of `frame`, which are then shrunk: nearly the same.
        """
        by_frame = pixels if isinstance(pixels, Mapping) else self._in_every_frame(pixels)
        return self._tempered(self._of_pixels(by_frame, progress, Seen()))

    def _in_every_frame(self, pixels: Any) -> Mapping[Frame, Any]:
        """Pictures of `frame` as members that look at smaller ones need them. Raises RunError where only the files
        have what these look at.
        """
        if others := [frame for frame in self.frames if frame.fit != self.frame.fit or frame.size > self.frame.size]:
            raise RunError(f"Members of {self.learnware.name!r} need pictures decoded as {others}; name their files.")
        return {frame: pixels if frame == self.frame else Shrunk(pixels, frame.size) for frame in self.frames}

    def answer(self, content: Content, indices: Sequence[int]) -> np.ndarray:
        """As calling it, for some of the pictures that were read."""
        return self.answer_all(content, indices)[0]

    def answer_all(self, content: Content, indices: Sequence[int]) -> Outputs:
        """As `all`, for some of the pictures that were read."""
        pictures = cast(Pictures, content)
        digests = [pictures.dataset.examples[index].digest for index in indices]
        return self.stored_all(digests, lambda frame: pictures.pixels(frame)[np.asarray(indices)])

    def stored(self, digests: Sequence[str], pixels: PixelsIn, progress: Step | None = None) -> np.ndarray:
        """As calling it, for pictures of known digests: features that were computed before are not again.

        pixels: yields the pictures in the order of `digests`, for `frame` or each of `frames`; called only if something
        must be computed.
        """
        return self.stored_all(digests, pixels, progress)[0]

    def stored_all(self, digests: Sequence[str], pixels: PixelsIn, progress: Step | None = None) -> Outputs:
        """As `all`, for pictures of known digests; see `stored`."""
        return self._tempered(self._of_stored(digests, pixels, progress))

    def _tempered(self, outputs: Outputs) -> Outputs:
        """The leading target's probabilities with the model's temperature, which no other kind has."""
        if not self.targets[0].is_classes:
            return outputs
        return [scaled(outputs[0], self.learnware.temperature), *outputs[1:]]

    def _of_pixels(self, by_frame: Mapping[Frame, Any], progress: Step | None, seen: Seen) -> Outputs:
        if self.parts:
            return [part(by_frame, progress) for part in self.parts]
        if self.members:
            return self._together([member._of_pixels(by_frame, progress, seen) for member in self.members])
        pixels = by_frame[self.frame]
        if self.learnware.builder == "majority":
            return [Constant(self.learnware, self.tensors).answers(len(pixels))]
        if self.learnware.builder == "frozen":
            answers = self._on_features(self.bases.run(pixels, progress, seen.plain))
            if not self._is_mirrored:
                return answers
            turned = self.bases.run(Mirrored(pixels), progress, seen.mirrored)
            return self._averaged(answers, self._on_features(turned))
        answers = self._network_says(pixels, progress)
        if not self._has_beside:
            return answers
        return self._averaged(answers, self._beside(self.bases.run(pixels, None, seen.plain)))

    def _of_stored(self, digests: Sequence[str], pixels: PixelsIn, progress: Step | None) -> Outputs:
        if self.parts:
            return [part.stored(digests, pixels, progress) for part in self.parts]
        if self.members:
            return self._together(self.each_stored(digests, pixels, progress))
        if self.learnware.builder == "majority":
            return [Constant(self.learnware, self.tensors).answers(len(digests))]
        if self.learnware.builder == "frozen":
            answers = self._on_features(self.bases.stored(digests, lambda: pixels(self.frame), progress))
            if not self._is_mirrored:
                return answers
            seen = self.bases.stored(mirrored(digests), lambda: Mirrored(pixels(self.frame)), progress)
            return self._averaged(answers, self._on_features(seen))
        answers = self._network_says(pixels(self.frame), progress)
        if not self._has_beside:
            return answers
        return self._averaged(answers, self._beside(self.bases.stored(digests, lambda: pixels(self.frame))))

    def each_stored(self, digests: Sequence[str], pixels: PixelsIn, progress: Step | None = None) -> list[Outputs]:
        """What each member of an ensemble says by itself, without any temperature; see `stored`."""
        return [member._of_stored(digests, pixels, progress) for member in self.members]

    def _together(self, said: Sequence[Outputs]) -> Outputs:
        """The members' answers as the ensemble's, target by target."""
        vote, count = self.learnware.arguments.get("combine") == "vote", len(self.weights)
        found = [ensemble.combined(answers, self.weights, vote=vote) for answers in zip(*said[:count], strict=True)]
        for specialist, outputs in zip(self.members[count:], said[count:], strict=True):
            names = specialist.targets[0].classes
            group = np.array([self.targets[0].classes.index(name) for name in names])
            found[0] = ensemble.specialized(found[0], group, outputs[0], self.share)
        return found

    @property
    def _is_mirrored(self) -> bool:
        return bool(self.learnware.arguments.get("mirrored"))

    def _network_says(self, pixels: Any, progress: Step | None) -> Outputs:
        """What the network that is the model's own says; of mirror images too, where the model wants that."""
        answers = self._answers(self.network.run(pixels, progress))
        if not self._is_mirrored:
            return answers
        return self._averaged(answers, self._answers(self.network.run(Mirrored(pixels), progress)))

    def _answers(self, outputs: np.ndarray) -> Outputs:
        """The network's outputs as answers, target by target."""
        each = divided(outputs, self.targets)
        return [heads.answers(*one) for one in zip(self.targets, each, self.scales, strict=True)]

    def _averaged(self, first: Outputs, second: Outputs) -> Outputs:
        return [together(*one) for one in zip(self.targets, first, second, strict=True)]

    @property
    def _has_beside(self) -> bool:
        return bool(self.learnware.arguments.get("beside"))

    def _beside(self, features: np.ndarray) -> Outputs:
        """What the frozen model says that a fine-tuned one is averaged with."""
        beside = _beside_tensors(self.tensors)
        scales = heads.scales_in(beside, self.targets)
        return [
            activated(target, _linear(features, beside, place), scale)
            for place, (target, scale) in enumerate(zip(self.targets, scales, strict=True))
        ]

    @cached_property
    def bases(self) -> FrozenBases:
        """The model's pretrained bases, seen as its head wants them."""
        cuts = tuple(self.learnware.arguments.get("cuts", ())) if self.learnware.builder == "frozen" else ()
        form: Form = "map" if self._is_dense else "pooled"
        sizes = self.learnware.arguments.get("sizes", ())
        return FrozenBases.known(self.learnware.bases, self.frame, self.precision, self.cache, cuts, form, sizes)

    @property
    def _is_dense(self) -> bool:
        return self.learnware.builder == "frozen" and _has_dense_head(self.learnware)

    @cached_property
    def network(self) -> Network:
        """The compiled form of a network whose weights are the model's own."""
        shape = (self.frame.size, self.frame.size, 3)
        arguments, classes = self.learnware.arguments, len(self.learnware.classes)
        weights_digest = self.learnware.files["model.safetensors"]
        bases = [base.digest for base in self.learnware.bases]
        key = digest("network", CONVERTER, self.learnware.builder, arguments, bases, shape, classes, weights_digest)

        def build() -> Any:
            if self.learnware.builder == "fine-tuned":
                return joined(finetuned.assemble(self.learnware, self.tensors, self.bases.bases[0]))
            if self.learnware.builder == "own":
                if self.build is None:
                    raise own.lacking_builder(self.learnware)
                return own.rebuilt(self.learnware, self.tensors, self.build)
            from starshift.models import declared, scratch
            from starshift.training.weights import write_weights

            builder, tensors = self.learnware.builder, heads.without_scales(self.tensors)
            declared.refuse_others(builder, self.frame.size, self.targets, arguments, tensors)
            model = scratch.build(builder, shape, self.targets, arguments)
            write_weights(model, tensors)
            return joined(model)

        return open_network(self.cache, key, build, self.precision)

    def _on_features(self, features: np.ndarray) -> Outputs:
        first = self.tensors["dense/kernel" if self._is_dense else "head/kernel"]
        if features.shape[1] != len(first):
            raise RunError(
                f"The head of {self.learnware.name!r} takes {len(first):,} features; its bases give "
                f"{features.shape[1]:,}."
            )
        logits = dense_logits if self._is_dense else _linear
        return [
            activated(target, logits(features, self.tensors, place), scale)
            for place, (target, scale) in enumerate(zip(self.targets, self.scales, strict=True))
        ]


def _linear(features: np.ndarray, tensors: dict[str, np.ndarray], place: int) -> np.ndarray:
    name = heads.layer_name(place)
    return outputs_on(features, tensors[f"{name}/kernel"], tensors[f"{name}/bias"])


def _beside_tensors(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(BESIDE): array for name, array in tensors.items() if name.startswith(BESIDE)}


def _weights(learnware: Learnware, tensors: dict[str, np.ndarray]) -> list[float]:
    """What the members of an ensemble count that tell all its classes apart. Raises RunError for no weights."""
    found = tensors.get(ensemble.WEIGHTS, np.empty(0))
    if found.shape != (sum(one.targets == learnware.targets for one in learnware.members),) or not (
        np.isfinite(found).all() and (found >= 0).all() and found.sum()
    ):
        raise RunError(f"The model has no usable {ensemble.WEIGHTS!r}, which say what each of its members counts.")
    return [float(weight) for weight in found]


def _share(learnware: Learnware, tensors: dict[str, np.ndarray]) -> float:
    """What specialists count within their groups. Raises RunError where there are some and it is no share."""
    if all(one.targets == learnware.targets for one in learnware.members):
        return 0.0
    found = tensors.get(ensemble.SHARE, np.empty(0))
    if found.shape != (1,) or not 0 <= found[0] <= 1:
        raise RunError(f"The model has no usable {ensemble.SHARE!r}, which says what its specialists count.")
    return float(found[0])


def _refuse_other_tensors(learnware: Learnware, tensors: dict[str, np.ndarray]) -> None:
    """Raise RunError where the tensors are not those that the builder needs; networks check theirs when built."""
    sizes = len(learnware.arguments.get("sizes", (0,)))
    features = sizes * sum(catalogue.parse(base.spec)[0].features for base in learnware.bases)
    if learnware.builder == "majority":
        Constant(learnware, tensors)
        return
    if learnware.builder == "frozen":
        needed = _needed_on_frozen(learnware, tensors, features)
    elif learnware.builder == "fine-tuned" and learnware.arguments.get("beside"):
        needed, tensors = _linear_shapes(learnware.targets, features), _beside_tensors(tensors)
    else:
        return
    found = {name: array.shape for name, array in heads.without_scales(tensors).items()}
    if found != needed:
        raise RunError(f"The tensors of {learnware.name!r} are {found}, and {needed} are needed.")


def _needed_on_frozen(
    learnware: Learnware, tensors: dict[str, np.ndarray], features: int
) -> dict[str, tuple[int, ...]]:
    """Shapes of heads' tensors. How many features a cut or a map has, only its network says: that is asked later."""
    if not _has_dense_head(learnware):
        if learnware.arguments.get("cuts"):
            features = len(tensors.get("head/kernel", ()))
        return _linear_shapes(learnware.targets, features)
    inputs = len(tensors.get("dense/kernel", ()))
    return {
        "dense/kernel": (inputs, DENSE_UNITS),
        "dense/bias": (DENSE_UNITS,),
        **_linear_shapes(learnware.targets, DENSE_UNITS),
    }


def _linear_shapes(targets: Sequence[Target], features: int) -> dict[str, tuple[int, ...]]:
    """Of one layer for each target."""
    shapes: dict[str, tuple[int, ...]] = {}
    for place, target in enumerate(targets):
        name, outputs = heads.layer_name(place), heads.outputs_of(target)
        shapes |= {f"{name}/kernel": (features, outputs), f"{name}/bias": (outputs,)}
    return shapes


def _has_dense_head(learnware: Learnware) -> bool:
    return bool(learnware.arguments.get("head", HEADS[0]) == HEADS[1])
