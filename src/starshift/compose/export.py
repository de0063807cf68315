"""A Keras network as a file of another format, which takes uint8 pixels and has its scaling inside.

Sources: ONNX by tf2onnx and, in 8 bits, ONNX Runtime's static quantization (QDQ, weights per channel); OpenVINO by
Keras's own export and, in 8 bits, NNCF; LiteRT by TensorFlow's converter, whose 8 bits are those of Jacob et al. 2018
(arXiv:1712.05877).
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from starshift.models.blocks import StandardizedConv2D
from starshift.records.export import ExportFormat, ExportPrecision
from starshift.training.keras_setup import quiet

OPSET = 18
"""Of ONNX; ONNX Runtime reads it since 1.14, in the browser too."""

INPUT, OUTPUT = "pixels", "answers"
"""Names in the exported graphs, where a format keeps names."""

QUANTIZED_IN_ONNX = ["Conv", "MatMul", "Gemm", "Add", "GlobalAveragePool"]
"""What is computed in 8 bits there. The head's logarithm, and what scales pixels, stay in float32."""


def write(
    model: keras.Model, format: ExportFormat, precision: ExportPrecision, calibration: np.ndarray, file: Path
) -> None:
    """Write a network of compose.whole.assemble as a file of a format; what else belongs to it lies beside the file.

    It takes uint8 (N, size, size, 3), of LiteRT N = 1, and gives one output: float32 (N, columns), the answers for all
    targets side by side. calibration: uint8 (N, size, size, 3), training pictures, by which 8 bits are laid out.
    The packages that make the format must be there: see compose.serving.require.
    """
    plain = _joined(_plain(model))
    with _silently():
        if format == "keras":
            _from_bytes(plain).save(file)
        elif format == "openvino":
            _openvino(plain, precision, calibration, file)
        elif format == "onnx":
            _onnx(plain, precision, calibration, file)
        else:
            file.write_bytes(_litert(plain, precision, calibration))


@contextlib.contextmanager
def _silently() -> Iterator[None]:
    """Converters print progress bars, notes and warnings past all settings; shown if they fail."""
    before = logging.root.manager.disable
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)


# ----------------------------------------------------------------------------------------------------
# The graph


def _plain(model: keras.Model) -> keras.Model:
    """The same network of Keras's own layers alone: a standardized kernel is one like any other once it is trained."""
    if not any(isinstance(layer, StandardizedConv2D) for layer in model.layers):
        return model
    copy = keras.models.clone_model(model, clone_function=_plain_layer)
    for layer in model.layers:
        if isinstance(layer, StandardizedConv2D):
            bias = [layer.bias.numpy()] if layer.use_bias else []
            copy.get_layer(layer.name).set_weights([np.asarray(layer.standardized()), *bias])
        else:
            copy.get_layer(layer.name).set_weights(layer.get_weights())
    return copy


def _plain_layer(layer: Any) -> Any:
    configuration = layer.get_config()
    if not isinstance(layer, StandardizedConv2D):
        return type(layer).from_config(configuration)
    return layers.Conv2D.from_config({k: v for k, v in configuration.items() if k not in ("scale", "silent")})


def _joined(model: keras.Model) -> keras.Model:
    """With the answers for all targets side by side: (N, columns)."""
    columns = [one if len(one.shape) == 2 else ops.expand_dims(one, axis=1) for one in model.outputs]
    joined = layers.Concatenate(dtype="float32", name=OUTPUT)(columns) if len(columns) > 1 else columns[0]
    return keras.Model(model.input, joined, name="exported")


def _from_bytes(model: keras.Model) -> keras.Model:
    """The same, taking uint8."""
    pixels = keras.Input(model.input_shape[1:], dtype="uint8", name=INPUT)
    return keras.Model(pixels, model(ops.cast(pixels, "float32")), name="exported_from_bytes")


def _traced(model: keras.Model, batch: int | None) -> Any:
    """TensorFlow's function of a model, its weights constants: what converters fold and quantize best."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    taken = tf.TensorSpec((batch, *model.input_shape[1:]), model.input.dtype, name=INPUT)
    function = tf.function(lambda pixels: model(pixels, training=False), input_signature=[taken])
    return convert_variables_to_constants_v2(function.get_concrete_function())


# ----------------------------------------------------------------------------------------------------
# Formats


def _openvino(model: keras.Model, precision: ExportPrecision, calibration: np.ndarray, file: Path) -> None:
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        _from_bytes(model).export(f"{folder}/float.xml", format="openvino", verbose=False)
        made = openvino.Core().read_model(f"{folder}/float.xml")
        if precision == "8-bit":
            import nncf

            shown = nncf.Dataset([picture[None] for picture in calibration])
            made = nncf.quantize(made, shown, subset_size=len(calibration))
        openvino.save_model(made, file, compress_to_fp16=precision == "float16")
        del made  # it reads from the folder


def _onnx(model: keras.Model, precision: ExportPrecision, calibration: np.ndarray, file: Path) -> None:
    import onnx
    import tensorflow as tf
    import tf2onnx

    whole = _from_bytes(model)
    taken = [tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8, name=INPUT)]
    function = tf.function(lambda pixels: {OUTPUT: whole(pixels, training=False)}, input_signature=taken)
    made, _ = tf2onnx.convert.from_function(function, input_signature=taken, opset=OPSET)
    if precision == "float16":
        from onnxruntime.transformers.float16 import convert_float_to_float16

        made = convert_float_to_float16(made, keep_io_types=True)
    onnx.save(made, file)
    if precision == "8-bit":
        _quantize_onnx(file, calibration)


def _quantize_onnx(file: Path, calibration: np.ndarray) -> None:
    """In place."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Shown(CalibrationDataReader):  # type: ignore[misc]
        """The pictures, one at a time."""

        def __init__(self) -> None:
            self.rest = iter(calibration)

        def get_next(self) -> dict[str, np.ndarray] | None:
            """One more, or None behind the last."""
            picture = next(self.rest, None)
            return None if picture is None else {INPUT: picture[None]}

    with tempfile.TemporaryDirectory() as folder:
        folded = f"{folder}/folded.onnx"
        quant_pre_process(str(file), folded, skip_symbolic_shape=True)  # which would want SymPy, for nothing here
        quantize_static(
            folded,
            str(file),
            Shown(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            op_types_to_quantize=QUANTIZED_IN_ONNX,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )


def _litert(model: keras.Model, precision: ExportPrecision, calibration: np.ndarray) -> bytes:
    import tensorflow as tf

    eight = precision == "8-bit"
    traced = _traced(model if eight else _from_bytes(model), batch=1)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced])
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if eight:
        # With black and white the input's scale is 1 and its zero 0: bytes are pixels, as they are.
        ends = [np.zeros_like(calibration[0]), np.full_like(calibration[0], 255)]
        shown = [[picture[None].astype(np.float32)] for picture in [*ends, *calibration]]
        converter.representative_dataset = lambda: iter(shown)
        converter.inference_input_type = tf.uint8
    return bytes(converter.convert())
