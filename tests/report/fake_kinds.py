"""Runs that never happened, on targets of every kind: two rungs with answers, scored as runs are."""

from __future__ import annotations

import numpy as np

from report.fake_run import Fake, fake_run
from starshift.evaluation.protocol import compare, score
from starshift.records import (
    NOUNS,
    Answers,
    Dataset,
    Example,
    Family,
    Picture,
    RungRecord,
    Summary,
    Target,
    answers_for,
)
from starshift.records.target import join_labels

COUNT = 60

TARGETS = {
    "numbers": Target("price", "regression", (), "60 different numbers from 1 to 99"),
    "labels": Target("tags", "multi-label", ("hat", "smile", "wig")),
    "strings": Target("reading", "string", tuple("0123456789")),
    "classes": Target.of_classes(("cheap", "dear"), "price class", "2 different values"),
}


def fake_kind(kind: str, family: Family = "table", *, further: tuple[Target, ...] = ()) -> Fake:
    """A run of a baseline and of a model that is better, on 60 validation examples."""
    target, chance = TARGETS[kind], np.random.default_rng(0)
    labels = _labels(kind, chance)
    dataset = _dataset(family, (target, *further), labels)
    noun, paths = dataset.noun, [example.path for example in dataset.examples]
    encoded = target.encode(labels)
    answers: dict[str, Answers] = {
        name: answers_for(target, paths, encoded, _outputs(kind, encoded, noise, chance))
        for name, noise in (("baseline", 9.0), ("dense", 0.6))
    }
    first = RungRecord("baseline", "finished", "ab" * 32, score=score(answers["baseline"], seed=0, noun=noun))
    verdict = compare("dense", answers["dense"], "baseline", answers["baseline"], noun=noun)
    second = RungRecord(
        "dense", "finished", "cd" * 32, score=score(answers["dense"], seed=0, noun=noun), verdict=verdict, seconds=2.0
    )
    summary = Summary(
        "prices.csv", dataset.layout, {}, {"train": 180, "validation": COUNT, "test": COUNT}, {}, (0, 0), (0, 0),
        (0, 0), {}, {}, (), family, 300, dataset.targets, {"Numbers": "3 (a, b and c)"} if family == "table" else {},
    )  # fmt: skip
    fake = fake_run()
    fake.dataset, fake.histories, fake.test = dataset, {}, None
    fake.predictions = answers  # type: ignore[assignment]
    return fake.with_run(rungs=(first, second), chosen="dense", data=summary, test=None, findings=())


def _labels(kind: str, chance: np.random.Generator) -> list[str]:
    if kind == "numbers":
        return [repr(float(value)) for value in chance.uniform(1, 99, COUNT)]
    if kind == "labels":
        return [join_labels(np.array(TARGETS[kind].classes)[chance.random(3) < 0.4]) for _ in range(COUNT)]
    if kind == "strings":
        return [str(value) for value in chance.integers(10, 9999, COUNT)]
    return [TARGETS[kind].classes[value] for value in chance.integers(0, 2, COUNT)]


def _outputs(kind: str, encoded: np.ndarray, noise: float, chance: np.random.Generator) -> np.ndarray:
    if kind == "numbers":
        return encoded + noise * chance.normal(size=COUNT)
    if kind == "strings":
        read = [text if chance.random() > 0.1 * noise else text[:-1] for text in encoded]
        return np.array([[text, chance.random()] for text in read], dtype=object)
    truth = encoded if kind == "labels" else np.eye(2)[encoded]
    guessed = 1 / (1 + np.exp(-(2 * truth - 1) * 2 - 3 * noise * chance.normal(size=truth.shape)))
    return (guessed if kind == "labels" else guessed / guessed.sum(axis=1, keepdims=True)).astype(np.float32)


def _dataset(family: Family, targets: tuple[Target, ...], labels: list[str]) -> Dataset:
    pictures = family == "pictures"
    examples = [
        Picture(f"{i:03}.jpg", label, "", f"{i:064x}", 60, 40, "JPEG", "RGB", 9)
        if pictures
        else Example(f"{NOUNS[family]} {i + 2}", label, "", f"{i:064x}")
        for i, label in enumerate(labels)
    ]
    further = {target.name: tuple([""] * len(labels)) for target in targets[1:]}
    layout = "label file" if pictures else family
    return Dataset("prices.csv", layout, targets, tuple(examples), family=family, further=further)
