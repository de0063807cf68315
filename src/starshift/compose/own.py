"""Functions of the user's own, known by their source: a model says what it was made with, and never brings it along."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from starshift.errors import RunError, UsageError
from starshift.records import Learnware, OwnPart

Kind = Literal["builder", "loss", "metric"]


@dataclass(frozen=True)
class Own:
    """A function, or a Keras metric, with the record of where it stands."""

    call: Any
    part: OwnPart

    @property
    def reference(self) -> str:
        """How recipes name it."""
        return self.part.reference


def own(kind: Kind, given: Any) -> Own:
    """What the user gave, with its module, name, file and the digest of its source text.

    given: a function, or a class that is called; for a metric a keras.metrics.Metric too, whose settings count as its
    source does. What it calls elsewhere is not in the digest. Raises UsageError where the source cannot be read.
    """
    written = given if _is_written(given) else type(given)
    if written is not given and not (kind == "metric" and hasattr(given, "update_state")):
        raise UsageError(f"The {kind} must be a function{_or_metric(kind)}; {given!r} came.")
    if kind == "metric" and inspect.isclass(given):
        raise UsageError(f"The metric {given.__name__} is a class; give one that is made: {given.__name__}().")
    settings = "" if written is given else json.dumps(given.get_config(), sort_keys=True, default=str)
    try:
        source = inspect.getsource(written)
        file = inspect.getsourcefile(written) or ""
    except (OSError, TypeError):
        raise UsageError(
            f"The source of the {kind} {written.__qualname__} cannot be read, and models are known by it. Put it into "
            "a file and import it from there."
        ) from None
    digest = hashlib.sha256(f"{source}{settings}".encode()).hexdigest()
    return Own(given, OwnPart(kind, written.__module__, written.__qualname__, file, digest))


def _is_written(given: Any) -> bool:
    """Whether it is what a source text defines, and not something made from it."""
    return inspect.isfunction(given) or inspect.isclass(given)


def _or_metric(kind: Kind) -> str:
    return " or a keras.metrics.Metric" if kind == "metric" else ""


def in_order(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Weights named by their place in the network, which stays, where Keras numbers nameless layers ever anew."""
    return {f"{place:04d} {path.rpartition('/')[2]}": array for place, (path, array) in enumerate(weights.items())}


def rebuilt(learnware: Learnware, tensors: Mapping[str, np.ndarray], build: Callable[..., Any]) -> Any:
    """A model's network, built by the user's own function, with its weights. Raises RunError where they do not fit."""
    from starshift.training.own import build as made
    from starshift.training.weights import write_weights

    model = made(build, learnware.picture.size, len(learnware.classes))
    paths = [variable.path for variable in model.weights]
    shapes = [tuple(variable.shape) for variable in model.weights]
    values = [tensors[name] for name in sorted(tensors)]
    if [array.shape for array in values] != shapes:
        raise RunError(f"The tensors of {learnware.name!r} do not fit the network that {build.__name__} makes.")
    write_weights(model, dict(zip(paths, values, strict=True)))
    return model


def refuse_other_builder(learnware: Learnware, build: Callable[..., Any]) -> None:
    """Raise RunError where `build` is not the function that a model's network was built by."""
    recorded = builder_of(learnware)
    if recorded is None:
        raise RunError(f"{learnware.name!r} is built by {learnware.builder!r} of Starshift; it takes no build.")
    given = own("builder", build).part
    if given.digest != recorded.digest:
        raise RunError(
            f"The source of {given.name} is not that of {recorded.name} in {recorded.file}, by which "
            f"{learnware.name!r} was built. Give the function as it was then, or fit again."
        )


def lacking_builder(learnware: Learnware) -> RunError:
    """What to say where a network must be built by the user's own function, and nobody gave it."""
    recorded = builder_of(learnware)
    where = f"{recorded.name} in {recorded.file}" if recorded else "that is not recorded"
    name = recorded.name.rpartition(".")[2] if recorded else "my_builder"
    return RunError(
        f"The network of {learnware.name!r} was built by the user's own function {where}, and its converted form is "
        "not in this machine's cache. Nothing that is loaded runs code: predict from Python, where you give the "
        f"function: starshift.predict(RUN, PHOTOS, build={name})."
    )


def builder_of(learnware: Learnware) -> OwnPart | None:
    """The record of the user's function that built a model's network; None where it is one of ours."""
    return next((part for part in learnware.own if part.kind == "builder"), None)
