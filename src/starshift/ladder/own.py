"""Rungs of a user's own, from Python: a Keras builder, a loss or metrics as functions."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

from msgspec import structs

from starshift.augmentation import Augmentation
from starshift.compose.own import Own, own
from starshift.data.decode import Fit
from starshift.errors import UsageError
from starshift.ladder.families import find
from starshift.ladder.options import Options
from starshift.ladder.rungs import RUNGS, SEEDS_SIZE, Rung, shorter_side
from starshift.ladder.variants import TRAINED
from starshift.recipe import METRICS, Recipe, Stage, near
from starshift.records import Dataset


@dataclass(frozen=True)
class OwnRung:
    """A rung of your own, for `starshift.fit(rungs=["features", OwnRung(…)])`.

    name: how it is called in tables and folders. build: makes the network, (input_shape, classes) → keras.Model from
    uint8 pixels (N, size, size, 3) to probabilities: (N, 1) of the second class for two classes, (N, classes) for
    more. Or like: a rung or variant of the ladder, whose network and training are taken. size: side of the pictures in
    pixels. stages: the training; one default Stage, or that of `like`, if empty. loss: (targets, outputs) → (N,), both
    float32 of the outputs' shape, instead of each stage's own. metrics: names in recipe.METRICS, functions
    (targets, outputs) → a number or (N,), or Keras metrics; measured on the validation pictures after each epoch.
    Raises UsageError with all that is wrong and can be told before there are pictures.
    """

    name: str
    _: KW_ONLY
    build: Callable[..., Any] | None = None
    like: str = ""
    size: int | None = None
    fit: Fit = "stretch"
    stages: Sequence[Stage] = ()
    loss: Callable[[Any, Any], Any] | None = None
    metrics: Sequence[Any] = ()

    def __post_init__(self) -> None:
        if problems := _problems(self):
            raise UsageError([f"{self.name}: {problem}" for problem in problems])

    @property
    def parts(self) -> tuple[Own, ...]:
        """Everything of the user's own in it. Raises UsageError where a source cannot be read."""
        given: list[tuple[Any, Any]] = [("builder", self.build), ("loss", self.loss)]
        given += [("metric", metric) for metric in self.metrics if not isinstance(metric, str)]
        return tuple(own(kind, value) for kind, value in given if value is not None)


def as_rung(mine: OwnRung) -> Rung:
    """It as a rung of the ladder."""
    parts = mine.parts
    parent = find(mine.like) if mine.like else None
    written = " and ".join(f"{part.part.kind} {part.part.name}" for part in parts) or "metrics"
    augments = any(stage.augmentation != Augmentation() for stage in mine.stages)
    return Rung(
        name=mine.name,
        description=f"{mine.like or 'A network'} with the user's own {written}.",
        make=lambda options, dataset: _recipe(mine, parts, options, dataset),
        builders=parent.builders if parent else ("own",),
        fixed=parent.fixed if parent else (),
        augments=augments or (parent is not None and parent.augments),
        like=mine.like,
        parts=parts,
    )


def kept(name: str, description: str, recipe: Recipe) -> Rung:
    """A rung that an earlier call finished, whose functions are not given now: it can be kept, and not climbed."""
    return Rung(name, description, lambda options, dataset: recipe, (recipe.builder,))


def _recipe(mine: OwnRung, parts: Sequence[Own], options: Options, dataset: Dataset) -> Recipe:
    """What it is for a data set. Raises UsageError with all that the network, loss and metrics do not keep to."""
    if len(dataset.targets) > 1 or not dataset.target.is_classes:
        raise UsageError(
            "a rung of your own tells the classes of one target apart; "
            f"{', '.join(f'{one.name} ({one.kind})' for one in dataset.targets)} came."
        )
    builder = next((part.reference for part in parts if part.part.kind == "builder"), "")
    if builder:
        size = mine.size or options.size or min(SEEDS_SIZE, shorter_side(dataset))
        recipe = Recipe("own", size, mine.fit, {"build": builder}, tuple(mine.stages) or (Stage(),))
    else:
        recipe = find(mine.like).recipe(replace(options, size=mine.size or options.size), dataset)
        recipe = structs.replace(recipe, stages=tuple(mine.stages) or recipe.stages)
    recipe = _with_loss_and_metrics(recipe, mine, parts)
    if problems := _tried(mine, recipe, len(dataset.classes)):
        raise UsageError(problems)
    return recipe


def _with_loss_and_metrics(recipe: Recipe, mine: OwnRung, parts: Sequence[Own]) -> Recipe:
    changes: dict[str, Any] = {}
    references = {id(part.call): part.reference for part in parts}
    if mine.loss is not None:
        changes["loss"] = references[id(mine.loss)]
    if mine.metrics:
        changes["metrics"] = tuple(one if isinstance(one, str) else references[id(one)] for one in mine.metrics)
    return structs.replace(recipe, stages=tuple(structs.replace(stage, **changes) for stage in recipe.stages))


def _tried(mine: OwnRung, recipe: Recipe, classes: int) -> list[str]:
    """What is wrong with network, loss and metrics on made-up pictures, as sentences."""
    from starshift.training import own as trial

    problems = []
    if mine.build is not None:
        found = trial.network_problems(trial.build(mine.build, recipe.size, classes), recipe.size, classes)
        problems += [f"{mine.build.__name__}: {problem}" for problem in found]
    if mine.loss is not None:
        problems += trial.loss_problems(mine.loss, classes)
    named = [metric for metric in mine.metrics if isinstance(metric, str)]
    metrics = [metric for metric in mine.metrics if not isinstance(metric, str)]
    return problems + (trial.metric_problems(metrics, classes, named) if metrics else [])


# --- what can be told before there are pictures ---


def _problems(mine: OwnRung) -> list[str]:
    problems = [*_name_problems(mine.name), *_network_problems(mine), *_training_problems(mine)]
    for kind, function, arguments in (
        ("build", mine.build, ("input_shape", "classes")),
        ("loss", mine.loss, ("targets", "outputs")),
        *(("metric", one, ("targets", "outputs")) for one in mine.metrics if inspect.isfunction(one)),
    ):
        if function is not None:
            problems += _signature_problems(kind, function, arguments)
    problems += [
        f"Metric {one!r} is not known.{near(one, METRICS)}"
        for one in mine.metrics
        if isinstance(one, str) and one not in METRICS
    ]
    try:
        _ = mine.parts
    except UsageError as error:
        problems += error.problems
    return problems


def _name_problems(name: str) -> list[str]:
    if name in RUNGS:
        return ["This name is that of a rung of the ladder; take another one."]
    if not re.fullmatch(r"[\w.+-]+", name):
        return ["The name of a rung is made of letters, digits, '.', '+', '_' and '-'."]
    return []


def _network_problems(mine: OwnRung) -> list[str]:
    if (mine.build is None) == (not mine.like):
        return ["Give build, a function that makes the network, or like, a rung whose network is taken: one of both."]
    if not mine.like:
        return []
    try:
        parent = find(mine.like)
    except UsageError as error:
        return list(error.problems)
    problems = []
    if not all(builder in TRAINED for builder in parent.builders):
        able = ", ".join(name for name, rung in RUNGS.items() if all(one in TRAINED for one in rung.builders))
        problems.append(f"{mine.like} is not trained by stages, so that it has neither loss nor epochs. Take {able}.")
    if mine.loss is None and not mine.metrics:
        problems.append(f"It changes neither loss nor metrics; {mine.like} is that already. Stages and sizes of rungs "
                        "are changed as variants: NAME:key=value.")  # fmt: skip
    if mine.fit != "stretch":
        problems.append(f"fit belongs to build; with like it is {mine.like}:fit={mine.fit}.")
    return problems


def _training_problems(mine: OwnRung) -> list[str]:
    strangers = [stage for stage in mine.stages if not isinstance(stage, Stage)]
    if strangers:
        return [f"stages are made of starshift.Stage; {', '.join(map(repr, strangers))} came."]
    problems = []
    if mine.size is not None and mine.size < 1:
        problems.append(f"size is the side of the pictures in pixels, at least 1; {mine.size} came.")
    if mine.loss is not None and (named := _given(stage.loss for stage in mine.stages if stage.loss != Stage().loss)):
        problems.append(f"loss is a function, and stages name the loss {named} too. Give one of them.")
    if mine.metrics and any(stage.metrics for stage in mine.stages):
        problems.append("Metrics are named by the stages and by the rung. Name them at one place.")
    return problems


def _given(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))


def _signature_problems(kind: str, function: Any, arguments: Sequence[str]) -> list[str]:
    """Whether a function can be called with so many arguments."""
    if not callable(function):
        return [f"{kind} must be a function ({', '.join(arguments)}); {function!r} came."]
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        return [
            f"{kind} is called with ({', '.join(arguments)}); {function.__qualname__} takes "
            f"{inspect.signature(function)}."
        ]
    except ValueError:  # no signature is known of what is written in C
        return []
    return []
