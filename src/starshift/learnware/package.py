"""A saved model as a folder: learnware.json, model.safetensors, README.md. Loading it runs no code."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any, get_args

import msgspec
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from starshift.data.decode import LARGEST_SIDE, Fit
from starshift.errors import RunError
from starshift.inference.network import Precision
from starshift.recipe import check_builder, digest, near
from starshift.records import (
    LEARNWARE_SCHEMA,
    NOUNS,
    Evaluation,
    Family,
    InputContract,
    Learnware,
    SequenceContract,
    TableContract,
    Target,
    TextContract,
    files,
)

Tensors = dict[str, np.ndarray]


def write(learnware: Learnware, tensors: Tensors, folder: Path) -> Learnware:
    """Write a model; `files` and `id` of the given learnware are filled in. Returns it as it was written."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        "model.safetensors": save({name: np.ascontiguousarray(array) for name, array in tensors.items()}),
        "README.md": card(learnware).encode(),
    }
    for name, content in contents.items():
        files.write_bytes(content, folder / name)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    whole = msgspec.structs.replace(learnware, files=digests, id=digest(digests))
    files.write(whole, folder / "learnware.json")
    return whole


def read(folder: Path) -> tuple[Learnware, Tensors]:
    """Read a model and check it: schema, digests, builder. Raises RunError with all that is wrong."""
    learnware = files.read(folder / "learnware.json", Learnware)
    problems = [*check_builder(learnware.builder, learnware.arguments), *_unkeepable(learnware)]
    if learnware.schema != LEARNWARE_SCHEMA:
        problems.append(f"Its form has number {learnware.schema}; this version reads {LEARNWARE_SCHEMA}.")
    contents = {}
    for name in ("model.safetensors", "README.md"):
        path = folder / name
        contents[name] = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        if hashlib.sha256(contents[name]).hexdigest() != learnware.files.get(name):
            problems.append(f"{name} is not the file that learnware.json describes (its digest differs).")
    if learnware.id != digest(learnware.files):
        problems.append("Its id is not the digest of its files.")
    if problems:
        raise RunError([f"The model in {folder} cannot be used:", *problems])
    try:
        return learnware, load(contents["model.safetensors"])
    except SafetensorError as error:
        raise RunError(f"The tensors in {folder} cannot be read: {error}.") from error


def _unkeepable(learnware: Learnware) -> list[str]:
    """What of a model's contract cannot be kept, as sentences."""
    problems = []
    if bool(learnware.own) != bool(learnware.unshareable):
        problems.append(
            "It was made with own code and does not say that it is not for sharing, or the other way round."
        )
    if isinstance(learnware.input, InputContract):
        problems += _picture_problems(learnware.input)
    if learnware.precision not in get_args(Precision):
        problems.append(f"Its precision is {learnware.precision!r}; {' and '.join(get_args(Precision))} are known.")
    if not 0 < learnware.temperature < math.inf:
        problems.append(f"Its temperature is {learnware.temperature}; it must be a number above 0.")
    if not learnware.targets:
        problems.append("It names nothing that it predicts.")
    for target in learnware.targets:
        if target.is_classes and len(target.classes) < 2:
            problems.append(f"It has {len(target.classes)} class; a model tells at least 2 apart.")
        if len(set(target.classes)) < len(target.classes):
            problems.append("It names a class twice.")
    if learnware.apart and [one.targets for one in learnware.apart] != [(target,) for target in learnware.targets]:
        problems.append("Its models of one target each are not those of its targets.")
    if bool(learnware.members) != (learnware.builder == "ensemble" and not learnware.apart):
        problems.append("An ensemble has members, and no other model has.")
    if not all(_is_member(one, learnware) for one in learnware.members):
        problems.append("Its members do not predict what it does, from what it takes.")
    if any(one.members or one.apart for one in learnware.members):
        problems.append("Its members are no single models.")
    for one in (*learnware.apart, *learnware.members):
        problems += [*check_builder(one.builder, one.arguments), *_unkeepable(one)]
    return problems


def _is_member(one: Learnware, whole: Learnware) -> bool:
    """Whether it tells what the ensemble does, or, behind those that do, some of its classes apart."""
    if type(one.input) is not type(whole.input) or len(one.targets) != len(whole.targets):
        return False
    is_specialist = len(one.targets) == 1 and set(one.classes) < set(whole.classes)
    behind = [member.targets == whole.targets for member in whole.members]
    return one.targets == whole.targets or (is_specialist and behind == sorted(behind, reverse=True))


def _picture_problems(contract: InputContract) -> list[str]:
    problems = []
    if not 1 <= contract.size <= LARGEST_SIDE:
        problems.append(f"Its pictures have {contract.size} px on each side; 1 to {LARGEST_SIDE} are possible.")
    if contract.fit not in get_args(Fit):
        problems.append(f"Its pictures are made square by {contract.fit!r}.{near(contract.fit, get_args(Fit))}")
    return problems


def card(learnware: Learnware) -> str:
    """The model card, in Markdown."""
    noun = NOUNS[_FAMILIES[type(learnware.input)]]
    lines = [
        f"# {learnware.name}",
        "",
        f"{learnware.task.capitalize()} {_predicted(learnware)}.",
        "",
        f"- Trained on: {learnware.trained_on}",
        f"- Input: {_taken(learnware)}",
        f"- Network: {learnware.builder}{_in_words(learnware.arguments)}",
    ]
    lines += [f"- Pretrained base: {base.name}, weights SHA-256 {base.digest}" for base in learnware.bases]
    lines += [_evaluated(evaluation, noun) for evaluation in learnware.evaluations]
    if learnware.temperature != 1.0:
        lines.append(
            f"- Temperature: {learnware.temperature:g}. Log probabilities are divided by it, which changes how sure "
            "the model is and no answer; figures on the validation part in learnware.json are without it."
        )
    lines += [
        f"- Own {part.kind}: {part.name} of {part.module}, source SHA-256 {part.digest}" for part in learnware.own
    ]
    if learnware.unshareable:
        lines.append(f"- Not for sharing: {learnware.unshareable}.")
    lines += [
        "",
        f"These figures hold for {noun}s like those it was trained on. "
        + (f"{noun.capitalize()}s of none of these classes get one of them all the same." if learnware.classes else ""),
        "",
        f"Made by {learnware.made_by}. Use: `starshift predict FOLDER_OF_THIS_FILE PHOTOS`.",
        "",
    ]
    return "\n".join(lines)


_FAMILIES: dict[type, Family] = {
    InputContract: "pictures",
    TableContract: "table",
    TextContract: "texts",
    SequenceContract: "sequences",
}


def _predicted(learnware: Learnware) -> str:
    target = learnware.target
    if len(learnware.targets) == 1 and target.is_classes:
        return f"into {len(target.classes)} classes: {', '.join(target.classes)}"
    return f"of {'; '.join(map(_target, learnware.targets))}"


def _target(target: Target) -> str:
    if target.is_number:
        return f"{target.name}, a number"
    if target.kind == "string":
        return f"{target.name}, a string of {''.join(target.classes)}"
    what = "classes" if target.is_classes else "labels, of which any number apply"
    return f"{target.name}, {len(target.classes)} {what}: {', '.join(target.classes)}"


def _taken(learnware: Learnware) -> str:
    contract = learnware.input
    if isinstance(contract, InputContract):
        return f"RGB pictures, made {contract.size}×{contract.size} pixels ({contract.fit})."
    if isinstance(contract, TableContract):
        return f"rows with the columns {', '.join(column.name for column in contract.columns)}."
    if isinstance(contract, TextContract):
        return f"texts{f', in a column {contract.column!r}' if contract.column else ''}."
    return f"sequences of {contract.steps} steps of {', '.join(contract.features)}."


def _evaluated(evaluation: Evaluation, noun: str) -> str:
    leading = evaluation.score.leading
    estimate = leading.estimate
    sealed = "sealed until the end" if evaluation.sealed else "also used to choose the model"
    sealed += f", {evaluation.about}" if evaluation.about else ""

    def told(value: float) -> str:
        return f"{value:.1%}" if leading.is_share else f"{value:.4g}"

    of = f" of {evaluation.target}" if evaluation.target else ""
    said = f"- {leading.metric.capitalize()}{of} on the {evaluation.part} part ({estimate.n} {noun}s, {sealed}): "
    said += told(estimate.value)
    if estimate.low is not None and estimate.high is not None:
        said += f", 95 % interval {told(estimate.low)} to {told(estimate.high)}"
    return said


def _in_words(arguments: dict[str, Any]) -> str:
    """Arguments of a builder for a reader: " (channels 32, 64, 128, 128; dense 512)"."""
    shown = [
        f"{name} {', '.join(map(str, value)) if isinstance(value, list | tuple) else value}"
        for name, value in arguments.items()
    ]
    return f" ({'; '.join(shown)})" if shown else ""
