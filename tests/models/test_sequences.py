"""What models of sequences look at, means and scales, and networks with and without Keras."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starshift.errors import RunError
from starshift.models.sequences import SUMMARIES, Scaling, network, says, steps_there, summaries
from starshift.records import Target


def test_summaries_of_a_feature():
    values = np.zeros((2, 5, 1), np.float32)
    values[0, :4, 0] = [1, np.nan, 5, 3]
    values[1, :1, 0] = [7]
    found = summaries(values, np.array([4, 1]))
    named = dict(zip((*SUMMARIES, "steps"), found[0], strict=True))
    assert named == {
        "mean": 3,
        "deviation": pytest.approx(np.std([1, 5, 3])),
        "minimum": 1,
        "maximum": 5,
        "first": 1,
        "last": 3,
        "slope": pytest.approx(np.polyfit([0, 2, 3], [1, 5, 3], 1)[0]),
        "missing": 0.25,
        "steps": 4,
    }
    assert found[1].tolist() == [7, 0, 7, 7, 7, 7, 0, 0, 1]


def test_a_feature_without_values_has_no_summaries():
    values = np.full((1, 3, 2), np.nan, np.float32)
    values[0, :, 1] = 1
    found = summaries(values, np.array([3]))[0]
    assert np.isnan(found[0:-1:2][:7]).all() and found[-3] == 1.0  # the share that is missing
    assert found[1::2].tolist()[:2] == [1, 0]


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_what_is_padding_changes_no_summary(seed):
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(3, 8, 2)).astype(np.float32)
    values[generator.random(values.shape) < 0.3] = np.nan
    lengths = generator.integers(1, 9, 3)
    longer = np.full((3, 12, 2), 99, np.float32)
    longer[:, :8] = np.where((np.arange(8) < lengths[:, None])[..., None], values, -99)
    np.testing.assert_array_equal(summaries(values, lengths), summaries(longer, lengths))


def test_scaling_is_by_what_is_there():
    values = np.array([[[1, 5], [3, 5], [0, 0]], [[np.nan, 5], [5, 5], [7, 5]]], np.float32)
    lengths = np.array([2, 3])
    scaling = Scaling.fitted(steps_there(values, lengths))
    assert scaling.means.tolist() == [4, 5] and scaling.scales.tolist() == [pytest.approx(5**0.5), 1]
    assert scaling.gaps.tolist() == [True, False]
    channels = scaling.channels(values, lengths)
    assert channels.shape == (2, 3, 4) and channels.dtype == np.float32
    assert channels[0, 2].tolist() == [0, 0, 0, 0]  # padding
    assert channels[1, 0].tolist() == [0, 0, 1, 1]  # a gap
    again = Scaling.read(scaling.tensors, 2)
    np.testing.assert_array_equal(again.channels(values, lengths), channels)


def test_unusable_scaling_is_refused():
    good = Scaling.fitted(np.arange(6.0).reshape(3, 2)).tensors
    with pytest.raises(RunError, match="no usable means and scales of 3 features"):
        Scaling.read(good, 3)
    with pytest.raises(RunError, match="scales above 0"):
        Scaling.read({**good, "scaling/scales": np.array([1.0, 0.0])}, 2)


@pytest.mark.parametrize(
    "arguments",
    [
        {"block": "convolution", "filters": (3, 4), "kernel": 3, "dropout": 0.5},
        {"block": "gru", "recurrent": 4},
        {"block": "lstm", "recurrent": 4, "bidirectional": False},
        {"block": "pooling"},
    ],
    ids=lambda arguments: arguments["block"],
)
@pytest.mark.parametrize("kind", ["binary", "multi-class", "multi-label", "share"])
def test_networks_answer_the_same_without_keras(arguments, kind):
    pytest.importorskip("keras")
    from starshift.models import heads

    target = Target("y", kind, {"binary": ("a", "b"), "share": ()}.get(kind, ("a", "b", "c")))
    model = network(9, 3, [target], **arguments)
    generator = np.random.default_rng(0)
    for variable in model.weights:
        variable.assign(generator.normal(size=variable.shape))
    channels = generator.normal(size=(70, 9, 3)).astype(np.float32)
    channels[..., -1] = np.arange(9) < generator.integers(1, 10, 70)[:, None]
    channels *= channels[..., -1:]
    tensors = {variable.path: np.asarray(variable.value) for variable in model.weights}
    said = says(channels, tensors, target, **arguments)
    np.testing.assert_allclose(said, heads.answers(target, model.predict_on_batch(channels)), rtol=1e-3, atol=1e-5)


def test_tensors_of_another_network_are_refused():
    target = Target.of_classes(("a", "b"))
    with pytest.raises(RunError, match="not those of its network over sequences"):
        says(np.ones((1, 4, 2), np.float32), {}, target, block="gru")
