from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, settings
from hypothesis import given as where
from hypothesis import strategies as st
from msgspec import structs

from starshift.data.split import given, in_time, make_split, ratios_for, stratified
from starshift.errors import DataError, UsageError
from starshift.records import Dataset, Picture, Target

PARTS = ("train", "validation", "test")


def dataset(labels, parts=None):
    """Pictures with these labels, paths in the order given."""
    pictures = tuple(
        Picture(f"{i:05}.png", label, part, f"{i:064x}", 8, 8, "PNG", "RGB", 100)
        for i, (label, part) in enumerate(zip(labels, parts or [""] * len(labels), strict=True))
    )
    return Dataset("photos", "class folders", (Target.of_classes(tuple(sorted(set(labels)))),), pictures)


def counts(data, split):
    """Pictures by class (rows) and part (columns)."""
    table = np.zeros((len(data.classes), 3), dtype=int)
    for column, part in enumerate(PARTS):
        for row in getattr(split, part):
            table[data.encoded()[row], column] += 1
    return table


labels = st.lists(st.sampled_from("abcde"), min_size=2, max_size=60)
seeds = st.integers(0, 2**31 - 1)
ratios = st.tuples(*[st.integers(1, 9)] * 3)


@settings(deadline=None)
@where(labels, ratios, seeds)
def test_parts_are_disjoint_complete_and_sorted(names, shares, seed):
    split = stratified(dataset(names), ratios=shares, seed=seed)
    assert sorted(split.train + split.validation + split.test) == list(range(len(names)))
    assert all(tuple(sorted(part)) == part for part in (split.train, split.validation, split.test))


@settings(deadline=None)
@where(labels, seeds)
def test_every_class_and_the_whole_are_within_one_picture(names, seed):
    data = dataset(names)
    table = counts(data, stratified(data, seed=seed))
    wanted = table.sum(axis=1, keepdims=True) * np.array([0.6, 0.2, 0.2])
    assert np.abs(table - wanted).max() < 1


@settings(deadline=None)
@where(st.lists(st.integers(5, 12), min_size=1, max_size=8), seeds)
def test_the_whole_is_in_proportion(sizes, seed):
    data = dataset([name for name, size in zip("abcdefgh", sizes, strict=False) for _ in range(size)])
    total = counts(data, stratified(data, seed=seed)).sum(axis=0)
    assert np.abs(total - sum(sizes) * np.array([0.6, 0.2, 0.2])).max() < 1


def test_classes_of_two_reach_every_part():
    data = dataset([f"{i:02}" for i in range(20) for _ in range(2)])
    assert counts(data, stratified(data, seed=0)).sum(axis=0).tolist() == [24, 8, 8]


@settings(deadline=None)
@where(labels, ratios, seeds)
def test_every_class_trains_and_validates(names, shares, seed):
    data = dataset(names)
    for train, validation, test in counts(data, stratified(data, ratios=shares, seed=seed)):
        total = train + validation + test
        assert train >= 1
        assert validation >= 1 or total < 3


@settings(deadline=None)
@where(st.data(), labels, seeds)
def test_groups_stay_together_whatever_their_classes(source, names, seed):
    groups = source.draw(st.lists(st.lists(st.integers(0, len(names) - 1), max_size=6), max_size=8))
    data = dataset(names)
    split = stratified(data, groups=groups, seed=seed)
    assert sorted(split.train + split.validation + split.test) == list(range(len(names)))
    for group in groups:
        assert sum(bool(set(group) & set(part)) for part in (split.train, split.validation, split.test)) <= 1
    table = counts(data, split)
    assert (table[table.sum(axis=1) >= 2, 0] >= 1).all()


@settings(deadline=None)
@where(st.lists(st.integers(1, 5), min_size=2, max_size=12), seeds)
def test_a_class_of_groups_trains_and_validates(sizes, seed):
    assume(sum(sizes) >= 3)
    ends = np.cumsum(sizes)
    groups = [list(range(end - size, end)) for size, end in zip(sizes, ends, strict=True)]
    data = dataset(["a"] * sum(sizes))
    assert (counts(data, stratified(data, groups=groups, seed=seed))[0, :2] >= 1).all()


@settings(deadline=None)
@where(st.data(), labels, seeds)
def test_the_order_of_listing_plays_no_part(source, names, seed):
    data = dataset(names)
    groups = [[0, len(names) - 1], [1, len(names) // 2]]
    order = source.draw(st.permutations(range(len(names))))
    shuffled = Dataset(
        "photos", "class folders", (Target.of_classes(data.classes),), tuple(data.pictures[i] for i in order)
    )
    moved = [[order.index(i) for i in reversed(group)] for group in reversed(groups)]

    def paths(of, split):
        return [{of.pictures[i].path for i in getattr(split, part)} for part in PARTS]

    assert paths(data, stratified(data, groups=groups, seed=seed)) == paths(
        shuffled, stratified(shuffled, groups=moved, seed=seed)
    )


def test_pairs_of_copies_do_not_bend_the_proportions():
    data = dataset(["cat", "dog"] * 500)
    groups = [[i, i + 2] for i in range(0, 200, 4)] + [[i, i + 1] for i in range(400, 420, 2)]
    assert counts(data, stratified(data, groups=groups, seed=0)).tolist() == [[300, 100, 100]] * 2


def test_copies_are_spread_over_the_parts():
    data = dataset(["cat"] * 1000)
    split = stratified(data, groups=[[i, i + 1] for i in range(0, 400, 2)], seed=0)
    assert [sum(i < 400 for i in part) for part in (split.train, split.validation, split.test)] == pytest.approx(
        [240, 80, 80], abs=4
    )


def test_many_small_classes_keep_the_whole_in_proportion():
    data = dataset([f"{i:03}" for i in range(100) for _ in range(6)])
    assert counts(data, stratified(data, seed=0)).sum(axis=0).tolist() == [360, 120, 120]


def test_the_seed_decides():
    data = dataset(["cat", "dog"] * 50)
    assert stratified(data, seed=1) == stratified(data, seed=1)
    assert stratified(data, seed=1).train != stratified(data, seed=2).train


def test_how_it_was_split_is_said():
    data = dataset(["cat", "dog"] * 5)
    assert stratified(data, seed=4).how == "stratified 6:2:2, seed 4"
    near = "stratified 6:2:2, seed 4, exact and near copies kept together"
    assert stratified(data, groups=[[0, 2]], seed=4).how == near
    same = [
        structs.replace(picture, digest="0" * 64) if i in (0, 2) else picture for i, picture in enumerate(data.pictures)
    ]
    data = structs.replace(data, examples=tuple(same))
    assert stratified(data, groups=[[0, 2]], seed=4).how == near.replace("exact and near", "exact")


def test_ratios_of_zero_are_refused():
    with pytest.raises(UsageError, match="must be three numbers above 0, such as 6:2:2, not"):
        stratified(dataset(["cat", "dog"]), ratios=(8, 2, 0), seed=0)


def test_given_parts_are_kept():
    data = dataset(["cat", "dog"] * 3, ["train", "train", "validation", "validation", "test", "test"])
    split = given(data, seed=0)
    assert (split.train, split.validation, split.test) == ((0, 1), (2, 3), (4, 5))
    assert split.how == "as the folders give it (train, validation, test)"
    assert make_split(data, seed=0) == split


def test_without_a_test_part_none_is_cut():
    data = dataset(["cat", "dog"] * 3, ["train"] * 4 + ["validation"] * 2)
    split = make_split(data, seed=0)
    assert split.test == () and split.validation == (4, 5)
    assert split.how.endswith("; no sealed test part: the validation pictures also choose the model")


def test_without_a_validation_part_a_quarter_of_training_is_cut():
    data = dataset(["cat", "dog"] * 60, ["train"] * 80 + ["test"] * 40)
    split = make_split(data, groups=[[0, 2], [1, 101]], seed=0)
    assert counts(data, split).tolist() == [[30, 10, 20], [30, 10, 20]]
    assert split.test == tuple(range(80, 120))
    assert ({0, 2} <= set(split.train)) or ({0, 2} <= set(split.validation))
    assert split.how == (
        "as the folders give it (train, test); validation cut from train 75:25, stratified, seed 0, "
        "exact and near copies kept together"
    )


def test_a_training_part_alone_is_divided():
    data = dataset(["cat", "dog"] * 50, ["train"] * 100)
    split = make_split(data, seed=0)
    assert counts(data, split).tolist() == [[30, 10, 10]] * 2
    assert split.how == "stratified 6:2:2, seed 0, out of the only part that the folders give (train)"
    with pytest.raises(DataError, match="nothing to measure it by"):
        given(data, seed=0)


@pytest.mark.parametrize("parts", [["validation"], ["test"], ["validation", "test"]])
def test_no_training_part_is_an_error(parts):
    data = dataset(["cat", "dog"] * len(parts), [part for part in parts for _ in range(2)])
    with pytest.raises(DataError, match=f"The folders give {' and '.join(parts)}, but no training part"):
        make_split(data, seed=0)


def test_pictures_outside_the_given_parts_are_an_error():
    data = dataset(["cat", "dog"] * 3, ["train", "train", "test", "test", "", ""])
    with pytest.raises(DataError, match="2 of 6 pictures are in none of the given parts"):
        make_split(data, seed=0)


def test_own_parts_are_made_where_none_are_given():
    data = dataset(["cat", "dog"] * 10)
    assert make_split(data, seed=3) == stratified(data, seed=3)


# ---- in time --------------------------------------------------------------------------------------


@settings(deadline=None)
@where(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 40)), min_size=5, max_size=60))
def test_no_part_has_a_picture_from_the_future_of_the_next(pictures):
    names, order = zip(*pictures, strict=True)
    data = dataset(names)
    try:
        split = in_time(data, order)
    except DataError:
        return
    latest = [max(order[row] for row in getattr(split, part)) for part in PARTS]
    earliest = [min(order[row] for row in getattr(split, part)) for part in PARTS]
    assert latest[0] < earliest[1] and latest[1] < earliest[2]
    assert {names[row] for row in split.train} == set(names)


def test_a_copy_from_earlier_goes_where_the_latest_of_its_group_goes():
    data = dataset(["cat", "dog"] * 10)
    split = in_time(data, list(range(20)), groups=[[0, 19]])
    assert {0, 19} <= set(split.test)
    assert make_split(data, order=list(range(20)), seed=0).how == "in time 6:2:2, training on the earliest"


def test_classes_that_appear_too_late_and_moments_that_are_too_coarse_are_refused():
    with pytest.raises(DataError, match=r"the training part, which has the earliest pictures, has none of 'dog'"):
        in_time(dataset(["cat"] * 9 + ["dog"]), list(range(10)))
    with pytest.raises(DataError, match=r"no picture is left for (train|validation|test)"):
        in_time(dataset(["cat"] * 10), [0] * 10)


def test_validation_is_cut_from_the_latest_of_a_given_training_part():
    data = dataset(["cat", "dog"] * 50, ["train"] * 80 + ["test"] * 20)
    split = make_split(data, order=list(range(100)), seed=0)
    assert split.validation == tuple(range(60, 80))
    assert split.how == "as the folders give it (train, test); validation cut from train 75:25, the latest pictures"


def test_what_is_kept_together_is_said_by_its_name():
    split = make_split(dataset(["cat", "dog"] * 5), groups=[[0, 2]], together="groups by patient", seed=4)
    assert split.how == "stratified 6:2:2, seed 4, groups by patient kept together"


def test_a_million_pictures_need_a_hundredth_of_them_to_measure_by():
    assert ratios_for(999_999) == (6, 2, 2)
    assert ratios_for(1_000_000) == (98, 1, 1)
