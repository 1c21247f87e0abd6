"""Where the simulated user looks."""

from __future__ import annotations

import numpy as np
import pytest

from ivos.errors import InvalidInput
from ivos.simulate import error_regions, worst_frame


def test_each_wrong_pixel_belongs_to_what_it_truly_is():
    truth = np.array([[1, 1, 2, 0, 0]], np.uint8)
    prediction = np.array([[1, 2, 2, 0, 1]], np.uint8)
    found = dict(error_regions(truth, prediction, (1, 2)))
    assert {key: mask.tolist() for key, mask in found.items()} == {
        0: [[False, False, False, False, True]],
        1: [[False, True, False, False, False]],
    }


def test_void_pixels_are_never_wrong():
    truth, prediction = np.full((2, 2), 255, np.uint8), np.ones((2, 2), np.uint8)
    assert list(error_regions(truth, prediction, (1,))) == []


def test_other_sizes_are_refused():
    with pytest.raises(InvalidInput, match="resize"):
        list(error_regions(np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8), (1,)))


def test_the_worst_frame_has_the_lowest_mean_over_objects():
    scores = np.array([[0.9, 0.1, 0.5, 0.6], [0.9, 0.9, 0.3, 0.4]])
    assert worst_frame(scores) == 2
    assert worst_frame(scores, used={2}) == 1
    assert worst_frame(scores, used={2}, among=[0, 2, 3]) == 3
    assert worst_frame(scores[0]) == 1


def test_when_all_frames_were_used_all_are_candidates_again():
    assert worst_frame(np.array([0.5, 0.4]), used={0, 1}) == 1


def test_of_equal_frames_the_first_is_worst_and_without_frames_none_is():
    assert worst_frame(np.array([0.5, 0.2, 0.2])) == 1
    with pytest.raises(InvalidInput, match="no frame"):
        worst_frame(np.zeros(0))
