"""What a stage of training is fed with: the training part's batches, augmented, and the examples it is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from starshift.apportion import deal, group_ids, within
from starshift.augmentation import Augmentation
from starshift.data.batches import Batch, Batches, Transform
from starshift.errors import UsageError
from starshift.models import heads
from starshift.recipe import Stage
from starshift.records import Target
from starshift.training.losses import Objective

THREADS = 2
"""Background threads that make batches where pictures are augmented; cv2 and NumPy let go of Python's lock."""

KEPT_BACK = (9, 1)
"""Training examples to learn from and to decide by when to stop, where a stage has `patience`."""


# ----------------------------------------------------------------------------------------------------
# What is fed


@dataclass(frozen=True)
class Dense:
    """Rows of a sparse matrix (scipy.sparse.csr_matrix), like an array of float32 (N, features): dense when asked."""

    matrix: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, features)."""
        return tuple(self.matrix.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32."""
        return np.dtype(np.float32)

    def __len__(self) -> int:
        return int(self.matrix.shape[0])

    def __getitem__(self, rows: Any) -> np.ndarray:
        return np.asarray(self.matrix[rows].toarray(), np.float32)


def rows_of(inputs: Any) -> Any:
    """Inputs that can be gathered by index arrays as NumPy arrays: sparse matrices become `Dense`."""
    return Dense(inputs.tocsr()) if hasattr(inputs, "tocsr") else inputs


def are_pictures(inputs: Any) -> bool:
    """Whether these are pictures or maps, (N, H, W, C), and not rows, token ids, or sequences."""
    return len(inputs.shape) == 4


@dataclass(frozen=True)
class Labels:
    """The labels of all heads side by side, in the heads' form when they are asked for: float32 (n, columns)."""

    objectives: tuple[Objective, ...]
    encoded: tuple[np.ndarray, ...]  # of each, (N, …), as Target.encode has them
    soft: np.ndarray | None = None  # of the only head, where that is taught: a teacher's answers, float32 (N, outputs)

    def __len__(self) -> int:
        return len(self.encoded[0])

    def __getitem__(self, rows: Any) -> np.ndarray:
        shaped = [self.of(place, rows) for place in range(len(self.objectives))]
        if self.objectives[0].taught:
            lacking = np.full_like(shaped[0], np.nan)
            shaped.append(lacking if self.soft is None else self.soft[rows])
        return shaped[0] if len(shaped) == 1 else np.concatenate(shaped, axis=1)

    def of(self, place: int, rows: Any) -> np.ndarray:
        """Those of one head: float32 (n, outputs), NaN where missing."""
        objective = self.objectives[place]
        return heads.shape_targets(objective.target, self.encoded[place][rows], objective.scale)

    @cached_property
    def columns(self) -> tuple[slice, ...]:
        """Where each head's stand."""
        ends = np.cumsum([heads.outputs_of(one.target) for one in self.objectives]).tolist()
        return tuple(slice(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True))

    def divided(self, shaped: np.ndarray) -> list[np.ndarray]:
        """What `__getitem__` gave, head by head."""
        return [shaped[:, columns] for columns in self.columns] if len(self.objectives) > 1 else [shaped]

    def class_weights(self, rows: np.ndarray) -> list[np.ndarray | None]:
        """What an example of each class counts, head by head, so that all of a head's classes count the same."""
        return [
            heads.class_weights(labels[one.target.known(labels)], len(one.target.classes))
            if one.target.is_classes
            else None
            for one, labels in zip(self.objectives, (labels[rows] for labels in self.encoded), strict=True)
        ]


def random_labels(targets: Sequence[Target], count: int, generator: np.random.Generator) -> Labels:
    """Labels without meaning, by which a training's pace is measured."""
    encoded = tuple(
        generator.normal(size=count)
        if one.kind == "regression"
        else generator.random(count)
        if one.kind == "share"
        else generator.integers(0, 2, (count, len(one.classes)))
        if one.kind == "multi-label"
        else np.array(["".join(generator.choice(one.classes, 4)) for _ in range(count)], dtype=object)
        if one.kind == "string"
        else generator.integers(0, len(one.classes), count)
        for one in targets
    )
    return Labels(tuple(map(Objective, targets)), encoded)


# ----------------------------------------------------------------------------------------------------
# Batches


def training_batches(
    inputs: Any,
    labels: Labels,
    indices: np.ndarray,
    stage: Stage,
    *,
    size: int,
    mixing: bool,
    seed: int,
) -> Batches:
    """The training part as a stage wants it.

    inputs: array-like (N, …): pictures, uint8 (N, H, W, C), which are augmented and brought to `size` px; of anything
    else rows as they are, mixed where they are numbers. mixing: whether the stage's policy may mix. Raises UsageError
    where it would mix token ids.
    """
    pictures = are_pictures(inputs)
    if not pictures and stage.augmentation.mixes and not np.issubdtype(inputs.dtype, np.floating):
        raise UsageError(f"mixup mixes numbers; these inputs are {inputs.dtype}, which name things. Leave it out.")
    augmented = pictures and changes_pixels(stage, inputs.shape[1], size)
    return Batches(
        inputs,
        labels,  # type: ignore[arg-type]  # gathered by index arrays, which is all that is asked of it
        indices,
        batch_size=stage.batch_size,
        seed=seed,
        steps=stage.steps_per_epoch,
        transform=_transform(stage, labels, size, mixing, augmented),
        prefetch=2 * THREADS if augmented else 2,
        threads=THREADS if augmented else 1,
    )


def changes_pixels(stage: Stage, side: int, size: int) -> bool:
    """Whether pictures of `side` px must go through `data.augment` to be trained on at `size` px."""
    return stage.augmentation != Augmentation() or side != size


def _transform(stage: Stage, labels: Labels, size: int, mixing: bool, augmented: bool) -> Transform:
    def transform(inputs: np.ndarray, shaped: np.ndarray, generator: np.random.Generator) -> Batch:
        if inputs.dtype != np.uint8:  # activations of a frozen network, of pictures that were augmented before
            inputs, shaped = blend(inputs, shaped, stage.augmentation.mixup if mixing else 0.0, generator)
        elif augmented:
            from starshift.data.augment import augment

            inputs, shaped = augment(inputs, shaped, stage.augmentation, generator, size=size, mixing=mixing)
        return inputs, smooth(shaped, stage.label_smoothing, labels)

    return transform


def blend(rows: np.ndarray, targets: np.ndarray, strength: float, generator: np.random.Generator) -> Batch:
    """Mix each row with another, and the targets in the same proportion (Verma et al. 2019, arXiv:1806.05236).

    rows: float (N, …). targets: float32 (N, columns); one that is missing is missing in the mixture. strength: of the
    Beta distribution; 0 mixes nothing.
    """
    if not strength:
        return rows, targets
    others, kept = generator.permutation(len(rows)), generator.beta(strength, strength, len(rows)).astype(np.float32)
    shares = kept.reshape(-1, *[1] * (rows.ndim - 1))
    mixed = shares * rows + (1 - shares) * rows[others]
    return mixed.astype(rows.dtype), kept[:, None] * targets + (1 - kept[:, None]) * targets[others]


def smooth(shaped: np.ndarray, share: float, labels: Labels) -> np.ndarray:
    """Spread a share of each class or label over all (Szegedy et al. 2016, arXiv:1512.00567); numbers stay.

    shaped: float32 (n, columns). Returns the same form.
    """
    if not share:
        return shaped
    parts = [
        part if one.target.is_number else (part * (1 - share) + share / _ways(one.target)).astype(np.float32)
        for one, part in zip(labels.objectives, labels.divided(shaped), strict=True)
    ]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def _ways(target: Target) -> int:
    """Over how many a share is spread: the classes; yes and no of each label."""
    return 2 if target.kind == "multi-label" else len(target.classes)


def counting(shaped: np.ndarray, weights: np.ndarray | None, smoothing: float) -> np.ndarray | None:
    """What each example of a batch counts in a head's loss; of a mixed one, in the proportion of its classes.

    shaped: float32 (n, outputs), smoothed by the share `smoothing`, which is taken back here. weights: float32
    (classes,), of each class; None where all count the same. Returns float32 (n,), 0 where the class is missing, or
    None.
    """
    if weights is None:
        return None
    plain = (shaped - smoothing / len(weights)) / (1 - smoothing)
    if plain.shape[1] == 1:  # two classes, of which the second's share is given
        plain = np.concatenate([1 - plain, plain], axis=1)
    return np.nan_to_num(plain @ weights).astype(np.float32)


# ----------------------------------------------------------------------------------------------------
# What it is judged by


def hold_out(
    indices: np.ndarray, strata: np.ndarray, groups: Sequence[Sequence[int]], seed: int, noun: str
) -> tuple[np.ndarray, np.ndarray]:
    """Divide the training part 9:1, stratified, groups kept together: to learn from, and to decide by when to stop.

    indices: int (n,) into `strata`, int (N,). groups: indices too. noun: what one example is called. Raises UsageError
    where nothing can be held out.
    """
    inside = within(groups, indices)
    parts = deal(strata[indices], group_ids(len(indices), inside), KEPT_BACK, seed=seed, needed=1)
    if not (parts == 1).any() or not (parts == 0).any():
        raise UsageError(
            f"patience holds out a tenth of the training {noun}s, and {len(indices)} are too few for that. Add "
            f"{noun}s, or train without patience."
        )
    return indices[parts == 0], indices[parts == 1]


def size_at(stage: Stage, epoch: int, size: int) -> int:
    """The side in px that pictures have in an epoch, from 0: `sizes` over equal parts, or `size` throughout."""
    if not stage.sizes:
        return size
    return stage.sizes[min(epoch * len(stage.sizes) // stage.epochs, len(stage.sizes) - 1)]


def shrunk(inputs: np.ndarray, size: int) -> np.ndarray:
    """Pictures at a smaller side, each pixel the mean of those it covers: uint8 (N, size, size, C). Others stay."""
    if not are_pictures(inputs) or inputs.shape[1] == size:
        return inputs
    import cv2

    return np.stack([cv2.resize(one, (size, size), interpolation=cv2.INTER_AREA) for one in inputs])
