"""Keras → the compiled form that `inference` runs."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from starshift.training.keras_setup import quiet


def convert(model: Any, folder: Path) -> Path:
    """Write a Keras model as OpenVINO's intermediate form into a folder, whole or not at all.

    model: keras.Model from pixels 0-255 (N, size, size, 3) to float32 (N, outputs), in float32 policy.
    folder: made by this call; where another process was faster, its result is kept.
    Returns the folder, which then holds network.xml and network.bin.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder.parent))
    try:
        with quiet():
            model.export(str(draft / "float.xml"), format="openvino", verbose=False)
            _take_bytes(draft / "float.xml", draft / "network.xml")
        for leftover in draft.glob("float.*"):
            leftover.unlink()
        draft.rename(folder)
    except OSError:
        if not (folder / "network.xml").is_file():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def _take_bytes(given: Path, written: Path) -> None:
    """Make a network take uint8 pixels, so that every compiled network has the same input."""
    import openvino
    from openvino.preprocess import PrePostProcessor

    steps = PrePostProcessor(openvino.Core().read_model(given))
    steps.input().tensor().set_element_type(openvino.Type.u8)
    openvino.save_model(steps.build(), written, compress_to_fp16=False)
