"""Keras, imported once and quietly, with its precision chosen."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def load_keras() -> Any:
    """Import Keras with the backend that the user or the environment chose; returns the module.

    TensorFlow's libraries print notes on their start past all settings; they are dropped, unless the import
    fails.
    """
    if "keras" not in sys.modules:
        # Not 2: TensorFlow reports as errors what its graph optimizer merely leaves alone; real ones are raised.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        with quiet():
            import keras
            from keras import backend, ops

            if backend.backend() == "tensorflow":
                ops.zeros(1)  # the first operation prints once more
    import keras

    return keras


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep everything from standard output and error, native libraries' notes too; shown if an exception passes."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
        try:
            yield
        except BaseException:  # an exit or an interrupt too: what was said before it is its reason
            sys.stdout.flush()
            sys.stderr.flush()
            sink.seek(0)
            os.write(kept[1], sink.read())
            raise
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, number in zip(kept, (1, 2), strict=True):
                os.dup2(descriptor, number)
                os.close(descriptor)


@contextlib.contextmanager
def precision(policy: str) -> Iterator[None]:
    """Build layers under a Keras dtype policy ("float32", "mixed_bfloat16") and set the old one back."""
    keras = load_keras()
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def training_policy() -> str:
    """mixed_bfloat16 where this machine computes in bfloat16, else float32."""
    return "mixed_bfloat16" if computes_in_bfloat16() else "float32"


def computes_in_bfloat16() -> bool:
    """Whether the CPU (or a GPU behind JAX) multiplies in bfloat16 rather than imitating it."""
    if load_keras().backend.backend() == "jax":
        import jax

        if jax.default_backend() == "gpu":
            return True
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="ignore")
    except OSError:
        return False  # other systems: float32 is right everywhere
    return "avx512_bf16" in flags or "amx_bf16" in flags
