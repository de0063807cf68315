"""What a stage of training is fed with: the training part's batches, augmented, and the pictures it is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from starshift.apportion import deal, group_ids, within
from starshift.augmentation import Augmentation
from starshift.data.batches import Batch, Batches, Transform
from starshift.errors import UsageError
from starshift.models import heads
from starshift.recipe import Stage

THREADS = 2
"""Background threads that make batches where pictures are augmented; cv2 and NumPy let go of Python's lock."""

KEPT_BACK = (9, 1)
"""Training pictures to learn from and to decide by when to stop, where a stage has `patience`."""


def training_batches(
    pixels: Any,
    targets: np.ndarray,
    indices: np.ndarray,
    stage: Stage,
    *,
    size: int,
    mixing: bool,
    classes: int,
    seed: int,
) -> Batches:
    """The training part as a stage wants it, at `size` px.

    pixels: array-like of uint8 (N, H, W, C). targets: int (N,). mixing: whether the stage's policy may mix pictures.
    """
    augmented = changes_pixels(stage, pixels.shape[1], size)
    return Batches(
        pixels,
        targets,
        indices,
        batch_size=stage.batch_size,
        seed=seed,
        steps=stage.steps_per_epoch,
        transform=_transform(stage, size, mixing, classes, augmented),
        prefetch=2 * THREADS if augmented else 2,
        threads=THREADS if augmented else 1,
    )


def changes_pixels(stage: Stage, side: int, size: int) -> bool:
    """Whether pictures of `side` px must go through `data.augment` to be trained on at `size` px."""
    return stage.augmentation != Augmentation() or side != size


def _transform(stage: Stage, size: int, mixing: bool, classes: int, augmented: bool) -> Transform:
    def transform(pixels: np.ndarray, targets: np.ndarray, generator: np.random.Generator) -> Batch:
        shaped = heads.shape_targets(targets, classes)
        if pixels.dtype != np.uint8:  # activations of a frozen network, of pictures that were augmented before
            pixels, shaped = blend(pixels, shaped, stage.augmentation.mixup if mixing else 0.0, generator)
        elif augmented:
            from starshift.data.augment import augment

            pixels, shaped = augment(pixels, shaped, stage.augmentation, generator, size=size, mixing=mixing)
        return pixels, smooth(shaped, stage.label_smoothing, classes)

    return transform


def blend(rows: np.ndarray, targets: np.ndarray, strength: float, generator: np.random.Generator) -> Batch:
    """Mix each row with another, and the targets in the same proportion (Verma et al. 2019, arXiv:1806.05236).

    rows: float (N, h, w, c). targets: float32 (N, outputs). strength: of the Beta distribution; 0 mixes nothing.
    """
    if not strength:
        return rows, targets
    others, kept = generator.permutation(len(rows)), generator.beta(strength, strength, len(rows)).astype(np.float32)
    shares = kept.reshape(-1, *[1] * (rows.ndim - 1))
    mixed = shares * rows + (1 - shares) * rows[others]
    return mixed.astype(rows.dtype), kept[:, None] * targets + (1 - kept[:, None]) * targets[others]


def smooth(targets: np.ndarray, share: float, classes: int) -> np.ndarray:
    """Spread a share of each target over all classes (Szegedy et al. 2016, arXiv:1512.00567). float32 (N, outputs)."""
    return targets if not share else (targets * (1 - share) + share / classes).astype(np.float32)


def counting(targets: np.ndarray, weights: np.ndarray | None, smoothing: float) -> np.ndarray | None:
    """What each picture of a batch counts in the loss; of a mixed one, in the proportion of its classes.

    targets: float32 (n, outputs), smoothed by the share `smoothing`, which is taken back here. weights: float32
    (classes,), of each class; None where all count the same. Returns float32 (n,), or None.
    """
    if weights is None:
        return None
    plain = (targets - smoothing / len(weights)) / (1 - smoothing)
    if plain.shape[1] == 1:  # two classes, of which the second's share is given
        plain = np.concatenate([1 - plain, plain], axis=1)
    return (plain @ weights).astype(np.float32)


def hold_out(
    indices: np.ndarray, targets: np.ndarray, groups: Sequence[Sequence[int]], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Divide the training part 9:1, stratified, groups kept together: to learn from, and to decide by when to stop.

    indices: int (n,) into `targets`, int (N,). groups: indices too. Raises UsageError where nothing can be held out.
    """
    inside = within(groups, indices)
    parts = deal(targets[indices], group_ids(len(indices), inside), KEPT_BACK, seed=seed, needed=1)
    if not (parts == 1).any() or not (parts == 0).any():
        raise UsageError(
            f"patience holds out a tenth of the training pictures, and {len(indices)} are too few for that. Add "
            "pictures, or train without patience."
        )
    return indices[parts == 0], indices[parts == 1]


def size_at(stage: Stage, epoch: int, size: int) -> int:
    """The side in px that pictures have in an epoch, from 0: `sizes` over equal parts, or `size` throughout."""
    if not stage.sizes:
        return size
    return stage.sizes[min(epoch * len(stage.sizes) // stage.epochs, len(stage.sizes) - 1)]


def shrunk(pixels: np.ndarray, size: int) -> np.ndarray:
    """Pictures at a smaller side, each pixel the mean of those it covers. uint8 (N, size, size, C)."""
    if pixels.shape[1] == size:
        return pixels
    import cv2

    return np.stack([cv2.resize(one, (size, size), interpolation=cv2.INTER_AREA) for one in pixels])
