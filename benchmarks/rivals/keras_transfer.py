"""The official recipe for transfer learning with Keras (guide "Transfer learning and fine-tuning"), on two folders.

MobileNetV2 at 160 px, augmentation, frozen: 10 epochs of Adam 1e-4; then from layer 100 on: 10 epochs of RMSprop 1e-5.
Usage: keras_transfer.py DATA WEIGHTS.h5 EPOCHS
"""

import json
import sys
import time

import keras

SIZE, BATCH, RATE, FINE_TUNE_AT = 160, 32, 1e-4, 100


def folder(path: str, shuffle: bool):
    """A folder of class folders as batches, decoded again in every epoch as the guide does."""
    import tensorflow as tf

    pictures = keras.utils.image_dataset_from_directory(
        path, image_size=(SIZE, SIZE), batch_size=BATCH, shuffle=shuffle, label_mode="binary", verbose=False
    )
    return pictures.prefetch(tf.data.AUTOTUNE)


def network(weights: str):
    """Augmentation, the base, and one unit. The published 160 px file is another one; weights are given by path."""
    base = keras.applications.MobileNetV2(include_top=False, weights=weights, input_shape=(SIZE, SIZE, 3))
    base.trainable = False
    inputs = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.RandomFlip("horizontal")(inputs)
    x = keras.layers.RandomRotation(0.2)(x)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(x)
    x = base(x, training=False)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dropout(0.2)(x)
    return base, keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(x))


def main(data: str, weights: str, epochs: int) -> None:
    """Train, and print the validation accuracy after each of the two parts."""
    began = time.perf_counter()
    keras.utils.set_random_seed(0)
    train, validation = folder(f"{data}/train", True), folder(f"{data}/validation", False)
    base, model = network(weights)
    model.compile(keras.optimizers.Adam(RATE), "binary_crossentropy", metrics=["accuracy"])
    frozen = model.fit(train, validation_data=validation, epochs=epochs, verbose=0)
    base.trainable = True
    for layer in base.layers[:FINE_TUNE_AT]:
        layer.trainable = False
    model.compile(keras.optimizers.RMSprop(RATE / 10), "binary_crossentropy", metrics=["accuracy"])
    tuned = model.fit(train, validation_data=validation, epochs=epochs, verbose=0)
    print(
        json.dumps(
            {
                "frozen_accuracy": frozen.history["val_accuracy"][-1],
                "accuracy": tuned.history["val_accuracy"][-1],
                "best_accuracy": max(tuned.history["val_accuracy"]),
                "seconds": time.perf_counter() - began,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
