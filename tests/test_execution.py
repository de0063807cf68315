"""map_ordered: order, bounded look-ahead, errors in place, prompt stop."""

from __future__ import annotations

import threading
import time

import pytest

from starshift.execution import ITEMS_AHEAD, cores, map_ordered


@pytest.mark.parametrize("workers", [None, 1, 2, 7])
def test_results_come_in_the_order_of_the_items(workers):
    def slower_first(i):
        time.sleep(0.002 * (i % 3 == 0))
        return i * i

    assert list(map_ordered(slower_first, range(50), workers=workers)) == [i * i for i in range(50)]


def test_runs_on_several_threads():
    meet = threading.Barrier(2, timeout=5)
    assert len(list(map_ordered(lambda _: meet.wait(), range(2), workers=2))) == 2


def test_takes_no_more_than_a_window_ahead_of_the_consumer():
    taken = []
    results = map_ordered(lambda i: i, (taken.append(i) or i for i in range(1000)), workers=2)
    next(results)
    assert len(taken) <= 2 * ITEMS_AHEAD + 1
    results.close()


@pytest.mark.parametrize("ahead", [1, 5, 40])
def test_the_window_is_as_wide_as_asked_for_and_is_worked_on_meanwhile(ahead):
    begun = []
    results = map_ordered(begun.append, range(1000), workers=2, ahead=ahead)
    next(results)
    until = time.monotonic() + 5
    while len(begun) < ahead + 1 and time.monotonic() < until:
        time.sleep(0.001)
    time.sleep(0.02)
    assert len(begun) == ahead + 1
    results.close()


def test_an_error_is_raised_at_its_items_place():
    results = map_ordered(lambda i: 1 // (i - 3), range(10), workers=2)
    assert [next(results) for _ in range(3)] == [-1, -1, -1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_ctrl_c_in_the_consumer_drops_what_has_not_begun():
    begun = []

    def slow(i):
        begun.append(i)
        time.sleep(0.05)

    with pytest.raises(KeyboardInterrupt):
        consume_one_and_interrupt(map_ordered(slow, range(100), workers=2))
    assert len(begun) <= 6


def consume_one_and_interrupt(results):
    try:
        for _ in results:
            raise KeyboardInterrupt
    finally:
        results.close()


def test_one_worker_computes_what_is_asked_for_and_can_be_closed():
    results = map_ordered(str, range(3), workers=1, ahead=2)
    assert next(results) == "0"
    results.close()
    assert list(results) == []


def test_no_items_and_no_workers():
    assert list(map_ordered(str, [], workers=3)) == []
    with pytest.raises(ValueError, match="at least 1, not 0"):
        map_ordered(str, [1], workers=0)
    assert cores() >= 1
