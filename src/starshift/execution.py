"""Run one function over many items on all cores, in order, in bounded memory; knows nothing of learning."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

ITEMS_AHEAD = 8
"""Items per worker that may be under way or waiting to be taken: enough to smooth out slow items, few
enough that results which the consumer has not taken yet do not fill the memory."""


def cores() -> int:
    """The number of processor cores that this process may use, at least 1."""
    if hasattr(os, "process_cpu_count"):  # Python 3.13 and later
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_ordered(
    function: Callable[[Item], Result], items: Iterable[Item], *, workers: int | None = None, ahead: int | None = None
) -> Generator[Result, None, None]:
    """Yield `function(item)` for every item, in the order of the items, computed on threads.

    workers: threads, by default one per core; 1 computes in the caller's thread. ahead: how many items are taken
    from `items` ahead of the consumer at most, by default ITEMS_AHEAD per worker; who takes results by the block
    gives two blocks, so that one is computed while the consumer works on another. An exception of `function` is
    raised at its item's place. When the consumer stops, by an exception, Ctrl-C or closing the iterator, items that
    have not begun are dropped, and only those under way are waited for.
    """
    workers = cores() if workers is None else workers
    if workers < 1:
        raise ValueError(f"workers must be at least 1, not {workers}")
    if workers == 1:
        return (function(item) for item in items)
    return _threaded(function, items, workers, workers * ITEMS_AHEAD if ahead is None else ahead)


def _threaded(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, ahead: int
) -> Generator[Result, None, None]:
    remaining = iter(items)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="starshift")
    try:
        window: deque[Future[Result]] = deque(pool.submit(function, item) for item in islice(remaining, ahead))
        while window:
            result = window.popleft().result()
            # The next item is handed in before the consumer works on this result, so that no core waits.
            window.extend(pool.submit(function, item) for item in islice(remaining, 1))
            yield result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
