"""What a learnware is good for, told by its training pictures: kernel mean embeddings, in NumPy alone.

Features of a frozen base are scaled to length 1, which depends on nobody's data, and mapped to random Fourier features
of a Gaussian kernel (Rahimi and Recht 2007) with orthogonal frequencies (Yu et al. 2016). What is told is the mean of
these over all pictures, and over those of each class. The squared distance of two such means is the maximum mean
discrepancy (Gretton et al. 2012) of the two sets of pictures.

A mean of few pictures tells much about each of them: docs/learnware.md has the figures. Classes with fewer than
MIN_CELL pictures are therefore told together, and this is a floor, not anonymity.
"""

from __future__ import annotations

import math
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import get_args

import msgspec
import numpy as np
from safetensors.numpy import save

from starshift import catalogue
from starshift.data.decode import LARGEST_SIDE, Fit
from starshift.errors import RunError, UsageError
from starshift.inference.network import Precision
from starshift.learnware import strict
from starshift.learnware.archive import SPECIFICATION
from starshift.learnware.strict import hidden_in
from starshift.recipe import digest
from starshift.records import SPECIFICATION_SCHEMA, Cell, Privacy, Space, SpecificationRecord

FREQUENCIES = 320
"""So that 10 classes stay below 16 KB. Which of caltech-101's 101 classes 2, 4 or 30 pictures are of, the nearest mean
of 30 others tells in 97, 98 and 100 % (128 frequencies: 95, 98, 100; the means of the 1,280 features: 96, 99, 100)."""

BANDWIDTH = 1.14
"""The median distance of two pictures, features scaled to length 1: 1.15 on caltech-101, 1.13 on dogs vs. cats. Half of
it loses 2 to 6 points of the figure above, half as much again changes nothing."""

PROJECTION = "orthogonal-1"
"""The name and number of `frequencies_of`; another way to draw them has another."""

MIN_CELL = 10
"""Fewest pictures whose mean is told."""

DELTA = 1e-5
"""Of the privacy that is asked for by an ε alone."""

MOST_FREQUENCIES = 4096
METADATA = "specification"

_RECORDS = msgspec.json.Decoder(SpecificationRecord)
"""Made at import, as in learnware.package: the first decoding of a type is not for several threads at once."""


@dataclass(frozen=True)
class Specification:
    """What is told of a set of pictures."""

    record: SpecificationRecord
    marginal: np.ndarray  # float16 (dimensions,): mean over all pictures
    means: np.ndarray  # float16 (cells, dimensions)

    @property
    def counts(self) -> np.ndarray:
        """Pictures of each cell: int64 (cells,)."""
        return np.array([cell.count for cell in self.record.cells], dtype=np.int64)


def space_of(base: str, weights: str, *, size: int, fit: str, features: int) -> Space:
    """The space of a base. weights: SHA-256 of its weights file."""
    return Space(base, weights, size, fit, features, FREQUENCIES, BANDWIDTH, PROJECTION)


def key(space: Space) -> str:
    """By which a space is known: vectors of equal keys can be compared."""
    return digest("space", space)


# ----------------------------------------------------------------------------------------------------
# Making one


def embed(features: np.ndarray, space: Space) -> np.ndarray:
    """Pictures as vectors of length 1. features: float32 (N, features). Returns float32 (N, dimensions)."""
    if features.shape[1] != space.features:
        raise UsageError(f"The space of {space.base} takes {space.features:,} features; {features.shape[1]:,} came.")
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    angles = (features / np.maximum(lengths, np.finfo(np.float32).tiny)) @ frequencies_of(space)
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1) / np.float32(math.sqrt(space.frequencies))


@lru_cache(maxsize=4)
def frequencies_of(space: Space) -> np.ndarray:
    """The frequencies of a space: float32 (features, frequencies), the same on every machine but for rounding.

    Orthogonal directions in blocks of at most `features`, with the lengths of normal vectors. Drawn by NumPy's
    RandomState, whose stream is promised never to change, from a seed that the space's name gives.
    """
    from threadpoolctl import threadpool_limits

    seed = int(digest(space.projection, space.base, space.digest, space.features, space.frequencies)[:8], 16)
    random, blocks = np.random.RandomState(seed), []
    for start in range(0, space.frequencies, space.features):
        width = min(space.features, space.frequencies - start)
        drawn = random.standard_normal((space.features, width))
        with threadpool_limits(1, user_api="blas"):  # an eighth of a second; several threads wait seconds on a busy CPU
            orthogonal, triangular = np.linalg.qr(drawn)
        lengths = np.sqrt(random.chisquare(space.features, width))
        blocks.append(orthogonal * np.sign(np.diag(triangular)) * lengths)
    return (np.concatenate(blocks, axis=1) / space.bandwidth).astype(np.float32)


def specify(
    features: np.ndarray,
    labels: Sequence[str],
    space: Space,
    *,
    precision: str,
    min_cell: int = MIN_CELL,
    epsilon: float | None = None,
    delta: float = DELTA,
) -> Specification:
    """What is told of pictures.

    features: of the space's base, float32 (N, features). labels: a class each; none, where no classes are told apart.
    min_cell: classes with fewer pictures are told as one cell, which takes in the next larger one while it is too small
        itself; 1 for what stays on this machine.
    epsilon: tell the marginal alone, with noise by which it is (ε, δ)-differentially private where one picture is
        exchanged for another; exact means of classes beside it would void that.
    Raises UsageError for fewer pictures than min_cell, or an ε or δ that is none.
    """
    if not len(features) or len(features) < min_cell:
        raise UsageError(
            f"{len(features)} pictures are too few for a specification, which would tell each of them; it takes "
            f"{max(min_cell, 1)}."
        )
    vectors = embed(features, space)
    marginal, means = vectors.mean(axis=0, dtype=np.float64), np.empty((0, space.dimensions))
    cells: tuple[Cell, ...] = ()
    privacy = None if epsilon is None else _privacy(epsilon, delta, 2 / len(vectors))
    if privacy:
        marginal = noised(marginal, privacy.sigma)
    elif len(labels):
        cells = tuple(_cells(labels, min_cell))
        place = {name: number for number, cell in enumerate(cells) for name in cell.classes}
        of = np.array([place[label] for label in labels])
        means = np.stack([vectors[of == number].mean(axis=0, dtype=np.float64) for number in range(len(cells))])
    record = SpecificationRecord(SPECIFICATION_SCHEMA, space, precision, len(vectors), min_cell, cells, privacy)
    return Specification(record, marginal.astype(np.float16), means.astype(np.float16))


def _cells(labels: Sequence[str], min_cell: int) -> list[Cell]:
    """Classes by name, the small ones together at the end.

    A small cell cannot simply be left out: what the marginal and the others tell would leave just its sum.
    """
    counts = Counter(labels)
    rising = sorted(counts, key=lambda name: (counts[name], name))
    small = sum(counts[name] < min_cell for name in rising)
    while small < len(rising) and 0 < sum(counts[name] for name in rising[:small]) < min_cell:
        small += 1
    together = tuple(sorted(rising[:small]))
    cells = [Cell((name,), counts[name]) for name in sorted(rising[small:])]
    return [*cells, Cell(together, sum(counts[name] for name in together))] if together else cells


# ----------------------------------------------------------------------------------------------------
# Privacy


def _privacy(epsilon: float, delta: float, sensitivity: float) -> Privacy:
    if not (0 < epsilon < math.inf and 0 < delta < 1):
        raise UsageError(f"Privacy takes an ε above 0 and a δ between 0 and 1; {epsilon:g} and {delta:g} came.")
    return Privacy(epsilon, delta, gaussian_sigma(epsilon, delta, sensitivity))


def gaussian_sigma(epsilon: float, delta: float, sensitivity: float) -> float:
    """The least standard deviation of normal noise that is (ε, δ)-differentially private.

    sensitivity: how far, in Euclidean distance, the value can move when one picture is exchanged. For a mean of n
    vectors of length 1 it is 2/n. By bisection of Theorem 8 of Balle and Wang (2018), which holds for every ε.
    """

    def delta_at(sigma: float) -> float:
        half, ratio = sensitivity / (2 * sigma), epsilon * sigma / sensitivity
        tail = _log_normal_below(-half - ratio) + epsilon
        return _normal_below(half - ratio) - (math.exp(tail) if tail < 700 else math.inf)

    high = sensitivity / epsilon
    while delta_at(high) > delta:
        high *= 2
    low = 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if delta_at(middle) > delta else (low, middle)
    return high


def _normal_below(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2


def _log_normal_below(x: float) -> float:
    """Its logarithm; far below 0, where it vanishes, by its asymptote, which lies above it."""
    below = _normal_below(x)
    return math.log(below) if below > 0 else -x * x / 2 - math.log(-x * math.sqrt(2 * math.pi))


def noised(mean: np.ndarray, sigma: float) -> np.ndarray:
    """The mean with noise from the system's own source: a seed that is told would tell the noise. Longer than 1, as no
    mean is, it is shortened, which costs no privacy.
    """
    found = mean + sigma * np.random.default_rng(secrets.randbits(256)).standard_normal(len(mean))
    return np.asarray(found / max(1.0, float(np.linalg.norm(found))))


# ----------------------------------------------------------------------------------------------------
# Comparing


def squared_distances(
    ours: np.ndarray,
    our_counts: Sequence[int] | np.ndarray,
    theirs: np.ndarray,
    their_counts: Sequence[int] | np.ndarray,
    *,
    unbiased: bool = True,
) -> np.ndarray:
    """Squared maximum mean discrepancies of sets of pictures, by their means: float32 (A, B).

    ours: (A, dimensions), theirs: (B, dimensions), of one space. counts: pictures behind each mean.
    unbiased: as estimates of the distance of what the pictures were drawn from, which can be below 0; sets of 1 picture
        keep the bias. Else the distance of the very sets, at least 0, which is larger the fewer pictures there are.
        The two follow from each other since every vector has length 1.
    """
    ours, theirs = np.asarray(ours, dtype=np.float32), np.asarray(theirs, dtype=np.float32)
    own = own_products(ours, np.asarray(our_counts), unbiased=unbiased)
    other = own_products(theirs, np.asarray(their_counts), unbiased=unbiased)
    found = own[:, None] + other[None, :] - 2 * (ours @ theirs.T)
    return found if unbiased else np.maximum(found, 0)


def own_products(means: np.ndarray, counts: np.ndarray, *, unbiased: bool = True) -> np.ndarray:
    """The mean kernel of two pictures of each set: float32 (N,). unbiased: of two different ones."""
    squared = np.einsum("nd,nd->n", means, means)
    if not unbiased:
        return np.asarray(squared)
    several = np.maximum(counts, 2)
    return np.where(counts > 1, (several * squared - 1) / (several - 1), squared).astype(np.float32)


# ----------------------------------------------------------------------------------------------------
# As a file


def write(specification: Specification) -> bytes:
    """spec.safetensors: the vectors, with the record as metadata."""
    arrays = {"marginal": specification.marginal, "means": specification.means}
    return save(arrays, metadata={METADATA: msgspec.json.encode(specification.record).decode()})


def read(content: bytes, name: str = SPECIFICATION) -> Specification:
    """The specification in a file. Raises RunError for everything that is none, or that no pictures could have."""
    tensors, metadata = strict.tensors(content, name)
    if metadata.keys() != {METADATA}:
        raise RunError(f"{name} has the metadata {sorted(metadata)}; {METADATA!r} is what a specification has.")
    text = metadata[METADATA].encode("utf-8", "surrogatepass")
    strict.parsed(text, f"The record in {name}")
    try:
        record = _RECORDS.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RunError(f"The record in {name} is none that this version of Starshift reads ({error}).") from error
    if problems := _problems(record, tensors):
        raise RunError([f"{name}: {problem}" for problem in problems])
    return Specification(record, tensors["marginal"], tensors["means"])


def _problems(record: SpecificationRecord, tensors: Mapping[str, np.ndarray]) -> list[str]:
    space, cells = record.space, record.cells
    if record.schema != SPECIFICATION_SCHEMA:
        return [f"its form has number {record.schema}; this version reads {SPECIFICATION_SCHEMA}."]
    if problems := _space_problems(record):
        return problems
    wanted = {"marginal": (space.dimensions,), "means": (len(cells), space.dimensions)}
    found = {name: array.shape for name, array in tensors.items()}
    if found != wanted or any(array.dtype != np.float16 for array in tensors.values()):
        return [f"its vectors are {found}, and {wanted} in float16 are needed."]
    problems = []
    names = [name for cell in cells for name in cell.classes]
    if len(set(names)) < len(names) or not all(cell.classes for cell in cells):
        problems.append("its cells name a class twice, or none.")
    if any(cell.count < max(record.min_cell, 1) for cell in cells) or record.count < max(record.min_cell, 1):
        problems.append(f"a cell has fewer pictures than the {record.min_cell} that it says.")
    if cells and sum(cell.count for cell in cells) != record.count:
        problems.append("its cells do not have as many pictures as it says.")
    if record.privacy and cells:
        problems.append("exact means of classes stand beside a marginal that is said to be private.")
    means, marginal = tensors["means"].astype(np.float32), tensors["marginal"].astype(np.float32)
    if (np.linalg.norm([*means, marginal], axis=1) > 1 + ROUNDING).any():
        problems.append("a mean is longer than 1, as none of vectors of length 1 is.")
    if cells and not problems:
        counts = np.array([cell.count for cell in cells], dtype=np.float64)
        if np.abs(counts @ means / record.count - marginal).max() > ROUNDING:
            problems.append("its marginal is not the mean of its cells.")
    return problems


def _space_problems(record: SpecificationRecord) -> list[str]:
    """Why vectors of pictures cannot be made in a space, or would cost more than a picture's are worth."""
    space, problems = record.space, []
    base = catalogue.BASES.get(space.base)
    if base is None or space.features != base.features:
        problems.append(f"its space is of {space.base!a} with {space.features:,} features, which the catalogue lacks.")
    if not 0 < space.frequencies <= MOST_FREQUENCIES or not 0 < space.bandwidth < math.inf:
        problems.append(f"its space has {space.frequencies:,} frequencies; {MOST_FREQUENCIES:,} are the most.")
    if not 0 < space.size <= LARGEST_SIDE or space.fit not in get_args(Fit):
        problems.append(f"its space is of pictures that are {space.size:,} px on each side ({space.fit!a}).")
    if space.projection != PROJECTION:
        problems.append(f"its space is drawn by {space.projection!a}; {PROJECTION!r} is known.")
    if record.precision not in get_args(Precision):
        problems.append(f"its precision is {record.precision!a}; {' and '.join(get_args(Precision))} are known.")
    names = [name for cell in record.cells for name in cell.classes]
    problems += [f"its class {name!a} has characters that are not to be seen." for name in names if hidden_in(name)]
    return problems


ROUNDING = 1e-2
"""What float16 changes of a mean's length, ten times over."""
