"""Networks in their compiled form: found in the cache, or converted once by Keras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from starshift.inference import network
from starshift.inference.network import Network, Precision

CONVERTER = 1
"""Part of every network's key; a change in how networks are built or converted adds one."""


def open_network(cache: Path, key: str, build: Callable[[], Any], precision: Precision) -> Network:
    """The compiled form of the network of that key; `build` makes the Keras model if it must be converted."""
    folder = network.find(cache, key)
    if folder is None:
        from starshift.training.convert import convert
        from starshift.training.keras_setup import load_keras

        load_keras()
        folder = convert(build(), network.folder_of(cache, key))
    return Network(folder, precision)
