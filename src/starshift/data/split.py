"""Which examples train, which validate, and which are sealed: own splits, and those that the source gives."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import structs

from starshift.apportion import blocks, deal, group_ids, moments, within
from starshift.errors import DataError, UsageError
from starshift.records import PARTS, Dataset, Split
from starshift.seeds import child

RATIOS = (6, 2, 2)
"""Training, validation and test, as the seeds have them."""

LARGE, LARGE_RATIOS = 1_000_000, (98, 1, 1)
"""From so many examples on, the seeds' other ratios."""

VALIDATION_CUT = (3, 1)
"""Training and validation, where only a test part is given: the same 6:2 as RATIOS."""

TRAIN, VALIDATION = 0, 1


def make_split(
    dataset: Dataset,
    *,
    groups: Sequence[Sequence[int]] = (),
    together: str = "",
    order: Sequence[float] = (),
    seed: int,
) -> Split:
    """Keep the parts that the source's folders give; where they give none, make a stratified split, or one in time.

    groups: lists of indices that stay together. together: what else than copies they are, in words. order: a number
    per example that grows with time; training then has the earliest examples and the test the latest.

    A folder `train` alone is divided too: so many sets are handed out (Kaggle's dogs-vs-cats for one), with
    nothing in them to measure by. Raises DataError where validation or test stand without a training part.
    """
    if dataset.given_parts not in ((), ("train",)):
        return given(dataset, groups=groups, together=together, order=order, seed=seed)
    if len(order):
        split = in_time(dataset, order, groups=groups)
    else:
        split = stratified(dataset, groups=groups, together=together, seed=seed)
    if dataset.given_parts:
        return structs.replace(split, how=f"{split.how}, out of the only part that the folders give (train)")
    return split


def ratios_for(count: int) -> tuple[float, float, float]:
    """6:2:2, or 98:1:1 for a million examples and more: a hundredth of them is then plenty to measure by."""
    return LARGE_RATIOS if count >= LARGE else RATIOS


def stratified(
    dataset: Dataset,
    *,
    groups: Sequence[Sequence[int]] = (),
    together: str = "",
    ratios: tuple[float, float, float] | None = None,
    seed: int,
) -> Split:
    """Divide every class as `ratios` say into training, validation and test.

    groups: lists of indices into `dataset.examples` that stay together (copies of one picture, say), of whatever
    classes; together: what else than copies they are, in words. ratios: `ratios_for` so many examples if None. A class
    of 2 or more has an example in training, one of 3 or more also in validation, unless its groups forbid it; numbers
    are divided in up to ten parts by size (Target.strata). The order in which examples and groups are listed plays no
    part. Raises UsageError where a ratio is not above 0.
    """
    ratios = ratios or ratios_for(len(dataset.examples))
    if min(ratios) <= 0:
        raise UsageError(f"The ratios of a split must be three numbers above 0, such as 6:2:2, not {ratios}.")
    parts = _dealt(dataset, range(len(dataset.examples)), groups, ratios, seed)
    how = f"stratified {_in_words(ratios)}, seed {seed}{_kept_together(dataset, groups, together)}"
    return _split(parts, how)


def in_time(dataset: Dataset, order: Sequence[float], *, groups: Sequence[Sequence[int]] = ()) -> Split:
    """The earliest examples to train on, later ones to validate, the latest for the test, by `ratios_for`.

    order: a number per example that grows with time. Examples of one moment stay in one part, those of a group in that
    of the latest of them. Raises DataError where a class has no example in the training part, or a part is empty.
    """
    ratios = ratios_for(len(dataset.examples))
    parts = blocks(moments(order, groups), ratios)
    _check_time(dataset, np.arange(len(parts)), parts, needed=3)
    return _split(parts, f"in time {_in_words(ratios)}, training on the earliest")


def _check_time(dataset: Dataset, rows: np.ndarray, parts: np.ndarray, *, needed: int) -> None:
    """Raise DataError where parts cut in time cannot be used. parts: int (rows,)."""
    problems = []
    if empty := [PARTS[part] for part in range(needed) if part not in parts]:
        problems.append(
            f"Cut in time, no {dataset.noun} is left for {' and '.join(empty)}: too many are of one moment. Order by "
            "something finer."
        )
    labels = np.array([dataset.examples[row].label for row in rows])
    late = sorted(set(labels.tolist()) - set(labels[parts == TRAIN].tolist())) if dataset.target.is_classes else []
    if late:
        shown = ", ".join(map(repr, late[:5])) + (f" and {len(late) - 5} more" if len(late) > 5 else "")
        problems.append(
            f"Cut in time, the training part, which has the earliest {dataset.noun}s, has none of {shown}: no model "
            f"can learn a class that it never saw. Add earlier {dataset.noun}s of it, or leave the class out."
        )
    if problems:
        raise DataError(problems)


def given(
    dataset: Dataset,
    *,
    groups: Sequence[Sequence[int]] = (),
    together: str = "",
    order: Sequence[float] = (),
    seed: int,
) -> Split:
    """Keep the parts of the source's folders, and say in `how` what they lack.

    Without a validation part, a quarter of the training part is cut off for it, stratified, or the latest where there
    is an order. A test part is never cut from given parts. Raises DataError where there is no training part, or nothing
    but one.
    """
    parts = np.array([PARTS.index(example.part) if example.part else -1 for example in dataset.examples])
    _check_given(dataset, parts)
    how = f"as the folders give it ({', '.join(dataset.given_parts)})"
    if VALIDATION not in parts:
        rows = np.flatnonzero(parts == TRAIN)
        if len(order):
            parts[rows] = blocks(moments(order, groups)[rows], VALIDATION_CUT)
            _check_time(dataset, rows, parts[rows], needed=2)
            how += f"; validation cut from train 75:25, the latest {dataset.noun}s"
        else:
            parts[rows] = _dealt(dataset, rows, groups, VALIDATION_CUT, seed)
            kept = _kept_together(dataset, groups, together)
            how += f"; validation cut from train 75:25, stratified, seed {seed}{kept}"
    if "test" not in dataset.given_parts:
        how += f"; no sealed test part: the validation {dataset.noun}s also choose the model"
    return _split(parts, how)


def _check_given(dataset: Dataset, parts: np.ndarray) -> None:
    """Raise DataError with every reason why the given parts cannot be used."""
    problems = []
    if TRAIN not in parts:
        problems.append(
            f"The folders give {' and '.join(dataset.given_parts)}, but no training part. Add a folder "
            "'train', or put all class folders side by side: Starshift then splits them itself."
        )
    elif dataset.given_parts == ("train",):
        problems.append(
            "The folders give a training part and nothing to measure it by. Add a folder 'validation' or "
            "'test', or let make_split divide it."
        )
    outside = int((parts < 0).sum())
    if outside:
        problems.append(
            f"{outside:,} of {len(parts):,} {dataset.noun}s are in none of the given parts. Move them into one of "
            f"{', '.join(dataset.given_parts)}, or out of the folder."
        )
    if problems:
        raise DataError(problems)


def _dealt(
    dataset: Dataset,
    rows: Sequence[int] | np.ndarray,
    groups: Sequence[Sequence[int]],
    ratios: Sequence[float],
    seed: int,
) -> np.ndarray:
    """The part of each example in `rows`: int (rows,)."""
    # Sorted by path first, so that the draw depends on the examples and not on how they were listed.
    rows = np.asarray(rows)
    order = np.argsort([dataset.examples[row].path for row in rows], kind="stable")
    inside = sorted(map(sorted, within(groups, rows[order])))
    parts = np.empty(len(rows), dtype=np.int64)
    parts[order] = deal(
        dataset.target.strata(dataset.labels())[rows[order]],
        group_ids(len(rows), inside),
        ratios,
        seed=child(seed, "split"),
        needed=2,  # training and validation
    )
    return parts


def _kept_together(dataset: Dataset, groups: Sequence[Sequence[int]], together: str) -> str:
    """What the groups are: as the caller says, or copies, exact ones where all files of a group are the same."""
    several = [{dataset.examples[index].digest for index in group} for group in groups if len(group) > 1]
    if together or not several:
        return f", {together} kept together" if together else ""
    return f", exact {'and near ' if any(len(digests) > 1 for digests in several) else ''}copies kept together"


def _in_words(ratios: Sequence[float]) -> str:
    return ":".join(f"{ratio:g}" for ratio in ratios)


def _split(parts: np.ndarray, how: str) -> Split:
    """Turn one part number per example into a Split."""
    train, validation, test = (tuple(np.flatnonzero(parts == part).tolist()) for part in range(len(PARTS)))
    return Split(train=train, validation=validation, test=test, how=how)
