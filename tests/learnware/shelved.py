"""Specifications of made-up pictures: every class has a direction of its own among the features."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
from msgspec import structs

from starshift.compose.frozen import FrozenBase
from starshift.data.decode import Frame
from starshift.evaluation.protocol import inner_folds
from starshift.learnware import package, specify
from starshift.learnware.candidates import Mine
from starshift.learnware.shelf import Copy, Listed, Shelf
from starshift.learnware.specify import Specification
from starshift.models.classical import fit_head
from starshift.recipe import digest
from starshift.records import LEARNWARE_SCHEMA, BaseReference, InputContract, Learnware, Target
from starshift.records.entry import Changes, Entry, Specified

FEATURES = 1280
SPACE = specify.space_of("mobilenet_v2", "ab" * 32, size=224, fit="stretch", features=FEATURES)


def pictures(classes: Sequence[str], per_class: int, *, seed: int = 0, draws: Sequence[str] = ()):
    """Features float32 (N, FEATURES) and labels. draws: whose direction each class has, if not its own."""
    rng = np.random.default_rng(seed)
    rows, labels = [], []
    for name, of in zip(classes, draws or classes, strict=True):
        direction = np.abs(np.random.default_rng(sum(map(ord, of)) + 1000).standard_normal(FEATURES))
        rows.append(direction + 0.4 * rng.standard_normal((per_class, FEATURES)))
        labels += [name] * per_class
    return np.maximum(np.concatenate(rows), 0).astype(np.float32), labels


def told(classes: Sequence[str], *, per_class: int = 30, whole: bool = False, draws: Sequence[str] = (), seed: int = 1):
    """A learnware's specification. whole: the marginal alone."""
    features, labels = pictures(classes, per_class, seed=seed, draws=draws)
    return specify.specify(features, [] if whole else labels, SPACE, precision="f32")


def listed(specification: Specification, place: int, **changes: object) -> Listed:
    """What a shelf knows of it beside."""
    record = specification.record
    cells = tuple(cell.classes for cell in record.cells) or ((),)
    counts = tuple(cell.count for cell in record.cells) or (0 if record.privacy else record.count,)
    given = {
        "id": f"{place:064x}",
        "reference": f"made-{place}:1.0.0",
        "title": f"made {place}",
        "task": "image classification",
        "licence": "CC-BY-4.0",
        "size": 1000,
        "takes": "pictures",
        "cells": cells,
        "counts": counts,
        "space": specify.key(record.space),
    }
    return Listed(**{**given, **changes})


def base_in(cache: Path) -> FrozenBase:
    """The base of SPACE, whose features are those that are stored."""
    return FrozenBase(BaseReference(SPACE.base, SPACE.digest, SPACE.base), Frame(224, "stretch"), "f32", cache)


def mine(cache: Path, classes: Sequence[str], per_class: int, *, seed: int = 9, names: Sequence[str] = ()) -> Mine:
    """A user's pictures, their features in the cache. names: of the user for these classes, in sorted order."""
    features, labels = pictures(classes, per_class, seed=seed)
    digests = [digest("mine", seed, *classes, place) for place in range(len(labels))]
    base = base_in(cache)
    with base.store.writer() as writer:
        for one, row in zip(digests, features, strict=True):
            writer.add(one, row)
    target = Target.of_classes(names or tuple(classes))
    encoded = np.array([list(classes).index(label) for label in labels])
    return Mine(target, encoded, digests, no_pixels, base)


def no_pixels(frame: object) -> NoReturn:
    """Features are stored."""
    raise AssertionError("no pixels are needed")


def package_of(classes: Sequence[str], *, whole: bool = False, seed: int = 1, name: str = "made", **changes: object):
    """A learnware that is a linear head on SPACE's base."""
    features, labels = pictures(classes, 30, seed=seed)
    targets = np.array([list(classes).index(label) for label in labels])
    folds = inner_folds(targets, folds=3, seed=0)
    head = fit_head(features, targets, classes=len(classes), strengths=(1e-2,), folds=folds)
    made = Learnware(
        schema=LEARNWARE_SCHEMA,
        name=name,
        task="image classification",
        targets=(Target.of_classes(tuple(classes)),),
        input=InputContract(224, "stretch"),
        builder="frozen",
        arguments={"bases": (SPACE.base,), "strengths": (1e-2,)},
        bases=(BaseReference(SPACE.base, SPACE.digest, SPACE.base),),
        precision="f32",
        evaluations=(),
        trained_on="made-up features",
        made_by="a test",
        files={},
        id="",
        licence="CC-BY-4.0",
    )
    tensors = {"head/kernel": head.kernel, "head/bias": head.bias}
    specification = specify.write(told(classes, whole=whole, seed=seed))
    return package.made(structs.replace(made, **changes), tensors, specification)


class FakeStore:
    """Learnwares in memory."""

    place = "a fake store"

    def __init__(self, **packages: package.Package) -> None:
        self.packages, self.entries = packages, []
        for revision, (name, one) in enumerate(packages.items(), 1):
            made = one.learnware
            tar = len(package.pack(one))
            entry = Entry(name, "1.0.0", one.id, made.name, made.task, made.licence, "", tar, "", 1, "", "", revision)
            self.entries.append(Specified(entry, one.contents["learnware.json"], one.contents["spec.safetensors"]))

    def changes(self, after: int = 0) -> Changes:
        """Everything behind a revision."""
        found = tuple(one for one in self.entries if one.entry.revision > after)
        return Changes(max((one.entry.revision for one in found), default=after), False, found)

    def pull(self, reference: str):
        """An entry, and its package."""
        one = next(one for one in self.entries if one.entry.reference == reference)
        return one.entry, package.pack(self.packages[one.entry.name])

    def close(self) -> None:
        """Nothing is open."""

    def shelf(self, cache: Path) -> Shelf:
        """What is searched."""
        copy = Copy(self, cache)
        copy.update()
        found = copy.shelf(SPACE)
        assert found is not None
        return found
