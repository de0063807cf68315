"""The usual pipeline of any training: shuffle, gather, map, prefetch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import Full, Queue
from threading import Event, Thread
from typing import Any

import numpy as np

Batch = tuple[np.ndarray, np.ndarray]


class Batches:
    """Batches of pictures and targets, anew in each epoch.

    pixels: array-like of uint8 (N, H, W, C), gathered by index arrays, so it may lie on disk.
    targets: (N, …), gathered alike.
    indices: which of the N to use; int (n,).
    batch_size: pictures per batch; the last batch of an epoch may be smaller.
    shuffle: a new order in each epoch, drawn from `seed` and the epoch's number.
    transform: (pixels, targets, generator) → (pixels, targets), for augmentation; runs in the background.
    prefetch: batches made ahead in a background thread; 0 makes them on demand.
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
        transform: Callable[[np.ndarray, np.ndarray, np.random.Generator], Batch] | None = None,
        prefetch: int = 2,
    ) -> None:
        self.pixels, self.targets, self.indices = pixels, targets, np.asarray(indices)
        self.batch_size, self.seed, self.shuffle = batch_size, seed, shuffle
        self.transform, self.prefetch = transform, prefetch

    def __len__(self) -> int:
        """Batches in one epoch."""
        return -(-len(self.indices) // self.batch_size)

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of epoch `number`: uint8 (batch, H, W, C) unless `transform` says otherwise, and targets.

        The same seed and number give the same batches, so a stopped training can take up where it was.
        """
        made = self._make(number)
        return _ahead(made, self.prefetch) if self.prefetch else made

    def _make(self, number: int) -> Iterator[Batch]:
        generator = np.random.default_rng([self.seed, number])
        order = generator.permutation(self.indices) if self.shuffle else self.indices
        for start in range(0, len(order), self.batch_size):
            chosen = order[start : start + self.batch_size]
            batch = self.pixels[chosen], self.targets[chosen]
            yield self.transform(*batch, generator) if self.transform else batch


def _ahead(items: Iterator[Batch], depth: int) -> Iterator[Batch]:
    """Yield items that a background thread makes up to `depth` ahead; its exceptions are raised here."""
    queue: Queue[tuple[str, Any]] = Queue(maxsize=depth)
    stopped = Event()

    def put(item: tuple[str, Any]) -> None:
        while not stopped.is_set():
            try:
                return queue.put(item, timeout=0.1)
            except Full:
                continue

    def produce() -> None:
        try:
            for item in items:
                put(("item", item))
                if stopped.is_set():
                    return
            put(("end", None))
        except BaseException as error:  # handed over whole: the consumer raises it
            put(("error", error))

    thread = Thread(target=produce, name="starshift-batches", daemon=True)
    thread.start()
    try:
        while True:
            kind, value = queue.get()
            if kind == "end":
                return
            if kind == "error":
                raise value
            yield value
    finally:
        stopped.set()
        thread.join()
