"""Search among 110 learnwares by 24 labelled pictures: accuracy lost against the best of them, for 50 users.

Features are taken from the user's cache, where they stay: the first run computes 11,000 of them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.common import Options, main, table
from benchmarks.learnwares import Held, Made, User, base_in, make, mine, sets, users

if TYPE_CHECKING:
    from starshift.learnware.candidates import Mine

USERS, TUNED_ON, SEED = 50, 1, 3
"""Users; the seed by whose users the ways of `candidates` were chosen, and that of the users told."""

FIRST, OURS, NAMED, MARGINAL, BIASED, PICTURES = (
    "specification alone, by class",
    "starshift: shortlist by class, then own pictures",
    "the same, classes named as in the store",
    "plain marginal distance (unbiased)",
    "plain marginal distance, as the reference system has it",
    "no specification: all 110 run on own pictures",
)


def measure(options: Options) -> str:
    """Every way of choosing, on the same users."""
    os.environ.setdefault("KERAS_HOME", str(options.weights))
    from starshift.data.cache import cache_root

    cache = cache_root()
    found = sets(options, cache)
    made = make(found, seed=0, small=options.quick)
    base = base_in(cache)
    store = Held(made, base)
    lost: dict[str, list[float]] = {name: [] for name in (OURS, NAMED, FIRST, PICTURES, MARGINAL, BIASED)}
    matched, best = [], []
    for user in users(found, made, count=USERS // 10 if options.quick else USERS, seed=SEED):
        most, chosen = _one(user, made, store, mine(user, base), mine(user, base, named=True))
        for name, accuracy in chosen.items():
            lost[name].append(most - accuracy)
        matched.append(user.matched)
        best.append(most)
    return _told(lost, np.array(matched), np.array(best), made)


def _one(user: User, made: Sequence[Made], store: Held, own: Mine, named: Mine) -> tuple[float, dict[str, float]]:
    """The best accuracy that any learnware has on a user's other pictures, and that of what each way chooses."""
    from starshift.learnware import candidates, search, specify

    held = _said(made, user.held_features)
    everywhere = [_oracle(one, user, said) for one, said in zip(made, held, strict=True)]
    chosen: dict[str, float] = {}
    for name, looking in ((OURS, own), (NAMED, named)):
        first = candidates.run(store.shelf, store, looking)[0][0]
        place = first.match.place
        chosen[name] = _accuracy(made[place], user, first.match.classes, held[place])
    nearest = search.nearest(store.shelf, own.wanted)[0]
    chosen[FIRST] = _accuracy(made[nearest.place], user, nearest.classes, held[nearest.place])
    marginals = np.stack([one.marginal for one in store.specifications])
    counts = [one.record.count for one in store.specifications]
    record = own.wanted.specification
    for name, unbiased in ((MARGINAL, True), (BIASED, False)):
        distances = specify.squared_distances(
            record.marginal[None], [record.record.count], marginals, counts, unbiased=unbiased
        )[0]
        chosen[name] = everywhere[int(distances.argmin())]  # it says nothing of classes: the best naming is taken
    chosen[PICTURES] = _by_pictures(user, made, held)
    return max(everywhere), chosen


def _accuracy(one: Made, user: User, classes: Sequence[str], said: np.ndarray) -> float:
    """On a user's other pictures; those of classes that a learnware does not know are wrong."""
    from starshift.learnware.candidates import restricted

    places = [one.classes.index(name) if name else -1 for name in classes]
    answers = restricted(said, places)
    known = np.array([place >= 0 for place in places])
    right = (answers.argmax(axis=1) == user.held_labels) & known[user.held_labels]
    return float(right.mean())


def _said(made: Sequence[Made], features: np.ndarray) -> list[np.ndarray]:
    """What every learnware says of some pictures: float32 (N, its classes) each."""
    from starshift.models.classical import compress, probabilities_of

    kernels = np.concatenate([one.kernel for one in made], axis=1)
    logits = compress(features) @ kernels + np.concatenate([one.bias for one in made])
    ends = np.cumsum([len(one.bias) for one in made])[:-1]
    return [probabilities_of(each) for each in np.split(logits, ends, axis=1)]


def _oracle(one: Made, user: User, said: np.ndarray) -> float:
    """A learnware's accuracy, its classes named by what it says of the very pictures that judge it, or by name."""
    named = [name if one.of == user.of and name in one.classes else "" for name in user.classes]
    assigned = _assigned(one, said, user.held_labels, len(user.classes))
    return max(_accuracy(one, user, named, said), _accuracy(one, user, assigned, said))


def _assigned(one: Made, said: np.ndarray, labels: np.ndarray, count: int) -> list[str]:
    from scipy.optimize import linear_sum_assignment

    logarithms = np.log(np.maximum(said, 1e-7))
    costs = np.stack([-logarithms[labels == place].mean(axis=0) for place in range(count)])
    found = [""] * count
    for row, column in zip(*linear_sum_assignment(costs), strict=True):
        found[row] = one.classes[column]
    return found


def _by_pictures(user: User, made: Sequence[Made], held: Sequence[np.ndarray]) -> float:
    """The learnware with the lowest log loss on the user's pictures, its classes named by them."""
    from starshift.evaluation.metrics import log_losses
    from starshift.learnware.candidates import restricted

    losses, namings = [], []
    for one, said in zip(made, _said(made, user.features), strict=True):
        classes = _assigned(one, said, user.labels, len(user.classes))
        places = [one.classes.index(name) if name else -1 for name in classes]
        losses.append(log_losses(user.labels, restricted(said, places)).mean())
        namings.append(classes)
    best = int(np.argmin(losses))
    return _accuracy(made[best], user, namings[best], held[best])


def _told(lost: dict[str, list[float]], matched: np.ndarray, best: np.ndarray, made: Sequence[Made]) -> str:
    from starshift.evaluation.statistics import mean_interval

    def mean(values: np.ndarray) -> str:
        low, high = mean_interval(values)
        between = "" if low is None or high is None else f" ({low:+.3f} to {high:+.3f})"
        return f"{values.mean():+.3f}{between}"

    ours = np.array(lost[OURS])
    rows = [
        [
            name,
            mean(np.array(values)),
            f"{np.array(values)[matched].mean():+.3f}",
            f"{np.array(values)[~matched].mean():+.3f}" if (~matched).any() else "none",
            "" if name == OURS else mean(np.array(values) - ours),
        ]
        for name, values in lost.items()
    ]
    return table(
        ("choice", "accuracy lost, mean (95 %)", "a learnware tells all classes", "none does", "more than ours"),
        rows,
        f"{len(made)} learnwares, {sum(one.noisy for one in made)} of them trained with 30 % of labels drawn anew; "
        f"{len(best)} users with 24 pictures of 4 to 8 classes; the best learnware is right on {best.mean():.1%}. The "
        "best is chosen by the pictures that judge it, its classes named by them too; marginal distances, which name "
        "none, are given that naming. Constants were chosen on other users.",
    )


if __name__ == "__main__":
    main(measure, __doc__)
