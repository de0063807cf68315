"""A saved model of texts that answers, with NumPy and SciPy alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, cast

import numpy as np

from starshift.data import words
from starshift.data.content import Content
from starshift.data.texts import Texts
from starshift.data.words import Corpus
from starshift.errors import RunError
from starshift.evaluation.calibration import scaled
from starshift.models import heads, hinge, ngrams
from starshift.models.ngrams import LETTERS, VIEWS, Grams
from starshift.models.texts import VOCABULARY, bag, dense_outputs, embedded_outputs, sequence
from starshift.records import Learnware

CHUNK = 2_000
"""Texts in memory at once: a network's words are made dense."""


class TextModel:
    """Answers for one saved model of texts."""

    def __init__(self, learnware: Learnware, tensors: dict[str, np.ndarray]) -> None:
        """Raises RunError where tensors and contract do not fit."""
        self.learnware, self._tensors, self._target = learnware, tensors, learnware.target
        self._arguments = learnware.arguments
        if learnware.builder == "ngrams":
            self._check_views()
        else:
            self._check_network()

    def answer(self, content: Content, indices: Sequence[int]) -> np.ndarray:
        """See records.answers_for."""
        return self.of_words(cast(Texts, content).words.rows(np.asarray(indices, dtype=np.int64)))

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """The same for texts."""
        return self.of_words(words.corpus(texts))

    def of_words(self, corpus: Corpus) -> np.ndarray:
        """The same for texts whose words are numbered."""
        if self.learnware.builder == "ngrams":
            said = hinge.probabilities(self.outputs(corpus), self._target)
        else:
            chunks = range(0, len(corpus), CHUNK)
            rows = [np.arange(start, min(start + CHUNK, len(corpus))) for start in chunks]
            found = [self._network_says(corpus.rows(some)) for some in rows]
            outputs = np.concatenate(found) if found else np.empty((0, heads.outputs_of(self._target)), np.float32)
            said = heads.answers(self._target, outputs, heads.scales_in(self._tensors, [self._target])[0])
        return scaled(said, self.learnware.temperature) if self._target.is_classes else said

    # --- linear models ---

    @cached_property
    def grams(self) -> dict[str, Grams]:
        """The n-grams that a linear model looks at, of words and of characters."""
        orders = {"words": tuple(self._arguments["orders"]), "characters": LETTERS}
        sources = dict.fromkeys(VIEWS[view].source for view in self._arguments["views"])
        return {source: Grams.of(self._tensors, source, orders[source]) for source in sources}

    def outputs(self, corpus: Corpus) -> np.ndarray:
        """What a linear model's views say together, before it becomes probabilities: float32 (N, outputs)."""
        total = np.tile(self._tensors["bias"], (len(corpus), 1))
        counts = {source: ngrams.count(grams, self._units(source, corpus)) for source, grams in self.grams.items()}
        for view in self._arguments["views"]:
            total += self.features(view, counts[VIEWS[view].source]) @ self._tensors[f"{view}/kernel"]
        return total

    def features(self, view: str, counts: Any) -> Any:
        """Counts as one view weighs them: csr_array, float32 (N, columns)."""
        return ngrams.weighed(counts, self._tensors[f"{view}/scale"], counted=VIEWS[view].counted)

    def kernel(self, view: str) -> np.ndarray:
        """What one view's columns add to each output: float32 (columns, outputs)."""
        return self._tensors[f"{view}/kernel"]

    def scale(self, view: str) -> np.ndarray:
        """What one view multiplies its columns by: float32 (columns,)."""
        return self._tensors[f"{view}/scale"]

    @staticmethod
    def _units(source: str, corpus: Corpus) -> Corpus:
        return words.characters(corpus) if source == "characters" else corpus

    def _check_views(self) -> None:
        views = self._arguments.get("views", ())
        if not views or any(view not in VIEWS for view in views):
            raise RunError(f"{self.learnware.name!r} looks at texts by {views!r}; {', '.join(VIEWS)} are known.")
        outputs = 1 if self._target.is_number or self._target.kind == "binary" else len(self._target.classes)
        wanted: dict[str, tuple[int, ...]] = {"bias": (outputs,)}
        for view in views:
            columns = len(self.grams[VIEWS[view].source])
            wanted |= {f"{view}/scale": (columns,), f"{view}/kernel": (columns, outputs)}
        self._expect(wanted)

    # --- networks ---

    @cached_property
    def vocabulary(self) -> Grams:
        """The words that a network knows."""
        return Grams.of(self._tensors, VOCABULARY, tuple(self._arguments.get("orders", (1,))))

    def _network_says(self, corpus: Corpus) -> np.ndarray:
        arguments, grams = self._arguments, self.vocabulary
        if self.learnware.builder == "word-bag":
            rows = bag(grams, corpus, counted=arguments.get("counted", False))
            return dense_outputs(rows, self._tensors, self._target, len(arguments["units"]))
        ids = sequence(grams, corpus, int(arguments["length"]))
        filters = len(arguments["filters"])
        return embedded_outputs(ids, self._tensors, self._target, block=arguments["block"], filters=filters)

    def _check_network(self) -> None:
        """That first and last weights fit the vocabulary and the target; what lies between fits them or fails."""
        head = self._tensors.get("head/kernel")
        width = len(head) if head is not None else 0
        outputs = heads.outputs_of(self._target)
        wanted: dict[str, tuple[int, ...]] = {"head/kernel": (width, outputs), "head/bias": (outputs,)}
        if self.learnware.builder == "word-bag":
            units = tuple(self._arguments["units"])
            for number, (inputs, width) in enumerate(zip((len(self.vocabulary), *units), units, strict=False), start=1):
                wanted |= {f"dense{number}/kernel": (inputs, width), f"dense{number}/bias": (width,)}
        else:
            wanted["embedding/embeddings"] = (len(self.vocabulary) + 2, int(self._arguments["width"]))
        self._expect(wanted)

    def _expect(self, wanted: dict[str, tuple[int, ...]]) -> None:
        found = {name: self._tensors[name].shape for name in wanted if name in self._tensors}
        if found != wanted:
            raise RunError(f"The tensors of {self.learnware.name!r} are {found}, and {wanted} are needed.")
