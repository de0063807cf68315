"""What a model's accuracy is without the pictures of which it has seen a copy in training."""

from __future__ import annotations

from collections.abc import Sequence

from starshift.evaluation.estimates import proportion
from starshift.findings.duplicates import seen_in
from starshift.ladder.materials import Materials
from starshift.records import Estimate, Predictions


def without_copies(
    predictions: Predictions, materials: Materials, indices: Sequence[int], *, retrained: bool = False
) -> Estimate | None:
    """Accuracy on the pictures that have no copy, exact or near, in training; None where none of them has one.

    predictions: for the pictures `indices`, in their order. retrained: whether validation pictures were trained on too.
    With own splits, which keep copies together, it is always None.
    """
    split = materials.split
    trained = (*split.train, *split.validation) if retrained else split.train
    seen = seen_in(materials.dataset, materials.near, trained)
    kept = [row for row, index in enumerate(indices) if index not in seen]
    if len(kept) == len(indices):
        return None
    return proportion(int(predictions.right[kept].sum()), len(kept))
