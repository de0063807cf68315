"""How much single networks from scratch differ from start to start, and ensembles of five of them: dogs-vs-cats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import Options, dataset, main, table, workplace
from benchmarks.folds import Answers, of_given_parts

STARTS, TOGETHER = 25, 5
"""Networks that differ by their start and the order of their batches alone; how many of them make an ensemble."""

SIZE = 64
"""Side of the pictures in px."""


def measure(options: Options) -> str:
    """Fit the network from so many starts, and ask each about the validation part."""
    with workplace(options) as place:
        return _measure(options, place / "cache")


def _measure(options: Options, cache: Path) -> str:
    from starshift.compose import ensemble
    from starshift.compose.predictor import Predictor
    from starshift.data.decode import Frame
    from starshift.data.read import read
    from starshift.ladder import fit as family
    from starshift.ladder.families import find
    from starshift.ladder.options import Options as RungOptions
    from starshift.learnware import package

    pictures = read(dataset(options, "dogs-vs-cats"), frame=Frame(SIZE), cache=cache)
    starts, epochs = (2 * TOGETHER, 1) if options.quick else (STARTS, 30)
    name = f"ensemble:of=convnet:starts={starts}:combine=average"
    recipe = find(name).recipe(RungOptions(size=SIZE), pictures.dataset)
    materials = of_given_parts(pictures, cache)
    split = materials.split
    if epochs == 1:
        recipe = _shortened(recipe)
    model = family.fit(recipe, materials, on_epoch=lambda epoch: None)
    learnware = package.write(model.learnware, model.tensors, cache / "model")
    predictor = Predictor(learnware, model.tensors, cache)
    digests = [pictures.dataset.digests[row] for row in split.validation]
    said = predictor.each_stored(digests, lambda frame: materials.pixels(frame, split.validation))
    answers = [outputs[0] for outputs in said]
    targets = materials.targets[list(split.validation)]
    single, together = (ensemble.variance(answers, size) for size in (1, TOGETHER))
    groups = [answers[start : start + TOGETHER] for start in range(0, len(answers) - TOGETHER + 1, TOGETHER)]
    joined = [ensemble.combined(group, [1 / TOGETHER] * TOGETHER) for group in groups]
    rows = [
        _row(f"one of {len(answers)} networks", answers, targets, single),
        _row(f"one of {len(joined)} ensembles of {TOGETHER}, no network in two", joined, targets, together),
    ]
    share = f"{together / single:.2f} times that of a single network's"
    note = f"The variance of an ensemble's probability is {share} (goal: at most 0.33)."
    head = ["model", "accuracy, mean", "lowest to highest", "log loss, mean", "variance of the probability"]
    return table(head, rows, f"`convnet` at {SIZE} px, {len(targets):,} validation pictures. {note}")


def _row(title: str, answers: list[np.ndarray], targets: np.ndarray, variance: float) -> list[str]:
    each = [Answers(title, one, targets, []) for one in answers]
    right = [float(one.right.mean()) for one in each]
    loss = float(np.mean([one.losses.mean() for one in each]))
    return [title, f"{np.mean(right):.1%}", f"{min(right):.1%} to {max(right):.1%}", f"{loss:.3f}", f"{variance:.5f}"]


def _shortened(recipe: Any) -> Any:
    """With one epoch for each member."""
    from msgspec import structs

    members = tuple(
        structs.replace(one, stages=tuple(structs.replace(stage, epochs=1) for stage in one.stages))
        for one in recipe.members
    )
    return structs.replace(recipe, members=members)


if __name__ == "__main__":
    main(measure, __doc__)
