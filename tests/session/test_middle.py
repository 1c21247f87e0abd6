"""Strokes along the middle of a mask."""

from __future__ import annotations

import numpy as np
import pytest

from ivos.session.middle import along_middle


def bar(thickness: int) -> np.ndarray:
    mask = np.zeros((128, 128), np.float32)
    mask[64 - thickness // 2 : 64 + thickness // 2, 16:112] = 1
    return mask


@pytest.mark.parametrize("thickness", [16, 24, 48])
def test_they_run_along_the_middle_and_inside(thickness: int):
    strokes = along_middle(bar(thickness))
    assert set(np.unique(strokes)) == {0, 1}
    assert not (strokes[bar(thickness) == 0]).any()
    rows, columns = np.nonzero(strokes)
    middle = rows[(columns > 48) & (columns < 80)]
    assert np.abs(middle + 0.5 - 64).max() <= 4
    assert np.ptp(columns) > 96 - 2 * thickness


def test_each_of_several_parts_has_its_own():
    mask = bar(16)
    mask[100:124, 20:44] = 1
    strokes = along_middle(mask)
    assert strokes[56:72].any()
    assert strokes[100:124, 20:44].any()


def test_what_is_too_thin_for_a_middle_has_a_stroke_all_the_same():
    strokes = along_middle(bar(4))
    assert strokes.any()
    assert not along_middle(np.zeros((128, 128), np.float32)).any()


def test_a_mask_that_is_everywhere_has_strokes():
    assert along_middle(np.ones((64, 64), np.float32)).any()
