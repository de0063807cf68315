"""`distilled` against its teacher, and against the same network taught by labels alone: dogs-vs-cats, its own parts."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

import numpy as np

from benchmarks.common import Options, dataset, main, table, workplace
from benchmarks.folds import Answers, of_given_parts, paired

TEACHER = "ensemble:of=features"
"""Linear heads on MobileNetV2, on MobileNet and on both: the ensemble that `distilled` learns from."""

RUNGS = ("distilled", "distilled:soft=0", "distilled:student=tiny", "distilled:student=base")


def measure(options: Options) -> str:
    """Teacher and students, learning from the 2,000 training pictures, asked about the 1,000 validation pictures."""
    with workplace(options) as place:
        return _measure(options, place / "cache")


def _measure(options: Options, cache: Path) -> str:
    from starshift.data.decode import Frame
    from starshift.data.read import read
    from starshift.ladder.families import find
    from starshift.ladder.options import Options as RungOptions
    from starshift.ladder.rungs import FIRST_BASE, SECOND_BASE

    pictures = read(dataset(options, "dogs-vs-cats"), frame=Frame(224), cache=cache)
    epochs = ":epochs=1:views=1" if options.quick else ""
    teaching = find("distilled").recipe(RungOptions(bases=(FIRST_BASE, SECOND_BASE)), pictures.dataset).teaching
    assert teaching
    whole = _asked("the ensemble that teaches", teaching.teacher, pictures, cache)
    students = []
    for rung in RUNGS:
        recipe = find(f"{rung}{epochs}").recipe(RungOptions(), pictures.dataset)
        students.append(_asked(rung, recipe, pictures, cache))
        print(rung, *students[-1][0].figures(), flush=True)
    adds, size = whole[1], whole[2]
    rows = [
        [
            one.rung,
            *one.figures(),
            f"{macs / 1e6:,.0f} M",
            f"1/{adds / macs:.1f}",
            f"{parameters / 1e6:.2f} M",
            f"{ms:.2f}",
        ]
        for one, macs, parameters, ms in (whole, *students)
    ]
    first = students[0][0]
    agree = (first.probabilities.argmax(axis=1) == whole[0].probabilities.argmax(axis=1)).mean()
    notes = [
        f"{len(first.targets):,} validation pictures. {paired(whole[0], first)}",
        f"The student names the class that its teacher names on {agree:.1%}.",
        paired(students[1][0], first),
        f"Multiply-adds as shares of the teacher's, which has {size / 1e6:.2f} million numbers.",
    ]
    head = [
        "model",
        "accuracy",
        "log loss",
        "seconds to fit",
        "multiply-adds",
        "of the teacher's",
        "numbers",
        "ms per picture",
    ]
    return table(head, rows, *notes)


def _asked(rung: str, recipe: Any, pictures: Any, cache: Path) -> tuple[Answers, float, float, float]:
    """What a recipe's model says of the validation part; its multiply-adds, its numbers, its milliseconds a picture."""
    from starshift.compose.cost import cost
    from starshift.compose.predictor import Predictor
    from starshift.ladder import fit as family
    from starshift.ladder.answering import predict_part
    from starshift.learnware import package
    from starshift.records import Predictions

    materials = of_given_parts(pictures, cache)
    began = time.perf_counter()
    model = family.fit(recipe, materials, on_epoch=lambda epoch: None)
    seconds = time.perf_counter() - began
    learnware = package.write(model.learnware, model.tensors, cache / "model")
    predictor = Predictor(learnware, model.tensors, cache)
    said = cast(Predictions, predict_part(predictor, materials, materials.split.validation))
    found = cost(predictor)
    assert found is not None  # it has just answered
    answers = Answers(rung, said.probabilities, np.asarray(said.targets), [seconds])
    return answers, found.multiply_adds, found.parameters, found.milliseconds


if __name__ == "__main__":
    main(measure, __doc__)
