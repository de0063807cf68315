"""The loss and the figure of a head that reads strings (models.reader): connectionist temporal classification.

Source: Graves, Fernández, Gomez and Schmidhuber 2006, "Connectionist temporal classification: labelling unsegmented
sequence data with recurrent neural networks".
"""

from __future__ import annotations

from typing import Any

from starshift.models.reader import BLANK
from starshift.training.keras_setup import load_keras


def loss(strings: Any, logits: Any) -> Any:
    """-ln of the probability of all paths that spell the string: float32 (N,).

    strings: float32 (N, longest), as models.reader.shape_strings has them. logits: float32 (N, columns, 1 +
    characters).
    """
    ops = load_keras().ops
    strings, logits = ops.convert_to_tensor(strings), ops.convert_to_tensor(logits)
    lengths = ops.sum(ops.cast(strings > BLANK, "int32"), axis=-1)
    columns = ops.full_like(lengths, logits.shape[1])
    return ops.ctc_loss(ops.cast(strings, "int32"), logits, lengths, columns, mask_index=BLANK)


def right(strings: Any, logits: Any) -> Any:
    """1 where the best path spells the string, every character of it: float32 (N,). Arguments as in `loss`.

    By counting, so that it can be compiled: what is written at a column stands in the string at the number of what was
    written before.
    """
    ops = load_keras().ops
    strings, logits = ops.convert_to_tensor(strings), ops.convert_to_tensor(logits)
    path = ops.argmax(logits, axis=-1)
    before = ops.concatenate([ops.full_like(path[:, :1], -1), path[:, :-1]], axis=1)
    written = ops.cast(ops.logical_and(path != before, path != BLANK), "int32")
    place = ops.cumsum(written, axis=1) - 1
    longest = strings.shape[1]
    where = ops.one_hot(ops.where(written > 0, place, -1), longest, dtype="float32")  # (N, columns, longest)
    said = ops.sum(where * ops.cast(path, "float32")[..., None], axis=1)
    same = ops.all(ops.abs(said - strings) < 0.5, axis=-1)
    fits = ops.sum(written, axis=-1) <= longest
    return ops.cast(ops.logical_and(same, fits), "float32")
