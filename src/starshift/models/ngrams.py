"""N-grams of words or characters as columns: found in a training part, counted, and weighed. Needs SciPy, no Keras.

An n-gram is kept as one whole number made of its units' numbers, so that all of a corpus are found, counted and looked
up by sorting whole arrays: 25,000 film reviews have 17 million n-grams of one to three words, which take seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from starshift.errors import RunError

LARGEST_KEY = 2**63 - 1


class Weighing(NamedTuple):
    """A view of texts: what is counted, and how columns are weighed."""

    title: str
    source: str  # "words" or "characters"
    counted: bool  # more often counts more, by its logarithm; else it is there or not
    by_labels: bool  # weighed by how differently two classes have it; else by how few texts have it


VIEWS = {
    "words": Weighing("words by TF-IDF", "words", True, False),
    "ratios": Weighing("words by their log-count ratio", "words", False, True),
    "characters": Weighing("characters by TF-IDF", "characters", True, False),
}
"""Views by name. TF-IDF: scikit-learn's with sublinear_tf. Ratios: NB-SVM (Wang and Manning 2012), for two classes."""


LETTERS = (2, 3, 4, 5)
"""How many characters in a row models of characters look at: prefixes, stems and endings."""


class Corpus(Protocol):
    """Texts as numbered units (words or characters), as data.words has them."""

    @property
    def forms(self) -> tuple[str, ...]:
        """Every different unit."""

    @property
    def ids(self) -> np.ndarray:
        """Places in `forms`, text after text: int32 (units in all,)."""

    @property
    def starts(self) -> np.ndarray:
        """Where each text begins, and where the last ends: int64 (texts + 1,)."""


@dataclass(frozen=True)
class Grams:
    """The columns that a model looks at: n-grams that a training part had.

    An n-gram's key is Σ (place of its k-th unit + 1) · (units + 1)^(n - k), which is another for every n-gram.
    """

    units: tuple[str, ...]  # words or characters that occur in them, the commonest first
    keys: np.ndarray  # int64 (columns,), ascending
    orders: tuple[int, ...]  # numbers of units in a row: (1, 2) for single ones and pairs

    def __len__(self) -> int:
        return len(self.keys)

    def spelt(self, column: int, between: str = " ") -> str:
        """A column's n-gram as it is read."""
        key, base, found = int(self.keys[column]), len(self.units) + 1, []
        while key:
            key, place = divmod(key, base)
            found.append(self.units[place - 1])
        return between.join(reversed(found))

    def tensors(self, name: str) -> dict[str, np.ndarray]:
        """As a saved model keeps them: the units as UTF-8, one per line, and the keys."""
        text = np.frombuffer("\n".join(self.units).encode(), dtype=np.uint8)
        return {f"{name}/units": text, f"{name}/keys": self.keys}

    @classmethod
    def of(cls, tensors: dict[str, np.ndarray], name: str, orders: Sequence[int]) -> Grams:
        """The inverse of `tensors`. Raises RunError where they are not what that wrote."""
        text, keys = tensors.get(f"{name}/units"), tensors.get(f"{name}/keys")
        if text is None or keys is None or text.dtype != np.uint8 or keys.dtype != np.int64 or keys.ndim != 1:
            raise RunError(f"The model lacks the vocabulary {name!r}, or it is no vocabulary.")
        try:
            units = tuple(bytes(text).decode().split("\n")) if len(text) else ()
        except UnicodeDecodeError as error:
            raise RunError(f"The model's vocabulary {name!r} is not UTF-8 ({error}).") from error
        if len(keys) and (np.any(np.diff(keys) <= 0) or int(keys[0]) <= 0 or len(set(units)) < len(units)):
            raise RunError(f"The model's vocabulary {name!r} is damaged: its columns or words are not in order.")
        return cls(units, keys, tuple(orders))


def learn(corpus: Corpus, orders: Sequence[int], *, least: int = 2, most: int) -> Grams:
    """The n-grams of a training part.

    least: how often an n-gram must occur in all. most: columns at most, the commonest. The order in which the texts
    come plays no part.
    """
    occurrences = np.bincount(corpus.ids, minlength=len(corpus.forms))
    common = np.flatnonzero(occurrences >= least).tolist()
    common.sort(key=lambda place: (-occurrences[place], corpus.forms[place]))
    del common[_most_units(max(orders)) :]
    units = tuple(corpus.forms[place] for place in common)
    if tuple(orders) == (1,):
        del common[most:]
        units = units[:most]
        return Grams(units, np.arange(1, len(units) + 1, dtype=np.int64), (1,))
    found, times = [], []
    for order in orders:
        keys, counts = np.unique(_keys(corpus, units, order)[0], return_counts=True)
        found.append(keys[counts >= least])
        times.append(counts[counts >= least])
    keys, counts = np.concatenate(found), np.concatenate(times)
    if len(keys) > most:
        keys = keys[np.lexsort((keys, -counts))[:most]]
    return Grams(units, np.sort(keys), tuple(orders))


def _most_units(order: int) -> int:
    """So many units can be told apart in keys of 63 bits."""
    units = int(LARGEST_KEY ** (1 / order)) - 2
    return min(units, 2**31 - 2)


def _keys(corpus: Corpus, units: Sequence[str], order: int) -> tuple[np.ndarray, np.ndarray]:
    """All n-grams of one order whose units are known: keys int64 (n,), and where in `ids` they begin, int64 (n,)."""
    place = {unit: number for number, unit in enumerate(units, start=1)}
    known = np.array([place.get(form, 0) for form in corpus.forms], dtype=np.int64)
    ids = known[corpus.ids] if len(known) else np.empty(0, np.int64)
    rows = _rows(corpus)
    last = len(ids) - order + 1
    if last <= 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    keys = ids[:last].copy()
    inside = (keys > 0) & (rows[:last] == rows[order - 1 :])
    for further in range(1, order):
        following = ids[further : last + further]
        keys = keys * (len(units) + 1) + following
        inside &= following > 0
    return keys[inside], np.flatnonzero(inside)


def _rows(corpus: Corpus) -> np.ndarray:
    """The text that each unit stands in: int32 (units in all,)."""
    lengths = np.diff(corpus.starts)
    return np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)


def find(grams: Grams, corpus: Corpus, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the n-grams of one order stand: their columns, int32 (n,), and where in `ids` they begin, int64 (n,)."""
    keys, begins = _keys(corpus, grams.units, order)
    if not len(grams):
        return np.empty(0, np.int32), np.empty(0, np.int64)
    columns = np.minimum(np.searchsorted(grams.keys, keys), len(grams) - 1)
    there = grams.keys[columns] == keys
    return columns[there].astype(np.int32), begins[there]


def count(grams: Grams, corpus: Corpus) -> Any:
    """How often each text has each n-gram: scipy.sparse.csr_array, float32 (texts, columns)."""
    from scipy.sparse import coo_array, csr_array

    shape = len(corpus.starts) - 1, len(grams)
    rows = _rows(corpus)
    total = csr_array(shape, dtype=np.float32)
    for order in grams.orders:
        columns, begins = find(grams, corpus, order)
        place = rows[begins], columns
        total = total + coo_array((np.ones(len(columns), np.float32), place), shape=shape).tocsr()
    return total


def inverse_frequencies(counts: Any) -> np.ndarray:
    """How telling each n-gram is: log((1 + texts) / (1 + texts that have it)) + 1, float32 (columns,).

    As scikit-learn's TfidfVectorizer has it (smooth_idf).
    """
    having = np.bincount(counts.indices, minlength=counts.shape[1])
    return (np.log((1 + counts.shape[0]) / (1 + having)) + 1).astype(np.float32)


def log_ratios(counts: Any, positive: np.ndarray) -> np.ndarray:
    """How much likelier each n-gram is in the texts of one class than in the others, as a logarithm.

    Wang and Manning 2012 ("Baselines and Bigrams"): presence is counted, and one is added to each. positive: bool (N,).
    Returns float32 (columns,).
    """
    there = counts.copy()
    there.data = np.ones_like(there.data)
    one, other = (np.asarray(there[mask].sum(axis=0)).ravel() + 1 for mask in (positive, ~positive))
    return (np.log(one / one.sum()) - np.log(other / other.sum())).astype(np.float32)


def weighed(counts: Any, scale: np.ndarray, *, counted: bool) -> Any:
    """Counts as features: rows of length 1, csr float32 (N, columns).

    scale: float32 (columns,), what each column is multiplied by. counted: 1 + log(count) before that, else 1.
    A text without any known n-gram is a row of zeros.
    """
    from scipy.sparse import csr_array

    amounts = 1 + np.log(counts.data) if counted else np.ones_like(counts.data)
    data = (amounts * scale[counts.indices]).astype(np.float32)
    squares = np.add.reduceat(np.append(data**2, 0), counts.indptr[:-1]) if counts.shape[0] else np.empty(0)
    squares = np.where(np.diff(counts.indptr) > 0, squares, 1)
    lengths = np.sqrt(np.where(squares > 0, squares, 1)).astype(np.float32)
    data /= np.repeat(lengths, np.diff(counts.indptr))
    return csr_array((data, counts.indices, counts.indptr), shape=counts.shape)
