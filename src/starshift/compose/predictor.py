"""A saved model that answers: pixels → probabilities, without Keras once its network is converted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np

from starshift import catalogue
from starshift.compose.frozen import FrozenBases
from starshift.compose.networks import CONVERTER, open_network
from starshift.data.decode import Frame
from starshift.errors import RunError
from starshift.inference.network import Network, Precision
from starshift.models import heads
from starshift.models.classical import head_probabilities
from starshift.recipe import digest
from starshift.records import Learnware

Step = Callable[[int, int], None]


class Predictor:
    """Answers for one saved model. `frame` is how its pictures must be decoded."""

    def __init__(self, learnware: Learnware, tensors: dict[str, np.ndarray], cache: Path) -> None:
        self.learnware, self.tensors, self.cache = learnware, tensors, cache
        _refuse_other_tensors(learnware, tensors)
        self.frame = Frame(learnware.input.size, cast(Any, learnware.input.fit))
        self.precision = cast(Precision, learnware.precision)

    def __call__(self, pixels: Any, progress: Step | None = None) -> np.ndarray:
        """pixels: array-like of uint8 (N, size, size, 3). Returns float32 (N, classes); rows sum to 1."""
        if self.learnware.builder == "majority":
            return np.tile(self.tensors["frequencies"], (len(pixels), 1))
        if self.learnware.builder == "frozen":
            return self._head(self.bases.run(pixels, progress))
        return heads.probabilities(self.network.run(pixels, progress), len(self.learnware.classes))

    def stored(self, digests: Sequence[str], pixels: Callable[[], Any], progress: Step | None = None) -> np.ndarray:
        """As calling it, for pictures of known digests: features that were computed before are not again.

        pixels: yields the pictures in the order of `digests`; called only if something must be computed.
        """
        if self.learnware.builder == "majority":
            return self(digests)
        if self.learnware.builder == "frozen":
            return self._head(self.bases.stored(digests, pixels, progress))
        return self(pixels(), progress)

    @cached_property
    def bases(self) -> FrozenBases:
        """The model's pretrained bases."""
        return FrozenBases.known(self.learnware.bases, self.frame, self.precision, self.cache)

    @cached_property
    def network(self) -> Network:
        """The compiled form of a network whose weights are the model's own."""
        shape = (self.frame.size, self.frame.size, 3)
        arguments, classes = self.learnware.arguments, len(self.learnware.classes)
        weights_digest = self.learnware.files["model.safetensors"]
        key = digest("network", CONVERTER, self.learnware.builder, arguments, shape, classes, weights_digest)

        def build() -> Any:
            from starshift.models import scratch
            from starshift.training.fit import write_weights

            model = scratch.build(self.learnware.builder, shape, classes, arguments)
            try:
                write_weights(model, self.tensors)
            except ValueError as error:
                raise RunError(f"The tensors of {self.learnware.name!r} do not fit its network: {error}.") from error
            return model

        return open_network(self.cache, key, build, self.precision)

    def _head(self, features: np.ndarray) -> np.ndarray:
        return head_probabilities(features, self.tensors["head/kernel"], self.tensors["head/bias"])


def _refuse_other_tensors(learnware: Learnware, tensors: dict[str, np.ndarray]) -> None:
    """Raise RunError where the tensors are not those that the builder needs; networks check theirs when built."""
    classes = len(learnware.classes)
    outputs = 1 if classes == 2 else classes
    if learnware.builder == "majority":
        needed: dict[str, tuple[int, ...]] = {"frequencies": (classes,)}
    elif learnware.builder == "frozen":
        features = sum(catalogue.base(base.name).features for base in learnware.bases)
        needed = {"head/kernel": (features, outputs), "head/bias": (outputs,)}
    else:
        return
    found = {name: array.shape for name, array in tensors.items()}
    if found != needed:
        raise RunError(f"The tensors of {learnware.name!r} are {found}, and {needed} are needed.")
