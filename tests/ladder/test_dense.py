from __future__ import annotations

import msgspec
import numpy as np
import pytest

from starshift.compose.predictor import Predictor
from starshift.errors import UsageError
from starshift.ladder import dense, frozen
from starshift.ladder.answering import predict_part
from starshift.models import heads
from starshift.models.assemble import assemble
from starshift.recipe import Recipe, Stage

SEEDS = {"bases": ("mobilenet_v2",), "strengths": (1e-2,), "head": "dense256"}
QUICK = Recipe("frozen", 64, arguments=SEEDS, stages=(Stage(optimizer="adam", learning_rate=1e-3, epochs=3),))
pytestmark = pytest.mark.usefixtures("weights_home")


def test_without_stages_it_is_trained_as_the_seeds_did():
    recipe = dense._staged(Recipe("frozen", 64, arguments=SEEDS))
    assert recipe.stages == (Stage(optimizer="rmsprop", learning_rate=2e-5, batch_size=20, epochs=30),)


def test_pictures_that_are_too_small_are_refused(make_materials):
    with pytest.raises(UsageError, match="MobileNetV2 needs pictures of at least 32 px; --size is 20"):
        frozen.find_bases(Recipe("frozen", 20, arguments=SEEDS), make_materials())


@pytest.mark.slow
def test_it_learns_on_stored_maps_is_saved_and_answers_as_keras_does(make_materials):
    materials = make_materials()
    assert frozen.predict_seconds(QUICK, materials) > 0
    epochs = []
    model = frozen.fit(QUICK, materials, epochs.append)
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3]
    assert {name: array.shape for name, array in model.tensors.items()} == {
        "dense/kernel": (2 * 2 * 1280, 256), "dense/bias": (256,), "head/kernel": (256, 3), "head/bias": (3,),
    }  # fmt: skip
    assert model.details["features"] == "2 × 2 × 1280 per picture, not pooled"
    predictor = Predictor(model.learnware, model.tensors, materials.cache)
    found = predict_part(predictor, materials, materials.split.validation)
    assert (found.probabilities.argmax(axis=1) == found.targets).mean() > 0.5
    pixels = materials.pixels(predictor.frame, materials.split.validation)
    np.testing.assert_allclose(predictor(pixels), found.probabilities, atol=0.02)
    exact = Predictor(msgspec.structs.replace(model.learnware, precision="f32"), model.tensors, materials.cache)
    whole = assemble(model.learnware, model.tensors)
    in_keras = heads.probabilities(whole.predict(pixels.astype(np.float32), verbose=0), 3)
    np.testing.assert_allclose(in_keras, exact(pixels), atol=1e-3)
