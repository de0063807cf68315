"""Runs that never happened, with plausible figures, for everything that shows a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from starshift.records import (
    SCHEMA,
    ClassScore,
    Dataset,
    Environment,
    Epoch,
    Estimate,
    Finding,
    Picture,
    PictureMap,
    Predictions,
    RungRecord,
    RunRecord,
    Score,
    SetAside,
    Summary,
    Target,
    TestRecord,
    Verdict,
)
from starshift.report.view import view

WEIGHTS = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"

CALTECH = tuple(
    f"{name}_{i}"
    for i in range(17)
    for name in ("anchor", "beaver", "crocodile_head", "dalmatian", "euphonium", "ferry")
)[:101]

HOSTILE_CLASSES = (
    "<script>alert(1)</script>",
    '"><img src=http://evil.example/x onerror=alert(1)>',
    "line\nbreak\tand tab",
    "caf\udce9",
    "قطة כלב",
    "an-exceedingly-long-class-name-" * 8,
    "{{ 7 * 7 }} {% raw %} ' & ; --s:9",
)


@dataclass
class Fake:
    """Everything that `view` is given."""

    run: RunRecord
    dataset: Dataset
    histories: dict[str, list[Epoch]]
    predictions: dict[str, Predictions]
    test: Predictions | None
    thumbnail: Callable[[str], bytes | None] = field(default=lambda path: None)
    picture_map: PictureMap | None = None

    def view(self) -> dict[str, Any]:
        """The view of this run."""
        return view(
            self.run,
            self.dataset,
            histories=self.histories,
            answers=self.predictions,
            test=self.test,
            thumbnail=self.thumbnail,
            picture_map=self.picture_map,
        )

    def with_run(self, **changes: Any) -> Fake:
        """The same with some of the run's fields changed."""
        self.run = msgspec.structs.replace(self.run, **changes)
        return self


def fake_run(
    classes: Sequence[str] = ("cat", "dog"),
    *,
    per_class: int = 20,
    skills: dict[str, float] | None = None,
    test: bool = True,
    epochs: int = 30,
    folder: str = "validation",
) -> Fake:
    """A finished run of the rungs in `skills` (rung → share recognized), the last one chosen."""
    chance = np.random.default_rng(0)
    classes = tuple(sorted(classes))
    skills = {"baseline": 0.0, "convnet": 0.72, "features": 0.98} if skills is None else skills
    dataset = fake_dataset(classes, per_class, folder)
    predictions = {
        rung: _baseline(dataset) if rung == "baseline" else _predictions(dataset, skill, chance)
        for rung, skill in skills.items()
    }
    rungs = [_rung(rung, predictions, list(skills)[:i]) for i, rung in enumerate(skills)]
    chosen = rungs[-1].name if rungs else ""
    sealed = _predictions(dataset, skills[chosen], chance) if test and chosen not in ("", "baseline") else None
    run = RunRecord(
        schema=SCHEMA,
        name="dogs-vs-cats",
        command="starshift fit photos --budget 5m --seed 0 --out runs/dogs-vs-cats",
        seed=0,
        budget_seconds=300.0,
        started="2026-05-12T10:07:52Z",
        finished="2026-05-12T10:11:12Z",
        seconds=200.4,
        data=_summary(dataset, test),
        split="the parts are as the folders give them",
        findings=_findings(dataset),
        rungs=tuple(rungs),
        chosen=chosen,
        test=TestRecord(chosen, "2026-05-12T10:11:10Z", "ab" * 32, score(sealed)) if sealed else None,
        environment=Environment(
            starshift="0.1.0",
            python="3.11.9",
            platform="Linux 6.1 x86_64",
            processor="Intel Xeon Platinum 8481C, AVX-512, AMX",
            cores=2,
            memory_gib=7.7,
            versions={"keras": "3.15.1", "openvino": "2026.1.0", "numpy": "2.4.1", "tensorflow": "2.21.0"},
        ),
        notes=("the first use of mobilenet-v2 converted its weights, which took 14 s",),
    )
    histories = {"convnet": fake_history(epochs)} if "convnet" in skills and epochs else {}
    return Fake(run, dataset, histories, predictions, sealed)


def skipped(name: str = "features") -> RungRecord:
    """A rung that wanted weights which are not there."""
    reason = (
        f"it wants {WEIGHTS} (9.4 MB), which is neither in ~/.keras/models nor to be downloaded here.\n"
        "Put the file into ~/.keras/models and run the same command again."
    )
    return RungRecord(name, "skipped", "cd" * 32, reason, "a frozen MobileNetV2 and a logistic head")


def fake_dataset(classes: Sequence[str], per_class: int, folder: str = "validation") -> Dataset:
    """`per_class` pictures of each class, and one file of each sad kind."""
    pictures = [
        Picture(f"{folder}/{label}/{label}.{i}.jpg", label, "validation", f"{i:064x}", 500, 374, "JPEG", "RGB", 23_000)
        for label in classes
        for i in range(per_class)
    ]
    return Dataset(
        source="photos",
        layout="part folders",
        targets=(Target.of_classes(classes),),
        examples=tuple(sorted(pictures, key=lambda picture: picture.path)),
        set_aside=(
            SetAside("train/cat/cat.77.jpg", "truncated", "the file ends after 11,204 of 24,118 bytes"),
            SetAside("train/dog/dog.9.jpg", "empty", "the file has no bytes"),
        ),
        skipped={"hidden files": 3, "thumbnail databases": 1},
        remarks=("'training_set' was read as the training part", "one PNG file is named .jpg: train/cat/cat.5.jpg"),
    )


def fake_history(epochs: int) -> list[Epoch]:
    """A network that overfits from about its twelfth epoch on."""
    chance = np.random.default_rng(1)
    return [
        Epoch(
            epoch=epoch,
            seconds=6.1,
            loss=0.69 * math.exp(-epoch / 14),
            accuracy=1 - 0.5 * math.exp(-epoch / 9),
            validation_loss=0.52 + 0.0009 * (epoch - 12) ** 2 + 0.02 * float(chance.normal()),
            validation_accuracy=0.735 - 0.2 * math.exp(-epoch / 5) + 0.008 * float(chance.normal()),
        )
        for epoch in range(1, epochs + 1)
    ]


def score(predictions: Predictions) -> Score:
    """Counts that are true of `predictions`; the intervals of the rarer figures are only plausible."""
    n, classes = len(predictions.paths), predictions.classes
    matrix = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(matrix, (predictions.targets, predictions.predicted), 1)
    right = int(matrix.trace())
    truth = predictions.probabilities[np.arange(n), predictions.targets]
    loss = float(-np.log(np.clip(truth, 1e-7, 1)).mean())
    brier = float(((predictions.probabilities - np.eye(len(classes))[predictions.targets]) ** 2).sum(axis=1).mean())
    boot = "bootstrap over pictures, 1,000 draws"
    accuracy = wilson(right, n)
    return Score(
        accuracy=accuracy,
        balanced_accuracy=Estimate(accuracy.value, accuracy.low, accuracy.high, n, boot),
        macro_f1=Estimate(accuracy.value, accuracy.low, accuracy.high, n, boot),
        roc_auc=Estimate(0.9997, 0.9991, 0.9999, n, boot) if np.unique(predictions.targets).size > 1 else None,
        log_loss=Estimate(loss, 0.7 * loss, 1.3 * loss, n, boot),
        confusion=tuple(tuple(int(count) for count in row) for row in matrix),
        classes=tuple(_class_score(label, i, matrix) for i, label in enumerate(classes)),
        brier=Estimate(brier, 0.8 * brier, 1.2 * brier, n, boot),
    )


def wilson(hits: int, n: int) -> Estimate:
    """The Wilson interval, written out, as this floor may not ask the evaluation for it."""
    if n == 0:
        return Estimate(0.0, None, None, 0, "no pictures")
    z, share = 1.959964, hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Estimate(share, max(0.0, middle - half), min(1.0, middle + half), n, "Wilson")


def _class_score(label: str, i: int, matrix: np.ndarray) -> ClassScore:
    called = int(matrix[:, i].sum())
    precision = float(matrix[i, i] / called) if called else None
    return ClassScore(label, wilson(int(matrix[i, i]), int(matrix[i].sum())), precision)


def _predictions(dataset: Dataset, skill: float, chance: np.random.Generator) -> Predictions:
    """Right for about a share `skill` of the pictures, surer where right; mistakes fall on a neighbour."""
    targets, k = dataset.encoded(), len(dataset.classes)
    n = len(targets)
    answers = np.where(chance.random(n) < skill, targets, (targets + 1) % k)
    top = np.where(answers == targets, chance.beta(12, 1, n), chance.beta(3, 1.5, n))
    top = np.maximum(top, 1 / k + 0.02)
    probabilities = np.repeat(((1 - top) / max(1, k - 1))[:, None], k, axis=1)
    probabilities[np.arange(n), answers] = top
    paths = tuple(picture.path for picture in dataset.pictures)
    return Predictions(dataset.classes, paths, targets, probabilities.astype(np.float32))


def _baseline(dataset: Dataset) -> Predictions:
    n, k = len(dataset.pictures), len(dataset.classes)
    probabilities = np.full((n, k), 1 / k, dtype=np.float32)
    paths = tuple(picture.path for picture in dataset.pictures)
    return Predictions(dataset.classes, paths, dataset.encoded(), probabilities)


_ABOUT = {
    "baseline": "always answers the commonest class of the training part",
    "convnet": "four convolutional and two dense layers from scratch",
    "features": "a frozen MobileNetV2 and a logistic head on its features",
}


def _rung(name: str, predictions: dict[str, Predictions], before: list[str]) -> RungRecord:
    measured = score(predictions[name])
    seconds = {"baseline": 0.01, "convnet": 183.0, "features": 9.4}.get(name, 30.0)
    return RungRecord(
        name=name,
        status="finished",
        key="ef" * 32,
        description=_ABOUT.get(name, ""),
        predicted_seconds=None if name == "baseline" else seconds * 1.12,
        seconds=seconds,
        score=measured,
        verdict=_verdict(name, before[-1], predictions) if before else None,
        diagnosis="overfits from epoch 12 on" if name == "convnet" else "",
        details={"base": "mobilenet-v2, 224 px", "precision": "bfloat16", "strength of the head": "C = 0.1"}
        if name == "features"
        else {},
        nondeterministic="the order in which threads add up float32 sums" if name == "convnet" else "",
    )


def _verdict(name: str, other: str, predictions: dict[str, Predictions]) -> Verdict:
    mine, theirs = predictions[name].right, predictions[other].right
    n, gain = len(mine), float(mine.mean() - theirs.mean())
    low, high = gain - 0.03, gain + 0.03
    told = abs(gain) > 0.03
    sentence = (
        f"this model {'gains' if gain > 0 else 'loses'} {abs(100 * gain):.1f} points on these {n:,} pictures, "
        f"95 % interval {100 * low:.1f} to {100 * high:.1f}"
        if told
        else f"no difference can be told on these {n:,} pictures"
    )
    return Verdict(
        model=name,
        against=other,
        outcome="undecided" if not told else "gain" if gain > 0 else "loss",
        about="model",
        difference=Estimate(gain, low, high, n, "Newcombe, paired"),
        only_model_right=int((mine & ~theirs).sum()),
        only_other_right=int((theirs & ~mine).sum()),
        p_value=0.0001 if told else 0.4,
        sentence=sentence,
    )


def _summary(dataset: Dataset, test: bool) -> Summary:
    n = len(dataset.pictures)
    counts = dict.fromkeys(dataset.classes, 0)
    for picture in dataset.pictures:
        counts[picture.label] += 3
    return Summary(
        source=dataset.source,
        layout=dataset.layout,
        classes=counts,
        parts={"train": n, "validation": n, "test": n} if test else {"train": 2 * n, "validation": n},
        formats={"JPEG": 3 * n - 1, "PNG": 1},
        smallest=(60, 45),
        median=(447, 374),
        largest=(1050, 768),
        set_aside={"truncated": 1, "empty": 1},
        skipped=dataset.skipped,
        remarks=dataset.remarks,
    )


def _findings(dataset: Dataset) -> tuple[Finding, ...]:
    first = [picture.path for picture in dataset.pictures[:3]]
    return (
        Finding("few pictures", "note", "1,000 pictures per class are enough for the features rung"),
        Finding(
            "exact copies",
            "warning",
            "3 pictures are exact copies of another; they were kept in one part",
            (tuple(first), tuple(first[:2])),
        ),
    )
