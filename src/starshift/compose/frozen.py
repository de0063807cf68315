"""Frozen pretrained bases, one or several side by side: pixels → features, computed once and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from starshift import catalogue
from starshift.compose.networks import CONVERTER, open_network
from starshift.data.cache import RowStore
from starshift.data.decode import Frame
from starshift.errors import MissingWeights
from starshift.inference import features, network
from starshift.inference.network import Network, Precision
from starshift.models import weights
from starshift.recipe import digest
from starshift.records import BaseReference

Step = Callable[[int, int], None]


@dataclass(frozen=True)
class FrozenBase:
    """One pretrained base, known by the digest of its weights; the weights themselves only serve its conversion."""

    reference: BaseReference
    frame: Frame
    precision: Precision
    cache: Path

    @classmethod
    def find(cls, spec: str, frame: Frame, precision: Precision, cache: Path) -> FrozenBase:
        """Look the weights up, or download them. Raises MissingWeights with what to put where."""
        base, path = catalogue.parse(spec)
        reference = BaseReference(base.name, weights.digest(weights.obtain(base, path)), spec)
        return cls(reference, frame, precision, cache)

    @property
    def base(self) -> catalogue.Base:
        """Its row in the catalogue."""
        return catalogue.base(self.reference.name)

    @property
    def key(self) -> str:
        """The address of the converted network."""
        return digest("base", CONVERTER, self.base.name, self.reference.digest, self.frame.size)

    @property
    def is_converted(self) -> bool:
        """Whether the compiled form lies in the cache, so that Keras is not needed."""
        return network.find(self.cache, self.key) is not None

    @cached_property
    def network(self) -> Network:
        """uint8 pixels → pooled features; converted first where it never was.

        Raises MissingWeights, or RunError where other weights than its own are at hand.
        """

        def build() -> Any:
            from starshift.models import pretrained

            return pretrained.build(self.base, self._own_weights(), size=self.frame.size)

        return open_network(self.cache, self.key, build, self.precision)

    def _own_weights(self) -> Path:
        _, path = catalogue.parse(self.reference.spec)
        file = weights.obtain(self.base, path)
        weights.expect(file, self.reference.digest, self.base)
        return file

    @cached_property
    def store(self) -> RowStore:
        """Where this base's features of pictures are kept."""
        settings: dict[str, str | int] = {
            "network": self.key,
            "base": self.base.name,
            "precision": self.precision,
            "runtime": f"openvino {version('openvino')}",
            "frame": self.frame.key,
            "view": "plain",
        }
        return RowStore(self.cache, "features", settings, shape=(self.base.features,), dtype=np.float32)


@dataclass(frozen=True)
class FrozenBases:
    """Several bases whose features stand side by side."""

    bases: tuple[FrozenBase, ...]

    @classmethod
    def find(cls, specs: Sequence[str], frame: Frame, precision: Precision, cache: Path) -> FrozenBases:
        """All bases by name. Raises MissingWeights with every file that is missing."""
        found: list[FrozenBase] = []
        lacks: list[str] = []
        for spec in specs:
            try:
                found.append(FrozenBase.find(spec, frame, precision, cache))
            except MissingWeights as lack:
                lacks.extend(lack.problems)
        if lacks:
            raise MissingWeights(lacks)
        return cls(tuple(found))

    @classmethod
    def known(cls, references: Sequence[BaseReference], frame: Frame, precision: Precision, cache: Path) -> FrozenBases:
        """The bases of a saved model; their weights are needed only where they were never converted."""
        return cls(tuple(FrozenBase(reference, frame, precision, cache) for reference in references))

    def run(self, pixels: Any, progress: Step | None = None) -> np.ndarray:
        """Features of pictures, kept nowhere. pixels: uint8 (N, size, size, 3). Returns float32 (N, features)."""
        return np.concatenate([base.network.run(pixels, progress) for base in self.bases], axis=1)

    def stored(self, digests: Sequence[str], pixels: Callable[[], Any], progress: Step | None = None) -> np.ndarray:
        """Features of pictures of known digests, computed only where the store lacks them.

        pixels: yields the pictures in the order of `digests`; called only if something must be computed.
        Returns float32 (N, features).
        """
        matrices = [
            features.compute(lambda base=base: base.network, pixels, digests, base.store, progress)  # type: ignore[misc]
            for base in self.bases
        ]
        return np.concatenate(matrices, axis=1) if len(matrices) > 1 else matrices[0]
