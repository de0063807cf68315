"""A pretrained base cut in two: activations at the cut, computed once and kept; the whole put together again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any

import numpy as np

from starshift.compose.ensemble import combined
from starshift.compose.frozen import FrozenBase
from starshift.compose.networks import CONVERTER, open_network
from starshift.compose.views import Views
from starshift.data.cache import RowStore
from starshift.inference import features, network
from starshift.inference.network import Network
from starshift.models.heads import without_scales
from starshift.recipe import digest
from starshift.records import Learnware, Target

Step = Callable[[int, int], None]

BESIDE = "features/"
"""Before the names of the tensors of the frozen model that a fine-tuned one is averaged with."""


@dataclass(frozen=True)
class Trunk:
    """The part of a pretrained base below a cut, which nothing trains: pixels → activations."""

    base: FrozenBase
    cut: str

    @property
    def key(self) -> str:
        """The address of the converted network."""
        base = self.base
        return digest("trunk", CONVERTER, base.base.name, base.reference.digest, base.frame.size, self.cut)

    @property
    def is_converted(self) -> bool:
        """Whether the compiled form lies in the cache, so that Keras is not needed."""
        return network.find(self.base.cache, self.key) is not None

    @cached_property
    def network(self) -> Network:
        """uint8 pixels → float32 (N, h, w, c); converted first where it never was. Raises as FrozenBase.network."""

        def build() -> Any:
            from starshift.models import opened, pretrained

            whole = pretrained.build(self.base.base, self.base.own_weights(), size=self.base.frame.size)
            return opened.trunk(whole, self.cut)

        return open_network(self.base.cache, self.key, build, self.base.precision)

    @cached_property
    def store(self) -> RowStore:
        """Where activations are kept, as float16: of one row's shape, under the names that `Views` gives."""
        settings: dict[str, str | int] = {
            "network": self.key,
            "base": self.base.base.name,
            "cut": self.cut,
            "precision": self.base.precision,
            "runtime": f"openvino {version('openvino')}",
            "frame": self.base.frame.key,
        }
        return RowStore(self.base.cache, "activations", settings, shape=self.network.shape, dtype=np.float16)

    def missing(self, names: Sequence[str]) -> int:
        """How many of these rows must be computed."""
        return len(self.store.missing(names)) if self.is_converted else len(set(names))

    def keep(self, views: Views, progress: Step | None = None) -> None:
        """Compute and store the activations of those views that the store lacks."""
        features.fill(lambda: self.network, lambda: views, views.names, self.store, progress)


def assemble(learnware: Learnware, tensors: Mapping[str, np.ndarray], base: FrozenBase) -> Any:
    """The Keras model of a saved fine-tuned one: pixels → what its heads say, base and opened weights in one.

    tensors: float32, what models.opened.opened names, beside scales and those of the frozen model. Raises RunError for
    tensors that do not fit, MissingWeights where the base's weights are not at hand.
    """
    from starshift.models import declared, opened

    arguments = learnware.arguments
    mine = without_scales({name: array for name, array in tensors.items() if not name.startswith(BESIDE)})
    declared.refuse_others("fine-tuned", learnware.picture.size, learnware.targets, arguments, mine)
    model = opened.build(
        base.base,
        base.own_weights(),
        size=learnware.picture.size,
        cut=arguments["cut"],
        heads=learnware.targets,
        head=arguments.get("head", "linear"),
        from_pixels=True,
    )
    opened.write_opened(model, mine)
    return model


@dataclass(frozen=True)
class Mirrored:
    """Pictures with left and right exchanged as they are asked for; like an array of uint8 (N, size, size, 3)."""

    pixels: Any

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, chosen: Any) -> np.ndarray:
        return np.asarray(self.pixels[chosen])[..., ::-1, :]


def averaged(*probabilities: np.ndarray) -> np.ndarray:
    """The geometric mean of several answers, each float32 (N, classes): that of their logits. Rows sum to 1 again."""
    return combined(probabilities, [1 / len(probabilities)] * len(probabilities))


def together(target: Target, *answers: np.ndarray) -> np.ndarray:
    """Several answers for one target as one: of classes and labels the mean of their logits, of numbers their mean."""
    if target.is_number:
        return np.asarray(np.mean(answers, axis=0))
    if target.is_classes:
        return averaged(*answers)
    each = zip(*(one.T for one in answers), strict=True)  # label by label
    return np.stack([averaged(*map(_both, one))[:, 1] for one in each], axis=1)


def _both(probability: np.ndarray) -> np.ndarray:
    """Of no and yes: (N,) → (N, 2)."""
    return np.stack([1 - probability, probability], axis=1)
