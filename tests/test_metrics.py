"""J, F and the curve: agreement with their definitions, written out the slow way."""

from __future__ import annotations

from math import ceil, hypot

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ivos.errors import InvalidInput
from ivos.metrics import (
    area_under_curve,
    contour_accuracy,
    region_similarity,
    score,
    score_all,
    value_at,
)


def blobs(seed: int, size: tuple[int, int] = (24, 31)) -> NDArray[np.bool_]:
    """A few rectangles, some of them over the edge of the image."""
    rng = np.random.default_rng(seed)
    mask = np.zeros(size, bool)
    for _ in range(int(rng.integers(1, 4))):
        y, x = rng.integers(-4, size[0]), rng.integers(-4, size[1])
        mask[max(y, 0) : y + rng.integers(4, 14), max(x, 0) : x + rng.integers(4, 14)] = True
    return mask


def slow_contour(mask: NDArray[np.bool_]) -> set[tuple[int, int]]:
    height, width = mask.shape
    return {
        (y, x)
        for y in range(height)
        for x in range(width)
        if any(
            mask[y, x] != mask[min(y + dy, height - 1), min(x + dx, width - 1)]
            for dy, dx in ((0, 1), (1, 0), (1, 1))
        )
    }


def slow_contour_accuracy(truth: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> float:
    reach = ceil(0.008 * hypot(*truth.shape))
    true, predicted = slow_contour(truth), slow_contour(prediction)
    if not true or not predicted:
        return float(not true and not predicted)

    def near(a: set[tuple[int, int]], b: set[tuple[int, int]]) -> float:
        close = sum(any((y - v) ** 2 + (x - u) ** 2 <= reach**2 for v, u in b) for y, x in a)
        return close / len(a)

    precision, recall = near(predicted, true), near(true, predicted)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def test_a_mask_agrees_with_itself_and_two_empty_masks_agree():
    mask, empty = blobs(0), np.zeros((24, 31), bool)
    assert region_similarity(mask, mask) == contour_accuracy(mask, mask) == 1
    assert region_similarity(empty, empty) == contour_accuracy(empty, empty) == 1


def test_an_empty_prediction_of_something_is_worth_nothing():
    mask, empty = blobs(0), np.zeros((24, 31), bool)
    assert region_similarity(mask, empty) == contour_accuracy(mask, empty) == 0
    assert region_similarity(empty, mask) == contour_accuracy(empty, mask) == 0


def test_region_similarity_is_the_share_of_the_union_that_both_have():
    truth, prediction = np.zeros((4, 6), bool), np.zeros((4, 6), bool)
    truth[:, :4], prediction[:, 2:] = True, True
    assert region_similarity(truth, prediction) == pytest.approx(8 / 24)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_contour_accuracy_is_what_its_definition_says_also_at_the_edges(a: int, b: int):
    truth, prediction = blobs(a), blobs(b)
    expected = slow_contour_accuracy(truth, prediction)
    assert contour_accuracy(truth, prediction) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_scoring_inside_the_box_of_both_masks_changes_nothing(a: int, b: int):
    truth, prediction = blobs(a, (90, 120)), blobs(b, (90, 120))
    both = score(truth.astype(np.uint8), prediction.astype(np.uint8), 1)
    assert region_similarity(truth, prediction) == both.J
    assert contour_accuracy(truth, prediction) == both.F
    assert pytest.approx((both.J + both.F) / 2) == both.J_AND_F


def test_contours_further_apart_than_the_tolerance_do_not_agree():
    truth, near, far = (np.zeros((200, 200), bool) for _ in range(3))
    truth[50:150, 50:150] = near[53:153, 50:150] = far[60:160, 60:160] = True
    assert contour_accuracy(truth, near) == 1  # 3 px is within ceil(.008 x 283) = 3
    assert contour_accuracy(truth, far) < 0.2


def test_void_pixels_of_the_truth_do_not_count():
    truth, prediction = np.zeros((20, 20), np.uint8), np.zeros((20, 20), np.uint8)
    truth[5:10, 5:10], truth[5:10, 10:15] = 1, 255
    prediction[5:10, 5:15] = 1
    assert score(truth, prediction, 1).J == 1
    assert score(truth, prediction, 1).F == 1


def test_every_object_is_scored_on_every_frame_in_the_order_given():
    truth, prediction = np.zeros((3, 16, 16), np.uint8), np.zeros((3, 16, 16), np.uint8)
    truth[:, :8], truth[:, 8:] = 4, 2
    prediction[0] = truth[0]
    prediction[1, :8] = 4
    J, F = score_all(truth, prediction, (4, 2))
    assert J.tolist() == [[1, 1, 0], [1, 0, 0]]
    assert F.shape == (2, 3)
    assert F[:, 0].tolist() == [1, 1]


def test_masks_of_other_sizes_are_refused_by_name():
    with pytest.raises(InvalidInput, match=r"\(4, 5\).*\(5, 4\)"):
        region_similarity(np.zeros((5, 4), bool), np.zeros((4, 5), bool))
    with pytest.raises(InvalidInput, match="2 predicted frames for 3"):
        score_all(np.zeros((3, 4, 4), np.uint8), np.zeros((2, 4, 4), np.uint8), (1,))


def test_the_curve_is_a_mean_over_time_and_reads_between_its_points():
    seconds, values = [0, 20, 100], [0.0, 0.8, 0.9]
    assert area_under_curve(seconds, values) == pytest.approx((8 + 68) / 100)
    assert value_at(seconds, values, 60) == pytest.approx(0.85)
    assert value_at(seconds, values, 500) == 0.9


def test_a_curve_that_takes_no_time_is_as_high_as_its_end():
    assert area_under_curve([0, 0], [0.0, 0.7]) == 0.7


def test_a_curve_must_have_points_and_go_forwards():
    with pytest.raises(InvalidInput, match="as many values"):
        area_under_curve([0, 1], [0.5])
    with pytest.raises(InvalidInput, match="backwards"):
        value_at([0, 2, 1], [0.0, 0.1, 0.2])
