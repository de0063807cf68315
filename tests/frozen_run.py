"""A run of `features` that never saw a picture: its features are made up, and lie in the cache as if stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from msgspec.structs import replace

from report.fake_run import fake_run
from starshift.compose.predictor import Predictor
from starshift.data.split import make_split
from starshift.ladder.folder import RunFolder
from starshift.records import (
    LEARNWARE_SCHEMA,
    BaseReference,
    Dataset,
    InputContract,
    Learnware,
    Picture,
    Target,
)

CLASSES = ("cat", "dog")
FEATURES, ALIVE = 1280, 100
"""As MobileNetV2 has them, and those of them that are not 0."""

APART = 3.0
"""Distance of the classes' means in standard deviations: a head is right for three in four after 20 pictures, and for
seven in eight after 120."""


def frozen_run(
    path: Path, cache: Path, *, pictures: int = 200, apart: float = APART, given: bool = False, builder: str = "frozen"
) -> RunFolder:
    """Write it. given: with parts as folders give them, instead of a split of ours."""
    dataset = _dataset(pictures, given, str(path / "no-such-source"))
    split = make_split(dataset, seed=0)
    fake = fake_run(CLASSES, skills={"baseline": 0.0, "features": 0.9})
    parts = {"train": len(split.train), "validation": len(split.validation), "test": len(split.test)}
    data = replace(fake.run.data, parts=parts, source=dataset.source, classes=dict.fromkeys(CLASSES, pictures // 2))
    rungs = tuple(replace(rung, builder="majority" if rung.name == "baseline" else builder) for rung in fake.run.rungs)
    folder = RunFolder(path)
    folder.create()
    folder.write_dataset(dataset, split)
    folder.write_run(replace(fake.run, data=data, rungs=rungs, test=None, chosen="features", name=path.name))
    for rung in rungs:
        folder.clear_rung(rung.name)
        folder.write_answers(rung.name, fake.predictions[rung.name])
    tensors = {"head/kernel": np.zeros((FEATURES, 1), np.float32), "head/bias": np.zeros(1, np.float32)}
    learnware = folder.write_model("features", _learnware(), tensors)
    _store(Predictor(learnware, tensors, cache), dataset, apart)
    return folder


def _dataset(pictures: int, given: bool, source: str) -> Dataset:
    made = []
    for number in range(pictures):
        label = CLASSES[number % 2]
        part = "" if not given else "validation" if number % 5 == 0 else "train"
        path = f"{part}/{label}/{number:04d}.jpg".lstrip("/")
        made.append(Picture(path, label, part, f"{number:064x}", 224, 224, "JPEG", "RGB", 9))
    return Dataset(
        source, "class folders", (Target.of_classes(CLASSES),), tuple(sorted(made, key=lambda picture: picture.path))
    )


def _learnware() -> Learnware:
    return Learnware(
        schema=LEARNWARE_SCHEMA,
        name="frozen for cat, dog",
        task="image classification",
        targets=(Target.of_classes(CLASSES),),
        input=InputContract(224, "stretch"),
        builder="frozen",
        arguments={"bases": ("mobilenet_v2",), "strengths": (1e-2,)},
        bases=(BaseReference("mobilenet_v2", "ab" * 32, "mobilenet_v2"),),
        precision="f32",
        evaluations=(),
        trained_on="made-up features",
        made_by="a test",
        files={},
        id="",
    )


def _store(predictor: Predictor, dataset: Dataset, apart: float) -> None:
    (base,) = predictor.bases.bases
    alive = np.arange(FEATURES) < ALIVE
    towards = np.random.default_rng(0).standard_normal(FEATURES) * alive
    towards *= apart / np.linalg.norm(towards)
    with base.store.writer() as writer:
        for picture in dataset.pictures:
            noise = np.random.default_rng(int(picture.digest, 16)).standard_normal(FEATURES) * alive
            side = 0.5 if picture.label == CLASSES[1] else -0.5
            writer.add(picture.digest, (noise + side * towards).astype(np.float32))
