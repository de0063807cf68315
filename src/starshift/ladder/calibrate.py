"""How far the chosen model can be believed: its temperature, its reliability, and when it should not answer.

The rungs' stored predictions, scores and verdicts stay without temperature, so that all are made alike; the published
model and what it said of the sealed test part are with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from starshift import seeds
from starshift.apportion import within
from starshift.evaluation import calibration, conformal
from starshift.ladder import dense
from starshift.ladder.climb import Climb
from starshift.ladder.folder import RunFolder
from starshift.ladder.materials import Materials
from starshift.recipe import Recipe
from starshift.records import Calibration, Predictions, RetrainRecord, RungRecord, Temperature, TestRecord

DETAIL = "temperature"
"""Under which the chosen rung's details tell of it."""


def chosen(state: Climb, recipes: Mapping[str, Recipe], materials: Materials) -> Calibration | None:
    """What the validation part says of the best rung of a climb; None where `calibrate` has nothing to say."""
    best = state.best
    answers = state.predictions[best.name] if best else None
    if best is None or not isinstance(answers, Predictions):
        return None  # only probabilities of classes are calibrated
    return calibrate(best.name, recipes[best.name], answers, materials)


def calibrate(rung: str, recipe: Recipe, predictions: Predictions, materials: Materials) -> Calibration | None:
    """Look at a rung's predictions on the validation part; None for the majority class, which looks at nothing, and
    for a part that cannot be divided into folds.
    """
    if recipe.builder == "majority":
        return None
    seed, noun = seeds.child(materials.seed, "calibration"), materials.dataset.noun
    probabilities, targets = predictions.probabilities, predictions.targets
    folds = calibration.folds_of(targets, groups=within(materials.groups, materials.split.validation), seed=seed)
    if len(np.unique(folds)) < 2:
        return None
    temperature = calibration.check_temperature(
        probabilities, targets, folds, doubtful=is_calibrated_already(recipe), seed=seed, noun=noun
    )
    as_if_new = calibration.cross_scaled(probabilities, targets, folds) if temperature.applied != 1 else probabilities
    return Calibration(
        rung=rung,
        temperature=temperature,
        reliability=(calibration.reliability(as_if_new, targets, part="validation", seed=seed),),
        thresholds=conformal.thresholds(probabilities, targets, folds, temperature=temperature.applied, noun=noun),
    )


def is_calibrated_already(recipe: Recipe) -> bool:
    """Whether inner folds of the training part fitted the probabilities, as they weigh the logits of a linear head.

    There a temperature is a check, and validation need not be spent on it.
    """
    return recipe.builder == "ngrams" or (recipe.builder == "frozen" and not dense.is_dense(recipe))


def published(
    found: Calibration | None,
    test: TestRecord | None,
    retrained: RetrainRecord | None,
    materials: Materials,
    folder: RunFolder,
) -> Calibration | None:
    """What holds of the model that is published, with the sealed test part beside where it was opened for that one.

    A model that was trained again has seen the pictures that could set its thresholds, and so has none; its temperature
    is that of the model before, as its number of epochs is.
    """
    if found is not None and retrained is not None:
        found = msgspec.structs.replace(found, thresholds=())
    if found is None or test is None or test.rung != found.rung or test.retrained != (retrained is not None):
        return found
    answers = folder.read_test(materials.target)
    return with_test(found, test, answers, seed=materials.seed) if isinstance(answers, Predictions) else found


def with_test(found: Calibration, test: TestRecord, predictions: Predictions, *, seed: int) -> Calibration:
    """The same with reliability and thresholds measured on the sealed test part, which `predictions` are about."""
    # An opening by a version before temperatures is brought to today's, which validation alone has set.
    probabilities = calibration.scaled(predictions.probabilities, found.temperature.applied / test.temperature)
    on_test = calibration.reliability(
        probabilities, predictions.targets, part="test", seed=seeds.child(seed, "calibration")
    )
    return msgspec.structs.replace(
        found,
        reliability=(found.reliability[0], on_test),
        thresholds=conformal.on_sealed_test(found.thresholds, probabilities, predictions.targets),
    )


def temperature_of(found: Calibration | None) -> float:
    """What the published model divides its log probabilities by."""
    return found.temperature.applied if found else 1.0


def other_temperature(found: Calibration | None, test: TestRecord | None) -> list[str]:
    """A note, where the sealed test part was scored with another temperature than the published model has."""
    if test is None or found is None or test.rung != found.rung or test.temperature == temperature_of(found):
        return []
    return [
        f"The test part was scored with a temperature of {test.temperature:g}; the published model has "
        f"{temperature_of(found):g}, which changes its log loss and Brier score and no answer."
    ]


def told(rungs: Sequence[RungRecord], found: Calibration | None) -> tuple[RungRecord, ...]:
    """The rungs' records, the chosen one with its temperature among its details, and no other."""
    return tuple(msgspec.structs.replace(rung, details=_details(rung, found)) for rung in rungs)


def _details(rung: RungRecord, found: Calibration | None) -> dict[str, str]:
    details = {term: text for term, text in rung.details.items() if term != DETAIL}
    return details | {DETAIL: in_words(found.temperature)} if found and rung.name == found.rung else details


def in_words(temperature: Temperature) -> str:
    """`1.42, log loss 0.512 without and 0.468 with it over 10 folds of the validation part`."""
    losses = (
        f"log loss {temperature.log_loss.value:.4f} without and {temperature.log_loss_scaled.value:.4f} with one that "
        f"is fitted on the others, over {temperature.folds} folds of the validation part"
    )
    if temperature.applied != 1:
        return f"{temperature.applied:g} ({losses})"
    return f"none applied; {temperature.fitted:g} was fitted ({losses})"
