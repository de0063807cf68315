"""Shortcuts: classes, or given parts, that can be told by files and colours, and not by what the pictures show.

A network takes what is easiest (Geirhos et al. 2020, Shortcut Learning, arXiv:2004.07780): if all dogs come from one
camera and all cats from another, size and colour are the easiest. This is tested, not guessed: the class is predicted
from such columns alone, on pictures that the predictor did not see.

The predictor is naive Bayes on histograms: every column in at most BINS bins of equal counts, classes counted alike. It
sees what a logistic regression does not (a class of one exact size between the sizes of another), and is so cheap that
the whole procedure can be repeated on shuffled pictures. A cue is said only where it is more than chance, by the
largest figure of all cues in each shuffle (Westfall and Young 1993), and enough to matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from starshift.apportion import deal
from starshift.evaluation.statistics import bootstrap_weights, percentile_interval
from starshift.findings.measures import Measures
from starshift.records import Dataset, Estimate, Finding, Picture

LEVEL = 0.05
"""How often an honest data set may be called one with a shortcut, whatever the number of cues."""

MATTERS = 0.2
"""Share of the way from chance to certainty from which a cue is said: 60 % of two classes. Less is no temptation."""

TEMPTS = 0.4
"""The same, from which the size or the format of files is a warning: 70 % of two classes."""

BINS, FOLDS = 8, 5

MOST_PICTURES = 4000
"""Pictures that are looked at; of more, so many at random."""

LEAST_PICTURES = 10
"""Of a class or part, below which it is left out."""

SHUFFLES = 199
EXCEEDED = 20
"""Shuffles that do as well as the pictures themselves, after which no more are drawn (Besag and Clifford 1991)."""

SIZE, BYTES = "the size of the picture", "the number of bytes"

SIZES = 15
"""The commonest exact sizes that have a bin of their own."""


@dataclass(frozen=True)
class Cue:
    """Something that is known of a picture without looking at what it shows."""

    name: str  # as it stands behind "told from …"
    of_file: bool  # whether it can never belong to the thing shown; light, colour and bytes may
    codes: np.ndarray  # int (N, columns), the bin of each picture in each column
    typical: Callable[[np.ndarray], str]  # rows of one class → what they have in common, in words


@dataclass(frozen=True)
class Told:
    """How well a cue tells classes apart."""

    cue: Cue
    figure: Estimate  # mean recall of the classes on held-out pictures
    recalls: np.ndarray  # float (classes,)

    @property
    def strength(self) -> float:
        """0 at chance, 1 where it is always right."""
        chance = 1 / len(self.recalls)
        return (self.figure.value - chance) / (1 - chance)


def findings(dataset: Dataset, measures: Measures, *, seed: int = 0) -> list[Finding]:
    """Which cues tell the class, where there are classes, and which the given part, with figures.

    measures: of all pictures, in their order. seed: of shuffles and folds.
    """
    questions = [("class", dataset.encoded(), dataset.classes)] if dataset.target.is_classes else []
    if parts := dataset.given_parts:
        places = np.array([parts.index(picture.part) for picture in dataset.pictures])
        questions += [("part", places, parts)] if len(parts) > 1 else []
    found = []
    for what, targets, names in questions:
        rows, own_targets, own_names = _usable(dataset, targets, names, seed)
        if len(own_names) < 2:
            continue
        cues = cues_of([dataset.pictures[row] for row in rows], measures, rows)
        told = tell(cues, own_targets, len(own_names), level=LEVEL / len(questions), seed=seed)
        found += _in_words(what, told, own_targets, own_names)
    return found


def _usable(
    dataset: Dataset, targets: np.ndarray, names: Sequence[str], seed: int
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Which pictures are looked at (no exact copies, no tiny classes), their targets from 0, and the names of these."""
    first = {picture.digest: row for row, picture in reversed(list(enumerate(dataset.pictures)))}
    rows = np.array(sorted(first.values()))
    if len(rows) > MOST_PICTURES:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_PICTURES, replace=False))
    counts = np.bincount(targets[rows], minlength=len(names))
    rows = rows[counts[targets[rows]] >= LEAST_PICTURES]
    kept, own = np.unique(targets[rows], return_inverse=True)
    return rows, own, [names[one] for one in kept]


# --- cues ---


def cues_of(pictures: Sequence[Picture], measures: Measures, rows: np.ndarray) -> list[Cue]:
    """All cues of some pictures. rows: where they stand in `measures`."""
    width, height, size = (
        np.array([getattr(picture, name) for picture in pictures], float) for name in ("width", "height", "file_bytes")
    )
    formats = [f"{picture.format} ({picture.mode})" for picture in pictures]
    sizes = [f"{picture.width} × {picture.height} px" for picture in pictures]
    per_pixel = size / (width * height)
    grey, contrast = measures.brightness[rows], measures.contrast[rows]
    colours = np.stack([measures.red[rows], measures.green[rows], measures.blue[rows]], axis=1)
    opponent = [colours[:, 0] - colours[:, 1], colours[:, 2] - colours[:, :2].mean(axis=1), measures.saturation[rows]]

    def middle(*columns: np.ndarray) -> Callable[[np.ndarray], list[float]]:
        return lambda chosen: [float(np.median(column[chosen])) for column in columns]

    both, mean_colour = middle(width, height), middle(*colours.T)
    return [
        Cue(
            SIZE,
            True,
            _codes(_binned(width), _binned(height), _binned(width / height), _commonest(sizes)),
            lambda chosen: "{:.0f} × {:.0f} px".format(*both(chosen)),
        ),
        Cue(
            "the format of the file",
            True,
            _codes(_commonest(formats)),
            lambda chosen: Counter(formats[row] for row in chosen).most_common(1)[0][0],
        ),
        Cue(
            BYTES,
            False,
            _codes(_binned(size), _binned(per_pixel)),
            lambda chosen: f"{middle(size)(chosen)[0] / 1000:,.1f} kB",
        ),
        Cue(
            "brightness and contrast",
            False,
            _codes(_binned(grey), _binned(contrast)),
            lambda chosen: f"grey {middle(grey)(chosen)[0]:.0f} of 255",
        ),
        Cue(
            "the mean colour",
            False,
            _codes(*(_binned(column) for column in opponent)),
            lambda chosen: "red {:.0f}, green {:.0f}, blue {:.0f}".format(*mean_colour(chosen)),
        ),
    ]


def _codes(*columns: np.ndarray) -> np.ndarray:
    return np.stack(columns, axis=1)


def _binned(values: np.ndarray) -> np.ndarray:
    """At most BINS bins of about equal counts; equal values are in one. int (N,)."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))
    return np.searchsorted(edges, values, side="right")


def _commonest(words: Sequence[str]) -> np.ndarray:
    """The SIZES commonest values by number, and one number for all others. int (N,)."""
    numbers = {word: number for number, (word, _) in enumerate(Counter(words).most_common(SIZES))}
    return np.array([numbers.get(word, SIZES) for word in words])


# --- how well they tell ---


def tell(cues: Sequence[Cue], targets: np.ndarray, classes: int, *, level: float, seed: int) -> list[Told]:
    """The cues that tell the classes better than chance and enough to matter, the best first.

    targets: int (N,), every class from 0 with at least FOLDS pictures. level: of all cues together.
    """
    rng = np.random.default_rng(seed)
    folds = deal(targets, np.arange(len(targets)), (1,) * FOLDS, seed=seed)
    hits = _right(cues, targets, folds, classes)
    sizes = np.bincount(targets, minlength=classes)
    figures = np.array([_mean_recall(one, targets, sizes) for one in hits])
    least = (1 + MATTERS * (classes - 1)) / classes
    if figures.max() < least:
        return []
    chances = _shuffled(cues, targets, folds, classes, figures, rng)
    return sorted(
        (
            Told(cue, _estimate(right, targets, sizes, seed), np.bincount(targets, right, classes) / sizes)
            for cue, right, figure, chance in zip(cues, hits, figures, chances, strict=True)
            if figure >= least and chance <= level
        ),
        key=lambda told: -told.figure.value,
    )


def _right(cues: Sequence[Cue], targets: np.ndarray, folds: np.ndarray, classes: int) -> list[np.ndarray]:
    """Which pictures each cue tells right, by histograms of the other folds: bool (N,) each."""
    return [_log_likelihood(cue.codes, targets, folds, classes).argmax(axis=1) == targets for cue in cues]


def _log_likelihood(codes: np.ndarray, targets: np.ndarray, folds: np.ndarray, classes: int) -> np.ndarray:
    """Of each class, up to a constant, by the histograms of all columns: float32 (N, classes)."""
    total = np.zeros((len(targets), classes), np.float32)
    for column in codes.T:
        bins = int(column.max()) + 1
        places = (folds * bins + column) * classes + targets
        counts = np.bincount(places, minlength=FOLDS * bins * classes).reshape(FOLDS, bins, classes)
        others = counts.sum(axis=0) - counts
        # One picture, spread as all pictures are, is added to each class: no bin is impossible (Laplace).
        overall = np.bincount(column, minlength=bins) / len(column)
        smoothed = (others + overall[None, :, None]) / (others.sum(axis=1, keepdims=True) + 1)
        total += np.log(np.maximum(smoothed, 1e-9)).astype(np.float32)[folds, column]
    return total


def _mean_recall(right: np.ndarray, targets: np.ndarray, sizes: np.ndarray) -> float:
    return float((np.bincount(targets, right, len(sizes)) / sizes).mean())


def _shuffled(
    cues: Sequence[Cue],
    targets: np.ndarray,
    folds: np.ndarray,
    classes: int,
    figures: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """How often, on shuffled pictures, the best of all cues does as well as each: p-values, float (cues,).

    Pictures are shuffled and not their classes, so that the folds stay stratified as they were.
    """
    sizes = np.bincount(targets, minlength=classes)
    exceeded, drawn = np.zeros(len(cues)), 0
    while drawn < SHUFFLES and exceeded[figures.argmax()] < EXCEEDED:
        order = rng.permutation(len(targets))
        hits = _right(
            [Cue(cue.name, cue.of_file, cue.codes[order], cue.typical) for cue in cues], targets, folds, classes
        )
        best = max(_mean_recall(right, targets, sizes) for right in hits)
        exceeded += best >= figures
        drawn += 1
    return (exceeded + 1) / (drawn + 1)


def _estimate(right: np.ndarray, targets: np.ndarray, sizes: np.ndarray, seed: int) -> Estimate:
    shares = right / (sizes[targets] * len(sizes))
    drawn = np.concatenate([shares @ weights for weights in bootstrap_weights(targets, seed=seed)])
    value = float(shares.sum())
    low, high = percentile_interval(value, drawn)
    return Estimate(value, low, high, len(targets), f"bootstrap over pictures of {FOLDS} folds")


# --- in words ---


def _in_words(what: str, told: Sequence[Told], targets: np.ndarray, names: Sequence[str]) -> list[Finding]:
    """One finding on what never belongs to the things shown, one on what may."""
    order = [one.cue.name for one in told]  # the best first
    if SIZE in order and BYTES in order and order.index(SIZE) < order.index(BYTES):
        told = [one for one in told if one.cue.name != BYTES]  # they follow from the size
    found = []
    for of_file in (True, False):
        if some := [one for one in told if one.cue.of_file == of_file]:
            tempts = of_file and some[0].strength >= TEMPTS
            sentence = (
                f"{_figures(what, some, len(names))} {_example(some[0], targets, names)} {_advice(what, of_file)}"
            )
            found.append(Finding("shortcut", "warning" if tempts else "note", sentence))
    return found


def _figures(what: str, told: Sequence[Told], classes: int) -> str:
    best, *others = told
    figure = best.figure
    interval = f"95 % interval {100 * (figure.low or 0):.1f} to {100 * (figure.high or 0):.1f} %"
    text = (
        f"The {what} can be told from {best.cue.name} alone in {100 * figure.value:.1f} % of cases ({interval}; by "
        f"chance {100 / classes:.1f} %)"
    )
    more = ", ".join(f"from {one.cue.name} in {100 * one.figure.value:.1f} %" for one in others)
    return f"{text}{f', {more}' if more else ''}."


def _example(best: Told, targets: np.ndarray, names: Sequence[str]) -> str:
    """What the two classes that are told best have in common."""
    first, second = sorted(np.argsort(-best.recalls, kind="stable")[:2])
    typical = [best.cue.typical(np.flatnonzero(targets == one)) for one in (first, second)]
    return f"Typical of {names[first]!r}: {typical[0]}; of {names[second]!r}: {typical[1]}."


def _advice(what: str, of_file: bool) -> str:
    if what == "part":
        return "The parts were not collected alike, so that a figure on one says little about the other."
    if of_file:
        return (
            "A network can learn that instead of what is shown. Collect all classes in the same way, or bring all "
            "files to one size and format first."
        )
    return (
        "Where that belongs to the things themselves, as bananas are yellow, it is no fault; where it comes from "
        "light, background, camera or compression, a network can learn it instead of what is shown."
    )
