"""What a network from scratch says of itself; `api/test_fit` trains some."""

from __future__ import annotations

import msgspec

from starshift.augmentation import POLICIES
from starshift.ladder.families import find
from starshift.ladder.options import Options
from starshift.ladder.rungs import RUNGS
from starshift.ladder.scratch import _pace_name, larger_size
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
