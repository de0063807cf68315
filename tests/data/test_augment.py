"""Augmentation against the generator that the seeds used, and against what every policy must keep."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from starshift.augmentation import POLICIES, Augmentation
from starshift.data import augment as module
from starshift.data.augment import (
    Geometry,
    augment,
    colour_matrices,
    draw_geometry,
    matrices,
    sheet,
)
from starshift.errors import DataError, UsageError

NO_TARGETS = np.zeros((0, 1), np.float32)


def chance(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def smooth(count: int = 4, side: int = 60, channels: int = 3) -> np.ndarray:
    """Pictures with gradual colours and a few edges, as photographs have."""
    import cv2

    coarse = chance(1).integers(0, 256, (count, 7, 7, channels), dtype=np.uint8)
    grown = [cv2.resize(one, (side, side), interpolation=cv2.INTER_CUBIC) for one in coarse]
    pictures = np.stack(grown).reshape(count, side, side, channels)
    pictures[:, side // 3 : side // 2, side // 4 : side // 3] = 255
    return pictures


def noisy(side: int) -> np.ndarray:
    return chance(2).integers(0, 256, (side, side, 3), dtype=np.uint8)


def one_hot(count: int, classes: int = 3) -> np.ndarray:
    return np.eye(classes, dtype=np.float32)[np.arange(count) % classes]


def changed(pictures: np.ndarray, policy: Augmentation, seed: int = 0, size: int = 0) -> np.ndarray:
    targets = one_hot(len(pictures))
    return augment(pictures, targets, policy, chance(seed), size=size or pictures.shape[1])[0]


# ---- the seeds' generator as the oracle -----------------------------------------------------------


@pytest.fixture(scope="module")
def legacy():
    return pytest.importorskip("keras.src.legacy.preprocessing.image")


def geometry(**values: float | bool) -> Geometry:
    """One picture's geometry; what is not given changes nothing."""
    still = {"zoom_x": 1.0, "zoom_y": 1.0, "crop_width": 1.0, "crop_height": 1.0, "flip_x": False, "flip_y": False}
    return Geometry(
        **{one.name: np.array([values.get(one.name, still.get(one.name, 0.0))]) for one in fields(Geometry)}
    )


def by_legacy(legacy, picture: np.ndarray, one: Geometry) -> np.ndarray:
    """The same picture by the legacy generator; its tx moves along columns once its axes are swapped."""
    side = picture.shape[0]
    generator = legacy.ImageDataGenerator(fill_mode="nearest")
    parameters = {
        "theta": one.rotation[0],
        "tx": one.shift_x[0] * side,
        "ty": one.shift_y[0] * side,
        "shear": one.shear[0],
        "zx": one.zoom_x[0],
        "zy": one.zoom_y[0],
        "flip_horizontal": one.flip_x[0],
        "flip_vertical": one.flip_y[0],
    }
    return generator.apply_transform(picture.astype(np.float32), parameters)


GEOMETRIES = {
    "nothing": geometry(),
    "rotation": geometry(rotation=33.0),
    "shift": geometry(shift_x=0.17, shift_y=-0.08),
    "shear": geometry(shear=20.0),
    "zoom": geometry(zoom_x=0.83, zoom_y=1.17),
    "flips": geometry(flip_x=True, flip_y=True),
    "turned and flipped": geometry(rotation=-40.0, flip_x=True),
    "all": geometry(rotation=25.0, shift_x=-0.2, shift_y=0.11, shear=15.0, zoom_x=1.2, zoom_y=0.9, flip_x=True),
}


@pytest.mark.filterwarnings("ignore:Please import .*affine_transform.*:DeprecationWarning")  # Keras's own import
@pytest.mark.parametrize("picture", [smooth(1, 60)[0], noisy(61)], ids=["smooth", "noise"])
@pytest.mark.parametrize("name", GEOMETRIES)
def test_the_same_draws_give_the_picture_of_the_seeds_generator(legacy, name, picture):
    """Within rounding, by OpenCV 5; its 4 places samples to 1/32 of a pixel, which is within 7 gray levels."""
    import cv2

    one, side = GEOMETRIES[name], picture.shape[0]
    ours = module._warp(picture[None], matrices(one), side, "nearest")[0]
    difference = np.abs(ours - by_legacy(legacy, picture, one))
    assert difference.max() <= (0.51 if int(cv2.__version__.partition(".")[0]) >= 5 else 7)
    assert difference.mean() <= 1


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda drawn: drawn.rotation, lambda one: one["theta"]),
        (lambda drawn: drawn.shift_x * 150, lambda one: one["ty"]),
        (lambda drawn: drawn.shift_y * 150, lambda one: one["tx"]),
        (lambda drawn: drawn.shear, lambda one: one["shear"]),
        (lambda drawn: drawn.zoom_x, lambda one: one["zx"]),
        (lambda drawn: drawn.zoom_y, lambda one: one["zy"]),
    ],
    ids=["rotation", "shift x", "shift y", "shear", "zoom x", "zoom y"],
)
def test_amounts_are_drawn_as_the_seeds_generator_draws_them(legacy, ours, theirs):
    generator = legacy.ImageDataGenerator(
        rotation_range=40,
        width_shift_range=0.2,
        height_shift_range=0.2,
        shear_range=0.2,
        zoom_range=0.2,
        horizontal_flip=True,
    )
    state = np.random.get_state()
    try:
        drawn = np.array([theirs(generator.get_random_transform((150, 150, 3), seed=i)) for i in range(500)])
    finally:
        np.random.set_state(state)
    mine = ours(draw_geometry(POLICIES["seeds"], 4000, chance()))
    assert stats.ks_2samp(mine, drawn).pvalue > 0.01
    assert np.ptp(mine) == pytest.approx(np.ptp(drawn), rel=0.03)


def test_half_of_the_pictures_are_flipped():
    drawn = draw_geometry(Augmentation(flip=True), 4000, chance())
    assert 0.47 < drawn.flip_x.mean() < 0.53
    assert not drawn.flip_y.any()


def test_changing_one_amount_leaves_the_chance_of_all_others():
    one, other = (draw_geometry(Augmentation(rotation=10, shift=shift), 50, chance()) for shift in (0.1, 0.2))
    assert np.array_equal(one.rotation, other.rotation)
    assert np.allclose(one.shift_x * 2, other.shift_x)


# ---- geometry -------------------------------------------------------------------------------------


def test_a_flip_is_exact():
    pictures = chance().integers(0, 256, (1, 31, 31, 3), dtype=np.uint8)
    assert np.array_equal(module._warp(pictures, matrices(geometry(flip_x=True)), 31, "nearest"), pictures[:, :, ::-1])
    assert np.array_equal(module._warp(pictures, matrices(geometry(flip_y=True)), 31, "nearest"), pictures[:, ::-1])


def test_a_crop_lies_within_the_picture_and_keeps_what_the_policy_says():
    drawn = draw_geometry(Augmentation(crop=0.3, aspect=4 / 3), 5000, chance())
    area, ratio = drawn.crop_width * drawn.crop_height, drawn.crop_width / drawn.crop_height
    assert area.min() >= 0.3 and area.max() <= 1 and area.min() < 0.31 and area.max() > 0.99
    assert ratio.min() >= 3 / 4 - 1e-9 and ratio.max() <= 4 / 3 + 1e-9
    assert np.all(np.abs(drawn.crop_x) + drawn.crop_width / 2 <= 0.5 + 1e-9)
    assert np.all(np.abs(drawn.crop_y) + drawn.crop_height / 2 <= 0.5 + 1e-9)


def test_a_crop_shows_that_part_of_the_picture():
    picture = np.zeros((1, 64, 64, 3), np.uint8)
    picture[:, :32, 32:] = 200  # the upper right quarter
    crop = matrices(geometry(crop_width=0.5, crop_height=0.5, crop_x=0.25, crop_y=-0.25))
    assert (module._warp(picture, crop, 32, "nearest")[0, 1:-1, 1:-1] == 200).all()


@pytest.mark.parametrize(("fill", "expected"), [("nearest", 90), ("black", 0), ("reflect", 10)])
def test_what_stands_where_the_picture_has_ended(fill, expected):
    picture = np.full((1, 40, 40, 3), 10, np.uint8)
    picture[:, :, -1] = 90
    shifted = module._warp(picture, matrices(geometry(shift_x=0.5)), 40, fill)
    assert (shifted[0, :, 25:30] == expected).all()


@pytest.mark.parametrize("size", [96, 75, 37, 10])
def test_shrinking_averages_and_does_not_skip(size):
    """A chessboard of single pixels is gray from afar; skipping would leave black, white or stripes."""
    board = np.indices((150, 150)).sum(axis=0) % 2 * 255
    picture = np.repeat(board[None, :, :, None], 3, axis=3).astype(np.uint8)
    small = changed(picture, POLICIES["none"], size=size)
    assert small.shape == (1, size, size, 3)
    if size < 150 / module.MOST_SHRINKING:
        assert np.abs(small.astype(float) - 127.5).max() <= 2


def test_a_resized_picture_stays_where_it_was():
    picture = smooth(1, 150)
    small, grown = changed(picture, POLICIES["none"], size=50), changed(picture, POLICIES["none"], size=300)
    centres = picture.reshape(1, 50, 3, 50, 3, 3).mean(axis=(2, 4))
    assert np.abs(small - centres).mean() < 4
    assert np.abs(grown.reshape(1, 150, 2, 150, 2, 3).mean(axis=(2, 4)) - picture).mean() < 2


def test_pictures_that_are_not_square_are_stretched():
    picture = np.zeros((1, 40, 80, 3), np.uint8)
    picture[:, :, 40:] = 200
    square = changed(picture, POLICIES["none"], size=40)
    assert (square[0, :, :19] == 0).all() and (square[0, :, 21:] == 200).all()


# ---- colours --------------------------------------------------------------------------------------


def factors(brightness: float = 1, contrast: float = 1, saturation: float = 1) -> np.ndarray:
    return np.array([[brightness], [contrast], [saturation]], float)


def coloured(pixel: tuple[float, ...], means: tuple[float, ...], *steps: np.ndarray) -> np.ndarray:
    matrix = colour_matrices(steps, np.array([means], float))[0]
    return matrix @ np.array([*pixel, 1.0])


def test_brightness_multiplies_contrast_spreads_about_the_mean_saturation_about_the_gray():
    assert coloured((100, 50, 20), (0, 0, 0), factors(brightness=1.2)) == pytest.approx([120, 60, 24])
    assert coloured((100, 50, 20), (80, 80, 80), factors(contrast=0.5)) == pytest.approx([90, 65, 50])
    gray = 0.299 * 100 + 0.587 * 50 + 0.114 * 20
    assert coloured((100, 50, 20), (0, 0, 0), factors(saturation=0)) == pytest.approx([gray] * 3)
    assert coloured((100,), (80,), factors(contrast=2, saturation=0.3)) == pytest.approx([120])


def test_composed_colours_are_the_steps_one_after_the_other():
    first, second = factors(1.1, 0.7, 0.4), factors(0.8, 1.5, 1.3)
    means, pixel = np.array([90.0, 60.0, 30.0]), np.array([10.0, 200.0, 77.0])
    after, means_after = (coloured(tuple(one), tuple(means), first) for one in (pixel, means))
    stepwise = coloured(tuple(after), tuple(means_after), second)
    assert coloured(tuple(pixel), tuple(means), first, second) == pytest.approx(stepwise)


def tabulated(picture: np.ndarray, name: str, magnitude: float) -> np.ndarray:
    pictures = picture.copy()
    module._tabulate(pictures, [{name}] * len(pictures), magnitude)
    return pictures


@pytest.mark.parametrize("channels", [1, 3])
def test_tables_do_what_their_names_say(channels):
    ramp = np.arange(40, 200, dtype=np.uint8).reshape(1, 16, 10, 1).repeat(channels, axis=-1)
    stretched = tabulated(ramp, "autocontrast", 0.5)
    assert (stretched.min(), stretched.max()) == (0, 255) and np.all(
        np.diff(stretched[0, ..., 0].ravel().astype(int)) >= 0
    )
    assert np.array_equal(tabulated(ramp, "solarize", 0.5), np.where(ramp >= 128, 255 - ramp, ramp))
    assert np.array_equal(tabulated(ramp, "posterize", 1.0), ramp // 16 * 16)
    assert np.array_equal(tabulated(ramp, "posterize", 0.0), ramp)
    flat = np.full_like(ramp, 77)
    assert np.array_equal(tabulated(flat, "autocontrast", 0.5), flat)


def test_noise_has_the_deviation_asked_for_and_differs_between_pictures():
    gray = np.full((8, 60, 60, 3), 128, np.uint8)
    noisy = changed(gray, Augmentation(noise=10)).astype(float)
    assert noisy.std() == pytest.approx(10, rel=0.05)
    assert abs(noisy.mean() - 128) < 0.5
    assert not np.array_equal(noisy[0], noisy[1])


@settings(max_examples=25, deadline=None)
@given(size=st.integers(1, 90), seed=st.integers(0, 1000), channels=st.sampled_from([1, 3]))
def test_what_is_erased_is_one_rectangle_of_a_bounded_area(size, seed, channels):
    pictures = np.zeros((6, size, size, channels), np.uint8)
    erased = pictures.copy()
    module._erase(erased, 1.0, chance(seed))
    for picture in erased:
        rows, columns = np.nonzero(picture.any(axis=-1))
        if not len(rows):
            continue  # painted black on black
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert len(rows) == height * width
        assert height * width <= max(0.25 * size**2, 1)
        assert (height + 1) * (width + 1) >= 0.02 * size**2
        assert (width + 1) / height >= 1 / 2.5 and width / (height + 1) <= 2.5


def test_erasing_happens_as_often_as_asked():
    white = np.full((2000, 12, 12, 1), 255, np.uint8)
    erased = changed(white, Augmentation(erase=0.25))
    assert 0.21 < (erased != 255).any(axis=(1, 2, 3)).mean() < 0.29


# ---- mixing ---------------------------------------------------------------------------------------


def test_mixup_blends_pictures_and_targets_in_the_same_proportion():
    levels = np.array([0, 80, 160, 240], np.uint8)
    pictures = np.broadcast_to(levels[:, None, None, None], (4, 8, 8, 3))
    targets = levels[:, None].astype(np.float32)  # so that a blended target is the gray level to be found
    mixed, blended = augment(pictures, targets, Augmentation(mixup=1.0), chance(), size=8)
    assert np.abs(mixed[:, 0, 0, 0] - blended[:, 0]).max() <= 0.51
    assert mixed.dtype == np.uint8 and blended.dtype == np.float32 and not np.array_equal(blended, targets)


def test_cutmix_pastes_and_counts_the_pixels_that_are_left():
    levels = np.array([0, 80, 160, 240], np.uint8)
    pictures = np.broadcast_to(levels[:, None, None, None], (4, 20, 20, 1))
    targets = levels[:, None].astype(np.float32)
    mixed, blended = augment(pictures, targets, Augmentation(cutmix=1.0), chance(), size=20)
    assert mixed.mean(axis=(1, 2, 3)) == pytest.approx(blended[:, 0], abs=1e-3)
    assert set(np.unique(mixed)) <= set(levels.tolist())
    assert (mixed != pictures).any()


def test_with_both_a_coin_per_batch_decides():
    levels = np.repeat(np.array([0, 200], np.uint8), 16)
    pictures = np.broadcast_to(levels[:, None, None, None], (32, 16, 16, 1))
    blended = [
        not set(np.unique(augment(pictures, one_hot(32), Augmentation(mixup=1, cutmix=1), chance(i), size=16)[0]))
        <= {0, 200}
        for i in range(40)
    ]
    assert 8 < sum(blended) < 32


@pytest.mark.parametrize("policy", [Augmentation(mixup=0.4), Augmentation(cutmix=0.4)], ids=["mixup", "cutmix"])
def test_mixing_can_be_left_out(policy):
    pictures, targets = smooth(), one_hot(4)
    kept, same = augment(pictures, targets, policy, chance(), size=60, mixing=False)
    assert kept is pictures and same is targets


# ---- what holds for any policy --------------------------------------------------------------------


def policies() -> st.SearchStrategy[Augmentation]:
    def number(low: float, high: float) -> st.SearchStrategy[float]:
        return st.one_of(st.just(low), st.floats(low, high))

    def build(**values) -> Augmentation | None:
        try:
            return Augmentation(**values)
        except UsageError:
            return None

    made = st.builds(
        build,
        rotation=number(0, 180),
        shift=number(0, 1),
        shear=number(0, 80),
        zoom=number(0, 0.9),
        flip=st.booleans(),
        flip_vertical=st.booleans(),
        crop=st.one_of(st.just(1.0), st.floats(0.01, 1)),
        aspect=number(1, 4),
        fill=st.sampled_from(["nearest", "reflect", "black"]),
        brightness=number(0, 1),
        contrast=number(0, 1),
        saturation=number(0, 1),
        noise=number(0, 255),
        erase=number(0, 1),
        operations=st.integers(0, 4),
        magnitude=st.one_of(st.just(0.5), st.floats(0, 1)),
        mixup=number(0, 10),
        cutmix=number(0, 10),
    )
    return made.filter(lambda policy: policy is not None)


@settings(max_examples=60, deadline=None)
@given(
    policy=policies(),
    seed=st.integers(0, 2**32),
    shape=st.tuples(st.integers(0, 5), st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3])),
    size=st.integers(1, 40),
    outputs=st.integers(1, 4),
)
def test_any_policy_keeps_shapes_types_sums_and_its_input(policy, seed, shape, size, outputs):
    pictures = chance(seed).integers(0, 256, shape, dtype=np.uint8)
    targets = chance(seed).dirichlet(np.ones(outputs), shape[0]).astype(np.float32)
    before = pictures.copy(), targets.copy()
    first = augment(pictures, targets, policy, chance(seed), size=size)
    again = augment(pictures, targets, policy, chance(seed), size=size)
    for (seen, said), (seen_again, said_again) in [(first, again)]:
        assert seen.dtype == np.uint8 and seen.shape == (shape[0], size, size, shape[3])
        assert said.dtype == np.float32 and said.shape == targets.shape
        assert said.sum(axis=1) == pytest.approx(targets.sum(axis=1), abs=1e-5)
        assert np.array_equal(seen, seen_again) and np.array_equal(said, said_again)
    assert np.array_equal(pictures, before[0]) and np.array_equal(targets, before[1])


@pytest.mark.parametrize("name", POLICIES)
def test_every_named_policy_changes_what_it_is_for(name):
    pictures = smooth(8)
    result = changed(pictures, POLICIES[name])
    assert (result is pictures) == (name == "none")
    assert name == "none" or any(not np.array_equal(*pair) for pair in zip(result, pictures, strict=True))


@pytest.mark.parametrize("name", [name for name in POLICIES if name != "none"])
def test_gray_pictures_are_changed_like_coloured_ones(name):
    gray = smooth(6, channels=1)
    coloured_alike = changed(np.repeat(gray, 3, axis=-1), POLICIES[name])
    result = changed(gray, POLICIES[name])
    assert result.shape == gray.shape
    if not POLICIES[name].erase:  # a rectangle's colour has three numbers, not one
        assert np.abs(result.astype(int) - coloured_alike).max() <= 1


def test_each_picture_of_a_batch_is_changed_in_its_own_way():
    same = np.repeat(smooth(1), 5, axis=0)
    result = changed(same, POLICIES["seeds"])
    assert len({one.tobytes() for one in result}) == 5


def test_pixels_on_disk_and_views_of_others_will_do(tmp_path):
    pictures = smooth(6)
    np.save(tmp_path / "pixels.npy", pictures)
    on_disk = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    whole = changed(pictures[::2], POLICIES["strong"])
    assert np.array_equal(changed(on_disk[::2], POLICIES["strong"]), whole)
    assert np.array_equal(changed(np.asfortranarray(pictures[::2]), POLICIES["strong"]), whole)


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((2, 8, 8, 4), np.uint8), np.zeros((2, 8, 8, 3), np.float32), np.zeros((8, 8, 3), np.uint8)],
    ids=["four channels", "floats", "one picture"],
)
def test_other_arrays_are_refused_with_what_came(pixels):
    with pytest.raises(DataError, match=r"takes pictures as uint8 \(N, height, width, 1 or 3\)") as caught:
        augment(pixels, NO_TARGETS, POLICIES["seeds"], chance(), size=8)
    assert f"{pixels.dtype} {pixels.shape} came" in str(caught.value)


def test_opencv_keeps_to_one_thread():
    import cv2

    changed(smooth(1), POLICIES["seeds"])
    assert cv2.getNumThreads() == 1


def test_a_sheet_shows_each_picture_as_it_is_and_changed():
    pictures = smooth(3, 50)
    shown = sheet(pictures, POLICIES["seeds"], seed=4, size=50, views=5)
    assert shown.shape == (3, 6, 50, 50, 3) and shown.dtype == np.uint8
    assert np.array_equal(shown[:, 0], pictures)
    assert all(len({view.tobytes() for view in row}) == 6 for row in shown)
    assert np.array_equal(shown, sheet(pictures, POLICIES["seeds"], seed=4, size=50, views=5))
    assert sheet(pictures, POLICIES["strong"], seed=4, size=20).shape == (3, 6, 20, 20, 3)
