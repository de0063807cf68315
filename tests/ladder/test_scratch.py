"""What a network from scratch says of itself; `api/test_fit` trains some."""

from __future__ import annotations

import msgspec

from starshift.augmentation import POLICIES
from starshift.ladder.families import find
from starshift.ladder.options import Options
from starshift.ladder.rungs import RUNGS
from starshift.ladder.scratch import _pace_name, in_words, larger_size
from starshift.records import Dataset, Picture, Target

PHOTOGRAPHS = Dataset(
    "x",
    "class folders",
    (Target.of_classes(("a", "b")),),
    (Picture("", "0", "", "", 300, 300, "JPEG", "RGB", 9),) * 3000,
)


class Materials:
    """Nothing but a data set."""

    dataset = PHOTOGRAPHS


def recipe(name: str):
    return find(name).recipe(Options(), PHOTOGRAPHS)


def test_the_seeds_training_in_words():
    assert in_words(recipe("convnet")) == {"training": "30 epochs, batches of 20, rmsprop 0.0001"}
    said = in_words(recipe("regularized"))
    assert said["training"] == (
        "100 epochs of 100 batches, batches of 32, rmsprop 0.0001, weights averaged with momentum 0.998"
    )
    assert said["augmentation"].startswith("seeds: turned by up to 40°, shifted by up to 20 % of the side")


def test_everything_that_is_not_the_default_is_said():
    said = in_words(recipe("modern:average=0.99:loss=mean-squared-error"))["training"]
    for words in ("muon 0.005", "falling by a cosine", "warm-up of", "weight decay 0.1", "loss mean squared error"):
        assert words in said
    assert "label smoothing 0.1, at 64, 64, 96, 128 px in turn, the last 3 without mixing" in said
    assert said.endswith("weights averaged with momentum 0.99")
    assert "stopped after 5 epochs without a gain" in in_words(recipe("convnet:patience=5"))["training"]


def test_crops_are_taken_from_larger_pictures():
    assert larger_size(recipe("modern")) == 192
    assert larger_size(recipe("regularized")) is None
    assert larger_size(recipe("convnet:augment=crops")) == 225


def test_paces_are_kept_apart_by_what_a_step_does():
    plain = RUNGS["convnet"].recipe(Options(), PHOTOGRAPHS)
    others = [
        msgspec.structs.replace(plain, arguments={**plain.arguments, "dropout": 0.5}),
        msgspec.structs.replace(
            plain, stages=(msgspec.structs.replace(plain.stages[0], augmentation=POLICIES["flip"]),)
        ),
        msgspec.structs.replace(plain, stages=(msgspec.structs.replace(plain.stages[0], batch_size=21),)),
    ]
    assert len({_pace_name(one, Materials) for one in [plain, *others]}) == 4
    longer = msgspec.structs.replace(plain, stages=(msgspec.structs.replace(plain.stages[0], epochs=99),))
    assert _pace_name(longer, Materials) == _pace_name(plain, Materials)
