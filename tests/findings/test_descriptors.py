from __future__ import annotations

import numpy as np

from findings.scenes import scene
from starshift.findings.descriptors import WHOLE, Candidates, candidates, cut_windows, learn, mutual
from starshift.findings.registration import cut, shrunk

SCENES = np.stack([scene(seed) for seed in range(40)])


def test_windows_lose_a_little_less_than_a_cut_copy_may():
    windows = cut_windows()
    assert len(windows) == 9 and windows[:1].tolist() == WHOLE.tolist()
    lost = 1 - (windows[:, [1, 3]] - windows[:, [0, 2]])
    assert lost.min() == 0 and 0.1 < lost.max() < 0.15


def found(*copies: np.ndarray) -> set[tuple[int, int, bool]]:
    """Candidates among SCENES and copies, as places with whether the first one was mirrored."""
    pictures = shrunk(np.concatenate([SCENES, *copies]), 32)
    some = candidates(pictures, learn(pictures), cut_windows())
    return set(zip(some.first.tolist(), some.second.tolist(), some.mirrored.tolist(), strict=True))


def test_a_cut_copy_is_a_candidate_of_its_original():
    window = np.array([[0.0, 0.88, 0.12, 1.0]], dtype=np.float32)
    assert (7, 40, False) in found(cut(SCENES[7:8], window, 64))


def test_a_mirrored_copy_is_a_candidate_of_its_original():
    assert {(9, 40, True), (40, 9, True)} <= found(SCENES[9:10, :, ::-1])


def test_a_picture_is_no_candidate_of_its_own_mirror_image():
    symmetrical = (SCENES[:1] + SCENES[:1, :, ::-1]) / 2
    assert all(first != second for first, second, _ in found(symmetrical))


def test_a_pair_that_was_found_one_way_is_tried_the_other_way_too():
    windows = np.array([[0, 0.88, 0, 1], [0, 1, 0, 1], [0, 1, 0, 1], [0.12, 1, 0, 1]], np.float32)
    mirrored, alike = np.array([False, True, True, False]), np.array([0.9, 0.8, 0.7, 0.6], np.float32)
    one_way = Candidates(np.array([0, 0, 5, 5]), np.array([3, 5, 0, 6]), mirrored, windows, alike)
    both = mutual(one_way)
    places = list(zip(both.first.tolist(), both.second.tolist(), both.mirrored.tolist(), strict=True))
    assert places == [(0, 3, False), (0, 5, True), (5, 0, True), (5, 6, False), (3, 0, False), (6, 5, False)]
    assert both.windows[4:].tolist() == [WHOLE[0].tolist()] * 2
    assert mutual(Candidates(*(array[:0] for array in (one_way.first, one_way.second, mirrored, windows, alike))))


def test_equal_vectors_have_a_cosine_of_one_and_length_one():
    pictures = shrunk(SCENES, 32)
    vectors = learn(pictures).vectors(pictures, cut_windows())
    assert vectors.shape[:2] == (40, 9) and np.allclose(np.linalg.norm(vectors, axis=2), 1, atol=1e-4)
