from __future__ import annotations

import keras
import numpy as np
import pytest

from starshift.errors import UsageError
from starshift.models.modern import modern, smallest_side
from starshift.models.scratch import build
from tiny import telling

SMALL = {"width": 8, "blocks": (1, 1)}
SWITCHES = [
    {},
    {"skip": False},
    {"norm": "batch"},
    {"norm": "none"},
    {"drop_path": 0.2},
    {"norm": "batch", "kind": "inception", "auxiliary": True},
    {"kind": "inception"},
    {"kind": "inception", "auxiliary": True},
    {"auxiliary": True, "dropout": 0.3, "l1": 1e-4, "l2": 1e-4},
]


def test_it_has_as_many_parameters_as_it_says():
    assert modern((None, None, 3), telling(2)).count_params() == 1_572_121
    assert modern((96, 96, 3), telling(2)).count_params() == 1_572_121
    assert modern((96, 96, 3), telling(2), norm="batch").count_params() == 1_575_529


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
@pytest.mark.parametrize("classes", [2, 5])
def test_every_switch_gives_probabilities_for_pictures_of_any_size(switches, classes):
    model = build("modern", (None, None, 3), telling(classes), SMALL | switches)
    for side in (33, 16):
        outputs = np.asarray(model(np.random.default_rng(0).integers(0, 256, (2, side, side, 3), dtype=np.uint8)))
        assert outputs.shape == (2, 1 if classes == 2 else classes)
        assert (outputs >= 0).all() and (outputs <= 1).all()


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_weights_have_the_same_paths_at_a_fixed_size_and_no_two_the_same(switches):
    training = build("modern", (None, None, 3), telling(2), SMALL | switches, training=True)
    fixed = build("modern", (32, 32, 3), telling(2), SMALL | switches)
    paths = [variable.path for variable in training.weights]
    assert len(set(paths)) == len(paths)
    extra = {"auxiliary1/kernel", "auxiliary1/bias"} if switches.get("auxiliary") else set()
    assert {variable.path for variable in fixed.weights} == set(paths) - extra


def test_auxiliary_heads_are_there_for_training_only():
    assert (
        len(modern((32, 32, 3), telling(2), auxiliary=True, training=True).outputs) == 3
    )  # behind two stages of three
    assert len(modern((32, 32, 3), telling(2), auxiliary=True).outputs) == 1
    assert len(modern((32, 32, 3), telling(2), training=True).outputs) == 1


def test_a_mixed_policy_leaves_pixels_and_heads_in_float32():
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = modern((32, 32, 3), telling(3), auxiliary=True, training=True, **SMALL)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert {keras.backend.standardize_dtype(output.dtype) for output in model.outputs} == {"float32"}
    assert model.get_layer("standardize").compute_dtype == "float32"
    assert model.get_layer("stem_1_conv").compute_dtype == "bfloat16"


def test_what_cannot_be_built_is_said_all_at_once():
    assert smallest_side((2, 2, 2)) == 16
    with pytest.raises(UsageError) as caught:
        modern((15, 40, 3), telling(2), kind="inception", skip=True)
    assert caught.value.problems == (
        "Inception blocks have no skip connection; take kind=residual for it, or leave skip out.",
        "Pictures of 15 px are too small for 3 stages, which need at least 16 px on each side. Give a larger --size, "
        "or fewer stages.",
    )
    assert modern((16, 16, 3), telling(2), **{**SMALL, "blocks": (1, 1, 1)}).output_shape == (None, 1)
