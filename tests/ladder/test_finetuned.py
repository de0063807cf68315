from __future__ import annotations

import msgspec
import numpy as np
import pytest

from starshift.compose import finetuned as whole
from starshift.compose.predictor import Predictor
from starshift.errors import MissingWeights, RunError, UsageError
from starshift.ladder import activations, choices, finetuned, frozen
from starshift.ladder import fit as family
from starshift.ladder.answering import predict_part
from starshift.ladder.unfitted import unfitted
from starshift.models import heads
from starshift.models.classical import head_probabilities
from starshift.recipe import Recipe, Stage
from starshift.records import BaseReference

ARGUMENTS = {
    "base": "mobilenet_v2",
    "cut": "block_15_add",
    "views": 2,
    "augmentation": "crops",
    "strengths": (1e-2,),
}
STAGE = Stage(optimizer="adam", learning_rate=1e-3, batch_size=8, epochs=2)


def recipe(**changes) -> Recipe:
    return Recipe("fine-tuned", 32, arguments=ARGUMENTS | changes, stages=(STAGE,))


def fitted(recipe: Recipe, materials):
    """A model as it is after it was written, and its epochs."""
    epochs = []
    model = finetuned.fit(recipe, materials, epochs.append)
    learnware = msgspec.structs.replace(model.learnware, files={"model.safetensors": str(id(model))}, precision="f32")
    return model, learnware, epochs


class TestWithWeights:
    pytestmark = pytest.mark.usefixtures("weights_home")

    @pytest.mark.slow
    def test_it_is_trained_from_stored_activations_and_answers_as_keras_does(self, make_materials):
        materials = make_materials()
        model, learnware, epochs = fitted(recipe(), materials)
        assert [epoch.epoch for epoch in epochs] == [1, 2] and tuple(epochs) == model.history
        assert learnware.bases[0].name == "mobilenet_v2" and learnware.builder == "fine-tuned"
        assert {"block_16_expand/kernel", "Conv_1/kernel", "head/kernel", "head/bias"} <= set(model.tensors)
        assert not any("BN" in name or name.startswith("block_15") for name in model.tensors)
        assert model.details["opened"] == (
            "879,040 of 2,257,984 parameters: all behind block_15_add but batch normalization, "
            "which keeps what it learned"
        )
        assert model.details["trained on"] == (
            "2 augmented views of each picture (crops), computed up to the cut once and kept"
        )
        assert model.details["head"].startswith("fitted before the base was opened: logistic regression (C = 0.01)")

        predictor = Predictor(learnware, model.tensors, materials.cache)
        pixels = materials.pixels(predictor.frame, materials.split.validation)
        network = whole.assemble(learnware, model.tensors, predictor.bases.bases[0])
        in_keras = heads.probabilities(network.predict(np.asarray(pixels).astype(np.float32), verbose=0), 3)
        np.testing.assert_allclose(predictor(pixels), in_keras, atol=1e-4)
        found = predict_part(predictor, materials, materials.split.validation)
        np.testing.assert_allclose(found.probabilities, predictor(pixels), atol=1e-6)
        fast = Predictor(model.learnware, model.tensors, materials.cache)
        fast.learnware = msgspec.structs.replace(learnware, precision=model.learnware.precision)
        np.testing.assert_allclose(fast(pixels), in_keras, atol=0.1)

    def test_what_was_computed_is_not_computed_again(self, make_materials, monkeypatch):
        materials = make_materials()
        source = activations.Source(recipe(), materials)
        rows = source.rows()
        assert rows.pixels.shape == (2 * 24 + 12, 1, 1, 160)
        assert rows.split.train == tuple(range(48)) and rows.split.validation == tuple(range(48, 60))
        train = materials.targets[list(materials.split.train)]
        np.testing.assert_array_equal(rows.targets[0][:48], np.concatenate([train, train]))
        assert source.seconds() == 0
        monkeypatch.setattr("starshift.inference.network.Network.run", None)
        again = activations.Source(recipe(), make_materials()).rows()
        np.testing.assert_array_equal(again.pixels, rows.pixels)

    def test_views_of_copies_stay_together(self, make_materials):
        materials = make_materials()
        first, second = materials.split.train[:2]
        object.__setattr__(materials, "groups", [[second, first, materials.split.validation[0]]])
        groups = activations.Source(recipe(), materials).rows().groups
        assert groups[0] == [1, 25, 0, 24]
        assert sorted(row for group in groups for row in group) == list(range(48))

    def test_training_changes_what_is_answered_and_none_leaves_it_as_features_has_it(self, make_materials):
        materials = make_materials()
        still = Stage(optimizer="sgd", learning_rate=1e-30, batch_size=8, epochs=1)
        unmoved = msgspec.structs.replace(recipe(), stages=(still,))
        model, learnware, _ = fitted(unmoved, materials)
        features = frozen.fit(
            Recipe("frozen", 32, arguments={"bases": ("mobilenet_v2",), "strengths": (1e-2,)}), materials
        )
        predictor = Predictor(learnware, model.tensors, materials.cache)
        pixels = materials.pixels(predictor.frame)
        kernel, bias = features.tensors["head/kernel"], features.tensors["head/bias"]
        np.testing.assert_allclose(model.tensors["head/kernel"], kernel, atol=1e-20)
        expected = head_probabilities(predictor.bases.run(pixels), kernel, bias)
        np.testing.assert_allclose(predictor(pixels), expected, atol=1e-4)
        moved, _, _ = fitted(recipe(), materials)
        assert moved.tensors.keys() == model.tensors.keys()
        for name, array in moved.tensors.items():
            assert not np.array_equal(array, model.tensors[name]), name

    @pytest.mark.slow
    def test_from_pixels_where_activations_would_take_too_much_room(self, make_materials, monkeypatch):
        monkeypatch.setattr(activations, "MOST_STORED_BYTES", 0)
        materials = make_materials()
        model, learnware, epochs = fitted(recipe(), materials)
        assert len(epochs) == 2
        assert model.details["trained on"] == "pixels, augmented anew in each epoch (crops)"
        assert Predictor(learnware, model.tensors, materials.cache)(materials.pixels(predictor_frame(learnware))).shape

    @pytest.mark.slow
    def test_merged_stages_start_from_a_random_head(self, make_materials):
        model, _, epochs = fitted(recipe(merged=True), make_materials())
        assert model.details["head"].startswith("random at first") and len(epochs) == 2

    @pytest.mark.slow
    def test_the_seeds_head_is_trained_first(self, make_materials, monkeypatch):
        monkeypatch.setattr("starshift.ladder.dense.STAGE", STAGE)
        model, learnware, epochs = fitted(recipe(head="dense256"), make_materials())
        assert [epoch.epoch for epoch in epochs] == [1, 2, 3, 4]
        assert model.tensors["dense/kernel"].shape == (1280, 256)
        assert model.details["head"].startswith("fitted before the base was opened: 256 units")
        materials = make_materials()
        assert Predictor(learnware, model.tensors, materials.cache)(materials.pixels(predictor_frame(learnware))).shape

    @pytest.mark.slow
    def test_answers_are_averaged_with_mirror_images_and_frozen_features(self, make_materials):
        materials = make_materials()
        model, learnware, _ = fitted(recipe(mirrored=True, beside=("mobilenet_v2",)), materials)
        assert model.details["asked"].startswith("twice, of each picture and its mirror image")
        assert model.details["averaged with"].startswith("features of MobileNetV2, frozen")
        predictor = Predictor(learnware, model.tensors, materials.cache)
        pixels = np.asarray(materials.pixels(predictor.frame))
        alone = Predictor(
            msgspec.structs.replace(learnware, arguments=ARGUMENTS, files={"model.safetensors": "alone"}),
            model.tensors,
            materials.cache,
        )
        kernel, bias = (model.tensors[f"features/head/{part}"] for part in ("kernel", "bias"))
        expected = whole.averaged(
            whole.averaged(alone(pixels), alone(pixels[:, :, ::-1])),
            head_probabilities(predictor.bases.run(pixels), kernel, bias),
        )
        np.testing.assert_allclose(predictor(pixels), expected, atol=1e-5)

    @pytest.mark.slow
    def test_durations_are_predicted_before_and_learned_after(self, make_materials):
        materials = make_materials()
        assert 0 < finetuned.predict_seconds(recipe(), materials) < 600
        before = {name: materials.paces.get(name) for name in pace_names(materials)}
        assert len(before) == 3
        finetuned.fit(recipe(), materials, lambda epoch: None)
        after = {name: materials.paces.get(name) for name in before}
        assert before != after

    @pytest.mark.slow
    def test_tensors_of_another_network_are_refused(self, make_materials):
        materials = make_materials()
        model, learnware, _ = fitted(recipe(), materials)
        other = msgspec.structs.replace(learnware, files={"model.safetensors": "other"})
        tensors = model.tensors | {"head/bias": np.zeros(7, np.float32)}
        with pytest.raises(RunError, match=r"'head/bias' is float32 \(7,\) instead of float32 \(3,\)"):
            Predictor(other, tensors, materials.cache)(np.zeros((1, 32, 32, 3), np.uint8))


def predictor_frame(learnware):
    from starshift.data.decode import Frame

    return Frame(learnware.input.size)


def pace_names(materials) -> list[str]:
    return [
        name for name in materials.paces._seconds if name.startswith("fine-tuning mobilenet_v2 behind block_15_add")
    ]


def test_without_weights_it_cannot_be_climbed(make_materials):
    for ask in (finetuned.depends_on, finetuned.predict_seconds):
        with pytest.raises(MissingWeights, match="MobileNetV2 needs its weights: put "):
            ask(recipe(), make_materials())


def test_everything_that_is_wrong_with_a_recipe_is_said_at_once():
    with pytest.raises(UsageError) as caught:
        recipe(cut="block_15_ad", views=0, augmentation="strong", beside=("mobilenet",))
    assert len(caught.value.problems) == 3
    assert "views of each training picture must be at least 1 to fine-tune; 0 came." in caught.value.problems
    with pytest.raises(
        UsageError, match=r"MobileNetV2 cannot be cut behind 'block_15_ad'. Did you mean 'block_15_add'\?"
    ):
        recipe(cut="block_15_ad")
    with pytest.raises(UsageError, match=r"There is no base 'mobilnet_v2'. Did you mean 'mobilenet_v2'\?"):
        recipe(base="mobilnet_v2")
    with pytest.raises(UsageError, match="Builder 'fine-tuned' needs the argument 'cut'"):
        Recipe("fine-tuned", 32, arguments={"base": "vgg16", "views": 1, "augmentation": "flip"})


class TestDependsOn:
    pytestmark = pytest.mark.usefixtures("weights_home")

    def test_it_depends_on_every_base_that_answers_beside_it(self, make_materials):
        materials = make_materials()
        if "mobilenet" not in choices.bases_at_hand(32):
            pytest.skip("the weights of MobileNet are not on this machine")
        together = recipe(beside=("mobilenet_v2", "mobilenet"))
        found = finetuned.depends_on(together, materials)
        assert len(found) == 2 and found[:1] == finetuned.depends_on(recipe(), materials)
        bases = tuple(BaseReference("", digest, "") for digest, _ in found)
        made = unfitted(together, materials, bases=bases, precision=found[0][1])
        assert family.depended_on(made) == found

    def test_without_augmentation_there_is_one_view(self, make_materials):
        source = activations.Source(recipe(augmentation="none", views=4), make_materials())
        assert source.count == 1
