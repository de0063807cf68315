"""starshift.ladder.stored: the rungs that build on learnwares of a store."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs

from learnware.shelved import FakeStore
from starshift.compose.frozen import FrozenBases
from starshift.compose.opening import open_model
from starshift.errors import DataError, UsageError
from starshift.ladder import fit as ways
from starshift.ladder import stored
from starshift.ladder.answering import predict_part
from starshift.ladder.combining import distilled, ensemble
from starshift.ladder.options import Options
from starshift.learnware import package, space, specify
from starshift.learnware.shelf import Copy
from starshift.recipe import Recipe, Stage
from starshift.records import Provenance

pytestmark = pytest.mark.usefixtures("weights_home")

STAGE = Stage(optimizer="adamw", learning_rate=5e-4, batch_size=8, epochs=2)
PLAIN = Recipe("from-store", 224)
TUNED = Recipe("from-store-tuned", 224, arguments={"views": 1, "augmentation": "crops"}, stages=(STAGE,))
HEAD = Recipe("frozen", 224, arguments={"bases": ("mobilenet_v2",), "strengths": (1e-2,)})
CUT = {"base": "mobilenet_v2", "cut": "block_15_add", "strengths": (1e-2,)}
OPENED = Recipe("fine-tuned", 32, arguments=CUT, stages=(STAGE,))
CONVNET = Recipe("convnet-28px", 28, stages=(structs.replace(STAGE, epochs=20),))


def published(recipe, materials, **changes):
    """What the others made of the validation pictures, with names of their own."""
    theirs = replace(
        materials,
        split=structs.replace(materials.split, train=materials.split.validation, validation=materials.split.train),
    )
    model = ways.fit(recipe, theirs, on_epoch=lambda epoch: None)
    target = structs.replace(materials.target, classes=tuple(f"their {name}" for name in materials.dataset.classes))
    base = space.at_hand((), materials.cache)
    digests = [materials.dataset.digests[row] for row in theirs.split.train]
    features = FrozenBases((base,)).stored(digests, lambda: materials.pixels(base.frame, theirs.split.train))
    labels = [target.classes[label] for label in materials.targets[list(theirs.split.train)]]
    made = specify.specify(features, labels, space.space_of(base), precision=base.precision, min_cell=2)
    learnware = structs.replace(model.learnware, targets=(target,), **changes)
    return package.made(learnware, model.tensors, specify.write(made))


def with_store(materials, **packages):
    copy = Copy(FakeStore(**packages), materials.cache / str(id(packages)))
    copy.update()
    return replace(materials, shelved=copy, task=materials.split_digest)


def answered(model, materials, folder):
    package.write(model.learnware, model.tensors, folder)
    opened = open_model(*package.read(folder), materials.cache)
    return predict_part(opened, materials, materials.split.validation)


def test_what_others_trained_is_found_and_becomes_a_model(make_materials, tmp_path):
    materials = make_materials()
    materials = with_store(materials, shapes=published(HEAD, materials))
    model = ways.fit(PLAIN, materials, on_epoch=lambda epoch: None)
    answers = answered(model, materials, tmp_path / "model")
    assert (answers.predicted == answers.targets).mean() > 0.9
    assert model.learnware.builder == "frozen" and model.learnware.classes == materials.dataset.classes
    assert model.details["searched"] == "1 learnwares; 1 run on the training pictures"
    assert "own head" in model.details["tried"] and "beside" in model.details["tried"]
    used = model.details["way"].partition(":")[0] != "own head"
    assert bool(model.learnware.parents) == used == ("beware" in model.details)


def test_an_empty_store_leaves_a_head_of_its_own(make_materials, tmp_path):
    materials = with_store(make_materials())
    model = ways.fit(PLAIN, materials, on_epoch=lambda epoch: None)
    assert model.learnware.parents == () and "beware" not in model.details
    assert model.details["learnwares"] == "none: nothing in the store helps more than a head of its own"
    assert answered(model, materials, tmp_path / "model").probabilities.shape == (12, 3)


def test_a_learnware_of_these_very_pictures_is_not_asked_about_them(make_materials):
    materials = make_materials()
    data = materials.split_digest
    own = Provenance(starshift="1", seed=0, recipe="0" * 64, data=data, made="2026-11-23")
    materials = with_store(materials, mine=published(HEAD, materials, provenance=own))
    train = materials.split.train
    fold = replace(materials, split=structs.replace(materials.split, train=train[4:], validation=train[:4]))
    for some in (materials, fold):  # in a fold, too
        model = ways.fit(PLAIN, some, on_epoch=lambda epoch: None)
        assert model.details["not run"] == "mine:1.0.0 was trained on these very pictures."
        assert model.learnware.parents == ()


def test_a_class_without_a_training_picture_is_refused_before_anything_begins(make_materials):
    materials = with_store(make_materials())
    kept = [row for row in materials.split.train if materials.targets[row] != 1]
    without = replace(materials, split=structs.replace(materials.split, train=tuple(kept)))
    name = materials.dataset.classes[1]
    with pytest.raises(DataError, match=f"pictures of every class, and the training part has none of {name}"):
        ways.depends_on(PLAIN, without)


@pytest.mark.parametrize(
    ("recipe", "whence"),
    [
        (HEAD, "on its base"),
        (OPENED, "the network of shapes:1.0.0"),
    ],
    ids=["a head", "an opened base"],
)
def test_what_was_found_is_trained_further(make_materials, tmp_path, recipe, whence):
    materials = make_materials()
    materials = with_store(materials, shapes=published(recipe, materials))
    epochs = []
    model = ways.fit(TUNED, materials, on_epoch=epochs.append)
    answers = answered(model, materials, tmp_path / "model")
    assert (answers.predicted == answers.targets).mean() > 0.5
    assert [one.epoch for one in epochs] == [1, 2]
    learnware = model.learnware
    assert learnware.builder == "ensemble" and learnware.members[0].name == "trained further"
    assert learnware.members[0].builder == ("fine-tuned" if recipe is HEAD else recipe.builder)
    assert f"{whence}; averaged with the way above" in model.details["trained further"]
    assert np.isclose(model.tensors["weights"][0], 0.5)
    if recipe is OPENED:  # its network is in the model, whatever the best way was
        assert len(learnware.parents) == 1 and "beware" in model.details


def test_training_further_starts_where_the_learnware_stood(make_materials):
    """At a learning rate of about nothing, it ends there too."""
    materials = make_materials()
    still = structs.replace(TUNED, stages=(structs.replace(STAGE, learning_rate=1e-12, weight_decay=0.0),))
    theirs = published(CONVNET, materials)
    model = ways.fit(still, with_store(materials, shapes=theirs), on_epoch=lambda epoch: None)
    assert model.learnware.members[0].builder == "convnet-28px"
    name = next(name for name in theirs.tensors if name.endswith("kernel") and "head" not in name)
    found = next(array for key, array in model.tensors.items() if key.endswith(name))  # the first member's
    assert np.allclose(found, theirs.tensors[name], atol=1e-5)
    assert model.details["trained further"].startswith("from the network of shapes:1.0.0")
    assert len(model.learnware.parents) == 1


def test_another_store_is_another_result(make_materials):
    materials = make_materials()
    one, none = with_store(materials, shapes=published(HEAD, materials)), with_store(materials)
    assert stored.depends_on(PLAIN, one) != stored.depends_on(PLAIN, none)
    assert stored.depends_on(PLAIN, one) == stored.depends_on(PLAIN, one)
    assert 0 < stored.predict_seconds(PLAIN, one) < stored.predict_seconds(TUNED, one)


def test_a_student_of_it_is_taught_again_where_the_store_has_changed(make_materials):
    materials = make_materials()
    recipe = distilled(Options(teacher="from-store", student="tiny"), materials.dataset)
    one, none = with_store(materials, shapes=published(HEAD, materials)), with_store(materials)
    assert ways.depends_on(recipe, one) != ways.depends_on(recipe, none)


def test_views_are_checked_with_the_recipe():
    with pytest.raises(UsageError, match="views of each training picture must be at least 1 to fine-tune; 0 came"):
        structs.replace(TUNED, arguments={"views": 0, "augmentation": "crops"})


def test_without_a_store_nothing_is_searched(make_materials):
    with pytest.raises(UsageError, match="search a store; name one with --store"):
        ways.depends_on(PLAIN, make_materials())


def test_it_can_be_a_member_and_its_parents_stay_known(make_materials, tmp_path):
    materials = make_materials()
    materials = with_store(materials, shapes=published(OPENED, materials))
    recipe = ensemble(Options(ensemble={"of": ("features", "from-store"), "combine": "average"}), materials.dataset)
    alone = ways.fit(PLAIN, materials, on_epoch=lambda epoch: None)
    model = ways.fit(recipe, materials, on_epoch=lambda epoch: None)
    assert model.learnware.parents == alone.learnware.parents
    assert all(not one.members and not one.parents for one in model.learnware.members)
    assert np.isclose(model.tensors["weights"].sum(), 0.5 + 0.5 * alone.tensors.get("weights", np.ones(1)).sum())
    assert answered(model, materials, tmp_path / "model").probabilities.shape == (12, 3)


def test_it_does_not_vote(make_materials):
    given = {"of": ("features", "from-store"), "combine": "vote"}
    with pytest.raises(UsageError, match="vote is between single models, and from-store may be several"):
        ensemble(Options(ensemble=given), make_materials().dataset)
