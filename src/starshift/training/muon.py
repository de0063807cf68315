"""Muon for convolutional networks: steps whose directions are all of one length.

Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks", which flattens a convolution's
kernel to a matrix; scaled as in Liu et al. 2025, arXiv:2502.16982, so that learning rates are those of Adam.
Keras's own Muon leaves kernels of convolutions to Adam.
"""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

NEWTON_SCHULZ_STEPS = 4
"""Enough where steps need not be exactly orthogonal; each costs three products of matrices."""

REST_RATE = 0.3
"""Learning rate of biases, gains and the head, which Adam moves, as a share of the convolutions'."""


class Muon(keras.optimizers.Muon):  # type: ignore[misc]
    """Momentum, made orthogonal, for the kernels of convolutions; Adam for everything else."""

    def __init__(self, learning_rate: Any, weight_decay: float | None = None) -> None:
        super().__init__(
            learning_rate,
            weight_decay=weight_decay,
            adam_weight_decay=weight_decay or 0.0,
            adam_lr_ratio=REST_RATE,
            momentum=0.9,
            ns_steps=NEWTON_SCHULZ_STEPS,
        )

    def _should_use_adamw(self, variable: Any) -> bool:
        return len(variable.shape) != 4

    def _muon_update_step(self, gradient: Any, variable: Any, lr: Any, m: Any) -> None:
        self.assign_add(m, ops.add(gradient, m * (self.momentum - 1)))
        ahead = ops.add(gradient, self.momentum * m)  # Nesterov's
        columns = variable.shape[-1]
        rows = math.prod(variable.shape[:-1])
        # bfloat16 serves, as the authors found: the iteration corrects itself.
        matrix = ops.cast(ops.reshape(ahead, (rows, columns)), "bfloat16")
        direction = ops.cast(self.zeropower_via_newtonschulz5(matrix, self.ns_steps), variable.dtype)
        length = self.rms_rate * math.sqrt(max(rows, columns))
        self.assign_sub(variable, ops.reshape(lr * length * direction, variable.shape))
