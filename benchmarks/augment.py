"""What augmentation costs: the seeds' network (150 px, batches of 32) with and without it, ours and in PyTorch."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.common import Options, alternate, dataset, has, main, middle, rival, table, timed, workplace
from benchmarks.convnet import matmul_rate, multiply_adds, seeds_network

SIZE, BATCH, EPOCHS = 150, 32, 3
"""Of the seeds' regularized network. The first of the epochs, which traces the network, is not counted."""

OURS = "starshift"
GENERATOR = "Keras `ImageDataGenerator`, the seeds' own loop"
TORCH = "PyTorch, bfloat16, channels last"


def measure(options: Options) -> str:
    """Training rates in turns, then what each policy costs by itself."""
    photos = dataset(options, "dogs-vs-cats")
    with workplace(options) as place:
        pixels, targets = _photographs(photos, place, options)
        return f"{_rates(options, photos, place, pixels, targets)}\n\n{_costs(pixels, targets, options)}"


def _photographs(photos: Path, place: Path, options: Options) -> tuple[np.ndarray, np.ndarray]:
    from starshift.data.decode import Frame
    from starshift.data.read import read

    pictures = read(photos, frame=Frame(SIZE), cache=place / "cache")
    train = np.array([i for i, picture in enumerate(pictures.dataset.pictures) if picture.part == "train"])
    if options.quick:
        train = train[:: len(train) // 200]
    pixels, targets = np.asarray(pictures.pixels(Frame(SIZE)))[train], pictures.dataset.encoded()[train]
    np.savez(place / "train.npz", pixels=pixels, targets=targets)
    return pixels, targets


# ---- training rates -------------------------------------------------------------------------------


def _rates(options: Options, photos: Path, place: Path, pixels: np.ndarray, targets: np.ndarray) -> str:
    from starshift.training.keras_setup import load_keras, training_policy

    keras = load_keras()
    contenders: dict[str, Callable[[], float]] = {
        f"{OURS}, plain": lambda: _ours(pixels, targets, "none"),
        f"{OURS}, augmented": lambda: _ours(pixels, targets, "seeds"),
        f"{GENERATOR}, augmented": lambda: _generator(keras, photos / "train", options),
    }
    matmuls, skipped = [matmul_rate()], ""
    if has(options.rivals_python, "torch"):

        def torch(policy: str) -> float:
            script = rival("torch_augment.py", place / "train.npz", str(EPOCHS), policy, python=options.rivals_python)
            matmuls.append(float(script.result["matmul"]))
            return float(script.result["rate"])

        contenders[f"{TORCH}, plain"] = lambda: torch("none")
        contenders[f"{TORCH}, augmented"] = lambda: torch("seeds")
    else:
        skipped = "PyTorch: not installed (it takes a --rivals-python that has torch)."
    rates = alternate(contenders, options.repeats)
    best = median(rates[f"{OURS}, augmented"])
    needed = 3 * multiply_adds(seeds_network(keras, compiled=False)) * best
    return table(
        ["contender", "training pictures per second", "augmentation costs", "starshift, augmented, to this"],
        [[name, middle(rate, 0), _cost(name, rates), f"{best / median(rate):.2f}"] for name, rate in rates.items()],
        f"{len(pixels):,} photographs, the seeds' amounts (policy `seeds`), dropout 0.5, {EPOCHS - 1} epochs after the "
        f"first; {OURS} in {training_policy()}. PyTorch augments whole batches with `affine_grid` and `grid_sample` in "
        "float32, drawn as the seeds' generator draws; the generator opens and decodes every file anew.",
        f"Our rate with augmentation is {needed / 1e9:.0f} billion multiply-adds per second, "
        f"{needed / max(matmuls):.0%} of the {max(matmuls) / 1e9:.0f} billion that this machine reached in a bfloat16 "
        "product of two 2,048 × 2,048 matrices (the best by TensorFlow and PyTorch in this run).",
        skipped,
        "Run with --quick." if options.quick else "",
    )


def _cost(name: str, rates: dict[str, list[float]]) -> str:
    """The share of the plain rate that augmentation took, where both were measured."""
    plain = name.replace(", augmented", ", plain")
    if plain == name or plain not in rates:
        return "–"
    return f"{1 - median(rates[name]) / median(rates[plain]):.1%}"


def _ours(pixels: np.ndarray, targets: np.ndarray, policy: str) -> float:
    """The product's own training loop; two pictures of validation, since it always validates."""
    from starshift.augmentation import POLICIES
    from starshift.models import scratch
    from starshift.recipe import Recipe, Stage
    from starshift.records import Split, Target
    from starshift.training.fit import train

    stage = Stage(learning_rate=1e-4, batch_size=BATCH, epochs=EPOCHS, augmentation=POLICIES[policy])
    recipe = Recipe(builder="convnet", size=SIZE, arguments={"dropout": 0.5}, stages=(stage,))
    split = Split(tuple(range(len(pixels))), (0, 1), (), "benchmark")
    heads = (Target.of_classes(("cat", "dog")),)
    trained = train(
        recipe,
        lambda: scratch.build("convnet", (SIZE, SIZE, 3), heads, recipe.arguments),
        pixels,
        targets,
        split,
        heads=heads,
        seed=0,
    )
    return len(pixels) / median(epoch.seconds for epoch in trained.history[1:])


def _generator(keras, folder: Path, options: Options) -> float:
    """The loop of the seeds: every file is opened, decoded, resized and changed by SciPy, one after the other."""
    from contextlib import redirect_stdout
    from io import StringIO

    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    made = ImageDataGenerator(
        rescale=1 / 255,
        rotation_range=40,
        width_shift_range=0.2,
        height_shift_range=0.2,
        shear_range=0.2,
        zoom_range=0.2,
        horizontal_flip=True,
    )
    with redirect_stdout(StringIO()):
        found = made.flow_from_directory(
            folder, target_size=(SIZE, SIZE), batch_size=BATCH, class_mode="binary", seed=0
        )
    model, steps = seeds_network(keras), 4 if options.quick else 30
    model.fit(found, steps_per_epoch=2, epochs=1, verbose=0)
    return steps * BATCH / timed(lambda: model.fit(found, steps_per_epoch=steps, epochs=1, verbose=0))


# ---- policies by themselves -----------------------------------------------------------------------


def _costs(pixels: np.ndarray, targets: np.ndarray, options: Options) -> str:
    """Milliseconds of one core per picture, the shortest of several batches: what the work takes undisturbed."""
    from starshift.augmentation import POLICIES

    batch, hot = pixels[:BATCH], np.eye(2, dtype=np.float32)[targets[:BATCH]]
    repeats = 3 if options.quick else 30
    rows = [
        [f"`{name}`", *(f"{_milliseconds(batch, hot, policy, size, repeats):.3f}" for size in (96, SIZE, 224))]
        for name, policy in POLICIES.items()
    ]
    return table(
        ["policy", "to 96 px", f"to {SIZE} px", "to 224 px"],
        rows,
        f"Milliseconds of one core per picture, from {SIZE} px, in batches of {BATCH}; the quickest of {repeats}.",
    )


def _milliseconds(batch: np.ndarray, targets: np.ndarray, policy, size: int, repeats: int) -> float:
    from starshift.data.augment import augment

    generator, found = np.random.default_rng(0), []
    for _ in range(repeats):
        began = time.process_time()
        augment(batch, targets, policy, generator, size=size)
        found.append(time.process_time() - began)
    return 1000 * min(found) / len(batch)


if __name__ == "__main__":
    main(measure, __doc__)
