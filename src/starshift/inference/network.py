"""A frozen network in its compiled form, cached by content; needs OpenVINO and no Keras.

A network lies in the cache as OpenVINO's own intermediate form (`network.xml`, `network.bin`), put there by
`training.convert`. It takes uint8 pixels and does its own scaling, so there is one input contract for all.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np

Precision = Literal["bf16", "f32"]

BATCH = 8
"""Pictures per call: on 2 cores, MobileNetV2 at 224 px is fastest at 8 (larger ones leave the caches)."""


class Network:
    """A compiled network: uint8 pixels (N, size, size, 3) in, float32 (N, outputs) out."""

    def __init__(self, folder: Path, precision: Precision) -> None:
        self._core = _core()
        self._model = self._core.read_model(folder / "network.xml")
        self._cache = folder / f"compiled-{precision}"
        self._compiled: dict[int, Any] = {}
        self.precision = precision
        self.size = int(self._model.input(0).partial_shape[1].get_length())
        self.outputs = int(self._model.output(0).partial_shape[-1].get_length())

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Run on at most BATCH pictures: uint8 (N, size, size, 3) → float32 (N, outputs)."""
        request = self._request(1 if len(pixels) == 1 else BATCH)
        if 1 < len(pixels) < BATCH:
            filler = np.zeros((BATCH - len(pixels), *pixels.shape[1:]), np.uint8)
            return np.array(request.infer({0: np.concatenate([pixels, filler])})[0][: len(pixels)])
        return np.array(request.infer({0: np.ascontiguousarray(pixels)})[0])

    def prepare(self) -> None:
        """Compile for whole batches now, which the first of them would do otherwise."""
        self._request(BATCH)

    def run(self, pixels: Any, progress: Callable[[int, int], None] | None = None) -> np.ndarray:
        """Run on any number of pictures.

        pixels: array-like of uint8 (N, size, size, 3), gathered a batch at a time, so it may lie on disk.
        progress: called with the number of pictures done, and of all, after each batch.
        Returns float32 (N, outputs).
        """
        result = np.empty((len(pixels), self.outputs), np.float32)
        for start in range(0, len(pixels), BATCH):
            stop = min(start + BATCH, len(pixels))
            result[start:stop] = self(pixels[np.arange(start, stop)])
            if progress:
                progress(stop, len(pixels))
        return result

    def _request(self, batch: int) -> Any:
        """The inference request for a fixed batch size: fixed shapes run faster than open ones."""
        if batch not in self._compiled:
            model = self._model.clone()
            model.reshape({0: [batch, *list(model.input(0).partial_shape)[1:]]})
            options = {
                "INFERENCE_PRECISION_HINT": self.precision,
                "NUM_STREAMS": "1",
                "CACHE_DIR": str(self._cache),
            }
            self._compiled[batch] = self._core.compile_model(model, "CPU", options).create_infer_request()
        return self._compiled[batch]


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
