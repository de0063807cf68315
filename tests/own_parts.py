"""What a user might write: a one-conv builder, a loss and a metric."""

from __future__ import annotations


def one_conv(input_shape, classes):
    """One convolution with 3 weights for each class; layers without names, as people write them."""
    from keras import Input, Model, layers

    inputs = Input(input_shape)
    x = layers.Conv2D(8, 3, strides=2, activation="relu")(layers.Rescaling(1 / 255)(inputs))
    x = layers.GlobalAveragePooling2D()(x)
    units, activation = (1, "sigmoid") if classes == 2 else (classes, "softmax")
    return Model(inputs, layers.Dense(units, activation=activation)(x))


def squared(targets, outputs):
    """A loss: the squared distance."""
    from keras import ops

    return ops.sum((targets - outputs) ** 2, axis=-1)


def certainty(targets, outputs):
    """A metric: the mean of the highest probability."""
    from keras import ops

    return ops.max(outputs, axis=-1)


def two_arguments_too_many(input_shape, classes, width, depth):
    """No builder."""
