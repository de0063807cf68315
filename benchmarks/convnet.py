"""Training pictures per second of the seeds' network (150 px, batches of 20): ours, Keras, generators, PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.common import Options, alternate, dataset, has, main, middle, rival, table, timed, workplace

SIZE, BATCH, EPOCHS = 150, 20, 3
"""The seeds' pictures and batches. The first of the epochs, which traces the network, is not counted."""


def measure(options: Options) -> str:
    """All contenders in turn; each starts anew in each turn."""
    photos = dataset(options, "dogs-vs-cats")
    with workplace(options) as place:
        return _measure(options, photos, place)


def _measure(options: Options, photos: Path, place: Path) -> str:
    from starshift.data.decode import Frame
    from starshift.data.read import read
    from starshift.training.keras_setup import load_keras, training_policy

    keras = load_keras()
    pictures = read(photos, frame=Frame(SIZE), cache=place / "cache")
    train = np.array([i for i, picture in enumerate(pictures.dataset.pictures) if picture.part == "train"])
    if options.quick:
        train = train[:: len(train) // 200]
    pixels = np.asarray(pictures.pixels(Frame(SIZE)))
    targets = pictures.dataset.encoded()
    np.savez(place / "train.npz", pixels=pixels[train], targets=targets[train])
    plain, generators = (
        f"Keras `fit` on float32 arrays, {keras.backend.backend()}",
        "Keras `ImageDataGenerator`, JPEGs anew",
    )
    ours = f"starshift, {training_policy()}"
    contenders: dict[str, Callable[[], float]] = {
        ours: lambda: _ours(pixels, targets, train),
        plain: lambda: _plain(keras, pixels[train], targets[train]),
        generators: lambda: _generators(keras, photos / "train", len(train)),
    }
    skipped = ""
    if has(options.rivals_python, "torch"):
        contenders["PyTorch, bfloat16, channels last"] = lambda: float(
            rival("torch_convnet.py", place / "train.npz", str(EPOCHS), python=options.rivals_python).result["rate"]
        )
    else:
        skipped = "PyTorch: not installed (it takes a --rivals-python that has torch)."
    rates = alternate(contenders, options.repeats)
    best = median(rates[ours])
    rows = [[name, middle(rate, 0), f"{best / median(rate):.2f}"] for name, rate in rates.items()]
    return table(
        ["contender", "training pictures per second", "starshift is so many times as fast"],
        rows,
        f"{len(train):,} photographs, {EPOCHS - 1} epochs after the first, without validation.",
        _limit(keras, best),
        skipped,
        "Run with --quick." if options.quick else "",
    )


def _rate(count: int, epoch_seconds: list[float]) -> float:
    return count / median(epoch_seconds[1:])


def _ours(pixels: np.ndarray, targets: np.ndarray, train: np.ndarray) -> float:
    """The product's own training loop; one batch of validation, since it always validates."""
    from starshift.models import scratch
    from starshift.recipe import Recipe, Stage
    from starshift.records import Split, Target
    from starshift.training.fit import train as fit

    stages = (Stage(optimizer="rmsprop", learning_rate=1e-4, batch_size=BATCH, epochs=EPOCHS),)
    recipe = Recipe(builder="convnet", size=SIZE, stages=stages)
    split = Split(tuple(train.tolist()), tuple(train[:2].tolist()), (), "benchmark")
    heads = (Target.of_classes(("cat", "dog")),)
    trained = fit(recipe, lambda: scratch.convnet((SIZE, SIZE, 3), heads), pixels, targets, split, heads=heads, seed=0)
    return _rate(len(train), [epoch.seconds for epoch in trained.history])


def seeds_network(keras, compiled: bool = True):
    """The network as a textbook writes it."""
    layers = keras.layers
    stages = [
        layer
        for filters in (32, 64, 128, 128)
        for layer in (layers.Conv2D(filters, 3, activation="relu"), layers.MaxPooling2D(2))
    ]
    ends = [layers.Flatten(), layers.Dense(512, activation="relu"), layers.Dense(1, activation="sigmoid")]
    model = keras.Sequential([keras.Input((SIZE, SIZE, 3)), *stages, *ends])
    if compiled:
        model.compile(keras.optimizers.RMSprop(1e-4), "binary_crossentropy", metrics=["accuracy"])
    return model


def _epochs(model, count: int, **fit) -> float:
    return _rate(count, [timed(lambda: model.fit(**fit, epochs=1, verbose=0)) for _ in range(EPOCHS)])


def _plain(keras, pixels: np.ndarray, targets: np.ndarray) -> float:
    x, y = pixels.astype(np.float32) / 255, targets.astype(np.float32)
    return _epochs(seeds_network(keras), len(x), x=x, y=y, batch_size=BATCH)


def _generators(keras, folder: Path, count: int) -> float:
    """The loop of the seeds and of the books: files are opened, decoded and resized for every batch."""
    from contextlib import redirect_stdout
    from io import StringIO

    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    with redirect_stdout(StringIO()):
        found = ImageDataGenerator(rescale=1 / 255).flow_from_directory(
            folder, target_size=(SIZE, SIZE), batch_size=BATCH, class_mode="binary", seed=0
        )
    steps = count // BATCH
    return _epochs(seeds_network(keras), steps * BATCH, x=found, steps_per_epoch=steps)


# ---- how far it is to what the processor can do ---------------------------------------------------


def _limit(keras, rate: float) -> str:
    """What share of the machine's own bfloat16 product of matrices a training at this rate amounts to."""
    needed = 3 * multiply_adds(seeds_network(keras, compiled=False)) * rate
    measured = matmul_rate()
    return (
        f"A training picture takes 3 × {multiply_adds(seeds_network(keras, compiled=False)) / 1e6:.0f} million "
        f"multiply-adds (forward, and twice backward), so that this rate is {needed / 1e9:.0f} billion per second: "
        f"{needed / measured:.0%} of the {measured / 1e9:.0f} billion that this machine reaches in a bfloat16 product "
        "of two 2,048 × 2,048 matrices."
    )


def multiply_adds(model) -> int:
    """Of the convolutions and dense layers, for one picture, forward."""
    total = 0
    for layer in model.layers:
        if layer.weights:
            positions = int(np.prod(layer.output.shape[1:-1]))  # 1 for a dense layer
            total += positions * int(np.prod(layer.kernel.shape))
    return total


def matmul_rate(side: int = 2048, times: int = 5) -> float:
    """Multiply-adds per second of a bfloat16 product of two matrices."""
    import tensorflow as tf

    one = tf.cast(tf.random.normal((side, side)), tf.bfloat16)
    product = tf.function(lambda a: tf.matmul(a, a))
    product(one).numpy()
    return side**3 / median(timed(lambda: product(one).numpy()) for _ in range(times))


if __name__ == "__main__":
    main(measure, __doc__)
