from __future__ import annotations

import os
import subprocess
import sys

import pytest

from starshift.training.keras_setup import computes_in_bfloat16, load_keras, precision, quiet, training_policy


def test_keras_is_loaded_with_the_chosen_backend():
    assert load_keras().backend.backend() == os.environ["KERAS_BACKEND"]
    assert load_keras() is sys.modules["keras"]


def process(code: str) -> tuple[str, str]:
    """Standard output and error of a process of its own: pytest's own capture stands in between here."""
    code = f"import os\nfrom starshift.training.keras_setup import quiet\n{code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return done.stdout, done.stderr


def test_quiet_keeps_words_from_both_streams_even_native_ones():
    said = process("with quiet():\n print('python'); os.write(1, b'native'); os.write(2, b'native')\nprint('after')")
    assert said == ("after\n", "")


def test_quiet_shows_what_was_said_when_an_exception_passes():
    out, err = process(
        "with quiet():\n print('python, not flushed'); os.write(2, b'native'); raise ValueError('broken')"
    )
    assert out == ""
    assert "native" in err and "python, not flushed" in err and "ValueError: broken" in err


def test_quiet_leaves_no_file_open():
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(3):
        with quiet():
            pass
    assert (len(os.listdir("/proc/self/fd")) if before else 0) == before


def test_a_precision_holds_inside_and_is_put_back():
    keras = load_keras()
    before = keras.config.dtype_policy().name
    with precision("mixed_bfloat16"):
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    assert keras.config.dtype_policy().name == before
    with pytest.raises(RuntimeError), precision("mixed_bfloat16"):
        raise RuntimeError
    assert keras.config.dtype_policy().name == before


def test_training_computes_in_bfloat16_where_the_machine_does():
    assert training_policy() == ("mixed_bfloat16" if computes_in_bfloat16() else "float32")
