"""`starshift.pretrain`: a base of one's own, trained from scratch on many labelled pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save

from starshift.api.fit import fit
from starshift.catalogue import OWN_FILE, OWN_WEIGHTS, Base
from starshift.errors import RunError
from starshift.ladder.folder import RunFolder
from starshift.progress import Progress
from starshift.recipe import Recipe
from starshift.records import Learnware, files, of_classes

RUNG = "modern"
"""The network from scratch that serves as a base: it takes pictures of every size and pools them."""


def pretrain(
    source: str | Path,
    *,
    out: str | Path,
    size: int | None = None,
    augment: str | None = None,
    budget: str | float = "1h",
    seed: int = 0,
    progress: Progress | None = None,
) -> Path:
    """Train a network from scratch on a big labelled source and write it as a base, for `fit --base OUT`.

    source: as for `fit`. out: the folder of the base; OUT/run is the run that made it, with its report.
    size: side of the pictures in pixels. augment: policy by name. budget: as for `fit`.
    Calling again with the same `out` continues. Returns `out`. Raises as `fit` does, and RunError where training did
    not fit into the budget.
    """
    out = Path(out)
    run = fit(
        source, rungs=RUNG, size=size, augment=augment, budget=budget, seed=seed, out=out / "run", progress=progress
    )
    record = next(rung for rung in run.record.rungs if rung.name == RUNG)
    if record.score is None:
        raise RunError(f"No base was made: {record.reason}")
    folder = RunFolder(run.path)
    learnware, tensors = folder.read_model(RUNG)
    recipe = folder.read_recipe(RUNG)
    assert recipe is not None  # written before a rung is finished
    return _write(out, learnware, recipe, tensors, accuracy=of_classes(record.score).accuracy.value)


def _write(out: Path, learnware: Learnware, recipe: Recipe, tensors: dict[str, np.ndarray], *, accuracy: float) -> Path:
    from starshift.models import own

    kept = own.without_head(tensors)
    blocks = tuple(recipe.arguments.get("blocks", own.DEFAULT_BLOCKS))
    base = Base(
        name=f"own {learnware.id[:12]}",
        title=out.resolve().name,
        constructor="",
        size=recipe.size,
        min_size=own.least_size(blocks),
        preprocessing="in the model",
        features=tensors["head/kernel"].shape[0],
        parameters=sum(tensor.size for tensor in kept.values()),
        weights_file=OWN_WEIGHTS,
        weights_url="",
        weights_hash="",
        licence="your own",
        source="starshift pretrain",
        trained_on=f"{learnware.trained_on}; right for {accuracy:.1%} of its validation pictures",
        cut_points=own.cut_points(recipe.arguments, recipe.size),
        builder=recipe.builder,
        arguments=recipe.arguments,
    )
    files.write_bytes(save({name: np.ascontiguousarray(tensor) for name, tensor in kept.items()}), out / OWN_WEIGHTS)
    files.write(base, out / OWN_FILE)
    return out
