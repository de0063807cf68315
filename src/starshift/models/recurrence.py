"""The blocks of `models.series` without Keras: what they learned, computed with NumPy from their weights."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

Tensors = Mapping[str, np.ndarray]

HALVED_FROM = 16
"""As `series.POOLED_FROM`, which imports Keras: steps from which a convolution's output is halved in length."""

NORM_EPSILON = 1e-3
"""Of Keras's LayerNormalization."""


def convolution(
    x: np.ndarray, lengths: np.ndarray, tensors: Tensors, *, count: int, name: str = "convolution", steps: int = 0
) -> np.ndarray:
    """As `series.convolution`: float32 (N, steps, features) → (N, 2 · filters).

    lengths: int (N,), steps that are there. count: how many convolutions there are. name: as the block was made with.
    steps: of the block's input, where x was cut behind the longest; what is cut off must be padding, and what is left
    so many steps that they can be halved each time.
    """
    steps = steps or x.shape[1]
    for number in range(1, count + 1):
        if number > 1 and steps >= HALVED_FROM:
            x, lengths, steps = _halved(x), -(-lengths // 2), -(-steps // 2)
        x = _without_padding(x, lengths)
        x = _same(x, tensors[f"{name}_conv{number}/kernel"]) + tensors[f"{name}_conv{number}/bias"]
        x = _normed(x, tensors[f"{name}_norm{number}/gamma"], tensors[f"{name}_norm{number}/beta"])
        x = _without_padding(np.maximum(x, 0), lengths)
    return pooled(x, lengths)


def states(
    x: np.ndarray, lengths: np.ndarray, tensors: Tensors, *, cell: str, name: str, bidirectional: bool = True
) -> np.ndarray:
    """As `series.states`: float32 (N, steps, features) → (N, steps, directions · units), 0 at padding.

    lengths: int (N,), steps that are there; what is behind them is padding. tensors: weights by their path, those of
    the layer among them. cell, name, bidirectional: as the layer was made with.
    """
    layer = f"{name}_{cell}"
    if not bidirectional:
        return _one_way(x, lengths, tensors, f"{layer}/{cell}_cell", cell)
    paths = [f"{name}_both/{way}_{layer}/{cell}_cell" for way in ("forward", "backward")]
    forward = _one_way(x, lengths, tensors, paths[0], cell)
    backward = _turned(_one_way(_turned(x, lengths), lengths, tensors, paths[1], cell), lengths)
    return np.concatenate([forward, backward], axis=-1)


def pooled(x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """As `series.pooled`: mean and maximum over the steps that are there, float32 (N, 2 · features)."""
    there = _there(x, lengths)
    x = x * there
    mean = x.sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    return np.concatenate([mean, (x + (there - 1)).max(axis=1)], axis=-1)


def _there(x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """1 where a step is there, 0 at padding: float32 (N, steps, 1)."""
    return (np.arange(x.shape[1]) < lengths[:, None])[..., None].astype(np.float32)


def _without_padding(x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    return x * _there(x, lengths)


# ----------------------------------------------------------------------------------------------------
# Convolutions


def _halved(x: np.ndarray) -> np.ndarray:
    """The greater of each two steps, which are at least 0: (N, steps, F) → (N, ⌈steps / 2⌉, F)."""
    if x.shape[1] % 2:
        x = np.pad(x, ((0, 0), (0, 1), (0, 0)))
    return np.maximum(x[:, ::2], x[:, 1::2])


def _same(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """A convolution as long as its input. kernel: float32 (width, features, filters)."""
    width, steps = len(kernel), x.shape[1]
    padded = np.pad(x, ((0, 0), ((width - 1) // 2, width // 2), (0, 0)))
    return np.asarray(sum(padded[:, at : at + steps] @ kernel[at] for at in range(width)))


def _normed(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = np.mean(centred**2, axis=-1, keepdims=True)
    return np.asarray(centred / np.sqrt(variance + NORM_EPSILON) * gamma + beta)


# ----------------------------------------------------------------------------------------------------
# Recurrent layers


def _turned(x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Each sequence backwards, its padding still behind it."""
    steps = np.arange(x.shape[1])
    order = np.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)
    return np.take_along_axis(x, order[..., None], axis=1)


def _one_way(x: np.ndarray, lengths: np.ndarray, tensors: Tensors, path: str, cell: str) -> np.ndarray:
    kernel, recurrent, bias = (tensors[f"{path}/{part}"] for part in ("kernel", "recurrent_kernel", "bias"))
    units, count = len(recurrent), len(x)
    found = np.zeros((count, x.shape[1], units), np.float32)
    state = np.zeros((count, units), np.float32)
    memory = np.zeros((count, units), np.float32)  # of an LSTM
    for step in range(int(lengths.max(initial=0))):
        if cell == "gru":
            state = _gru(x[:, step] @ kernel, state @ recurrent, bias, state)
        else:
            state, memory = _lstm(x[:, step] @ kernel + state @ recurrent + bias, memory)
        found[:, step] = state
    return _without_padding(found, lengths)


def _gru(given: np.ndarray, remembered: np.ndarray, bias: np.ndarray, state: np.ndarray) -> np.ndarray:
    """Gates in Keras's order: update, reset, candidate, reset behind the product (arXiv:1406.1078, version 1)."""
    given, remembered = given + bias[0], remembered + bias[1]
    units = state.shape[1]
    update, reset = np.split(_sigmoid(given[:, : 2 * units] + remembered[:, : 2 * units]), 2, axis=1)
    candidate = np.tanh(given[:, 2 * units :] + reset * remembered[:, 2 * units :])
    return update * state + (1 - update) * candidate


def _lstm(gates: np.ndarray, memory: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gates in Keras's order: input, forget, candidate, output. Returns the state and the memory."""
    taken, kept, candidate, shown = np.split(gates, 4, axis=1)
    memory = _sigmoid(kept) * memory + _sigmoid(taken) * np.tanh(candidate)
    return _sigmoid(shown) * np.tanh(memory), memory


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))  # never overflows
