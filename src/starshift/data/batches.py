"""The usual pipeline of any training: shuffle, gather, map, prefetch."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np

Batch = tuple[np.ndarray, np.ndarray]
Transform = Callable[[np.ndarray, np.ndarray, np.random.Generator], Batch]


class Batches:
    """Batches of pictures and targets, anew in each epoch.

    pixels: array-like of uint8 (N, H, W, C), gathered by index arrays, so it may lie on disk.
    targets: (N, …), gathered alike.
    indices: which of the N to use; int (n,), at least one.
    batch_size: pictures per batch; the last batch of an epoch may be smaller, unless `steps` is given.
    shuffle: a new order in each epoch, drawn from `seed` and the epoch's number.
    steps: batches per epoch; 0: as many as one pass over `indices` takes. Otherwise passes follow each other without
        a gap, each in an order of its own, and epochs are cut from that stream: all batches are full.
    transform: (pixels, targets, generator) → (pixels, targets), for augmentation; runs in the background.
    prefetch: batches made ahead in background threads; 0 makes them on demand.
    threads: how many make batches at once; no batch and no order depends on it.
    """

    def __init__(
        self,
        pixels: Any,
        targets: np.ndarray,
        indices: np.ndarray,
        *,
        batch_size: int,
        seed: int,
        shuffle: bool = True,
        steps: int = 0,
        transform: Transform | None = None,
        prefetch: int = 2,
        threads: int = 1,
    ) -> None:
        self.pixels, self.targets, self.indices = pixels, targets, np.asarray(indices)
        self.batch_size, self.seed, self.shuffle, self.steps = batch_size, seed, shuffle, steps
        self.transform, self.prefetch, self.threads = transform, prefetch, threads

    def __len__(self) -> int:
        """Batches in one epoch."""
        return self.steps or -(-len(self.indices) // self.batch_size)

    def epoch(self, number: int) -> Generator[Batch, None, None]:
        """The batches of epoch `number`: uint8 (batch, H, W, C) unless `transform` says otherwise, and targets.

        The same seed and number give the same batches, so a stopped training can take up where it was.
        """
        order = self._order(number)
        chosen = [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]
        tasks = (partial(self._make, number, place, rows) for place, rows in enumerate(chosen))
        return _ahead(tasks, self.prefetch, self.threads) if self.prefetch else (task() for task in tasks)

    def _order(self, number: int) -> np.ndarray:
        """Which pictures an epoch takes, one after the other."""
        count = len(self.indices)
        if not self.steps:
            return self._pass(number)
        first, wanted = number * self.steps * self.batch_size, self.steps * self.batch_size
        passes = range(first // count, (first + wanted - 1) // count + 1)
        stream = np.concatenate([self._pass(one) for one in passes])
        return stream[first % count :][:wanted]

    def _pass(self, number: int) -> np.ndarray:
        return np.random.default_rng([self.seed, number]).permutation(self.indices) if self.shuffle else self.indices

    def _make(self, epoch: int, place: int, rows: np.ndarray) -> Batch:
        batch = self.pixels[rows], self.targets[rows]
        if self.transform is None:
            return batch
        # A generator for each batch, so that its draws do not depend on which thread came first.
        return self.transform(*batch, np.random.default_rng([self.seed, epoch, place]))


def _ahead(tasks: Iterator[Callable[[], Batch]], depth: int, threads: int) -> Generator[Batch, None, None]:
    """Yield, in their order, what background threads make up to `depth` ahead; their exceptions are raised here."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="starshift-batches")
    try:
        waiting: deque[Future[Batch]] = deque(pool.submit(task) for task in itertools.islice(tasks, depth))
        while waiting:
            made = waiting.popleft().result()
            waiting.extend(pool.submit(task) for task in itertools.islice(tasks, 1))
            yield made
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
