"""Frozen MobileNetV2 at 224 px, uint8 pictures to features: pictures per second, and agreement with Keras."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.common import Options, alternate, dataset, has, main, middle, rival, table, timed, workplace
from benchmarks.transfer import WEIGHTS

SIZE, KERAS_BATCH = 224, 32


def measure(options: Options) -> str:
    """All contenders on the same decoded photographs, in turn."""
    photos = dataset(options, "dogs-vs-cats")
    with workplace(options) as place:
        pixels = _pixels(photos, 64 if options.quick else 512)
        return _measure(options, pixels, place)


def _measure(options: Options, pixels: np.ndarray, place: Path) -> str:
    from starshift import catalogue
    from starshift.inference.network import Network, Precision, best_precision
    from starshift.models import pretrained
    from starshift.training.convert import convert
    from starshift.training.keras_setup import load_keras

    keras = load_keras()
    model = pretrained.build(catalogue.base("mobilenet_v2"), options.weights / WEIGHTS, size=SIZE)
    folder = convert(model, place / "network")
    precisions: list[Precision] = ["bf16", "f32"] if best_precision() == "bf16" else ["f32"]
    ours = {f"starshift, OpenVINO {precision}": Network(folder, precision) for precision in precisions}
    reference = model.predict(pixels, batch_size=KERAS_BATCH, verbose=0)
    features = {name: network.run(pixels) for name, network in ours.items()}
    keras_name = f"Keras {keras.__version__} `model.predict`, batches of {KERAS_BATCH}"
    features[keras_name] = reference
    contenders: dict[str, Callable[[], float]] = {
        name: partial(lambda network: len(pixels) / timed(lambda: network.run(pixels)), network)
        for name, network in ours.items()
    }
    contenders[keras_name] = lambda: (
        len(pixels) / timed(lambda: model.predict(pixels, batch_size=KERAS_BATCH, verbose=0))
    )
    skipped = _add_onnx(options, model, pixels, place, contenders, features)
    rates = alternate(contenders, options.repeats)
    base = median(rates[keras_name])
    rows = [
        [name, middle(rate, 0), f"{median(rate) / base:.2f}", *_agreement(features[name], reference)]
        for name, rate in rates.items()
    ]
    return table(
        ["contender", "pictures per second", "of Keras", "largest difference", "median difference", "lowest cosine"],
        rows,
        f"{len(pixels)} photographs, decoded before. Differences are from Keras in float32: absolute, and in brackets "
        "as a share of the largest and of the median feature. Cosine: of the picture that agrees least.",
        skipped,
        "Run with --quick." if options.quick else "",
    )


def _pixels(photos: Path, count: int) -> np.ndarray:
    from starshift.data.decode import Frame, decode

    files = sorted((photos / "train").rglob("*.jpg"))
    chosen = files[:: max(1, len(files) // count)][:count]
    return np.stack([decode(file.read_bytes(), Frame(SIZE))[0] for file in chosen])


def _add_onnx(options, model, pixels, place, contenders, features) -> str:
    """ONNX Runtime as one more contender where it is to be had; else the sentence that says why not."""
    if not has(options.rivals_python, "onnxruntime", "onnx", "tf2onnx", "keras"):
        return "ONNX Runtime: not installed (it takes a --rivals-python with keras, onnx, tf2onnx and onnxruntime)."
    np.save(place / "pixels.npy", pixels)
    model.save_weights(place / "mobilenet.weights.h5")
    model.export(str(place / "saved"), format="tf_saved_model", verbose=False)

    def once() -> float:
        ran = rival(
            "onnx_frozen.py", place / "saved", place / "pixels.npy", place / "onnx.npy", python=options.rivals_python
        )
        features[name] = np.load(place / "onnx.npy")
        return float(ran.result["pictures_per_second"])

    name = "ONNX Runtime, float32"
    contenders[name] = once
    return ""


def _agreement(features: np.ndarray, reference: np.ndarray) -> list[str]:
    difference = np.abs(features - reference)
    cosine = (features * reference).sum(1) / np.linalg.norm(features, axis=1) / np.linalg.norm(reference, axis=1)
    largest, usual = difference.max(), np.median(difference)
    active = np.median(reference[reference > 0])
    return [
        f"{largest:.2g} ({largest / reference.max():.2%})",
        f"{usual:.2g} ({usual / active:.2%})",
        f"{min(cosine.min(), 1.0):.6f}",
    ]


if __name__ == "__main__":
    main(measure, __doc__)
