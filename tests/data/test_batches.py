from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from starshift.data.batches import Batches

PIXELS = np.arange(11, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
TARGETS = np.arange(11) * 10


def batches(**changes) -> Batches:
    settings = {"batch_size": 4, "seed": 0} | changes
    return Batches(PIXELS, TARGETS, np.arange(11), **settings)


def order(made: Batches, epoch: int) -> list[int]:
    return [int(target) for _, targets in made.epoch(epoch) for target in targets]


def no_thread_left() -> bool:
    return not [one for one in threading.enumerate() if one.name.startswith("starshift-batches")]


@pytest.mark.parametrize("prefetch", [0, 1, 5])
def test_every_picture_comes_once_with_its_target_and_the_last_batch_is_short(prefetch):
    made = batches(prefetch=prefetch)
    found = list(made.epoch(0))
    assert len(made) == len(found) == 3
    assert [len(targets) for _, targets in found] == [4, 4, 3]
    for pixels, targets in found:
        assert pixels.dtype == np.uint8
        assert (pixels[:, 0, 0, 0] * 10 == targets).all()
    assert sorted(order(made, 0)) == TARGETS.tolist()


def test_a_whole_number_of_batches_has_no_empty_one_behind():
    made = Batches(PIXELS, TARGETS, np.arange(8), batch_size=4, seed=0)
    assert [len(targets) for _, targets in made.epoch(0)] == [4, 4] and len(made) == 2


def test_each_epoch_has_an_order_of_its_own():
    made = batches()
    assert len({tuple(order(made, number)) for number in range(5)}) == 5


def test_the_same_seed_and_epoch_give_the_same_batches_and_another_seed_others():
    assert order(batches(), 3) == order(batches(prefetch=0), 3)
    assert order(batches(seed=1), 3) != order(batches(), 3)


def test_without_shuffling_the_given_order_stays():
    made = Batches(PIXELS, TARGETS, np.array([5, 1, 7]), batch_size=2, seed=0, shuffle=False)
    assert order(made, 0) == order(made, 9) == [50, 10, 70]


def test_only_the_chosen_pictures_come():
    made = Batches(PIXELS, TARGETS, np.array([2, 4]), batch_size=20, seed=0)
    assert sorted(order(made, 0)) == [20, 40]


def test_a_transform_has_a_generator_that_the_seed_and_the_epoch_fix():
    def noisy(pixels, targets, generator):
        return pixels + generator.random(pixels.shape), targets

    first, again = (np.concatenate([p for p, _ in batches(transform=noisy).epoch(2)]) for _ in range(2))
    other = np.concatenate([p for p, _ in batches(transform=noisy).epoch(3)])
    assert (first == again).all()
    assert not (first == other).all()


def test_an_exception_of_the_background_thread_is_raised_where_batches_are_taken():
    def break_down(pixels, targets, generator):
        raise RuntimeError("in the background")

    with pytest.raises(RuntimeError, match="in the background"):
        list(batches(transform=break_down).epoch(0))
    assert no_thread_left()


def test_steps_cut_epochs_from_a_stream_of_whole_passes():
    made = batches(steps=5)  # 20 of 11 pictures: nearly two passes
    assert len(made) == 5
    stream = [target for number in range(11) for target in order(made, number)]
    assert len(stream) == 220 and all(len(targets) == 4 for _, targets in made.epoch(3))
    for start in range(0, 220, 11):
        assert sorted(stream[start : start + 11]) == TARGETS.tolist()
    assert stream[:11] != stream[11:22]
    assert order(batches(steps=5, prefetch=0), 7) == order(made, 7)


def test_no_batch_depends_on_how_many_threads_make_them():
    def slow_at_times(pixels, targets, generator):
        if targets[0] % 20:
            time.sleep(0.02)
        return pixels + generator.random(pixels.shape), targets

    first, again = (
        [pixels for pixels, _ in batches(transform=slow_at_times, threads=threads, prefetch=4).epoch(1)]
        for threads in (1, 3)
    )
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_leaving_an_epoch_early_leaves_no_thread_behind():
    for _ in batches(batch_size=1).epoch(0):
        break
    started = time.monotonic()
    while not no_thread_left() and time.monotonic() < started + 5:
        time.sleep(0.01)
    assert no_thread_left()


def test_the_background_thread_keeps_its_distance():
    made = []

    def count(pixels, targets, generator):
        made.append(1)
        return pixels, targets

    epoch = batches(batch_size=1, transform=count, prefetch=2).epoch(0)
    next(epoch)
    time.sleep(0.2)
    assert len(made) <= 4  # one taken, two waiting, one in hand
    epoch.close()
    assert no_thread_left()
