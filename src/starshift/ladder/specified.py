"""What a run's learnware says beside its model: its specification, where it comes from, and what it beat."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import cast

import numpy as np

from starshift import seeds
from starshift.compose.frozen import FrozenBase, FrozenBases
from starshift.errors import MissingWeights, RunError
from starshift.evaluation import protocol
from starshift.inference.network import Precision
from starshift.ladder.materials import Materials
from starshift.learnware import space, specify
from starshift.recipe import Recipe, digest
from starshift.records import Answers, InputContract, Learnware, Provenance, Verdict

MOST_PICTURES = 5_000
"""That a specification is made of; of more, so many are drawn. Means change by less than a hundredth of a typical
distance, and what no cache has takes a minute at the most."""

NO_BASE = (
    "The learnware in model/ has no specification, by which others find it with pictures of their own: that takes the "
    "weights of a pretrained base. "
)
OTHER_FAMILY = (
    "The learnware in model/ has no specification: {noun}s have none yet. It can be found by its words alone."
)
TOO_FEW = "The learnware in model/ has no specification: "


def specification(learnware: Learnware, materials: Materials, *, retrained: bool = False) -> tuple[bytes | None, str]:
    """spec.safetensors of the pictures that a model was trained on; or None, and why in a sentence.

    retrained: whether on the validation part too. Features that the cache lacks are computed, which takes a converted
    base or Keras.
    """
    if not isinstance(learnware.input, InputContract):
        return None, OTHER_FAMILY.format(noun=materials.dataset.noun)
    base = space.at_hand(learnware.bases, materials.cache, cast(Precision, learnware.precision))
    if base is None:
        return None, NO_BASE + space.lacking()
    rows = _rows(materials, retrained=retrained)
    if len(rows) < specify.MIN_CELL:
        return None, f"{TOO_FEW}{len(rows)} pictures are too few, since it would tell each of them."
    try:
        seen = _features(base, rows, materials)
    except (MissingWeights, RunError) as lack:
        return None, NO_BASE + " ".join(lack.problems)
    labels = [materials.dataset.examples[row].label for row in rows] if materials.target.is_classes else []
    made = specify.specify(seen, labels, space.space_of(base), precision=base.precision)
    return specify.write(made), ""


def _rows(materials: Materials, *, retrained: bool) -> np.ndarray:
    """The pictures that were learned from: int (n,), those with a label."""
    split = materials.split
    rows = np.array(sorted({*split.train, *(split.validation if retrained else ())}))
    rows = rows[materials.target.known(materials.targets[rows])]
    if len(rows) <= MOST_PICTURES:
        return rows
    random = np.random.default_rng(seeds.child(materials.seed, "specification"))
    return np.sort(random.choice(rows, MOST_PICTURES, replace=False))


def _features(base: FrozenBase, rows: np.ndarray, materials: Materials) -> np.ndarray:
    digests = [materials.dataset.examples[row].digest for row in rows]
    if missing := base.missing(digests):
        materials.progress.start(f"specifying {missing:,} pictures by {base.base.title}", missing)
    try:
        pixels = lambda: materials.pictures.pixels(base.frame)[rows]  # noqa: E731
        return FrozenBases((base,)).stored(digests, pixels, materials.progress.update)
    finally:
        materials.progress.finish()


def beat(name: str, predictions: Mapping[str, Answers], noun: str) -> Verdict | None:
    """A rung against the majority class on the validation part; None where either said nothing."""
    if name == BASELINE or not {name, BASELINE} <= predictions.keys():
        return None
    return protocol.compare(name, predictions[name], BASELINE, predictions[BASELINE], noun=noun)


BASELINE = "baseline"


def provenance(recipe: Recipe, materials: Materials, *, made: str) -> Provenance:
    """Where a model comes from. made: ISO 8601, of which the day is kept."""
    return Provenance(
        starshift=version("starshift"),
        seed=materials.seed,
        recipe=digest(recipe),
        data=materials.split_digest,
        made=made[:10],
    )
