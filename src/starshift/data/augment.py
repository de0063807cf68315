"""Augmentation: pictures changed at random by a policy, so that a network sees no picture twice.

All that moves pixels (crop, rotation, shift, shear, zoom, flips, resizing) is composed into one affine matrix per
picture and carried out once, with bilinear sampling; all that changes colours linearly into one colour matrix. So each
picture is sampled once and rounded once for each of the two, whatever a policy asks for, and drawing is done for whole
batches. The amounts and their order are those of `keras.src.legacy.preprocessing.image`, which the seeds used:
rotation, shift, shear (in degrees), zoom, all about the picture's centre, then flips.

OpenCV computes. It is told to use one thread (for the whole process, at the first call): pictures of this size give
its own pool nothing to share out, and a second pool would fight with TensorFlow's for the cores. It lets go of Python's
lock while it works, so that batches made in a background thread slow a training only where no core is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
import numpy as np

from starshift.augmentation import Augmentation
from starshift.errors import DataError

GRAY = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a pixel's gray (ITU-R BT.601, as Pillow has them)."""

MOST_SHRINKING = 1.6
"""Pixels of the picture per pixel of the result beyond which bilinear sampling would skip some of them."""

OPERATIONS = (
    "identity",
    "autocontrast",
    "rotate",
    "shear x",
    "shear y",
    "shift x",
    "shift y",
    "brightness",
    "contrast",
    "saturation",
    "posterize",
    "solarize",
)
"""RandAugment's, less `equalize` and `sharpness`, which are no matrix and no table of one gray level each."""

_LARGEST_ROTATION, _LARGEST_SHEAR, _LARGEST_SHIFT, _LARGEST_FACTOR = 30.0, 0.3, 0.3, 0.9  # RandAugment at magnitude 1


def augment(
    pixels: np.ndarray,
    targets: np.ndarray,
    policy: Augmentation,
    generator: np.random.Generator,
    *,
    size: int,
    mixing: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Change each picture of a batch at random, and bring it to another size on the way.

    pixels: uint8 (N, H, W, C), 0–255, with C 1 or 3; never written to. targets: float32 (N, outputs).
    size: side of the result in pixels. mixing: whether mixup and cutmix, if the policy has them, are carried out.
    Returns uint8 (N, size, size, C), and the targets, mixed as their pictures were (then float32). Where there is
    nothing to do, both are the very arrays that came.
    The same state of the generator gives the same result, in whatever thread. Raises DataError for other arrays.
    """
    _check(pixels)
    mixed = mixing and policy.mixes and len(pixels) > 0
    changed = _change(pixels, policy, generator, size)
    if not mixed:
        return changed, targets
    return mix(changed, targets, policy, generator)


def sheet(pixels: np.ndarray, policy: Augmentation, seed: int, size: int, views: int = 5) -> np.ndarray:
    """Pictures and what a network sees of them, to be looked at.

    pixels: uint8 (N, H, W, C). Returns uint8 (N, 1 + views, size, size, C): each picture as it is, then changed.
    Where the policy mixes, pictures are mixed with each other.
    """
    generator, targets = np.random.default_rng(seed), np.zeros((len(pixels), 1), np.float32)
    plain, _ = augment(pixels, targets, Augmentation(), generator, size=size)
    seen = [augment(pixels, targets, policy, generator, size=size)[0] for _ in range(views)]
    return np.stack([plain, *seen], axis=1)


def _check(pixels: np.ndarray) -> None:
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[-1] not in (1, 3) or 0 in pixels.shape[1:]:
        raise DataError(
            "Augmentation takes pictures as uint8 (N, height, width, 1 or 3); "
            f"{pixels.dtype} {pixels.shape} came. Decode them with starshift.data.decode first."
        )


def _change(pixels: np.ndarray, policy: Augmentation, generator: np.random.Generator, size: int) -> np.ndarray:
    """Everything that is done to each picture by itself."""
    resized = pixels.shape[1:3] != (size, size)
    if not len(pixels) or (not resized and _changes_nothing(policy)):
        return pixels if not resized else np.empty((0, size, size, pixels.shape[-1]), np.uint8)
    count = len(pixels)
    geometry, jitter = draw_geometry(policy, count, generator), _draw_jitter(policy, count, generator)
    operations = _draw_operations(policy, count, generator)
    places = matrices(geometry) @ operations.matrices
    moved = resized or not np.array_equal(places, np.broadcast_to(np.eye(3), places.shape))
    changed = _warp(np.ascontiguousarray(pixels), places, size, policy.fill) if moved else pixels.copy()
    _colour(changed, [jitter, *operations.factors])
    _tabulate(changed, operations.names, policy.magnitude)
    if policy.noise:
        _add_noise(changed, policy.noise, generator)
    if policy.erase:
        _erase(changed, policy.erase, generator)
    return changed


@cache
def _changes_nothing(policy: Augmentation) -> bool:
    plain = Augmentation()
    return msgspec.structs.replace(policy, fill=plain.fill, mixup=0.0, cutmix=0.0) == plain


@cache
def _opencv() -> Any:
    """OpenCV with one thread; loaded when the first picture is changed, since few commands change any."""
    import cv2

    cv2.setNumThreads(1)
    return cv2


def _planes(pictures: np.ndarray) -> np.ndarray:
    """The same memory as OpenCV names it: gray pictures have no axis for channels."""
    return pictures[..., 0] if pictures.shape[-1] == 1 else pictures


# ---- where pixels come from -----------------------------------------------------------------------


@dataclass(frozen=True)
class Geometry:
    """What was drawn for each of N pictures; arrays (N,). Lengths are shares of the picture's side."""

    rotation: np.ndarray  # degrees
    shift_x: np.ndarray
    shift_y: np.ndarray
    shear: np.ndarray  # degrees
    zoom_x: np.ndarray  # above 1, the picture becomes smaller
    zoom_y: np.ndarray
    flip_x: np.ndarray  # bool: left and right exchanged
    flip_y: np.ndarray  # bool: up and down exchanged
    crop_width: np.ndarray
    crop_height: np.ndarray
    crop_x: np.ndarray  # from the picture's centre to the crop's
    crop_y: np.ndarray


def draw_geometry(policy: Augmentation, count: int, generator: np.random.Generator) -> Geometry:
    """Draw for `count` pictures; every amount is drawn, so that changing one changes no other's chance."""
    share = generator.random((12, count))  # uniform in 0 to 1
    sided = 2 * share - 1
    area = 1 - (1 - policy.crop) * share[8]
    widest = np.minimum(np.log(policy.aspect), -np.log(area))  # beyond it, a side of the crop would not fit
    ratio = np.exp(sided[9] * widest)
    width, height = np.sqrt(area * ratio), np.sqrt(area / ratio)
    return Geometry(
        rotation=policy.rotation * sided[0],
        shift_x=policy.shift * sided[1],
        shift_y=policy.shift * sided[2],
        shear=policy.shear * sided[3],
        zoom_x=1 + policy.zoom * sided[4],
        zoom_y=1 + policy.zoom * sided[5],
        flip_x=policy.flip & (share[6] < 0.5),
        flip_y=policy.flip_vertical & (share[7] < 0.5),
        crop_width=width,
        crop_height=height,
        crop_x=(1 - width) / 2 * sided[10],
        crop_y=(1 - height) / 2 * sided[11],
    )


def matrices(geometry: Geometry) -> np.ndarray:
    """(x, y, 1) of a place in the result → its place in the picture: float64 (N, 3, 3).

    Places are shares of the side from the centre, x to the right, y downwards: −0.5 to 0.5 within the picture.
    """
    turn, lean = np.deg2rad(geometry.rotation), np.deg2rad(geometry.shear)
    crop = _affine(geometry.crop_width, 0, geometry.crop_x, 0, geometry.crop_height, geometry.crop_y)
    rotation = _affine(np.cos(turn), -np.sin(turn), 0, np.sin(turn), np.cos(turn), 0)
    shift = _affine(1, 0, geometry.shift_x, 0, 1, geometry.shift_y)
    shear = _affine(1, -np.sin(lean), 0, 0, np.cos(lean), 0)
    zoom = _affine(geometry.zoom_x, 0, 0, 0, geometry.zoom_y, 0)
    flip = _affine(1 - 2.0 * geometry.flip_x, 0, 0, 0, 1 - 2.0 * geometry.flip_y, 0)
    return crop @ rotation @ shift @ shear @ zoom @ flip


def _affine(*entries: np.ndarray | float) -> np.ndarray:
    """Six entries, (N,) or plain numbers, row by row → (N, 3, 3), or (1, 3, 3) of plain numbers."""
    matrix = np.zeros((max(getattr(one, "size", 1) for one in entries), 3, 3))
    for place, one in enumerate(entries):
        matrix[:, place // 3, place % 3] = one
    matrix[:, 2, 2] = 1
    return matrix


def _warp(pixels: np.ndarray, places: np.ndarray, size: int, fill: str) -> np.ndarray:
    """Sample each picture at the places that its matrix names."""
    cv2 = _opencv()
    border = {"nearest": cv2.BORDER_REPLICATE, "reflect": cv2.BORDER_REFLECT_101, "black": cv2.BORDER_CONSTANT}[fill]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    count, height, width, channels = pixels.shape
    warped = np.empty((count, size, size, channels), np.uint8)
    halvings = _halvings(places, height, width, size)
    sides = np.maximum(np.array([width, height]) // 2 ** halvings[:, None], 1)
    sampled = _to_pixels(places, sides, size)
    for source, target, matrix, halved in zip(_planes(pixels), _planes(warped), sampled, halvings, strict=True):
        for _ in range(halved):
            half = max(source.shape[1] // 2, 1), max(source.shape[0] // 2, 1)
            source = cv2.resize(source, half, interpolation=cv2.INTER_AREA)
        cv2.warpAffine(source, matrix, (size, size), dst=target, flags=flags, borderMode=border)
    return warped


def _halvings(places: np.ndarray, height: int, width: int, size: int) -> np.ndarray:
    """How often each picture is halved by averages before it is sampled; int (N,)."""
    determinant = places[:, 0, 0] * places[:, 1, 1] - places[:, 0, 1] * places[:, 1, 0]
    shrinking = np.sqrt(np.abs(determinant) * height * width) / size
    times = np.ceil(np.log2(np.maximum(shrinking / MOST_SHRINKING, 1.0)))
    return np.minimum(times, np.log2(min(height, width)) // 1).astype(int)


def _to_pixels(places: np.ndarray, sides: np.ndarray, size: int) -> np.ndarray:
    """Matrices between shares of the side → between pixel numbers, for OpenCV: float64 (N, 2, 3).

    sides: int (N, 2), width and height of each picture in pixels. Pixel number i has its centre at (i + 0.5) / side.
    """
    to_share = _affine(1 / size, 0, 0.5 / size - 0.5, 0, 1 / size, 0.5 / size - 0.5)
    width, height = sides[:, 0].astype(float), sides[:, 1].astype(float)
    from_share = _affine(width, 0, width / 2 - 0.5, 0, height, height / 2 - 0.5)
    return np.ascontiguousarray((from_share @ places @ to_share)[:, :2])


# ---- RandAugment ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Operations:
    """RandAugment's draws for N pictures, as what they amount to."""

    names: list[set[str]]  # of each picture
    matrices: np.ndarray  # float64 (N, 3, 3), or (1, 3, 3) where there are none
    factors: list[np.ndarray]  # per operation: brightness, contrast, saturation; float64 (3, N)


def _draw_operations(policy: Augmentation, count: int, generator: np.random.Generator) -> Operations:
    drawn = generator.integers(len(OPERATIONS), size=(policy.operations, count))
    strength = policy.magnitude * np.where(generator.random(drawn.shape) < 0.5, -1.0, 1.0)
    composed, factors = _affine(1.0, 0, 0, 0, 1, 0), []
    for which, strong in zip(drawn, strength, strict=True):
        amount = {name: strong * (which == number) for number, name in enumerate(OPERATIONS)}
        turn = np.deg2rad(_LARGEST_ROTATION * amount["rotate"])
        composed = (
            composed
            @ _affine(np.cos(turn), -np.sin(turn), 0, np.sin(turn), np.cos(turn), 0)
            @ _affine(1, _LARGEST_SHEAR * amount["shear x"], 0, _LARGEST_SHEAR * amount["shear y"], 1, 0)
            @ _affine(1, 0, _LARGEST_SHIFT * amount["shift x"], 0, 1, _LARGEST_SHIFT * amount["shift y"])
        )
        factors.append(
            1 + _LARGEST_FACTOR * np.stack([amount[name] for name in ("brightness", "contrast", "saturation")])
        )
    return Operations([{OPERATIONS[one] for one in column} for column in drawn.T], composed, factors)


# ---- colours --------------------------------------------------------------------------------------


def _draw_jitter(policy: Augmentation, count: int, generator: np.random.Generator) -> np.ndarray:
    """Factors of brightness, contrast and saturation: float64 (3, N)."""
    amounts = np.array([policy.brightness, policy.contrast, policy.saturation])
    return 1 + amounts[:, None] * (2 * generator.random((3, count)) - 1)


def colour_matrices(steps: Sequence[np.ndarray], means: np.ndarray) -> np.ndarray:
    """Brightness, contrast and saturation, in this order and step after step, as one matrix per picture.

    steps: of (3, N) factors. means: of each picture's channels, float64 (N, C).
    Returns float64 (N, C, C + 1): a pixel (red, green, blue, 1) → its new colour.
    """
    count, channels = means.shape
    gray = np.array(GRAY if channels == 3 else (1.0,))
    matrix = np.tile(np.eye(channels, channels + 1), (count, 1, 1))
    ends = np.concatenate([means, np.ones((count, 1))], axis=1)[..., None]
    for brightness, contrast, saturation in steps:
        matrix *= brightness[:, None, None]
        middle = gray @ (matrix @ ends)[..., 0].T
        matrix *= contrast[:, None, None]
        matrix[:, :, -1] += ((1 - contrast) * middle)[:, None]
        grays = gray @ matrix  # (N, C + 1): the row that gives the gray of a pixel
        matrix = saturation[:, None, None] * matrix + (1 - saturation)[:, None, None] * grays[:, None, :]
    return matrix


def _colour(pictures: np.ndarray, steps: Sequence[np.ndarray]) -> None:
    """Change colours in place, of those pictures for which a change was drawn."""
    rows = np.flatnonzero((np.stack(steps) != 1).any(axis=(0, 1)))
    if not len(rows):
        return
    cv2, planes = _opencv(), _planes(pictures)
    means = np.array([cv2.mean(planes[row])[: pictures.shape[-1]] for row in rows])
    for row, matrix in zip(rows, colour_matrices([step[:, rows] for step in steps], means), strict=True):
        planes[row] = cv2.transform(planes[row], matrix.astype(np.float32))


def _tabulate(pictures: np.ndarray, drawn: Sequence[set[str]], magnitude: float) -> None:
    """Autocontrast, solarize and posterize in place, as one table from old to new gray levels per picture."""
    cv2, planes = _opencv(), _planes(pictures)
    for plane, picture, names in zip(planes, pictures, drawn, strict=True):
        if not names & {"autocontrast", "solarize", "posterize"}:
            continue
        table = np.tile(np.arange(256, dtype=float)[:, None], picture.shape[-1])
        if "autocontrast" in names:
            low, high = (
                cv2.reduce(plane, 0, how).reshape(-1, picture.shape[-1]) for how in (cv2.REDUCE_MIN, cv2.REDUCE_MAX)
            )
            low, high = low.min(axis=0), high.max(axis=0).astype(float)
            stretched = (table - low) * 255 / np.maximum(high - low, 1)
            table = np.where(high > low, np.clip(stretched, 0, 255), table)
        levels = np.rint(table).astype(np.uint8)
        if "solarize" in names:
            levels = np.where(levels >= 256 * (1 - magnitude), 255 - levels, levels)
        if "posterize" in names:
            levels &= np.uint8(0xFF << round(4 * magnitude) & 0xFF)
        plane[...] = cv2.LUT(plane, levels[None] if picture.shape[-1] > 1 else levels[:, 0])


def _add_noise(pictures: np.ndarray, deviation: float, generator: np.random.Generator) -> None:
    """Gaussian noise in place. A batch shares one long strip of it, of which each picture has a random stretch."""
    cv2, planes = _opencv(), _planes(pictures)
    length = planes[0].size
    strip = np.rint(deviation * generator.standard_normal(2 * length, dtype=np.float32)).astype(np.int16)
    for plane, start in zip(planes, generator.integers(length + 1, size=len(planes)), strict=True):
        plane[...] = cv2.add(plane, strip[start : start + length].reshape(plane.shape), dtype=cv2.CV_8U)


def _erase(pictures: np.ndarray, probability: float, generator: np.random.Generator) -> None:
    """Paint a rectangle of 2 to 25 % of the area over, in place, in a random colour."""
    count, size, _, channels = pictures.shape
    share = generator.random((5, count))
    colours = generator.integers(256, size=(count, channels), dtype=np.uint8)
    area, ratio = 0.02 + 0.23 * share[1], np.exp(np.log(2.5) * (2 * share[2] - 1))  # 0.4 to 2.5
    widths, heights = (
        np.clip(np.floor(size * side), 1, size).astype(int) for side in (np.sqrt(area * ratio), np.sqrt(area / ratio))
    )
    lefts, tops = (share[3] * (size - widths + 1)).astype(int), (share[4] * (size - heights + 1)).astype(int)
    for row in np.flatnonzero(share[0] < probability):
        left, top = lefts[row], tops[row]
        pictures[row, top : top + heights[row], left : left + widths[row]] = colours[row]


# ---- pictures with each other ---------------------------------------------------------------------


def mix(
    pictures: np.ndarray, targets: np.ndarray, policy: Augmentation, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Mix each picture with another of its batch, and the targets in the same proportion.

    pictures: uint8 (N, size, size, C). targets: (N, outputs). Where a policy has mixup and cutmix, a coin decides for
    the whole batch. The proportion is drawn for each picture. Returns new arrays: uint8, and float32 targets.
    """
    coin = generator.random() < 0.5
    cut = policy.cutmix > 0 and (policy.mixup == 0 or coin)
    strength = policy.cutmix if cut else policy.mixup
    others = generator.permutation(len(pictures))
    kept = generator.beta(strength, strength, len(pictures))
    mixed, kept = _paste(pictures, others, kept, generator) if cut else (_blend(pictures, others, kept), kept)
    share = kept.astype(np.float32).reshape(-1, *[1] * (targets.ndim - 1))
    return mixed, (share * targets + (1 - share) * targets[others]).astype(np.float32)


def _blend(pictures: np.ndarray, others: np.ndarray, kept: np.ndarray) -> np.ndarray:
    cv2, mixed, planes = _opencv(), np.empty_like(pictures), _planes(pictures)
    for target, one, other, share in zip(_planes(mixed), planes, others, kept, strict=True):
        cv2.addWeighted(one, share, planes[other], 1 - share, 0.0, dst=target)
    return mixed


def _paste(
    pictures: np.ndarray, others: np.ndarray, kept: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A rectangle of the other picture into each; also what share of each picture was left in the end."""
    count, size, mixed = len(pictures), pictures.shape[1], pictures.copy()
    side = size * np.sqrt(1 - kept)
    centres = size * generator.random((2, count))
    (tops, lefts), (bottoms, rights) = (
        np.clip(np.rint(centres + sign * side / 2), 0, size).astype(int) for sign in (-1, 1)
    )
    for row, (top, bottom, left, right) in enumerate(zip(tops, bottoms, lefts, rights, strict=True)):
        mixed[row, top:bottom, left:right] = pictures[others[row], top:bottom, left:right]
    return mixed, 1 - (bottoms - tops) * (rights - lefts) / size**2
