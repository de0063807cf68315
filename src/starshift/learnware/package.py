"""A learnware: its record, its tensors, its card and its specification, as files or as one tar. Loading runs no code.

Everything is checked before anything is built. `load`, which takes what strangers made, and `read`, which takes what
this machine's runs made, differ in one thing: what travels may name nothing of the machine where it was made.
"""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections.abc import Mapping, Sized
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import msgspec
import numpy as np
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from safetensors.numpy import save

from starshift import catalogue
from starshift.data.decode import LARGEST_SIDE, Fit
from starshift.data.sequences import MOST_STEPS
from starshift.errors import RunError, UsageError
from starshift.inference.network import Precision
from starshift.learnware import archive, declared, specify, strict
from starshift.learnware.archive import CARD, MODEL, RECORD, SPECIFICATION
from starshift.learnware.card import card
from starshift.learnware.specify import Specification
from starshift.learnware.strict import Tensors
from starshift.recipe import AUTO, check_builder, digest, near
from starshift.records import LEARNWARE_SCHEMA, InputContract, Learnware, SequenceContract, files

__all__ = ["Package", "card", "load", "made", "pack", "read", "restated", "unpack", "write"]

_RECORDS = msgspec.json.Decoder(Learnware)
"""Made once, while one thread imports this: msgspec 0.22 learns a type when it is first decoded, and threads that come
meanwhile, as those of a server do, find it half learned and crash the process."""


@dataclass(frozen=True)
class Package:
    """A learnware with all its files, checked."""

    learnware: Learnware
    contents: Mapping[str, bytes]  # by name: learnware.json, README.md, model.safetensors, and spec.safetensors if any

    @property
    def id(self) -> str:
        """Digest of everything in it: SHA-256, 64 hexadecimal digits."""
        return self.learnware.id

    @cached_property
    def tensors(self) -> Tensors:
        """Of the model, by name; they cannot be written to."""
        return strict.tensors(self.contents[MODEL], MODEL)[0]

    @cached_property
    def specification(self) -> Specification | None:
        """Of the pictures that it was trained on; None where it has none."""
        return specify.read(self.contents[SPECIFICATION]) if SPECIFICATION in self.contents else None


# ----------------------------------------------------------------------------------------------------
# Out of bytes


def load(source: Path | bytes) -> Package:
    """A learnware from a folder, from a tar file or from the bytes of a tar, whoever made it.

    Raises RunError with all that is wrong: archive.read, strict and `problems_of` say with what. A tar names no files
    of another machine; a folder may, since runs leave such.
    """
    where = "The learnware" if isinstance(source, bytes) else f"The model in {source}"
    travelled = isinstance(source, bytes) or not source.is_dir()
    try:
        return _checked(archive.read(source), travelled=travelled)
    except RunError as error:
        more = [f"And {len(error.problems) - MOST_TOLD:,} more."] if len(error.problems) > MOST_TOLD else []
        told = [_shown(problem) for problem in error.problems[:MOST_TOLD]]
        raise RunError([f"{where} cannot be used:", *told, *more]) from error


MOST_TOLD, LONGEST_TOLD = 20, 500
"""Reasons, and characters of each: a stranger's file could fill a screen or a log with them."""


def _shown(problem: str) -> str:
    """A reason without what its maker could have put into it to deceive readers or their terminals."""
    shown = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in problem[:LONGEST_TOLD])
    return shown if len(problem) <= LONGEST_TOLD else f"{shown} …"


def read(folder: Path) -> tuple[Learnware, Tensors]:
    """The record and the tensors of a model in a folder or a tar file. Raises RunError as `load` does."""
    package = load(folder)
    return package.learnware, package.tensors


def _checked(contents: dict[str, bytes], *, travelled: bool) -> Package:
    if lacking := [name for name in (RECORD, MODEL, CARD) if name not in contents]:
        raise RunError(f"It has no {' and no '.join(lacking)}.")
    record = strict.parsed(contents[RECORD], RECORD)
    learnware = _decoded(contents[RECORD], record)
    # One after the other: to check what is too much takes time, and a base that is named by a file is looked for when
    # arguments are checked, which is not for a stranger.
    problems = _too_many(learnware) or (_unshareable(learnware) if travelled else []) or problems_of(learnware)
    for name in sorted(contents.keys() | learnware.files.keys()):
        found = _own_digest(record) if name == RECORD else hashlib.sha256(contents.get(name, b"")).hexdigest()
        if name not in contents or found != learnware.files.get(name):
            problems.append(f"{name!a} is not the file that {RECORD} describes (its digest differs).")
    if learnware.id != digest(learnware.files):
        problems.append("Its id is not the digest of its files.")
    problems += strict.text(contents[CARD], CARD)
    if problems:
        raise RunError(problems)
    package = Package(learnware, contents)
    problems = [*declared.problems(learnware, package.tensors), *_other_classes(package)]
    if problems:
        raise RunError(problems)
    return package


def _other_classes(package: Package) -> list[str]:
    """Classes of the specification that the model does not tell."""
    cells = package.specification.record.cells if package.specification else ()
    strangers = [name for cell in cells for name in cell.classes if name not in package.learnware.classes]
    return [f"Its specification is of the class {name!a}, which it does not tell." for name in strangers[:3]]


def record_of(content: bytes) -> Learnware:
    """The record alone, of the bytes of learnware.json, as an index keeps it. Raises RunError with what is wrong."""
    learnware = _decoded(content, strict.parsed(content, RECORD))
    if problems := problems_of(learnware):
        raise RunError(problems)
    return learnware


def _decoded(content: bytes, record: Any) -> Learnware:
    schema = record.get("schema") if isinstance(record, dict) else None
    if type(schema) is int and schema != LEARNWARE_SCHEMA:
        newer = (
            "a newer version of Starshift" if schema > LEARNWARE_SCHEMA else "an older one; fit again to have it anew"
        )
        raise RunError(f"Its form has number {schema}; this version reads {LEARNWARE_SCHEMA}. It was made by {newer}.")
    try:
        return _RECORDS.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RunError(
            f"{RECORD} is not a learnware's record that this version of Starshift reads ({error})."
        ) from error


def _own_digest(record: Mapping[str, Any]) -> str:
    """Of learnware.json: of all it says but `files`, where this digest stands, and `id`, which is made of it."""
    return digest({key: value for key, value in record.items() if key not in ("files", "id")})


# ----------------------------------------------------------------------------------------------------
# Into bytes


def made(learnware: Learnware, tensors: Tensors, specification: bytes | None = None) -> Package:
    """A learnware with its files; `files` and `id` of the given record are filled in.

    specification: of spec.safetensors, as learnware.specify writes it. Raises RunError for what `load` would refuse.
    """
    contents = {MODEL: save({name: np.ascontiguousarray(array) for name, array in tensors.items()})}
    if specification is not None:
        contents[SPECIFICATION] = specification
    return _whole(learnware, contents)


def restated(package: Package, **changes: Any) -> Package:
    """The same model with other words about it: name, version, licence, synonyms, … The card is written anew."""
    kept = {name: content for name, content in package.contents.items() if name in (MODEL, SPECIFICATION)}
    return _whole(msgspec.structs.replace(package.learnware, **changes), kept)


def _whole(learnware: Learnware, contents: dict[str, bytes]) -> Package:
    """The record and the card beside the other files."""
    specification = specify.read(contents[SPECIFICATION]).record if SPECIFICATION in contents else None
    contents = {**contents, CARD: card(learnware, specification).encode()}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    plain = msgspec.json.decode(msgspec.json.encode(msgspec.structs.replace(learnware, files={}, id="")))
    digests = dict(sorted({**digests, RECORD: _own_digest(plain)}.items()))
    whole = msgspec.structs.replace(learnware, files=digests, id=digest(digests))
    contents[RECORD] = msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n"
    return _checked(contents, travelled=False)


def pack(package: Package) -> bytes:
    """The learnware as a plain tar: same learnware, same bytes. Raises RunError for one that is not for others."""
    if problems := _unshareable(package.learnware):
        raise RunError([f"{package.learnware.name!r} cannot be packed:", *problems])
    return archive.packed(package.contents)


def unpack(package: Package, folder: Path) -> None:
    """Write the learnware into a folder that is not there yet: whole, or not at all. Raises RunError."""
    archive.unpacked(package.contents, folder)


def write(learnware: Learnware, tensors: Tensors, folder: Path, specification: bytes | None = None) -> Learnware:
    """Write a model into a folder, over an older one; see `made`. Returns its record as it was written."""
    package = made(learnware, tensors, specification)
    folder.mkdir(parents=True, exist_ok=True)
    if specification is None:
        (folder / SPECIFICATION).unlink(missing_ok=True)
    for name in sorted(package.contents, key=lambda name: name == RECORD):  # what describes the others comes last
        files.write_bytes(package.contents[name], folder / name)
    return package.learnware


# ----------------------------------------------------------------------------------------------------
# What is wrong with a record


def problems_of(learnware: Learnware) -> list[str]:
    """Every reason why no model can be built by this record, or its words are not for readers, as sentences."""
    problems = [*check_builder(learnware.builder, learnware.arguments), *_unkeepable(learnware), *_words(learnware)]
    if not re.fullmatch(r"\d{1,6}\.\d{1,6}\.\d{1,6}", learnware.version):
        problems.append(f"Its version is {learnware.version!a}; a version is three numbers, such as 1.0.0.")
    if learnware.licence and (licence := canonical_licence(learnware.licence)) != learnware.licence:
        problems.append(
            f"Its licence is {learnware.licence!a}, which is no SPDX expression such as MIT or CC-BY-4.0."
            + (f" Did you mean {licence!r}?" if licence else "")
        )
    strangers = [name for name in learnware.synonyms if name not in learnware.classes]
    problems += [
        f"It has synonyms of {name!r}, which it does not tell.{near(name, learnware.classes)}" for name in strangers[:3]
    ]
    problems += [
        f"It names {parent!a} as a parent, which is no id." for parent in learnware.parents if not _is_id(parent)
    ]
    return problems


def canonical_licence(expression: str) -> str:
    """A licence as SPDX writes it: "mit or apache-2.0" → "MIT OR Apache-2.0"; "" for what is none."""
    try:
        return canonicalize_license_expression(expression)
    except (InvalidLicenseExpression, RecursionError):
        return ""


def _is_id(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{64}", text) is not None


MOST_VALUES = 512
"""Of a list among the arguments, of the arguments, of bases, of models inside a model."""


def _too_many(learnware: Learnware) -> list[str]:
    """What there is more of than any builder takes."""
    lists: dict[str, Sized] = {
        f"argument {name!a}": one for name, one in learnware.arguments.items() if isinstance(one, list | dict)
    }
    lists |= {"record of arguments": learnware.arguments, "list of bases": learnware.bases}
    lists |= {"list of models inside": (*learnware.apart, *learnware.members)}
    problems = [
        f"Its {what} has {len(values):,} values; {MOST_VALUES} are the most."
        for what, values in lists.items()
        if len(values) > MOST_VALUES
    ]
    inner = () if problems else (*learnware.apart, *learnware.members)
    return [*problems, *(problem for one in inner for problem in _too_many(one))]


def _unshareable(learnware: Learnware) -> list[str]:
    """Why a model is for its own machine alone: own code, or bases that the catalogue does not have."""
    problems = [f"It is not for sharing: {learnware.unshareable}."] if learnware.unshareable else []
    if learnware.builder in WITH_TREES:
        problems.append("Its trees are read by LightGBM, whose reader is not made for files of strangers.")
    arguments = learnware.arguments
    named = [base.spec for base in learnware.bases] + [base.name for base in learnware.bases]
    for key in ("base", "bases", "beside"):
        value = arguments.get(key, ())
        named += [one for one in (value if isinstance(value, list | tuple) else [value]) if isinstance(one, str)]
    strangers = [name for name in dict.fromkeys(named) if not _is_catalogued(name)]
    problems += [
        f"Its base is {name!a}, which is a file of one machine; only bases of the catalogue travel by name."
        for name in strangers
    ]
    for one in (*learnware.apart, *learnware.members):
        problems += [problem for problem in _unshareable(one) if problem not in problems]
    return problems


WITH_TREES = ("table-trees", "table-ensemble")
"""Builders of models in LightGBM's text form: its reader, in C++, trusts the numbers that it finds there."""


def _is_catalogued(name: str) -> bool:
    """Whether a base is meant by its name alone; files and folders are not looked for."""
    try:
        return name == AUTO or bool(catalogue.base(name))
    except UsageError:
        return False


def _words(learnware: Learnware) -> list[str]:
    """Words for readers with characters that are not to be seen, and labels that look the same."""
    told = [learnware.name, learnware.task, learnware.trained_on, learnware.made_by, learnware.unshareable]
    told += [word for target in learnware.targets for word in (target.name, *target.classes)]
    told += [name for names in learnware.synonyms.values() for name in names]
    told += [base.name for base in learnware.bases]
    return [
        f"{word[:80]!a} contains the character {found}, which is not to be seen or turns others around. Rename it."
        for word in dict.fromkeys(told)
        if (found := strict.hidden_in(word))
    ]


def _unkeepable(learnware: Learnware) -> list[str]:
    """What of a model's contract cannot be kept, as sentences."""
    problems = []
    if learnware.builder == "own" and not learnware.own:
        problems.append("Its network is built by own code, and it does not say by which.")
    if bool(learnware.own) != bool(learnware.unshareable):
        problems.append(
            "It was made with own code and does not say that it is not for sharing, or the other way round."
        )
    if isinstance(learnware.input, InputContract):
        problems += _picture_problems(learnware.input)
    if isinstance(learnware.input, SequenceContract) and not 0 < learnware.input.steps <= MOST_STEPS:
        problems.append(f"Its sequences have {learnware.input.steps:,} steps; 1 to {MOST_STEPS:,} are possible.")
    if isinstance(length := learnware.arguments.get("length"), int) and length > LONGEST_TEXT:
        problems.append(f"Its texts have {length:,} words; {LONGEST_TEXT:,} are the most.")
    if learnware.precision not in get_args(Precision):
        problems.append(f"Its precision is {learnware.precision!r}; {' and '.join(get_args(Precision))} are known.")
    if not 0 < learnware.temperature < math.inf:
        problems.append(f"Its temperature is {learnware.temperature}; it must be a number above 0.")
    if not learnware.targets:
        problems.append("It names nothing that it predicts.")
    for target in learnware.targets:
        if target.is_classes and len(target.classes) < 2:
            problems.append(f"It has {len(target.classes)} class; a model tells at least 2 apart.")
        if len({unicodedata.normalize("NFC", name) for name in target.classes}) < len(target.classes):
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


LONGEST_TEXT = 2**16
"""Words of a text that a network of texts looks at."""


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
