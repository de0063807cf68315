"""Which weights a builder's network has, by name and shape, before a byte is allocated for them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras.src.backend.common import global_state

from starshift import catalogue
from starshift.errors import RunError, UsageError
from starshift.models import opened, scratch
from starshift.records import Target

Shapes = dict[str, tuple[int, ...]]

LARGEST_ARGUMENT = 2**16
"""Of a whole number among a network's arguments: filters, units, pixels of a kernel."""

MOST_LAYERS = 512
"""That lists among the arguments may ask for, together: `modern` has blocks by the number."""


@contextlib.contextmanager
def unallocated() -> Iterator[None]:
    """Build networks whose variables have shapes and no values. They must be forgotten before the block ends.

    Keras keeps a list of such variables and gives values to all of them at the end of the next scope; what is added
    to it here is taken off.
    """
    waiting = list(global_state.get_global_attribute(_WAITING) or ())
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        global_state.set_global_attribute(_WAITING, waiting)


_WAITING = "uninitialized_variables"


def declared(builder: str, size: int, targets: Sequence[Target], arguments: Mapping[str, Any]) -> Shapes:
    """Names and shapes of the weights of a network from scratch, or of what a fine-tuned one has opened.

    size: side of its pictures in px. Raises RunError for arguments that no network can be built by, or that ask for
    more than can be told.
    """
    _refuse_large(arguments)
    try:
        with unallocated():
            if builder == "fine-tuned":
                base, _ = catalogue.parse(arguments["base"])
                head = arguments.get("head", "linear")
                network = opened.build(
                    base, None, size=size, cut=arguments["cut"], heads=targets, head=head, from_pixels=True
                )
                return {name: tuple(variable.shape) for name, variable in opened.opened(network).items()}
            network = scratch.build(builder, (size, size, 3), targets, arguments)
            return {variable.path: tuple(variable.shape) for variable in network.weights}
    except (UsageError, ValueError, TypeError, KeyError, IndexError, ArithmeticError) as error:
        raise RunError(f"Its builder {builder!r} makes no network by these arguments: {error}") from error


def refuse_others(
    builder: str,
    size: int,
    targets: Sequence[Target],
    arguments: Mapping[str, Any],
    tensors: Mapping[str, np.ndarray],
) -> None:
    """Raise RunError, with the first names that differ, where tensors are not what the network declares.

    tensors: its own, without scales and without those of models beside it.
    """
    wanted = declared(builder, size, targets, arguments)
    problems = [f"it lacks {name!a}" for name in wanted if name not in tensors]
    problems += [f"it has {name!a}, which is not its network's" for name in tensors if name not in wanted]
    for name in wanted.keys() & tensors.keys():
        needed, came = f"float32 {wanted[name]}", f"{tensors[name].dtype} {tensors[name].shape}"
        if needed != came:
            problems.append(f"{name!a} is {came} instead of {needed}")
    if problems:
        more = f"; {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise RunError(f"Its tensors do not fit its network: {'; '.join(sorted(problems)[:SHOWN])}{more}.")


SHOWN = 4


def _refuse_large(arguments: Mapping[str, Any]) -> None:
    layers = 0
    for name, value in arguments.items():
        numbers = [one for one in (value if isinstance(value, list | tuple) else [value]) if type(one) is int]
        if any(abs(one) > LARGEST_ARGUMENT for one in numbers):
            raise RunError(f"Its argument {name} is {str(value)[:60]}; {LARGEST_ARGUMENT:,} is the most of any.")
        layers += sum(numbers) if name == "blocks" else len(numbers)
    if layers > MOST_LAYERS:
        raise RunError(f"Its arguments ask for {layers:,} layers; {MOST_LAYERS} are the most.")
