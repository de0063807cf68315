"""How often intervals of 95 % hold the truth: proportions, bootstrapped metrics, and figures over folds.

Every cell is simulated with replacement, with the functions that the product calls; no data is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.common import Options, main, table
from starshift.evaluation import metrics
from starshift.evaluation.resampling import Figure, Protocol, draw, summarize
from starshift.evaluation.statistics import bootstrap_weights, clopper_pearson, percentile_interval, wilson
from starshift.models.classical import discriminant, probabilities_of
from starshift.records import FoldResult

DRAWS = 20_000
"""Per cell, of proportions; the standard error of a coverage of 95 % is then 0.15 points."""

BOOTSTRAPPED_DRAWS = 1_000
"""Per cell, of bootstrapped metrics and of figures over folds, each of which is a simulation by itself."""

SIZES = (20, 50, 100, 200, 500, 1000, 2000)
SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)

Interval = Callable[[int, int], "tuple[float, float] | None"]


def proportions(interval: Interval, draws: int, seed: int = 0) -> np.ndarray:
    """Coverage of a proportion's interval: float (SIZES, SHARES)."""
    rng = np.random.default_rng(seed)
    table = np.empty((len(SIZES), len(SHARES)))
    for row, n in enumerate(SIZES):
        ends = np.array([interval(right, n) for right in range(n + 1)])
        for column, share in enumerate(SHARES):
            right = rng.binomial(n, share, draws)
            table[row, column] = np.mean((ends[right, 0] <= share) & (share <= ends[right, 1]))
    return table


# ---- bootstrapped metrics -------------------------------------------------------------------------

METRICS = ("ROC AUC", "log loss", "macro F1", "Brier score")
POPULATION = 200_000


def answers(n: int, separation: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """n pictures of two classes, and what a model that is somewhat too sure says of them: (targets, probabilities)."""
    targets = np.arange(n) % 2
    logits = 1.3 * separation * (separation * (targets - 0.5) + rng.normal(size=n))
    second = 1 / (1 + np.exp(-logits))
    return targets, np.stack([1 - second, second], axis=1)


def values(targets: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> list[np.ndarray]:
    """Each of METRICS per column of weights."""
    area = metrics.roc_auc(targets, probabilities, weights)
    assert area is not None
    predicted = probabilities.argmax(axis=1)
    return [
        area,
        metrics.log_loss(targets, probabilities, weights),
        metrics.macro_f1(targets, predicted, weights),
        metrics.brier(targets, probabilities, weights),
    ]


def bootstrapped(sizes: tuple[int, ...], separation: float, draws: int) -> Iterator[tuple[int, list[float]]]:
    """(n, coverage of each of METRICS in percent, and of those that missed how many lay below the truth)."""
    rng = np.random.default_rng(1)
    population = answers(POPULATION, separation, rng)
    truth = [float(one[0]) for one in values(*population, np.ones((POPULATION, 1)))]
    for n in sizes:
        held = np.zeros(len(METRICS))
        for i in range(draws):
            targets, probabilities = answers(n, separation, rng)
            points = values(targets, probabilities, np.ones((n, 1)))
            blocks = [values(targets, probabilities, weights) for weights in bootstrap_weights(targets, seed=i)]
            for k in range(len(METRICS)):
                drawn = np.concatenate([block[k] for block in blocks])
                low, high = percentile_interval(float(points[k][0]), drawn)
                held[k] += low <= truth[k] <= high
        yield n, (100 * held / draws).tolist()


# ---- figures over folds ---------------------------------------------------------------------------


def sample(n: int, means: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two classes, normal around plus and minus `means`: features float32 (n, d), targets (n,)."""
    targets = np.arange(n) % 2
    noise = rng.normal(size=(n, len(means)))
    return (noise + np.where(targets[:, None] == 1, means, -means)).astype(np.float32), targets


def true_accuracy(kernel: np.ndarray, bias: np.ndarray, means: np.ndarray) -> float:
    """Of a linear rule on such classes, exactly."""
    from scipy.special import ndtr

    length = float(np.linalg.norm(kernel)) + 1e-12
    middle, shift = float(means @ kernel[:, 0]), float(bias[0])
    return float(ndtr((middle + shift) / length) + ndtr((middle - shift) / length)) / 2


def over_folds(n: int, features: int, distance: float, protocol: Protocol, draws: int) -> tuple[float, float, float]:
    """(accuracy of the recipe, coverage of it, coverage of the accuracy of the model fitted on all), the last in %."""
    rng = np.random.default_rng(2)
    means = np.full(features, distance / np.sqrt(features))
    inside = n * (protocol.folds - 1) // protocol.folds
    recipe = float(
        np.mean([true_accuracy(*discriminant(*sample(inside, means, rng), 2), means) for _ in range(20 * 50)])
    )
    of_recipe = of_model = 0
    for i in range(draws):
        x, y = sample(n, means, rng)
        results, held_out = [], []
        for repeat, fold, (fitted, held) in draw(y, protocol, seed=i):
            kernel, bias = discriminant(x[fitted], y[fitted], 2)
            right = probabilities_of(x[held] @ kernel + bias).argmax(axis=1) == y[held]
            results.append(FoldResult("", repeat, fold, len(fitted), tuple(right.tolist()), (0.0,) * len(held), 0.0))
            held_out.append(held)
        found = summarize(protocol, results, held_out, Figure(noun="sample")).leading
        whole = true_accuracy(*discriminant(x, y, 2), means)
        assert found.low is not None and found.high is not None
        of_recipe += found.low <= recipe <= found.high
        of_model += found.low <= whole <= found.high
    return recipe, 100 * of_recipe / draws, 100 * of_model / draws


CELLS = (  # pictures, features, distance of the class means from the middle, protocol
    (50, 5, 1.0, Protocol(1, 5)),
    (50, 5, 1.0, Protocol(10, 5)),
    (50, 20, 1.5, Protocol(10, 5)),
    (100, 10, 1.0, Protocol(1, 5)),
    (100, 10, 1.0, Protocol(10, 5)),
    (100, 50, 1.5, Protocol(1, 5)),
    (100, 50, 1.5, Protocol(10, 5)),
    (300, 20, 1.0, Protocol(1, 5)),
    (300, 20, 2.0, Protocol(1, 5)),
    (300, 100, 1.5, Protocol(1, 5)),
)


# ---- tables ---------------------------------------------------------------------------------------


def measure(options: Options) -> str:
    """The tables in Markdown."""
    draws, few = (1_000, 20) if options.quick else (DRAWS, BOOTSTRAPPED_DRAWS)
    parts = [
        _of_proportions("Wilson", wilson, draws),
        _of_proportions("Clopper-Pearson", clopper_pearson, draws),
        _of_metrics(few),
        _over_folds(few),
    ]
    return "\n\n".join(parts)


def _of_proportions(name: str, interval: Interval, draws: int) -> str:
    covered = 100 * proportions(interval, draws)
    rows = [[f"{n:,}", *(f"{cell:.1f}" for cell in row)] for n, row in zip(SIZES, covered, strict=True)]
    row, column = np.unravel_index(covered.argmin(), covered.shape)
    return table(
        ["n", *(f"{100 * share:g} %" for share in SHARES)],
        rows,
        f"{name}, coverage in percent by n and true accuracy, {draws:,} draws per cell: mean {covered.mean():.1f} %, "
        f"worst {covered.min():.1f} % at n = {SIZES[int(row)]:,} and {100 * SHARES[int(column)]:g} %.",
    )


def _of_metrics(draws: int) -> str:
    rows = [
        [label, str(n), *(f"{cell:.1f}" for cell in covered)]
        for separation, label in ((1.0, "69 %"), (3.0, "93 %"))
        for n, covered in bootstrapped((50, 100, 200, 500), separation, draws)
    ]
    note = f"Bootstrap intervals, two balanced classes, {draws:,} samples per row, coverage in percent."
    return table(["accuracy", "n", *METRICS], rows, note)


def _over_folds(draws: int) -> str:
    rows = []
    for n, features, distance, protocol in CELLS:
        recipe, of_recipe, of_model = over_folds(n, features, distance, protocol, draws)
        rows.append([n, features, protocol, f"{100 * recipe:.1f} %", f"{of_recipe:.1f}", f"{of_model:.1f}"])
    return table(
        ["pictures", "features", "protocol", "accuracy", "of the recipe", "of the model fitted on all"],
        rows,
        f"Accuracy over folds, coverage in percent; the whole procedure simulated {draws:,} times per row with a "
        "linear discriminant on two normal classes.",
    )


if __name__ == "__main__":
    main(measure, __doc__)
