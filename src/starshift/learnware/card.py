"""The model card: README.md of a learnware, in Markdown."""

from __future__ import annotations

import re
from typing import Any

from starshift.records import (
    NOUNS,
    Evaluation,
    Family,
    InputContract,
    Learnware,
    SequenceContract,
    SpecificationRecord,
    TableContract,
    Target,
    TextContract,
)


def card(learnware: Learnware, specification: SpecificationRecord | None = None) -> str:
    """The model card: purpose, data, figures, limits, and how to use it. specification: of spec.safetensors, if any."""
    noun = NOUNS[_FAMILIES[type(learnware.input)]]
    sections = {
        "": [_plain(f"{learnware.task.capitalize()} {_predicted(learnware)}.")],
        "Network": _network(learnware),
        "Data": _data(learnware, specification, noun),
        "Figures": _figures(learnware, noun),
        "Limits": _limits(learnware, specification, noun),
        "Use": [
            f"`starshift predict FOLDER_OF_THIS_FILE {'PHOTOS' if noun == 'picture' else 'FILE'}`, or the tar in place "
            "of the folder.",
            "",
            f"- Version: {learnware.version}",
            f"- Licence: {learnware.licence or 'none given'}",
            f"- Made by: {_plain(learnware.made_by)}",
            *_origin(learnware),
        ],
    }
    lines = [f"# {_plain(learnware.name)}"]
    for title, content in sections.items():
        lines += ["", f"## {title}"] if title and content else []
        lines += ["", *content] if content else []
    return "\n".join([*lines, ""])


def _plain(text: str) -> str:
    """A maker's words as one line of text: they begin no heading, link or HTML of their own."""
    return re.sub(r"([\\`*\[\]<>|#])", r"\\\1", " ".join(text.split()))


def _network(learnware: Learnware) -> list[str]:
    lines = [
        f"- Input: {_plain(_taken(learnware))}",
        f"- Network: {learnware.builder}{_plain(_in_words(learnware.arguments))}",
    ]
    lines += [f"- Pretrained base: {base.name}, weights SHA-256 {base.digest}" for base in learnware.bases]
    lines += [
        f"- Own {part.kind}: {part.name} of {part.module}, source SHA-256 {part.digest}" for part in learnware.own
    ]
    if learnware.synonyms:
        told = [f"{name}: {', '.join(others)}" for name, others in sorted(learnware.synonyms.items())]
        lines.append(f"- Other names of classes: {_plain('; '.join(told))}")
    return lines


def _data(learnware: Learnware, specification: SpecificationRecord | None, noun: str) -> list[str]:
    lines = [f"- Trained on: {_plain(learnware.trained_on)}"]
    if specification is None:
        return [*lines, f"- Specification: none. This learnware cannot be found by {noun}s, only by its words."]
    space = specification.space
    alone = sum(len(cell.classes) == 1 for cell in specification.cells)
    small = max((len(cell.classes) for cell in specification.cells), default=1)
    single = "that of 1 class" if alone == 1 else f"those of {alone} classes"
    what = ["their mean", *([single] if alone else [])]
    what += [f"that of {small} small classes together"] if small > 1 else []
    return [
        *lines,
        f"- Specification: of {specification.count:,} {noun}s, {' and '.join(what)}, {space.dimensions} numbers each "
        f"in the space of {space.base} at {space.size} px ({space.fit}).",
    ]


def _figures(learnware: Learnware, noun: str) -> list[str]:
    lines = [_evaluated(evaluation, noun) for evaluation in learnware.evaluations]
    if beat := learnware.beat:
        lines.append(f"- Against {beat.against}, which always answers the same: {_plain(beat.sentence)}")
    for how in dict.fromkeys(evaluation.protocol for evaluation in learnware.evaluations if evaluation.protocol):
        lines.append(f"- Parts: {_plain(how)}")
    if learnware.temperature != 1.0:
        lines.append(
            f"- Temperature: {learnware.temperature:g}. Log probabilities are divided by it, which changes how sure "
            "the model is and no answer; figures on the validation part in learnware.json are without it."
        )
    return lines


def _limits(learnware: Learnware, specification: SpecificationRecord | None, noun: str) -> list[str]:
    lines = [
        f"- Figures hold for {noun}s like those it was trained on."
        + (f" {noun.capitalize()}s of none of these classes get one of them all the same." if learnware.classes else "")
    ]
    if learnware.unshareable:
        lines.append(f"- Not for sharing: {_plain(learnware.unshareable)}.")
    if specification and specification.privacy:
        privacy = specification.privacy
        lines.append(
            f"- The mean of the {noun}s is ({privacy.epsilon:g}, {privacy.delta:g})-differentially private where one "
            f"{noun} is exchanged for another; nothing else that is told here or learned by the model is."
        )
    elif specification:
        fewest = min((cell.count for cell in specification.cells), default=specification.count)
        lines.append(
            f"- The specification is not anonymous: a mean of few {noun}s tells whether a given one was among them. "
            f"Its smallest is of {fewest:,}."
        )
    return lines


def _origin(learnware: Learnware) -> list[str]:
    found, lines = learnware.provenance, []
    if found:
        lines.append(
            f"- Made on {_plain(found.made)} with seed {found.seed}, recipe {found.recipe[:16]}, data {found.data[:16]}"
        )
    return lines + [f"- Made from: learnware {parent}" for parent in learnware.parents]


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
