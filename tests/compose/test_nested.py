from __future__ import annotations

import numpy as np

from starshift.compose import nested
from starshift.records import LEARNWARE_SCHEMA, InputContract, Learnware, Target

ONE = Learnware(
    schema=LEARNWARE_SCHEMA,
    name="one",
    task="image classification",
    targets=(Target.of_classes(("a", "b")),),
    input=InputContract(8, "stretch"),
    builder="frozen",
    arguments={},
    bases=(),
    precision="f32",
    evaluations=(),
    trained_on="",
    made_by="",
    files={},
    id="",
)


def test_models_inside_come_out_as_they_went_in():
    tensors = [{"head/bias": np.array([float(place)])} for place in range(3)]
    whole = nested.together("member", tensors)
    found = nested.parts("member", [ONE] * 3, whole)
    assert [own["head/bias"][0] for _, own in found] == [0.0, 1.0, 2.0]


def test_a_model_inside_is_known_by_its_tensors_wherever_it_stands():
    tensors = {"head/bias": np.array([1.0, 2.0])}
    alone = nested.identified(ONE, tensors).files
    (_, _), (second, _) = nested.parts("member", [ONE, ONE], nested.together("member", [{}, tensors]))
    assert second.files == alone
    for other in ({"head/bias": np.array([1.0, 3.0])}, {"bias": np.array([1.0, 2.0])}, {"head/bias": np.ones((1, 2))}):
        assert nested.identified(ONE, other).files != alone
