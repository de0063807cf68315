"""Whether thresholds keep their promises and temperatures help: simulated models, and real ones on held-out folds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.common import Options, dataset, main, table, workplace
from starshift.evaluation import metrics
from starshift.evaluation.calibration import check_temperature, cross_scaled, folds_of, reliability, scaled
from starshift.evaluation.conformal import LEVELS, answer_threshold, set_threshold
from starshift.records import Temperature
from starshift.seeds import child

SIZES = (50, 100, 200, 500, 1000)
"""Pictures that set temperature and thresholds."""

REPEATS = 1000
"""Draws of them per cell: a share of 5 % is then known to within 1.4 points."""

FRESH = 20_000
"""Pictures on which each draw's thresholds are measured, others for each draw."""

TRUTH = 500_000
"""Pictures whose log loss and Brier score count as the true ones."""

HALVES = 100
"""Random halves of each held-out fold of real pictures."""

ALARMS = ("too sure", "not sure enough", "uneven")


@dataclass(frozen=True)
class Source:
    """Gaussian classes, whose likelihoods are known: a model that is perfectly calibrated, made too sure."""

    title: str
    classes: int
    distance: float  # between a class and the origin, in standard deviations
    temperature: float  # that would put it right

    def draw(self, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities float32 (n, classes) and the truth int (n,)."""
        rng = np.random.default_rng(seed)
        targets = rng.integers(self.classes, size=n)
        seen = rng.normal(size=(n, self.classes))
        seen[np.arange(n), targets] += self.distance
        return scaled(_softmax(self.distance * seen), 1 / self.temperature), targets


SOURCES = (
    Source("2 classes, calibrated", 2, 1.6, 1.0),
    Source("2 classes, too sure by a temperature of 2", 2, 1.6, 2.0),
    Source("10 classes, calibrated", 10, 2.8, 1.0),
    Source("10 classes, too sure by a temperature of 2", 10, 2.8, 2.0),
)


@dataclass
class Told:
    """What one level came to over the draws."""

    covered: list[float] = field(default_factory=list)  # share of fresh pictures with their class in the set
    single: list[float] = field(default_factory=list)  # share of them whose set is a single class
    right: list[float] = field(default_factory=list)  # share of the answers that are right, where any is promised
    answered: list[float] = field(default_factory=list)  # share of fresh pictures answered
    promised: int = 0  # draws with a threshold for answers
    draws: int = 0

    def add(self, given: tuple[np.ndarray, np.ndarray], fresh: tuple[np.ndarray, np.ndarray], wanted: float) -> None:
        """Set both thresholds by one draw and measure them on fresh pictures."""
        (probabilities, targets), (asked, truth) = given, fresh
        sets, answers = (
            find(probabilities, targets, wanted, noun="picture") for find in (set_threshold, answer_threshold)
        )
        self.draws += 1
        if sets.threshold is not None:
            named = asked >= sets.threshold
            self.covered.append(float(named[np.arange(len(truth)), truth].mean()))
            self.single.append(float((named.sum(axis=1) == 1).mean()))
        if answers.threshold is not None:
            self.promised += 1
            answered = asked.max(axis=1) > answers.threshold
            self.answered.append(float(answered.mean()))
            if answered.any():
                self.right.append(float((asked.argmax(axis=1) == truth)[answered].mean()))

    def sets_in_words(self) -> str:
        """`90.4 % (62 % single)`, or that there are too few pictures."""
        if not self.covered:
            return "too few"
        return f"{np.mean(self.covered):.2%} ({np.mean(self.single):.0%} single)"

    def answers_in_words(self, wanted: float) -> str:
        """`2.1 % broken; 98 % promise, then 71 % answered`."""
        if not self.promised:
            return "never promised"
        broken = np.mean(np.array(self.right) < wanted) if self.right else 0.0
        share = self.promised / self.draws
        return f"{broken * share:.1%} broken; {share:.0%} promise, then {np.mean(self.answered):.0%} answered"


# --- simulated ----------------------------------------------------------------------------------------------


@dataclass
class Cell:
    """One source at one size, over its draws."""

    source: Source
    n: int
    levels: dict[float, Told] = field(default_factory=lambda: {wanted: Told() for wanted in LEVELS})
    applied: int = 0
    losses: list[tuple[float, float]] = field(default_factory=list)  # on fresh pictures, without and with temperature
    alarms: int = 0  # verdicts other than "as sure as right" and "cannot be told" on the model as it is
    alarms_after: int = 0  # the same of the folds, each scaled by the others
    inside: dict[str, int] = field(default_factory=lambda: {"log_loss": 0, "brier": 0})  # true figure in its interval
    above: dict[str, int] = field(default_factory=lambda: {"log_loss": 0, "brier": 0})  # true figure above it
    intervals: dict[str, int] = field(default_factory=lambda: {"log_loss": 0, "brier": 0})

    def run(self, draws: int) -> None:
        """Draw, calibrate, and measure on fresh pictures."""
        probabilities, targets = self.source.draw(TRUTH, child(0, self.source.title, "truth"))
        true = {
            "log_loss": float(metrics.log_losses(targets, probabilities).mean()),
            "brier": float(metrics.briers(targets, probabilities).mean()),
        }
        for draw in range(draws):
            fresh = self.source.draw(FRESH, child(0, self.source.title, self.n, draw, "fresh"))
            self._once(child(0, self.source.title, self.n, draw), fresh, true)

    def _once(self, seed: int, fresh: tuple[np.ndarray, np.ndarray], true: dict[str, float]) -> None:
        probabilities, targets = self.source.draw(self.n, seed)
        folds = folds_of(targets, seed=seed)
        found = check_temperature(probabilities, targets, folds, doubtful=False, seed=seed, noun="picture")
        shipped, asked = (scaled(one, found.applied) for one in (probabilities, fresh[0]))
        self.applied += found.applied != 1
        plain, after = (float(metrics.log_losses(fresh[1], one).mean()) for one in (fresh[0], asked))
        self.losses.append((plain, after))
        for wanted, told in self.levels.items():
            told.add((shipped, targets), (asked, fresh[1]), wanted)
        self._alarms(probabilities, targets, folds, found, seed)
        self._intervals(found, true)

    def _alarms(
        self, probabilities: np.ndarray, targets: np.ndarray, folds: np.ndarray, found: Temperature, seed: int
    ) -> None:
        verdict = partial(reliability, targets=targets, part="validation", seed=seed)
        self.alarms += verdict(probabilities).outcome in ALARMS
        after = cross_scaled(probabilities, targets, folds) if found.applied != 1 else probabilities
        self.alarms_after += verdict(after).outcome in ALARMS

    def _intervals(self, found: Temperature, true: dict[str, float]) -> None:
        for name, value in true.items():
            estimate = getattr(found, name)
            if estimate.low is not None:
                self.intervals[name] += 1
                self.inside[name] += estimate.low <= value <= estimate.high
                self.above[name] += value > estimate.high

    @property
    def repeats(self) -> int:
        """How often it was drawn."""
        return len(self.losses)


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _simulated(cells: Sequence[Cell]) -> str:
    levels = [f"{wanted:.0%}" for wanted in LEVELS]
    sets = [[one.source.title, one.n, *(told.sets_in_words() for told in one.levels.values())] for one in cells]
    answers = [
        [one.source.title, one.n, *(told.answers_in_words(wanted) for wanted, told in one.levels.items())]
        for one in cells
    ]
    note = (
        f"{cells[0].repeats:,} draws per row, each measured on {FRESH:,} fresh pictures; the temperature is fitted on "
    )
    note += "the same pictures as the thresholds and applied where it helps."
    return "\n\n".join(
        [
            table(["sets: the true class is named", "n", *levels], sets, note),
            table(
                ["answers: promise broken, in at most 5.0%", "n", *levels],
                answers,
                "Broken: fewer of the fresh answers are right than wanted, of all draws.",
            ),
            table(
                [
                    "temperature and picture",
                    "n",
                    "applied",
                    "fresh log loss without",
                    "with",
                    "called miscalibrated",
                    "with temperature, fold by fold",
                    "log loss in its interval (above it)",
                    "Brier score in its interval (above it)",
                ],
                [_temperature_row(one) for one in cells],
                "Intervals: bootstrap, 95 % wanted; those without bounds are left out.",
            ),
        ]
    )


def _temperature_row(cell: Cell) -> list[object]:
    without, scaled_losses = np.mean(cell.losses, axis=0)
    intervals = [
        f"{cell.inside[name] / count:.1%} ({cell.above[name] / count:.1%})" if count else "none"
        for name, count in cell.intervals.items()
    ]
    return [
        cell.source.title,
        cell.n,
        f"{cell.applied / cell.repeats:.0%}",
        f"{without:.4f}",
        f"{scaled_losses:.4f}",
        f"{cell.alarms / cell.repeats:.1%}",
        f"{cell.alarms_after / cell.repeats:.1%}",
        *intervals,
    ]


# --- real pictures ------------------------------------------------------------------------------------------


def _real(photos: Path, cache: Path, *, quick: bool) -> list[list[object]]:
    """One row per level: thresholds set by one half of each held-out fold and measured on the other."""
    from benchmarks.folds import Folded

    folded = Folded.read(photos, cache, quick=quick)
    answers = folded.climb("features")
    levels = {wanted: Told() for wanted in LEVELS}
    sizes = [len(held) for _, held in folded.folds]
    applied = halves = 0
    for given, asked, temperature in _halves(answers.probabilities, answers.targets, sizes, 5 if quick else HALVES):
        halves += 1
        applied += temperature != 1
        for wanted, told in levels.items():
            told.add(given, asked, wanted)
    title = f"{photos.name}, features, {answers.right.mean():.1%} right"
    n = f"{min(sizes) // 2} to {max(sizes) // 2}"
    return [
        [title, n, f"{applied / halves:.0%}", f"{wanted:.0%}", *_real_cells(told)] for wanted, told in levels.items()
    ]


def _real_cells(told: Told) -> list[str]:
    promised = f"{told.promised / told.draws:.0%}"
    if not told.promised:
        return [told.sets_in_words(), promised, "", ""]
    return [told.sets_in_words(), promised, f"{np.mean(told.answered):.1%}", f"{np.mean(told.right):.2%}"]


def _halves(
    probabilities: np.ndarray, targets: np.ndarray, sizes: Sequence[int], times: int
) -> Iterator[tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray], float]]:
    """Of each fold, whose model never saw it, halves at random: what sets, what is asked, and the temperature."""
    start = 0
    for fold, size in enumerate(sizes):
        rows = np.arange(start, start + size)
        start += size
        for time in range(times):
            seed = child(0, "halves", fold, time)
            mixed = np.random.default_rng(seed).permutation(rows)
            setting, asked = mixed[: size // 2], mixed[size // 2 :]
            truth = targets[setting]
            found = check_temperature(
                probabilities[setting], truth, folds_of(truth, seed=seed), doubtful=True, seed=seed, noun="picture"
            ).applied
            yield (
                (scaled(probabilities[setting], found), truth),
                (scaled(probabilities[asked], found), targets[asked]),
                found,
            )


def measure(options: Options) -> str:
    """Simulated models at every size, then held-out folds of two sets of real pictures."""
    cells = [Cell(source, n) for source in SOURCES for n in (SIZES[:2] if options.quick else SIZES)]
    for cell in cells:
        cell.run(20 if options.quick else REPEATS)
        print(f"  {cell.source.title}, n = {cell.n}", flush=True)
    simulated = _simulated(cells)
    rows = []
    for name in ("dogs-vs-cats", "caltech-101"):
        photos = dataset(options, name)
        with workplace(options) as place:
            rows += _real(photos, place / "cache", quick=options.quick)
    real = table(
        [
            "real pictures",
            "n",
            "temperature applied",
            "wanted",
            "sets: the true class is named",
            "answers promised",
            "answered",
            "right of these",
        ],
        rows,
        f"{HALVES} random halves of each of 5 held-out folds, whose model never saw them: one half sets temperature "
        "and thresholds, the other is asked. Means over halves.",
    )
    return f"{simulated}\n\n{real}"


if __name__ == "__main__":
    main(measure, __doc__)
