from __future__ import annotations

import numpy as np
import pytest

from starshift.compose import ensemble
from starshift.compose.cost import cost
from starshift.compose.frozen import FrozenBases
from starshift.compose.predictor import Predictor
from starshift.data.cache import cache_root
from starshift.data.decode import Frame
from starshift.inference.cost import cost as of_network
from starshift.learnware import package
from starshift.models import scratch
from starshift.records import LEARNWARE_SCHEMA, InputContract, Learnware, Target
from starshift.training import cost as in_keras

FEATURES = 1280
TELLS = (Target.of_classes(("cat", "dog")),)


def test_a_network_of_its_own_is_counted_as_keras_counts_it(finished_run):
    learnware, tensors = package.read(finished_run.path / "rungs/convnet/model")
    found = cost(Predictor(learnware, tensors, cache_root()))
    expected = in_keras.cost(scratch.build("convnet-28px", (28, 28, 3), learnware.targets, {}))
    assert found.multiply_adds == expected.multiply_adds
    assert found.parameters == pytest.approx(expected.parameters, abs=3)
    assert found.bytes == 4 * found.parameters and 0 < found.milliseconds < 1000


def test_a_run_keeps_what_its_rungs_cost(finished_run):
    baseline, convnet = finished_run.record.rungs
    assert baseline.cost is None and convnet.cost.multiply_adds > 1e5


@pytest.fixture
def bases(weights_home):
    found = FrozenBases.find(("mobilenet_v2",), Frame(40), "f32", cache_root(), sizes=(32, 40))
    _ = [base.network for base in found.bases]  # converted now
    return found


def frozen(bases, *, size: int, **arguments) -> Learnware:
    return Learnware(
        LEARNWARE_SCHEMA, "frozen", "image classification", TELLS, InputContract(size, "stretch"), "frozen",
        {"bases": ("mobilenet_v2",), "strengths": (1e-2,), **arguments}, bases.references, "f32", (), "", "", {}, "",
    )  # fmt: skip


def tensors(features: int = FEATURES) -> dict[str, np.ndarray]:
    return {"head/kernel": np.zeros((features, 1), np.float32), "head/bias": np.zeros(1, np.float32)}


def together(*members: Learnware) -> Predictor:
    whole = Learnware(
        LEARNWARE_SCHEMA, "all", "image classification", TELLS, members[0].input, "ensemble", {}, members[0].bases,
        "f32", (), "", "", {}, "", members=members,
    )  # fmt: skip
    counts = [1.0] * len(members)
    sizes = [FEATURES * len(one.arguments.get("sizes", (0,))) for one in members]
    return Predictor(whole, ensemble.together([tensors(size) for size in sizes], counts), cache_root())


def test_members_that_share_a_base_ask_it_once_at_each_size_and_of_mirror_images(bases):
    small, large = (of_network(base.network) for base in bases.bases)
    assert small.parameters == large.parameters < 2.26e6
    head = FEATURES
    alone = cost(Predictor(frozen(bases, size=40), tensors(), cache_root()))
    assert alone.multiply_adds == large.multiply_adds + head
    assert alone.parameters == large.parameters + head + 1
    twice = cost(together(frozen(bases, size=40), frozen(bases, size=40)))
    assert twice.multiply_adds == large.multiply_adds + 2 * head
    assert twice.parameters == large.parameters + 2 * (head + 1)
    mirrored = cost(together(frozen(bases, size=40), frozen(bases, size=40, mirrored=True)))
    assert mirrored.multiply_adds == 2 * large.multiply_adds + 3 * head
    sizes = cost(together(frozen(bases, size=40, sizes=(32, 40)), frozen(bases, size=40)))
    assert sizes.multiply_adds == small.multiply_adds + large.multiply_adds + 3 * head
    assert sizes.parameters == large.parameters + 3 * head + 2


def test_a_base_that_is_not_in_its_compiled_form_is_not_converted_for_this(bases, tmp_path):
    assert cost(Predictor(frozen(bases, size=40), tensors(), tmp_path)) is None
