"""Reuse with 5, 10 and 20 labelled pictures per class against frozen features and a head, judged on other pictures.

Three kinds of users: some learnware tells all their classes; some learnwares tell a few of them; every learnware was
trained on another set of pictures.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from benchmarks.common import Options, main, table
from benchmarks.learnwares import Held, Made, Pictures, User, base_in, make, mine, sets, users
from starshift.learnware.candidates import Candidate, Mine

PER_CLASS, USERS, SEED = (5, 10, 20), 12, 4
"""Users of each kind; constants were chosen on those of seed 1."""


def measure(options: Options) -> str:
    """All kinds of users, and how many pictures they have."""
    os.environ.setdefault("KERAS_HOME", str(options.weights))
    from starshift.data.cache import cache_root

    cache = cache_root()
    found = sets(options, cache)
    made = make(found, seed=0, small=options.quick)
    base = base_in(cache)
    rows = []
    for kind in ("matching", "overlapping", "foreign"):
        for per_class in PER_CLASS[:1] if options.quick else PER_CLASS:
            chosen = _users(found, made, kind, 2 if options.quick else USERS, per_class)
            stores = {of: Held([one for one in made if kind != "foreign" or one.of != of], base) for of in found}
            results = [_one(user, stores[user.of], mine(user, base), options) for user in chosen]
            rows.append(_row(kind, per_class, results))
    return table(
        ("learnwares", "pictures per class", "own head", "reuse", "accuracy gained (95 %)", "worst user",
         "log loss gained (95 %)", "worst user", "own head kept"),
        rows,
        f"{USERS} users each, 4 to 8 classes that are called otherwise than in the store; judged on up to 60 other "
        "pictures per class. Gains are paired, over users. Constants were chosen on other users.",
    )  # fmt: skip


def _users(found: dict[str, Pictures], made: Sequence[Made], kind: str, count: int, per_class: int) -> list[User]:
    """Of one kind: matching (some learnware tells all classes), overlapping (none does), foreign (another set's)."""
    chosen: list[User] = []
    seed = SEED
    while len(chosen) < count:
        share = 1.0 if kind == "matching" else 0.5 if kind == "foreign" else 0.0
        more = users(found, made, count=count, seed=seed, per_class=per_class, matched_share=share)
        chosen += [one for one in more if kind == "foreign" or one.matched == (kind == "matching")]
        seed += 1000
    return chosen[:count]


def _one(user: User, store: Held, own: Mine, options: Options) -> tuple[float, float, float, float, bool]:
    """Accuracy and log loss of the own head and of what is kept, on the user's other pictures; whether both are one."""
    from starshift.evaluation.metrics import log_losses
    from starshift.learnware import candidates, joined, reuse
    from starshift.models.classical import softmax

    found, _ = candidates.run(store.shelf, store, own)
    made = joined.trial(found, own, seed=0)
    shape = len(made.candidates), len(user.held_labels), len(user.classes)
    said = np.array([_said(one, user.held_features) for one in made.candidates]).reshape(shape)
    figures = []
    ways = {way.name: way for way in made.ways}
    for way in (ways[reuse.OWN], made.way):
        answers = softmax(way.formula.logits(user.held_features, said))
        figures.append(float((answers.argmax(axis=1) == user.held_labels).mean()))
        figures.append(float(log_losses(user.held_labels, answers).mean()))
    return figures[0], figures[1], figures[2], figures[3], made.way.name == reuse.OWN


def _said(one: Candidate, features: np.ndarray) -> np.ndarray:
    """Logits of the user's classes: of linear heads, as reuse maps them."""
    from starshift.learnware.mapped import taking
    from starshift.learnware.reuse import full
    from starshift.models.classical import compress

    tensors, classes = one.package.tensors, one.package.learnware.classes
    logits = full(compress(features) @ tensors["head/kernel"] + tensors["head/bias"])
    return np.asarray(
        logits @ taking([classes.index(name) if name else -1 for name in one.match.classes], len(classes))
    )


def _row(kind: str, per_class: int, results: Sequence[tuple[float, float, float, float, bool]]) -> list[str]:
    from starshift.evaluation.statistics import mean_interval

    own, own_loss, kept, kept_loss, same = (np.array(values) for values in zip(*results, strict=True))

    def gained(values: np.ndarray) -> str:
        low, high = mean_interval(values)
        return f"{values.mean():+.3f} ({low:+.3f} to {high:+.3f})"

    return [
        kind,
        str(per_class),
        f"{own.mean():.1%}",
        f"{kept.mean():.1%}",
        gained(kept - own),
        f"{(kept - own).min():+.3f}",
        gained(own_loss - kept_loss),
        f"{(own_loss - kept_loss).min():+.3f}",
        f"{int(same.sum())} of {len(same)}",
    ]


if __name__ == "__main__":
    main(measure, __doc__)
