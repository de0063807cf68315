"""Figures become words in one place, and never look better than they are."""

from __future__ import annotations

import pytest

from starshift.records import Estimate
from starshift.report import words


def test_an_estimate_says_value_interval_and_n() -> None:
    assert words.estimate(Estimate(0.991, 0.983, 0.995, 1000, "Wilson")) == "99.1 % (98.3 to 99.5, n = 1,000)"


def test_an_estimate_that_is_no_share_has_decimals() -> None:
    assert words.estimate(Estimate(0.0312, 0.022, 0.041, 9, "bootstrap"), 3) == "0.031 (0.022 to 0.041, n = 9)"


def test_a_missing_interval_says_why() -> None:
    lone = Estimate(1.0, None, None, 1, "one picture")
    assert words.estimate(lone) == "100.0 % (no interval: one picture, n = 1)"


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.9914, "99.1 %"),
        (1.0, "100.0 %"),
        (0.9996, "99.96 %"),
        (0.99996, "99.996 %"),
        (0.9999999, "100.0 %"),
        (0.0, "0.0 %"),
        (-0.0, "0.0 %"),
        (0.0004, "0.04 %"),
        (1 / 3, "33.3 %"),
    ],
)
def test_percent_never_hides_a_few_mistakes(share: float, said: str) -> None:
    assert words.percent(share) == said


@pytest.mark.parametrize(
    ("value", "said"), [(0.9997, "0.9997"), (1.0, "1.000"), (0.0, "0.000"), (0.0004, "0.0004"), (-0.25, "\u22120.250")]
)
def test_numbers(value: float, said: str) -> None:
    assert words.number(value) == said


@pytest.mark.parametrize(
    ("difference", "said"),
    [(0.142, "+14.2 points"), (-0.013, "\u22121.3 points"), (0.0001, "0.0 points"), (-0.0001, "0.0 points")],
)
def test_points(difference: float, said: str) -> None:
    assert words.points(difference) == said


def test_a_difference_has_its_interval_in_points() -> None:
    assert words.points_interval(Estimate(0.1, -0.02, 0.22, 50, "Tango")) == "\u22122.0 to +22.0"
    assert words.points_interval(Estimate(0.1, None, None, 1, "one picture")) == "no interval: one picture"


def test_p_values() -> None:
    assert words.p_value(0.4) == "p = 0.400"
    assert words.p_value(2e-9) == "p < 0.001"


@pytest.mark.parametrize(
    ("duration", "said"),
    [
        (0, "0 s"),
        (0.004, "< 0.1 s"),
        (0.4, "0.4 s"),
        (9.96, "10 s"),
        (42.2, "42 s"),
        (59.7, "1 min"),
        (200.4, "3 min 20 s"),
        (3599.8, "1 h"),
        (3900, "1 h 5 min"),
    ],
)
def test_seconds(duration: float, said: str) -> None:
    assert words.seconds(duration) == said


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (1, "1 byte"),
        (999, "999 bytes"),
        (14_200, "14.2 kB"),
        (9_406_464, "9.4 MB"),
        (999_950, "1.0 MB"),
        (528e6, "528 MB"),
    ],
)
def test_sizes(size: int, said: str) -> None:
    assert words.size(int(size)) == said


def test_counts() -> None:
    assert words.counted(1, "picture") == "1 picture"
    assert words.counted(2000, "picture") == "2,000 pictures"
    assert words.counted(3, "class", "classes") == "3 classes"
    assert words.counts({"JPEG": 1990, "hidden files": 1}) == "JPEG (1,990), hidden files (1)"


def test_a_prediction_of_time_is_judged() -> None:
    assert words.off(11.2, 10) == "12 % too long"
    assert words.off(9, 10) == "10 % too short"
    assert words.off(10.01, 10) == "as predicted"


def test_sentences_stand_on_one_line() -> None:
    assert words.sentence("this model\n gains") == "This model gains."
    assert words.sentence("really?") == "Really?"
    assert words.sentence("") == ""


def test_lists() -> None:
    assert [words.listed(list("abc")[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_hidden_characters_are_spelled_out() -> None:
    assert words.visible("caf\udce9.jpg") == r"caf\xe9.jpg"
    assert words.visible("a\nb\tc\x00\x85") == r"a\nb\tc\x00\x85"
    assert words.visible("evil\u202egpj.exe") == r"evil\u202egpj.exe"
    assert words.visible("\ud800") == r"\ud800"
    assert words.visible("قطة 猫 é") == "قطة 猫 é"


def test_moments() -> None:
    assert words.moment("2026-05-12T10:11:12Z") == "12 May 2026, 10:11 UTC"
    assert words.moment("2026-05-12T10:11:12+02:00") == "12 May 2026, 08:11 UTC"
    assert words.moment("yesterday") == "yesterday"
