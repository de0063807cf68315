"""A reader's network, strings as numbers, and paths spelled out."""

from __future__ import annotations

import numpy as np
import pytest

from starshift.data.kinds import LONGEST_STRING
from starshift.errors import UsageError
from starshift.models import reader
from starshift.records import Target

DIGITS = Target("text", "string", tuple("0123456789"), "as given")


def path_logits(*paths: str) -> np.ndarray:
    """Logits whose best path is written with "-" for the blank."""
    places = np.array([["-0123456789".index(one) for one in path] for path in paths])
    return 4.0 * np.eye(11)[places]


@pytest.mark.parametrize(
    ("path", "text"), [("--11-1-0--", "110"), ("----------", ""), ("1111111111", "1"), ("0123456789", "0123456789")]
)
def test_a_path_is_spelled_out(path, text):
    [[said, probability]] = reader.spelled(path_logits(path), DIGITS.classes)
    each = np.exp(4) / (np.exp(4) + 10)
    assert said == text and probability == pytest.approx(each**10)


def test_strings_become_numbers_and_missing_ones_nothing():
    shaped = reader.shape_strings(DIGITS, np.array(["907", "", "1"], dtype=object))
    assert shaped.shape == (3, LONGEST_STRING) and shaped.dtype == np.float32
    assert shaped[0, :4].tolist() == [10, 1, 8, 0] and shaped[2, :2].tolist() == [2, 0]
    assert np.isnan(shaped[1]).all()
    assert reader.LONGEST == LONGEST_STRING


def test_two_of_the_same_need_a_blank_between():
    assert [reader.columns_for(text) for text in ("", "1", "12", "11", "1122")] == [0, 1, 2, 3, 6]


def test_a_network_has_a_row_of_columns():
    pytest.importorskip("keras")
    model = reader.build((64, 64, 3), [DIGITS], channels=(4, 4, 4), recurrent=3, dropout=0.1, training=True)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    said = model.predict_on_batch(pixels)
    assert said.shape == (2, reader.columns(64), 11) and said.dtype == np.float32
    unrolled = reader.build((64, 64, 3), [DIGITS], channels=(4, 4, 4), recurrent=3)
    assert {one.path for one in unrolled.weights} == {one.path for one in model.weights}
    unrolled.set_weights(model.get_weights())
    np.testing.assert_allclose(unrolled.predict_on_batch(pixels), said, atol=1e-5)


def test_what_a_reader_does_not_take():
    pytest.importorskip("keras")
    with pytest.raises(UsageError, match="a multiple of 32 px; --size is 100"):
        reader.build((100, 100, 3), [DIGITS])
    with pytest.raises(UsageError, match="A reader predicts one string; class \\(binary\\) came"):
        reader.build((64, 64, 3), [Target.of_classes(("a", "b"))])
