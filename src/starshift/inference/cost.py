"""What a compiled network costs, counted in its graph; training.cost counts the same before it is converted."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from starshift.inference.network import Network


class GraphCost(NamedTuple):
    """Of one network."""

    parameters: int  # floating-point numbers that it holds; conversion folded batch normalization into convolutions
    multiply_adds: int  # for one picture


def cost(network: Network) -> GraphCost:
    """Count a network's graph.

    Multiply-adds are those of convolutions (plain, grouped, depthwise, transposed), and matrix products;
    normalization, activations and pooling are left out, as in the papers' figures.
    """
    return _of_nodes(network.graph(1))


def _of_nodes(graph: Any) -> GraphCost:
    parameters = multiply_adds = 0
    for node in graph.get_ops():
        kind = node.get_type_name()
        if kind == "Constant":
            parameters += math.prod(node.get_output_shape(0)) if node.get_element_type().is_real() else 0
        elif kind in _COUNTED:
            multiply_adds += _COUNTED[kind](node)
    return GraphCost(parameters, multiply_adds)


def _convolution(node: Any) -> int:
    """Each number of the kernel is used once at each position of the output: (1, channels, height, width)."""
    return math.prod(node.get_input_shape(1)) * math.prod(node.get_output_shape(0)[2:])


def _transposed(node: Any) -> int:
    """Of the input."""
    return math.prod(node.get_input_shape(1)) * math.prod(node.get_input_shape(0)[2:])


def _product(node: Any) -> int:
    """(…, rows, inner) by (…, inner, columns)."""
    left = node.get_input_shape(0)
    inner = left[-2] if node.get_attributes().get("transpose_a") else left[-1]
    return math.prod(node.get_output_shape(0)) * int(inner)


_COUNTED = {
    "Convolution": _convolution,
    "GroupConvolution": _convolution,
    "ConvolutionBackpropData": _transposed,
    "GroupConvolutionBackpropData": _transposed,
    "MatMul": _product,
}
"""What multiplies by kernels, by its name in OpenVINO."""
