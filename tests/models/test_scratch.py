from __future__ import annotations

import keras
import numpy as np
import pytest

from starshift.errors import UsageError
from starshift.models.scratch import SMALLEST, build, convnet, convnet_28px, template
from tiny import telling


@pytest.fixture
def mixed_bfloat16():
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    yield
    keras.mixed_precision.set_global_policy("float32")


def test_the_seeds_network_layer_by_layer():
    model = convnet((150, 150, 3), telling(2))
    assert model.count_params() == 3_453_121
    table = [(layer.output.shape[1:], layer.count_params()) for layer in model.layers[2:]]
    assert table == [
        ((148, 148, 32), 896),
        ((74, 74, 32), 0),
        ((74, 74, 32), 0),
        ((72, 72, 64), 18_496),
        ((36, 36, 64), 0),
        ((36, 36, 64), 0),
        ((34, 34, 128), 73_856),
        ((17, 17, 128), 0),
        ((17, 17, 128), 0),
        ((15, 15, 128), 147_584),
        ((7, 7, 128), 0),
        ((7, 7, 128), 0),  # the ReLU, behind the pooling
        ((6272,), 0),
        ((512,), 3_211_776),
        ((1,), 513),
    ]


def test_the_seeds_template_for_28_pixels():
    model = convnet_28px((28, 28, 1), telling(10))
    assert [layer.output.shape[1:] for layer in model.layers[2:]] == [
        (26, 26, 32),
        (13, 13, 32),
        (13, 13, 32),
        (11, 11, 64),
        (5, 5, 64),
        (5, 5, 64),
        (3, 3, 64),
        (576,),
        (64,),
        (10,),
    ]
    assert model.count_params() == 93_322


@pytest.mark.parametrize("build_one", [convnet, convnet_28px])
@pytest.mark.parametrize("classes", [2, 3, 101])
def test_outputs_are_probabilities_for_any_number_of_classes(build_one, classes):
    model = build_one((64, 48, 3), telling(classes))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 48, 3), dtype=np.uint8)
    outputs = np.asarray(model(pixels))
    assert outputs.shape == (2, 1 if classes == 2 else classes)
    assert (outputs >= 0).all() and (outputs <= 1).all()
    np.testing.assert_allclose(outputs, np.asarray(model(pixels.astype(np.float32))), rtol=1e-6)


def test_pixels_are_scaled_to_the_unit_interval_inside():
    model = convnet((46, 46, 3), telling(2))
    scaled = keras.Model(model.input, model.get_layer("to_unit_interval").output)
    assert float(np.max(scaled(np.full((1, 46, 46, 3), 255, np.uint8)))) == 1.0


@pytest.mark.parametrize("size", [46, 45, 28, 18])
def test_the_template_that_is_named_can_be_built_at_its_limits(size):
    assert template(size) == ("convnet" if size >= 46 else "convnet-28px")
    assert build(template(size), (size, size, 3), telling(2), {}).name == template(size)


def test_the_limits_are_where_keras_would_fail():
    assert SMALLEST == {"convnet": 46, "convnet-28px": 18}
    one_pixel = [layer.output.shape[1] for layer in convnet((46, 46, 3), telling(2)).layers if layer.output.shape[1:2]]
    assert 1 in one_pixel


def test_sizes_that_are_too_small_are_refused_with_the_size_that_is_needed():
    with pytest.raises(UsageError, match=r"Pictures of 45 px are too small .* needs at least 46 px"):
        convnet((150, 45, 3), telling(2))
    with pytest.raises(UsageError, match=r"Pictures of 17 px .* needs at least 18 px"):
        convnet_28px((17, 17, 3), telling(2))
    with pytest.raises(UsageError, match=r"Pictures of 8 px .* at least 18 px .* Give a larger --size"):
        template(8)


def test_stages_filters_and_units_can_be_chosen():
    assert convnet((10, 10, 1), telling(2), channels=(4, 8), dense=6).count_params() == 40 + 296 + 54 + 7
    with pytest.raises(UsageError, match="needs at least 16 px"):
        convnet((15, 15, 1), telling(2), channels=(4, 8), kernel=5)
    assert convnet((16, 16, 1), telling(2), channels=(4, 8), kernel=5).output_shape == (None, 1)


@pytest.mark.parametrize("classes", [2, 5])
def test_a_mixed_policy_leaves_the_head_in_float32(mixed_bfloat16, classes):
    model = convnet((46, 46, 3), telling(classes))
    assert keras.backend.standardize_dtype(model.output.dtype) == "float32"
    assert model.get_layer("to_unit_interval").compute_dtype == "float32"
    assert any(layer.compute_dtype == "bfloat16" for layer in model.layers)


def test_dropout_stands_before_the_first_dense_layer():
    for model in (convnet((46, 46, 3), telling(2), dropout=0.5), convnet_28px((28, 28, 3), telling(2), dropout=0.5)):
        names = [layer.name for layer in model.layers]
        assert names[names.index("dense") - 1] == "dropout" and model.get_layer("dropout").rate == 0.5
    assert "dropout" not in [layer.name for layer in convnet((46, 46, 3), telling(2)).layers]


@pytest.mark.parametrize("build_one", [convnet, convnet_28px])
def test_penalties_are_on_the_kernels_of_all_layers(build_one):
    model = build_one((46, 46, 3), telling(2), l1=0.5, l2=0.25)
    kernels = [variable for variable in model.weights if variable.name == "kernel"]
    expected = sum(0.5 * np.abs(kernel).sum() + 0.25 * (np.asarray(kernel) ** 2).sum() for kernel in kernels)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-4)
    assert len(model.losses) == len(kernels)
    assert not build_one((46, 46, 3), telling(2)).losses


def test_without_pooling_no_side_is_halved():
    model = convnet_28px((28, 28, 1), telling(10), pooling=False)
    assert model.get_layer("conv3").output.shape[1:] == (22, 22, 64)
    assert model.count_params() == 320 + 18_496 + 36_928 + (22 * 22 * 64 + 1) * 64 + 650
    assert convnet((12, 12, 1), telling(2), channels=(4, 8), dense=6, pooling=False).get_layer(
        "flatten"
    ).output.shape == (
        None,
        8 * 8 * 8,
    )
    with pytest.raises(UsageError, match="needs at least 5 px"):
        convnet((4, 4, 1), telling(2), channels=(4, 8), pooling=False)


def test_without_pooling_a_dense_layer_that_no_laptop_holds_is_refused():
    with pytest.raises(UsageError, match=r"the dense layer would have 1,321,467,904 weights.*Take smaller pictures"):
        convnet((150, 150, 3), telling(2), pooling=False)
