"""ONNX Runtime on a frozen network. Usage: onnx_frozen.py SAVED_MODEL PIXELS.npy FEATURES.npy; writes the features."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime

BATCHES = (1, 8, 32)


def converted(saved: Path) -> Path:
    """The network as ONNX, converted once with tf2onnx."""
    file = saved.with_suffix(".onnx")
    if not file.is_file():
        command = [sys.executable, "-m", "tf2onnx.convert", "--saved-model", str(saved), "--opset", "17"]
        subprocess.run([*command, "--output", str(file)], check=True, capture_output=True)
    return file


def features_of(session: onnxruntime.InferenceSession, pixels: np.ndarray, batch: int) -> np.ndarray:
    """All pictures, `batch` at a time."""
    name = session.get_inputs()[0].name
    starts = range(0, len(pixels), batch)
    return np.concatenate([session.run(None, {name: pixels[i : i + batch].astype(np.float32)})[0] for i in starts])


def main(saved: str, pixels_file: str, features_file: str) -> None:
    """Print the rate of the fastest batch size."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    session = onnxruntime.InferenceSession(str(converted(Path(saved))), options, providers=["CPUExecutionProvider"])
    pixels = np.load(pixels_file)
    np.save(features_file, features_of(session, pixels, BATCHES[-1]))
    rates = {}
    for batch in BATCHES:
        began = time.perf_counter()
        features_of(session, pixels, batch)
        rates[batch] = len(pixels) / (time.perf_counter() - began)
    print(json.dumps({"pictures_per_second": max(rates.values()), "by_batch": rates}))


if __name__ == "__main__":
    main(*sys.argv[1:])
