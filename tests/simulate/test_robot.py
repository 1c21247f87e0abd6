"""What the simulated user draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivos.errors import InvalidInput
from ivos.simulate import Robot, first_frame, first_scribbles
from ivos.simulate.skeleton import bezier, longest_paths, medial_axis, opened


def square(size: tuple[int, int], top: int, left: int, side: int) -> np.ndarray:
    mask = np.zeros(size, bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_the_robot_draws_nothing_on_a_right_prediction():
    truth = square((40, 50), 5, 5, 20).astype(np.uint8)
    assert Robot().correct(truth, truth, (1,)) == ()


def test_it_names_what_is_missing_and_what_is_too_much():
    truth, prediction = np.zeros((60, 80), np.uint8), np.zeros((60, 80), np.uint8)
    truth[10:40, 10:40], prediction[10:40, 50:75] = 1, 1
    strokes = Robot().correct(truth, prediction, (1,))
    assert [stroke.object_id for stroke in strokes] == [0, 1]
    for stroke, (left, right) in zip(strokes, ((50, 75), (10, 40)), strict=True):
        x, y = np.array(stroke.path).T
        assert len(x) == 1000
        assert x.min() * 80 >= left
        assert x.max() * 80 <= right
        assert y.min() * 60 >= 10
        assert y.max() * 60 <= 40


def test_errors_too_small_for_a_line_get_none():
    truth, prediction = np.zeros((40, 40), np.uint8), np.zeros((40, 40), np.uint8)
    truth[5, 5:8] = 1
    assert Robot().correct(truth, prediction, (1,)) == ()
    assert len(Robot(min_nb_nodes=1).correct(truth, prediction, (1,))) == 1


@settings(deadline=None, max_examples=4)
@given(st.integers(0, 2**16), st.integers(0, 50))
def test_two_robots_with_one_seed_draw_the_same(case: int, seed: int):
    rng = np.random.default_rng(case)
    truth, prediction = np.zeros((2, 50, 60), np.uint8)
    for labels in (truth, prediction):
        for _ in range(4):
            y, x = rng.integers(0, 40, 2)
            labels[y : y + rng.integers(3, 25), x : x + rng.integers(3, 25)] = rng.integers(0, 3)
    drawn = Robot(seed=seed).correct(truth, prediction, (1, 2))
    assert drawn == Robot(seed=seed).correct(truth, prediction, (1, 2))


def test_where_the_region_lies_does_not_change_the_line():
    here, there = square((90, 90), 12, 9, 24), square((90, 90), 52, 55, 24)
    a = medial_axis(opened(here, 0.2, 16), 0) - (9, 12)
    b = medial_axis(opened(there, 0.2, 16), 0) - (55, 52)
    assert a.tolist() == b.tolist()


def test_opening_takes_thin_parts_away_but_never_everything():
    region = square((60, 60), 20, 20, 24)
    region[30, 44:60] = True
    kept = opened(region, 0.2, 16)
    assert kept[25:40, 25:40].all()
    assert not kept[30, 50:].any()
    line = np.zeros((60, 400), bool)
    line[30:33] = True
    assert opened(line, 0.2, 16).any()


def test_a_ring_becomes_one_open_line_and_a_branch_is_left_out():
    ring = np.array(
        [(3, 0), (2, 1), (1, 2), (0, 3), (1, 4), (2, 5), (3, 6), (4, 5), (5, 4), (6, 3)]
    )
    ring = np.vstack([ring, [(5, 2), (4, 1)]])
    ring = ring[np.lexsort((ring[:, 0], ring[:, 1]))]
    (path,) = longest_paths(ring, 4)
    assert len({tuple(p) for p in path}) == len(path) == 12
    branch = np.array([(x, 5) for x in range(12)] + [(6, 6), (6, 7)])
    (path,) = longest_paths(branch, 4)
    assert sorted(x for x, y in path) == list(range(12))
    assert all(y == 5 for _, y in path)


def test_a_part_with_too_few_pixels_is_left_out():
    pixels = np.array([(0, 0), (1, 0), (2, 0), (20, 0), (21, 0), (22, 0), (23, 0)])
    assert [len(path) for path in longest_paths(pixels, 4)] == [4]


def test_the_curve_joins_the_ends_and_stays_among_its_points():
    points = np.array([(0, 0), (10, 30), (20, 0)])
    curve = bezier(points, 101)
    assert curve[0].tolist() == [20, 0]
    assert curve[-1].tolist() == [0, 0]
    np.testing.assert_allclose(curve[50], [10, 15])


def test_a_curve_of_very_many_points_is_finite_or_left_alone():
    line = np.stack([np.arange(1000), np.zeros(1000, int)], axis=1)
    np.testing.assert_allclose(bezier(line, 1000)[:, 0], np.linspace(999, 0, 1000), atol=1e-6)
    longer = np.stack([np.arange(1200), np.zeros(1200, int)], axis=1)
    assert bezier(longer, 1000).tolist() == longer.tolist()


def test_impossible_settings_are_refused():
    with pytest.raises(InvalidInput, match="negative"):
        Robot(kernel_size=-1)
    with pytest.raises(InvalidInput, match="at least 1"):
        Robot(min_nb_nodes=0)


def growing() -> list[np.ndarray]:
    """Seven frames; object 2 is only there on frames 4 to 6, and shrinks."""
    frames = [square((40, 60), 2, 2, 8 + t).astype(np.uint8) for t in range(7)]
    for t in (4, 5, 6):
        frames[t][22:38, 40 : 60 - 2 * t] = 2
    return frames


def test_the_first_frame_is_one_that_shows_most_of_the_objects():
    assert first_frame(growing(), (1,)) == 3
    assert first_frame(growing(), (1,), "largest") == 6
    assert first_frame(growing(), (1, 2)) == 4
    assert first_frame(growing(), (1, 2), "largest") == 5
    assert first_frame(growing(), (1, 2), "random", seed=3) in (4, 5, 6)
    assert first_frame(growing()[:4], (1,)) == 1


def test_a_random_first_frame_is_the_same_for_the_same_seed():
    chosen = {first_frame(growing(), (1,), "random", seed=s) for s in range(20)}
    assert len(chosen) > 1
    assert first_frame(growing(), (1,), "random", 7) == first_frame(growing(), (1,), "random", 7)


def test_there_is_no_first_frame_where_nothing_is_ever_seen():
    with pytest.raises(InvalidInput, match="nothing to draw on"):
        first_frame([np.zeros((4, 4), np.uint8)], (1,))
    with pytest.raises(InvalidInput, match="no rule"):
        first_frame(growing(), (1,), "last")  # type: ignore[arg-type]


def test_first_scribbles_lie_on_each_object_and_never_on_the_background():
    truth = growing()[5]
    drawn = first_scribbles(truth, 5, (1, 2), Robot())
    assert drawn.frame == 5
    assert drawn.object_ids == (1, 2)
    for stroke in drawn.prompts:
        x, y = (np.array(stroke.path) * (60, 40)).astype(int).T
        assert (truth[y, x] == stroke.object_id).mean() > 0.9


def test_an_object_of_a_few_pixels_still_gets_a_first_scribble():
    truth = np.zeros((30, 30), np.uint8)
    truth[10, 10:12] = 7
    assert first_scribbles(truth, 0, (7,), Robot()).object_ids == (7,)
