"""Which words a linear model of texts goes by: the heaviest of each class, and those of a single text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from starshift.compose.texts import TextModel
from starshift.data import words
from starshift.data.words import DENSE
from starshift.models import ngrams
from starshift.models.ngrams import VIEWS

_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_CHUNK = re.compile(rf"[{DENSE}]\s*|[^\s{DENSE}]+\s*|\s+")


class Piece(NamedTuple):
    """A part of a text as it is written, and how much it speaks for one answer and against another."""

    text: str
    weight: float


def tells(model: TextModel) -> bool:
    """Whether it can be said which words a model goes by."""
    return model.learnware.builder == "ngrams" and bool(_views(model))


def heaviest(model: TextModel, most: int) -> list[list[tuple[str, float]]]:
    """N-grams of words that speak most for each class (each label; of a number, for more of it): weight first.

    A weight is what the n-gram adds where it stands once in a text of unit length: by how few texts have it, times what
    the model learned of it.
    """
    grams = model.grams["words"]
    outputs = np.concatenate([_weights(model, view) for view in _views(model)])
    target = model.learnware.target
    signed = np.concatenate([-outputs, outputs], axis=1) if target.kind == "binary" else outputs
    found = []
    for each in signed.T:
        best: dict[str, float] = {}
        for place in np.argsort(-each, kind="stable")[: 2 * most].tolist():
            best.setdefault(grams.spelt(place % len(grams)), float(each[place]))
        found.append([(word, weight) for word, weight in best.items() if weight > 0][:most])
    return found


def pieces(model: TextModel, text: str, answer: int, truth: int | None) -> list[Piece]:
    """A text piece by piece, with what each adds to one class's output, less what it adds to another's.

    answer, truth: places of classes; None: against no class. What n-grams of several words add is shared among them.
    """
    chunks = _CHUNK.findall(_BREAK.sub(" ", text))
    counts = [len(words.tokens(chunk)) for chunk in chunks]
    corpus = words.corpus([" ".join(chunks)])
    by_word = _by_word(model, corpus, answer, truth)
    if sum(counts) != len(by_word):  # words that two pieces make together; then none is marked
        return [Piece(chunk, 0.0) for chunk in chunks]
    ends = np.cumsum(counts)
    return [
        Piece(chunk, float(by_word[end - count : end].sum()))
        for chunk, count, end in zip(chunks, counts, ends, strict=True)
    ]


def _by_word(model: TextModel, corpus: words.Corpus, answer: int, truth: int | None) -> np.ndarray:
    """What each word of one text adds: float64 (words,)."""
    found = np.zeros(len(corpus.ids))
    grams = model.grams["words"]
    counts = ngrams.count(grams, corpus)
    for view in _views(model):
        features = model.features(view, counts)
        adds = np.zeros(len(grams))
        adds[features.indices] = features.data * _difference(model, view, answer, truth)[features.indices]
        times = np.ones(len(grams))
        times[counts.indices] = counts.data  # what it adds is shared by all places where it stands
        for order in grams.orders:
            columns, begins = ngrams.find(grams, corpus, order)
            for further in range(order):
                np.add.at(found, begins + further, adds[columns] / times[columns] / order)
    return found


def _difference(model: TextModel, view: str, answer: int, truth: int | None) -> np.ndarray:
    kernel = model.kernel(view)
    if model.learnware.target.kind == "binary":
        return kernel[:, 0] * (1 if answer == 1 else -1)
    return kernel[:, answer] if truth is None else kernel[:, answer] - kernel[:, truth]


def _weights(model: TextModel, view: str) -> np.ndarray:
    return model.kernel(view) * model.scale(view)[:, None]


def _views(model: TextModel) -> Sequence[str]:
    return [view for view in model.learnware.arguments.get("views", ()) if VIEWS[view].source == "words"]
