"""Frozen pretrained bases, one or several side by side: pixels → features, computed once and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

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
Form = Literal["pooled", "map"]
"""What is taken of a picture: averages over it, or the base's last map as it is."""


@dataclass(frozen=True)
class Shrunk:
    """Pictures brought to a smaller side as they are asked for; like an array of uint8 (N, side, side, 3).

    Bilinear between the four nearest pixels, as Keras's Resizing does it.
    """

    pixels: Any
    side: int

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, chosen: Any) -> np.ndarray:
        import cv2

        sides = (self.side, self.side)
        return np.stack([cv2.resize(one, sides, interpolation=cv2.INTER_LINEAR) for one in self.pixels[chosen]])


@dataclass(frozen=True)
class FrozenBase:
    """One pretrained base, known by the digest of its weights; the weights themselves only serve its conversion."""

    reference: BaseReference
    frame: Frame
    precision: Precision
    cache: Path
    cuts: tuple[str, ...] = ()  # where it is pooled: of its cut points, or "top"; none: at the top alone
    form: Form = "pooled"
    shrunk: int = 0  # side in px that it looks at, below the frame's; 0: at the frame's own

    @classmethod
    def find(
        cls,
        spec: str,
        frame: Frame,
        precision: Precision,
        cache: Path,
        cuts: tuple[str, ...] = (),
        form: Form = "pooled",
    ) -> FrozenBase:
        """Look the weights up, or download them. Raises MissingWeights with what to put where."""
        base, path = catalogue.parse(spec)
        reference = BaseReference(base.name, weights.digest(weights.obtain(base, path)), spec)
        return cls(reference, frame, precision, cache, cuts, form)

    @property
    def base(self) -> catalogue.Base:
        """Its row in the catalogue."""
        return catalogue.parse(self.reference.spec)[0]

    @property
    def key(self) -> str:
        """The address of the converted network."""
        seen = () if self._is_plain else (self.cuts, self.form)
        return digest("base", CONVERTER, self.base.name, self.reference.digest, self.size, *seen)

    @property
    def size(self) -> int:
        """The side in px of the pictures that it looks at."""
        return self.shrunk or self.frame.size

    def seen(self, pixels: Any) -> Any:
        """What it looks at, of pictures in the frame's size: uint8 (N, size, size, 3)."""
        return Shrunk(pixels, self.shrunk) if self.shrunk else pixels

    @property
    def _is_plain(self) -> bool:
        return not self.cuts and self.form == "pooled"

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Of what the base says of one picture; read from the network, and so converted first, unless it is the top."""
        return (self.base.features,) if self._is_plain else self.network.shape

    @property
    def is_converted(self) -> bool:
        """Whether the compiled form lies in the cache, so that Keras is not needed."""
        return network.find(self.cache, self.key) is not None

    @property
    def widths(self) -> tuple[int, ...]:
        """Features from each of the cuts, in their order."""
        return self.network.widths if len(self.cuts) > 1 else self.shape

    @cached_property
    def network(self) -> Network:
        """uint8 pixels → features, float32 (N, *shape); converted first where it never was.

        Raises MissingWeights, or RunError where other weights than its own are at hand.
        """

        def build() -> Any:
            from starshift.models import depths, pretrained

            whole = pretrained.build(self.base, self.own_weights(), size=self.size)
            if self.form == "map":
                return depths.unpooled(whole)
            return depths.pooled_at(whole, self.cuts) if self.cuts else whole

        return open_network(self.cache, self.key, build, self.precision)

    def own_weights(self) -> Path:
        """Its weights file. Raises MissingWeights, or RunError where other weights than its own are at hand."""
        _, path = catalogue.parse(self.reference.spec)
        file = weights.obtain(self.base, path)
        weights.expect(file, self.reference.digest, self.base)
        return file

    @cached_property
    def store(self) -> RowStore:
        """Where this base's features are kept, maps as float16: of pictures by their digest, of views by their name."""
        settings: dict[str, str | int] = {
            "network": self.key,
            "base": self.base.name,
            "precision": self.precision,
            "runtime": f"openvino {version('openvino')}",
            "frame": self.frame.key,
        }
        if not self._is_plain:
            settings |= {"cuts": " ".join(self.cuts), "form": self.form}
        if self.shrunk:
            settings["shrunk"] = self.shrunk
        dtype = np.float16 if self.form == "map" else np.float32
        return RowStore(self.cache, "features", settings, shape=self.shape, dtype=dtype)

    def missing(self, names: Sequence[str]) -> int:
        """How many of these rows must be computed."""
        return len(self.store.missing(names)) if self._is_plain or self.is_converted else len(set(names))


@dataclass(frozen=True)
class FrozenBases:
    """Several bases whose features stand side by side."""

    bases: tuple[FrozenBase, ...]

    @classmethod
    def find(
        cls,
        specs: Sequence[str],
        frame: Frame,
        precision: Precision,
        cache: Path,
        cuts: tuple[str, ...] = (),
        form: Form = "pooled",
        sizes: Sequence[int] = (),
    ) -> FrozenBases:
        """All bases by name. Raises MissingWeights with every file that is missing. sizes: see known."""
        found: list[BaseReference] = []
        lacks: list[str] = []
        for spec in specs:
            try:
                found.append(FrozenBase.find(spec, frame, precision, cache).reference)
            except MissingWeights as lack:
                lacks.extend(lack.problems)
        if lacks:
            raise MissingWeights(lacks)
        return cls.known(found, frame, precision, cache, cuts, form, sizes)

    @classmethod
    def known(
        cls,
        references: Sequence[BaseReference],
        frame: Frame,
        precision: Precision,
        cache: Path,
        cuts: tuple[str, ...] = (),
        form: Form = "pooled",
        sizes: Sequence[int] = (),
    ) -> FrozenBases:
        """The bases of a saved model; their weights are needed only where they were never converted.

        sizes: sides in px, up to the frame's, at which each base looks at a picture; the frame's alone if none are
        given.
        """
        made = partial(FrozenBase, frame=frame, precision=precision, cache=cache, cuts=cuts, form=form)
        smaller = [size if size < frame.size else 0 for size in sizes] or [0]
        return cls(tuple(made(reference, shrunk=size) for reference in references for size in smaller))

    @property
    def references(self) -> tuple[BaseReference, ...]:
        """Each base once, however many sizes it looks at."""
        return tuple(dict.fromkeys(base.reference for base in self.bases))

    def run(
        self, pixels: Any, progress: Step | None = None, seen: dict[tuple[str, Frame], np.ndarray] | None = None
    ) -> np.ndarray:
        """Features of pictures. pixels: uint8 (N, size, size, 3). Returns float32 (N, features).

        Maps come flattened, row by row. seen: what bases said of these very pictures before, which they are not asked
        again; what they say now is added.
        """
        seen = {} if seen is None else seen
        keys = [(base.key, base.frame) for base in self.bases]
        for key, base in zip(keys, self.bases, strict=True):
            if key not in seen:
                seen[key] = _flat(base.network.run(base.seen(pixels), progress))
        return np.concatenate([seen[key] for key in keys], axis=1)

    def stored(self, digests: Sequence[str], pixels: Callable[[], Any], progress: Step | None = None) -> np.ndarray:
        """Features of pictures of known digests, computed only where the store lacks them.

        digests: or the names of views, as compose.views.Views has them. pixels: yields the pictures in the order
        of `digests`; called only if something must be computed. Maps come flattened, rounded to float16.
        Returns float32 (N, features).
        """
        matrices = []
        for base in self.bases:
            seen = partial(_seen, base, pixels)
            features.fill(lambda base=base: base.network, seen, digests, base.store, progress)  # type: ignore[misc]
            matrices.append(_flat(np.asarray(base.store.rows(digests))))
        return np.concatenate(matrices, axis=1) if len(matrices) > 1 else matrices[0]


def _seen(base: FrozenBase, pixels: Callable[[], Any]) -> Any:
    return base.seen(pixels())


def _flat(rows: np.ndarray) -> np.ndarray:
    return rows.reshape(len(rows), -1).astype(np.float32, copy=False)
