"""A saved model that answers: pixels → probabilities, without Keras once its network is converted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np

from starshift import catalogue
from starshift.compose import finetuned, own
from starshift.compose.finetuned import BESIDE, Mirrored, averaged
from starshift.compose.frozen import Form, FrozenBases
from starshift.compose.networks import CONVERTER, open_network
from starshift.data.decode import Frame
from starshift.errors import RunError
from starshift.evaluation.calibration import scaled
from starshift.inference.network import Network, Precision
from starshift.models import heads
from starshift.models.classical import head_probabilities
from starshift.models.dense import DENSE_UNITS, dense_probabilities
from starshift.recipe import HEADS, digest
from starshift.records import Learnware

Step = Callable[[int, int], None]


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
        _refuse_other_tensors(learnware, tensors)
        self.frame = Frame(learnware.input.size, cast(Any, learnware.input.fit))
        self.precision = cast(Precision, learnware.precision)

    def __call__(self, pixels: Any, progress: Step | None = None) -> np.ndarray:
        """pixels: array-like of uint8 (N, size, size, 3). Returns float32 (N, classes); rows sum to 1."""
        return scaled(self._of_pixels(pixels, progress), self.learnware.temperature)

    def _of_pixels(self, pixels: Any, progress: Step | None) -> np.ndarray:
        if self.learnware.builder == "majority":
            return np.tile(self.tensors["frequencies"], (len(pixels), 1))
        if self.learnware.builder == "frozen":
            return self._head(self.bases.run(pixels, progress))
        answers = self._network_says(pixels, progress)
        return averaged(answers, self._beside(self.bases.run(pixels))) if self._has_beside else answers

    def stored(self, digests: Sequence[str], pixels: Callable[[], Any], progress: Step | None = None) -> np.ndarray:
        """As calling it, for pictures of known digests: features that were computed before are not again.

        pixels: yields the pictures in the order of `digests`; called only if something must be computed.
        """
        return scaled(self._of_stored(digests, pixels, progress), self.learnware.temperature)

    def _of_stored(self, digests: Sequence[str], pixels: Callable[[], Any], progress: Step | None) -> np.ndarray:
        if self.learnware.builder == "majority":
            return self._of_pixels(digests, progress)
        if self.learnware.builder == "frozen":
            return self._head(self.bases.stored(digests, pixels, progress))
        answers = self._network_says(pixels(), progress)
        return averaged(answers, self._beside(self.bases.stored(digests, pixels))) if self._has_beside else answers

    def _network_says(self, pixels: Any, progress: Step | None) -> np.ndarray:
        """What the network that is the model's own says; of mirror images too, where the model wants that."""
        classes = len(self.learnware.classes)
        answers = heads.probabilities(self.network.run(pixels, progress), classes)
        if not self.learnware.arguments.get("mirrored"):
            return answers
        return averaged(answers, heads.probabilities(self.network.run(Mirrored(pixels), progress), classes))

    @property
    def _has_beside(self) -> bool:
        return bool(self.learnware.arguments.get("beside"))

    def _beside(self, features: np.ndarray) -> np.ndarray:
        """What the frozen model says that a fine-tuned one is averaged with."""
        return head_probabilities(features, *(self.tensors[f"{BESIDE}head/{part}"] for part in ("kernel", "bias")))

    @cached_property
    def bases(self) -> FrozenBases:
        """The model's pretrained bases, seen as its head wants them."""
        cuts = tuple(self.learnware.arguments.get("cuts", ())) if self.learnware.builder == "frozen" else ()
        form: Form = "map" if self._is_dense else "pooled"
        return FrozenBases.known(self.learnware.bases, self.frame, self.precision, self.cache, cuts, form)

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
                return finetuned.assemble(self.learnware, self.tensors, self.bases.bases[0])
            if self.learnware.builder == "own":
                if self.build is None:
                    raise own.lacking_builder(self.learnware)
                return own.rebuilt(self.learnware, self.tensors, self.build)
            from starshift.models import scratch
            from starshift.training.weights import write_weights

            model = scratch.build(self.learnware.builder, shape, classes, arguments)
            try:
                write_weights(model, self.tensors)
            except ValueError as error:
                raise RunError(f"The tensors of {self.learnware.name!r} do not fit its network: {error}.") from error
            return model

        return open_network(self.cache, key, build, self.precision)

    def _head(self, features: np.ndarray) -> np.ndarray:
        first = self.tensors["dense/kernel" if self._is_dense else "head/kernel"]
        if features.shape[1] != len(first):
            raise RunError(
                f"The head of {self.learnware.name!r} takes {len(first):,} features; its bases give "
                f"{features.shape[1]:,}."
            )
        if self._is_dense:
            return dense_probabilities(features, self.tensors)
        return head_probabilities(features, self.tensors["head/kernel"], self.tensors["head/bias"])


def _refuse_other_tensors(learnware: Learnware, tensors: dict[str, np.ndarray]) -> None:
    """Raise RunError where the tensors are not those that the builder needs; networks check theirs when built."""
    classes = len(learnware.classes)
    outputs = 1 if classes == 2 else classes
    if learnware.builder == "majority":
        needed: dict[str, tuple[int, ...]] = {"frequencies": (classes,)}
    elif learnware.builder == "frozen":
        needed = _needed_on_frozen(learnware, tensors, outputs)
    elif learnware.builder == "fine-tuned" and learnware.arguments.get("beside"):
        features = sum(catalogue.parse(base.spec)[0].features for base in learnware.bases)
        needed = {f"{BESIDE}head/kernel": (features, outputs), f"{BESIDE}head/bias": (outputs,)}
        tensors = {name: array for name, array in tensors.items() if name.startswith(BESIDE)}
    else:
        return
    found = {name: array.shape for name, array in tensors.items()}
    if found != needed:
        raise RunError(f"The tensors of {learnware.name!r} are {found}, and {needed} are needed.")


def _needed_on_frozen(learnware: Learnware, tensors: dict[str, np.ndarray], outputs: int) -> dict[str, tuple[int, ...]]:
    """Shapes of a head's tensors. How many features a cut or a map has, only its network says: that is asked later."""
    features = sum(catalogue.parse(base.spec)[0].features for base in learnware.bases)
    if not _has_dense_head(learnware):
        if learnware.arguments.get("cuts"):
            features = len(tensors.get("head/kernel", ()))
        return {"head/kernel": (features, outputs), "head/bias": (outputs,)}
    inputs = len(tensors.get("dense/kernel", ()))
    return {
        "dense/kernel": (inputs, DENSE_UNITS),
        "dense/bias": (DENSE_UNITS,),
        "head/kernel": (DENSE_UNITS, outputs),
        "head/bias": (outputs,),
    }


def _has_dense_head(learnware: Learnware) -> bool:
    return bool(learnware.arguments.get("head", HEADS[0]) == HEADS[1])
