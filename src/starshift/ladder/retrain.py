"""The chosen recipe once more, on training and validation pictures together: the last step of the seeds' workflow."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from starshift.evaluation.diagnosis import best_epoch
from starshift.ladder import dense
from starshift.ladder import fit as family
from starshift.ladder.folder import RunFolder
from starshift.ladder.materials import Materials, key
from starshift.ladder.unfitted import evaluations
from starshift.recipe import Recipe
from starshift.records import Epoch, RetrainRecord, RungRecord

OF_THE_MODEL_BEFORE = "of the model that was trained on the training part alone"


def retrain(
    chosen: RungRecord, recipe: Recipe, materials: Materials, folder: RunFolder, earlier: RetrainRecord | None
) -> RetrainRecord:
    """Train the recipe of the chosen rung on all pictures but the sealed ones, and keep the model in the run folder.

    earlier: what an earlier call left; kept where it is the very same. Seed: the run's own, as for the rung.
    """
    shortened = stop_where_found(recipe, folder.read_history(chosen.name))
    together = with_validation(materials)
    own = key(shortened, together, "retrained", *family.depends_on(shortened, together))
    if earlier is not None and earlier.key == own and folder.has_retrained:
        materials.progress.say(f"{chosen.name} was trained again on all {materials.dataset.noun}s already; kept.")
        return earlier
    pictures, noun = len(together.split.train), materials.dataset.noun
    materials.progress.say(f"Training {chosen.name} again on {pictures:,} training and validation {noun}s together …")
    began = time.perf_counter()
    model = family.fit(shortened, together, on_epoch=lambda epoch: None)  # its validation figures would mean nothing
    assert chosen.score is not None  # it was chosen by it
    before = evaluations("validation", chosen.score, chosen.heads, sealed=False, about=OF_THE_MODEL_BEFORE)
    folder.write_retrained(msgspec.structs.replace(model.learnware, evaluations=before), model.tensors)
    return RetrainRecord(
        rung=chosen.name,
        key=own,
        pictures=pictures,
        epochs=tuple(stage.epochs for stage in shortened.stages),
        seconds=round(time.perf_counter() - began, 2),
    )


def with_validation(materials: Materials) -> Materials:
    """The same pictures with the validation part in the training part.

    It also stays what training looks at after each epoch, which then measures nothing and is not recorded.
    """
    split = materials.split
    together = msgspec.structs.replace(
        split,
        train=tuple(sorted((*split.train, *split.validation))),
        how=f"{split.how}; trained on training and validation {materials.dataset.noun}s together",
    )
    return replace(materials, split=together)


def stop_where_found(recipe: Recipe, history: Sequence[Epoch]) -> Recipe:
    """A recipe that trains for the number of epochs that validation found, without stopping early by itself.

    That is the epoch with the best smoothed validation loss, for training at a constant rate. A course that was
    planned as a whole (several stages, a falling rate, growing pictures) is not cut off: it is gone through again.
    """
    is_dense = recipe.builder == "frozen" and dense.is_dense(recipe)
    stages = tuple(msgspec.structs.replace(stage, patience=0) for stage in recipe.stages or [dense.STAGE] * is_dense)
    cuttable = len(stages) == 1 and stages[0].schedule == "constant" and not stages[0].sizes
    if history and cuttable and not _has_two_courses(recipe):
        stages = (msgspec.structs.replace(stages[0], epochs=best_epoch(history)),)
    return msgspec.structs.replace(recipe, stages=stages)


def _has_two_courses(recipe: Recipe) -> bool:
    """Whether the history is also that of a head which was trained by steps before the base was opened."""
    return recipe.builder == "fine-tuned" and dense.is_dense(recipe) and not recipe.arguments.get("merged")
