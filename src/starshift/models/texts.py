"""Networks over words: the seeds' dense layers on multi-hot words, and blocks over embedded words; answers by NumPy.

Training needs Keras, answering does not: what a trained network says is computed here with NumPy from its weights, so
that a saved model of texts answers within a second and no network has to be converted.

Sources: dense 16-16-1 for film reviews and 64-64-46 for newswires, seed 003; a convolution over embedded words and its
maximum, Kim 2014 (arXiv:1408.5882); the mean of embedded words, Joulin et al. 2016 (arXiv:1607.01759); recurrent
layers, `models.series`.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from starshift.models import heads, ngrams, recurrence
from starshift.models.ngrams import Corpus, Grams
from starshift.records import Target

if TYPE_CHECKING:
    from keras import Model

VOCABULARY = "vocabulary"
"""What the names of a network's vocabulary begin with among its tensors."""

PADDING, UNKNOWN, FIRST = 0, 1, 2
"""Numbers in place of words: behind the end of a text, a word that training never saw, the commonest word."""

CONVOLUTION, POOLING = "convolution", "pooling"
"""Blocks over embedded words, beside the recurrent ones."""

CHUNK = 64
"""Texts in memory at once while a network answers."""

Tensors = Mapping[str, np.ndarray]


# ----------------------------------------------------------------------------------------------------
# With Keras


def dense_network(columns: int, target: Target, *, units: Sequence[int], dropout: float = 0.0) -> Model:
    """Layers of so many ReLU units, then the head. Input: float32 (N, columns)."""
    import keras

    inputs = x = keras.Input((columns,), name="words")
    for number, width in enumerate(units, start=1):
        x = keras.layers.Dense(width, activation="relu", name=f"dense{number}")(x)
        if dropout:
            x = keras.layers.Dropout(dropout, name=f"dropout{number}")(x)
    return keras.Model(inputs, heads.head(x, target), name="dense")


def embedded_network(
    words: int,
    length: int,
    target: Target,
    *,
    block: str,
    width: int,
    filters: Sequence[int],
    kernel: int,
    units: int,
    dropout: float,
) -> Model:
    """Words as vectors of `width` numbers, a block over them, the head. Input: int32 (N, length), see `PADDING`.

    words: in the vocabulary. block: "convolution" (filters, kernel: of each), "gru" or "lstm" (units: of each
    direction), "pooling" (mean and maximum of the vectors). dropout: share of the vectors' and of the block's features
    that training drops.
    """
    import keras

    from starshift.models import series

    ids = keras.Input((length,), dtype="int32", name="ids")
    x = keras.layers.Embedding(words + FIRST, width, name="embedding")(ids)
    mask = keras.ops.expand_dims(keras.ops.cast(ids > PADDING, "float32"), -1)
    if dropout:
        x = keras.layers.SpatialDropout1D(dropout, name="word_dropout")(x)
    if block == CONVOLUTION:
        x = series.convolution(x, mask, filters=filters, kernel=kernel, dropout=dropout)
    elif block == POOLING:
        x = series.pooled(keras.ops.tanh(x), mask)
    else:
        x = series.recurrent(x, mask, cell=block, units=units, dropout=dropout)
    return keras.Model(ids, heads.head(x, target), name=block)


# ----------------------------------------------------------------------------------------------------
# Words as input


def bag(grams: Grams, words: Corpus, *, counted: bool) -> Any:
    """Which n-grams each text has, or 1 + log(how often): csr_array, float32 (N, columns)."""
    counts = ngrams.count(grams, words)
    counts.data = 1 + np.log(counts.data) if counted else np.ones_like(counts.data)
    return counts


def sequence(grams: Grams, words: Corpus, length: int) -> np.ndarray:
    """The last `length` words of each text, as Keras's pad_sequences keeps them: int32 (N, length), see `PADDING`.

    Padding stands behind.
    """
    place = {unit: number for number, unit in enumerate(grams.units, start=FIRST)}
    known = np.array([place.get(form, UNKNOWN) for form in words.forms], dtype=np.int32)
    starts = words.starts.tolist()
    found = np.full((len(starts) - 1, length), PADDING, np.int32)
    for row, (start, end) in enumerate(itertools.pairwise(starts)):
        kept = known[words.ids[max(start, end - length) : end]] if end > start else words.ids[:0]
        found[row, : len(kept)] = kept
    return found


# ----------------------------------------------------------------------------------------------------
# Without Keras


def dense_outputs(rows: Any, tensors: Tensors, target: Target, layers: int) -> np.ndarray:
    """What a trained `dense_network` puts out. rows: csr_array, float32 (N, columns). Returns float32 (N, outputs)."""
    x = rows
    for number in range(1, layers + 1):
        x = np.maximum(x @ tensors[f"dense{number}/kernel"] + tensors[f"dense{number}/bias"], 0)
    return _head(np.asarray(x), tensors, target)


def embedded_outputs(ids: np.ndarray, tensors: Tensors, target: Target, *, block: str, filters: int) -> np.ndarray:
    """What a trained `embedded_network` puts out. ids: int32 (N, length). Returns float32 (N, outputs).

    filters: how many convolutions there are. Texts without words are padding throughout.
    """
    found = [np.empty((0, heads.outputs_of(target)), np.float32)]
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        lengths = (chunk > PADDING).sum(axis=1)
        chunk = chunk[:, : _whole(int(lengths.max()), filters if block == CONVOLUTION else 1, ids.shape[1])]
        x = tensors["embedding/embeddings"][chunk]
        if block == CONVOLUTION:
            x = recurrence.convolution(x, lengths, tensors, count=filters, steps=ids.shape[1])
        elif block == POOLING:
            x = recurrence.pooled(np.tanh(x), lengths)
        else:
            states = recurrence.states(x, lengths, tensors, cell=block, name="recurrent")
            x = recurrence.pooled(states, lengths)
        found.append(_head(x, tensors, target))
    return np.concatenate(found)


def _whole(longest: int, convolutions: int, length: int) -> int:
    """Steps that must be computed: what lies behind is padding, which halving must not cut."""
    step = 2 ** (convolutions - 1)
    return min(length, max(step, -(-longest // step) * step))


def _head(x: np.ndarray, tensors: Tensors, target: Target) -> np.ndarray:
    """As `heads.head`."""
    logits = x @ tensors["head/kernel"] + tensors["head/bias"]
    if target.kind == "regression":
        return logits
    if target.kind != "multi-class":
        return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)), np.float32)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), np.float32)
