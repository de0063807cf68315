"""Keras as its guides have it: `image_dataset_from_directory` in batches of 32, prefetched, into `model.predict`.

MobileNetV2 with a layer for two classes on it, whose weights do not matter here.
Usage: keras_predict.py FOLDER WEIGHTS.h5 SIZE
"""

import json
import sys

import keras


def main(folder: str, weights: str, size: int) -> None:
    """Print how many pictures were answered."""
    import tensorflow as tf

    base = keras.applications.MobileNetV2(include_top=False, weights=weights, input_shape=(size, size, 3))
    inputs = keras.Input((size, size, 3))
    x = base(keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs))
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))
    pictures = keras.utils.image_dataset_from_directory(
        folder, image_size=(size, size), batch_size=32, shuffle=False, labels=None, verbose=False
    )
    print(json.dumps({"pictures": len(model.predict(pictures.prefetch(tf.data.AUTOTUNE), verbose=0))}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
