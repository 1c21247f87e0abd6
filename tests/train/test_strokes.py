"""Strokes: of every style, and where they belong."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

pytest.importorskip("skimage")

from ivos.train.strokes import draw_strokes, skeleton_stroke


def disc(size: tuple[int, int] = (90, 120), at: tuple[int, int] = (75, 40), radius: int = 25):
    mask = np.zeros(size, np.uint8)
    cv2.circle(mask, at, radius, 1, -1)
    return mask > 0


def hook() -> np.ndarray:
    mask = np.zeros((100, 100), np.bool_)
    mask[10:90, 10:30] = True
    mask[70:90, 10:90] = True
    return mask


def inside(stroke: np.ndarray, mask: np.ndarray) -> np.ndarray:
    xs, ys = np.round(stroke).astype(int).T
    return mask[ys.clip(0, mask.shape[0] - 1), xs.clip(0, mask.shape[1] - 1)]


def test_strokes_of_every_style_lie_inside_a_round_region():
    lengths = set()
    for seed in range(150):
        strokes = draw_strokes(disc(), np.random.default_rng(seed))
        assert strokes
        for stroke in strokes:
            assert stroke.dtype == np.float32
            assert inside(stroke, disc()).all(), seed
            lengths.add(len(stroke))
    # Clicks, flicks of up to 13 points, zigzags of up to 40 and longer lines along the middle.
    assert 1 in lengths
    assert any(2 <= n <= 13 for n in lengths)
    assert any(n >= 14 for n in lengths)


def test_strokes_stay_near_a_bent_region():
    share = []
    for seed in range(150):
        for stroke in draw_strokes(hook(), np.random.default_rng(seed)):
            share.append(inside(stroke, hook()).mean())
    # The robot's curves cut corners; everything else stays within.
    assert np.mean(np.array(share) == 1) > 0.6
    assert np.mean(share) > 0.75


def test_the_middle_line_of_a_bar_runs_along_it():
    bar = np.zeros((40, 200), np.bool_)
    bar[15:25, 10:190] = True
    line = skeleton_stroke(bar)
    assert np.ptp(line[:, 0]) > 130
    assert np.abs(line[:, 1] - 19.5).max() < 3


def test_a_point_and_a_thread_get_a_stroke_too():
    for mask in (np.eye(30, dtype=np.bool_), disc(radius=2)):
        for seed in range(20):
            for stroke in draw_strokes(mask, np.random.default_rng(seed)):
                assert len(stroke) >= 1
                assert np.isfinite(stroke).all()


def test_what_is_too_small_to_be_seen_gets_no_stroke():
    mask = np.zeros((50, 50), np.bool_)
    mask[20:23, 20:23] = True
    assert draw_strokes(mask, np.random.default_rng(0)) == []
    assert draw_strokes(np.zeros((50, 50), np.bool_), np.random.default_rng(0)) == []


def test_only_the_largest_parts_get_strokes():
    mask = disc((100, 200), (40, 50), 30) | disc((100, 200), (120, 50), 25)
    small = disc((100, 200), (180, 50), 4)
    for seed in range(30):
        rng = np.random.default_rng(seed)
        strokes = draw_strokes(mask | small, rng)
        assert not any(inside(stroke, small).any() for stroke in strokes)
        one = draw_strokes(mask | small, np.random.default_rng(seed), most=1)
        assert all(inside(stroke, mask)[0] for stroke in one)
        assert all(stroke[:, 0].max() < 80 for stroke in one)
