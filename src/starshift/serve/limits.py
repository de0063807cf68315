"""How often one may ask: a bucket of tokens for each, which fills at a steady rate."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

MOST_BUCKETS = 10_000
"""Those asked longest ago are forgotten, so that many addresses cost no memory."""


class Limit:
    """So many requests a minute for each key; a whole minute's worth may come at once."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = float(per_minute)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens left, and when that was
        self._lock = Lock()

    def wait_seconds(self, key: str) -> float:
        """Take a token and return 0.0; where there is none, how long until there is."""
        with self._lock:
            now = self._clock()
            left, then = self._buckets.pop(key, (self._most, now))
            left = min(self._most, left + (now - then) * self._most / 60)
            taken = left >= 1
            self._buckets[key] = (left - taken, now)
            if len(self._buckets) > MOST_BUCKETS:
                self._buckets.popitem(last=False)
            return 0.0 if taken else (1 - left) * 60 / self._most
