"""A frozen network in its compiled form, cached by content; needs OpenVINO and no Keras.

A network lies in the cache as OpenVINO's own intermediate form (`network.xml`, `network.bin`), put there by
`training.convert`. It takes uint8 pixels and does its own scaling, so there is one input contract for all.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from starshift.execution import cores

Precision = Literal["bf16", "f32"]

BATCH = 4
"""Pictures per request, one request per core at a time: on 2 cores, MobileNetV2 at 224 px is fastest so (larger
batches leave the caches; one request on all cores is 13 % slower)."""


class Network:
    """A compiled network: uint8 pixels (N, size, size, 3) in, float32 (N, *shape) out, mostly (N, outputs)."""

    def __init__(self, folder: Path, precision: Precision) -> None:
        self._core = _core()
        self._model = self._core.read_model(folder / "network.xml")
        self._cache = folder / f"compiled-{precision}"
        self.precision = precision
        self.size = int(self._model.input(0).partial_shape[1].get_length())
        self.shape = tuple(int(side.get_length()) for side in list(self._model.output(0).partial_shape)[1:])
        self.outputs = self.shape[-1]

    @property
    def widths(self) -> tuple[int, ...]:
        """What the output was joined from, as numbers of columns; itself where nothing was joined."""
        node = self._model.get_results()[0].input_value(0).get_node()
        while node.get_type_name() != "Concat" and node.get_input_size():
            node = node.input_value(0).get_node()
        joined = [int(part.get_partial_shape()[-1].get_length()) for part in node.inputs()]
        return tuple(joined) if sum(joined) == self.outputs else self.shape

    def run(self, pixels: Any, progress: Callable[[int, int], None] | None = None) -> np.ndarray:
        """Run on any number of pictures, on all cores.

        pixels: array-like of uint8 (N, size, size, 3), gathered a batch at a time, so it may lie on disk.
        progress: called with the number of pictures taken, and of all, after each batch.
        Returns float32 (N, *shape).
        """
        if len(pixels) == 1:
            return np.array(self._single.infer({0: np.ascontiguousarray(pixels[0:1])})[0])
        result = np.empty((len(pixels), *self.shape), np.float32)

        def collect(request: Any, rows: slice) -> None:
            result[rows] = request.get_output_tensor(0).data[: rows.stop - rows.start]

        self._queue.set_callback(collect)
        try:
            for start in range(0, len(pixels), BATCH):
                rows = slice(start, min(start + BATCH, len(pixels)))
                self._queue.start_async({0: _whole_batch(pixels[np.arange(rows.start, rows.stop)])}, rows)
                if progress:
                    progress(rows.stop, len(pixels))
        finally:
            self._queue.wait_all()  # also where Ctrl-C came: what is under way writes into `result`
        return result

    def prepare(self) -> None:
        """Compile for whole batches now, which the first of them would do otherwise."""
        _ = self._queue

    @cached_property
    def _queue(self) -> Any:
        """One request per core, each for BATCH pictures."""
        from openvino import AsyncInferQueue

        return AsyncInferQueue(self._compile(BATCH, streams=cores()), cores())

    @cached_property
    def _single(self) -> Any:
        """A request for one picture on all cores: it answers soonest."""
        return self._compile(1, streams=1).create_infer_request()

    def _compile(self, batch: int, *, streams: int) -> Any:
        """Compile for a fixed batch size: fixed shapes run faster than open ones."""
        options = {
            "INFERENCE_PRECISION_HINT": self.precision,
            "NUM_STREAMS": str(streams),
            "CACHE_DIR": str(self._cache),
        }
        return self._core.compile_model(self.graph(batch), "CPU", options)

    def graph(self, batch: int) -> Any:
        """Its graph as an openvino.Model, every shape in it fixed by the number of pictures."""
        model = self._model.clone()
        model.reshape({0: [batch, *list(model.input(0).partial_shape)[1:]]})
        return model


def _whole_batch(pixels: np.ndarray) -> np.ndarray:
    """The pictures, filled up with black ones to BATCH."""
    if len(pixels) == BATCH:
        return np.ascontiguousarray(pixels)
    return np.concatenate([pixels, np.zeros((BATCH - len(pixels), *pixels.shape[1:]), np.uint8)])


def best_precision() -> Precision:
    """bfloat16 where the CPU computes in it, else float32."""
    return "bf16" if "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"


def find(cache: Path, key: str) -> Path | None:
    """The folder of a converted network by its key, or None where it was not converted yet."""
    folder = folder_of(cache, key)
    return folder if (folder / "network.xml").is_file() and (folder / "network.bin").is_file() else None


def folder_of(cache: Path, key: str) -> Path:
    """Where the network of that key lies, or would."""
    return cache / "networks" / key


def _core() -> Any:
    os.environ.setdefault("OPENVINO_TELEMETRY", "0")
    import openvino  # deferred: it costs a third of a second, and cached features do without

    return openvino.Core()
