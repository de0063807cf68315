"""Keras → the compiled form that `inference` runs.

OpenVINO converts what TensorFlow traced. Under another backend the model's configuration and weights go to a child
process with TensorFlow: `python -m starshift.training.convert FOLDER`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from starshift.training.keras_setup import load_keras, quiet

CONFIGURATION, WEIGHTS, FLOAT_FORM = "model.json", "weights.npz", "float.xml"


def convert(model: Any, folder: Path) -> Path:
    """Write a Keras model as OpenVINO's intermediate form into a folder, whole or not at all.

    model: keras.Model from pixels 0-255 (N, size, size, 3) to float32 (N, outputs), in float32 policy.
    folder: made by this call; where another process was faster, its result is kept.
    Returns the folder, which then holds network.xml and network.bin.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder.parent))
    try:
        if load_keras().backend.backend() == "tensorflow":
            _export(model, draft)
        else:
            _export_by_tensorflow(model, draft)
        _take_bytes(draft / FLOAT_FORM, draft / "network.xml")
        for leftover in (*draft.glob("float.*"), draft / CONFIGURATION, draft / WEIGHTS):
            leftover.unlink(missing_ok=True)
        if folder.is_dir() and not (folder / "network.bin").is_file():
            shutil.rmtree(folder)  # what a clean-up of the cache left
        draft.rename(folder)
    except OSError:
        if not (folder / "network.xml").is_file():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def _export(model: Any, draft: Path) -> None:
    with quiet():
        model.export(str(draft / FLOAT_FORM), format="openvino", verbose=False)


def _export_by_tensorflow(model: Any, draft: Path) -> None:
    (draft / CONFIGURATION).write_text(model.to_json(), encoding="utf-8")
    np.savez(draft / WEIGHTS, *[np.asarray(value) for value in model.get_weights()])
    command = [sys.executable, "-m", "starshift.training.convert", str(draft)]
    child = subprocess.run(
        command, env={**os.environ, "KERAS_BACKEND": "tensorflow"}, capture_output=True, text=True, check=False
    )
    if child.returncode:
        raise RuntimeError(f"conversion by TensorFlow failed:\n{child.stderr}")


def _export_folder(draft: Path) -> None:
    """The child's part: configuration and weights that its parent left, to OpenVINO's form."""
    keras = load_keras()
    from starshift.models import blocks  # noqa: F401  its layers are found by name

    model = keras.models.model_from_json((draft / CONFIGURATION).read_text(encoding="utf-8"))
    with np.load(draft / WEIGHTS, allow_pickle=False) as weights:
        model.set_weights([weights[f"arr_{number}"] for number in range(len(weights.files))])
    _export(model, draft)


def _take_bytes(given: Path, written: Path) -> None:
    """Make a network take uint8 pixels, so that every compiled network has the same input."""
    import openvino
    from openvino.preprocess import PrePostProcessor

    steps = PrePostProcessor(openvino.Core().read_model(given))
    steps.input().tensor().set_element_type(openvino.Type.u8)
    openvino.save_model(steps.build(), written, compress_to_fp16=False)


if __name__ == "__main__":
    _export_folder(Path(sys.argv[1]))
