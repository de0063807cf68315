"""Networks of recipes, against the counts that the seeds print for VGG16."""

from __future__ import annotations

import pytest

from starshift.errors import UsageError
from starshift.models.outline import outline
from starshift.recipe import Recipe
from starshift.training.cost import cost
from tiny import telling


def frozen(*bases, size=150, **arguments):
    return Recipe("frozen", size, arguments={"bases": bases, "strengths": (0.01,), **arguments})


def test_the_seeds_vgg16_with_their_head_frozen():
    counted = cost(outline(frozen("vgg16", head="dense256"), telling(2)))
    assert (counted.parameters, counted.trainable) == (16_812_353, 2_097_665)


def test_the_seeds_vgg16_with_their_head_and_block_5_open():
    arguments = {"base": "vgg16", "cut": "block4_pool", "head": "dense256"}
    counted = cost(outline(Recipe("fine-tuned", 150, arguments=arguments), telling(2)))
    assert (counted.parameters, counted.trainable) == (16_812_353, 9_177_089)


def test_a_linear_head_on_two_bases():
    model = outline(frozen("mobilenet", "mobilenet_v2", size=64), telling(5))
    assert cost(model).trainable == (1024 + 1280 + 1) * 5
    assert model.output_shape == (None, 5)


def test_fine_tuned_opens_what_lies_behind_the_cut_but_for_batch_normalization():
    recipe = Recipe("fine-tuned", 64, arguments={"base": "mobilenet_v2", "cut": "block_15_add"})
    trained = {layer.name: layer.kind for layer in cost(outline(recipe, telling(2))).layers if layer.trainable}
    assert next(iter(trained)) == "block_16_expand" and list(trained)[-1] == "head"
    assert "BatchNormalization" not in trained.values()


def test_a_cut_that_is_not_there():
    with pytest.raises(UsageError, match=r"cannot be cut behind 'block_15_ad'\. Did you mean 'block_15_add'"):
        Recipe("fine-tuned", 64, arguments={"base": "mobilenet_v2", "cut": "block_15_ad"})


def test_the_baseline_has_no_network():
    with pytest.raises(UsageError, match="The baseline has no layers"):
        outline(Recipe("majority", 1), telling(2))


def test_depths_are_counted_as_they_are_seen():
    counted = cost(outline(frozen("vgg16", size=64, cuts=("block2_pool", "top")), telling(2)))
    assert counted.trainable == 128 + 512 + 1
    assert cost(outline(frozen("vgg16", size=64, cuts=("block2_pool",)), telling(2))).parameters == 260_160 + 128 + 1


def test_a_base_is_counted_at_each_size_that_it_looks_at():
    small, large, both = (
        cost(outline(frozen("mobilenet_v2", size=sizes[-1], sizes=sizes), telling(5)))
        for sizes in ((64,), (96,), (64, 96))
    )
    assert both.trainable == 2 * 1280 * 5 + 5
    assert both.multiply_adds == pytest.approx(small.multiply_adds + large.multiply_adds, rel=1e-3)


@pytest.mark.parametrize("arguments", [{"bases": ("auto",)}, {"bases": ("vgg16",), "cuts": ("auto",)}])
def test_what_a_run_chooses_cannot_be_counted_before(arguments):
    with pytest.raises(UsageError, match="What 'auto' comes to is only known when a run has chosen"):
        outline(Recipe("frozen", 64, arguments=arguments), telling(2))
