"""Buckets of tokens."""

from __future__ import annotations

import pytest

from starshift.serve import limits
from starshift.serve.limits import Limit


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_minutes_worth_may_come_at_once_and_then_at_the_rate():
    clock = Clock()
    limit = Limit(6, clock)
    assert [limit.wait_seconds("a") for _ in range(7)] == [0] * 6 + [10]
    assert limit.wait_seconds("b") == 0
    clock.now = 9
    assert limit.wait_seconds("a") == pytest.approx(1)
    clock.now = 10
    assert limit.wait_seconds("a") == 0 and limit.wait_seconds("a") > 0
    clock.now = 10_000
    assert [limit.wait_seconds("a") for _ in range(7)] == [0] * 6 + [10]


def test_many_addresses_cost_no_memory(monkeypatch):
    monkeypatch.setattr(limits, "MOST_BUCKETS", 10)
    limit = Limit(1, Clock())
    for number in range(100):
        limit.wait_seconds(str(number))
    assert len(limit._buckets) == 10
    assert limit.wait_seconds("99") > 0 and limit.wait_seconds("0") == 0
