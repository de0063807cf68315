from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from starshift.errors import UsageError
from starshift.recipe import BUILDERS, Recipe, Stage, check_builder, digest, near


def test_a_stage_is_the_seeds_recipe_unless_told_otherwise():
    assert Stage() == Stage(optimizer="rmsprop", learning_rate=1e-4, batch_size=20, epochs=30)


def test_a_stage_names_everything_that_is_wrong_with_it():
    with pytest.raises(UsageError) as caught:
        Stage(optimizer="adma", learning_rate=0, batch_size=0, epochs=-1)
    assert caught.value.problems == (
        "Optimizer 'adma' is not known; choose rmsprop, adam or sgd.",
        "The learning rate must be above 0; it is 0.",
        "batch_size must be at least 1; it is 0.",
        "epochs must be at least 1; it is -1.",
    )


def test_a_learning_rate_that_is_no_number_is_refused():
    with pytest.raises(UsageError, match="must be above 0; it is nan"):
        Stage(learning_rate=float("nan"))


@pytest.mark.parametrize("builder", BUILDERS)
def test_every_builder_makes_a_recipe_that_survives_json(builder):
    recipe = Recipe(builder=builder, size=64, stages=(Stage(),))
    assert msgspec.json.decode(msgspec.json.encode(recipe), type=Recipe) == recipe


def test_an_unknown_builder_gets_a_guess():
    with pytest.raises(UsageError, match=r"Builder 'convent' is not known. Did you mean 'convnet'\?"):
        Recipe(builder="convent", size=64)


def test_unknown_and_mistyped_arguments_are_said_together():
    assert check_builder("convnet", {"kernle": 3, "dense": "many", "channels": [1, 2]}) == [
        "Builder 'convnet' takes no argument 'kernle'. Did you mean 'kernel'?",
        "Argument 'dense' of 'convnet' must be a int; 'many' came.",
    ]


def test_a_picture_has_at_least_one_pixel():
    with pytest.raises(UsageError, match="at least 1 pixel; it is 0"):
        Recipe(builder="majority", size=0)


def test_near_offers_one_word_or_lists_all():
    assert near("convnt", ["convnet", "features"]) == " Did you mean 'convnet'?"
    assert near("xyz", ["convnet", "features"]) == " Known: convnet, features."
    assert near("xyz", []) == ""


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.floats(allow_nan=False)))
def test_equal_values_have_equal_digests_whatever_their_order(values):
    reverse = dict(reversed(values.items()))
    assert digest(values) == digest(reverse)
    assert len(digest(values)) == 64


def test_different_values_have_different_digests():
    recipe = Recipe(builder="convnet", size=64, stages=(Stage(),))
    others = [
        msgspec.structs.replace(recipe, size=65),
        msgspec.structs.replace(recipe, fit="crop"),
        msgspec.structs.replace(recipe, stages=(Stage(epochs=31),)),
        msgspec.structs.replace(recipe, arguments={"dense": 64}),
    ]
    assert len({digest(one) for one in [recipe, *others]}) == 5
    assert digest("a", "b") != digest("ab")


def test_a_tuple_and_a_list_that_json_reads_back_are_one():
    assert digest({"channels": (1, 2)}) == digest({"channels": [1, 2]})
