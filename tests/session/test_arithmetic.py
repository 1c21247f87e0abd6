"""The arithmetic of rounds: spans, weights, masks of several objects on one frame, strokes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivos.masks import Patch, soft_aggregate, to_labels
from ivos.session import merge
from ivos.session.schedule import (
    between,
    blend_weight,
    change_share,
    spans,
)
from ivos.session.strokes import pixels, told, under
from ivos.types import Box, Click, PaintedMask, Scribble

FRAMES = st.integers(0, 19)


# Where a round goes


@given(FRAMES, st.sets(FRAMES), st.sets(FRAMES))
@settings(max_examples=100, deadline=None)
def test_spans_touch_no_settled_frame_and_cross_no_cut(frame, settled, barriers):
    forwards, backwards = spans(frame, settled - {frame}, 20, barriers)
    visited = [*forwards, *backwards]
    assert len(set(visited)) == len(visited)
    assert frame not in visited
    assert not set(visited) & (settled - {frame})
    assert not any(frame < b <= t or t < b <= frame for t in visited for b in barriers)
    for ahead, step in ((forwards, 1), (backwards, -1)):
        stopped = (ahead[-1] if ahead else frame) + step
        next_shot = stopped if step == 1 else stopped + 1
        assert stopped in (-1, 20) or stopped in settled or next_shot in barriers


@pytest.mark.parametrize(
    ("frame", "source", "settled", "expected"),
    [
        (5, 5, {2, 9}, 1.0),
        (6, 5, {9}, 0.75),
        (8, 5, {9}, 0.25),
        (9, 5, {9}, 0.0),
        (12, 5, {9}, 0.0),
        (12, 5, {2}, 1.0),
        (3, 5, {1}, 0.5),
        (0, 5, {1}, 0.0),
        (0, 5, set(), 1.0),
    ],
)
def test_the_weight_of_a_round_falls_linearly_to_the_nearest_settled_frame(
    frame, source, settled, expected
):
    assert blend_weight(frame, source, settled) == pytest.approx(expected)


def test_changes_count_whole_beside_the_annotated_frame_and_less_and_less_farther_off():
    shares = [change_share(away) for away in range(1, 60)]
    assert shares[0] == 1
    assert all(a > b > 0 for a, b in pairwise(shares))
    assert shares[-1] < 0.1


def test_a_range_cuts_spans_either_way():
    assert list(between(range(5, 10), 3, 8)) == [5, 6, 7]
    assert list(between(range(5, 10), 7, 20)) == [7, 8, 9]
    assert list(between(range(4, -1, -1), 2, 20)) == [4, 3, 2]
    assert list(between(range(4, -1, -1), 0, 3)) == [2, 1, 0]
    assert list(between(range(4, -1, -1), 7, 9)) == []


# Objects on one frame


def random_patches(count: int, seed: int, size: tuple[int, int] = (12, 14)) -> list[Patch]:
    rng = np.random.default_rng(seed)
    patches = []
    for _ in range(count):
        full = np.zeros(size, np.uint8)
        top, left = rng.integers(0, 8, 2)
        height, width = rng.integers(1, 7, 2)
        inner = full[top : top + height, left : left + width]
        inner[:] = rng.choice([0, 3, 100, 127, 128, 200, 255], inner.shape)
        patches.append(Patch.of(full))
    return patches


def dense(patches: list[Patch]) -> np.ndarray:
    return np.stack([patch.soft() for patch in patches])


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("seed", range(8))
def test_competing_on_patches_is_soft_aggregation_on_frames(count, seed):
    patches = random_patches(count, seed)
    alive = [patch for patch in patches if patch.values.size]
    if len(alive) < 2:
        pytest.skip("one object has no rival")
    whole = soft_aggregate(dense(alive))[1:]
    for i, patch in enumerate(alive):
        found = merge.compete(patch, alive[:i] + alive[i + 1 :]).soft()
        np.testing.assert_allclose(found, whole[i], atol=0.6 / 255)


def test_an_object_alone_is_left_as_it_is():
    (patch,) = random_patches(1, 3)
    assert merge.compete(patch, []) is patch


@pytest.mark.parametrize("seed", range(8))
def test_giving_way_leaves_no_pixel_claimed_twice_and_changes_nothing_else(seed):
    mine, *others = random_patches(3, seed)
    found = merge.give_way(mine, others)
    before, after, theirs = mine.soft(), found.soft(), dense(others)
    assert ((after + theirs).max(axis=0) <= np.maximum(1, theirs.max(axis=0)) + 1e-6).all()
    free = theirs.max(axis=0) == 0
    np.testing.assert_array_equal(after[free], before[free])
    assert (after <= before).all()


@pytest.mark.parametrize("seed", range(8))
def test_balancing_makes_masks_sum_to_one_at_most(seed):
    patches = dict(enumerate(random_patches(4, seed), start=1))
    found = merge.balance(patches)
    total = sum(patch.soft() for patch in found.values())
    assert total.max() <= 1 + 1e-6
    calm = sum(patch.soft() for patch in patches.values()) <= 1
    for key, patch in found.items():
        np.testing.assert_array_equal(patch.soft()[calm], patches[key].soft()[calm])


@pytest.mark.parametrize("weight", [0.0, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_blending_is_linear(weight, seed):
    new, old = random_patches(2, seed)
    expected = weight * new.soft() + (1 - weight) * old.soft()
    np.testing.assert_allclose(merge.blend(new, old, weight).soft(), expected, atol=0.6 / 255)
    assert merge.blend(new, None, weight) is new


@pytest.mark.parametrize("seed", range(8))
def test_labels_are_the_likeliest_plane(seed):
    shared = merge.balance(dict(zip((3, 7, 200), random_patches(3, seed), strict=True)))
    soft = dense(list(shared.values()))
    background = 1 - soft.sum(axis=0, keepdims=True)
    expected = to_labels(np.concatenate([background, soft]).round(5), (3, 7, 200))
    np.testing.assert_array_equal(merge.labels(shared, (12, 14)), expected)


def test_labels_of_one_object_are_its_hard_mask():
    patch = Patch.of(np.array([[0, 127, 128, 255]], np.uint8))
    np.testing.assert_array_equal(merge.labels({5: patch}, (1, 4)), [[0, 0, 5, 5]])
    np.testing.assert_array_equal(patch.mask(), [[False, False, True, True]])
    assert not merge.labels({}, (3, 4)).any()
    assert not merge.labels({1: Patch.empty((3, 4))}, (3, 4)).any()


@pytest.mark.parametrize("seed", range(6))
def test_overlap_of_patches_is_that_of_frames(seed):
    a, b = random_patches(2, seed)
    both, either = (a.mask() & b.mask()).sum(), (a.mask() | b.mask()).sum()
    assert merge.iou(a, b) == pytest.approx(both / either if either else 1.0)
    assert merge.iou(a, a) == 1


# What an object is told


def test_the_pixel_of_a_fraction_is_the_one_it_lies_in():
    found = pixels([(0.0, 0.0), (0.999, 0.5), (1.0, 1.0)], (4, 10))
    assert found.tolist() == [[0, 0], [9, 2], [9, 3]]


def test_an_object_hears_its_own_strokes_and_those_against_it():
    size = (10, 10)
    mine, theirs = Scribble(1, ((0.1, 0.1),)), Scribble(2, ((0.2, 0.2),))
    ground, away = Click(0, (0.3, 0.3)), Scribble(1, ((0.4, 0.4),), positive=False)
    not_theirs = Scribble(2, ((0.5, 0.5),), positive=False)
    prompts = [mine, theirs, ground, away, not_theirs]
    signs = [positive for _, positive in told(1, prompts, size, "others").paths]
    assert signs == [True, False, False, False]
    signs = [positive for _, positive in told(1, prompts, size, "background").paths]
    assert signs == [True, False, False]


def test_painting_takes_the_place_of_what_was_drawn_before():
    size = (10, 10)
    mask = np.zeros(size, np.bool_)
    mask[2:5, 2:5] = True
    before, inside = Click(1, (0.1, 0.1)), Click(1, (0.3, 0.3), positive=False)
    far, onto = Click(2, (0.9, 0.9)), Click(2, (0.35, 0.35))
    painted = PaintedMask(1, mask)
    assert told(1, [before, painted], size, "others").paths == ()
    assert told(1, [before, painted], size, "others").exact
    assert told(1, [painted, far], size, "others").exact
    assert not told(1, [painted, onto], size, "others").exact
    assert not told(1, [painted, inside], size, "others").exact
    assert not told(1, [painted, Box(1, (0.1, 0.1), (0.5, 0.5))], size, "others").exact


def test_a_stroke_is_over_an_object_if_its_line_crosses_it():
    mask = np.zeros((20, 20), np.bool_)
    mask[8:12, 8:12] = True
    patch = Patch.of(mask)
    assert under([(0.1, 0.5), (0.9, 0.5)], patch)
    assert under([(0.5, 0.5)], patch)
    assert not under([(0.1, 0.1), (0.9, 0.1)], patch)
    assert not under([(0.5, 0.5)], Patch.empty((20, 20)))
