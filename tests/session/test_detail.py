"""Parts of a region: what they cover, and how one mask is made of them."""

from __future__ import annotations

import numpy as np
import pytest

from ivos.crop import Region, warp
from ivos.session.detail import parts_of, put_together


@pytest.mark.parametrize(
    ("region", "count"),
    [
        (Region(-5, -5, 50, 60), 1),
        (Region(0, 0, 50, 240), 1 * 2),
        (Region(10, 10, 2000, 3000), 2 * 2),
        (Region(10, 10, 10, 10), 1),
    ],
)
def test_parts_cover_the_region_and_nothing_else(region: Region, count: int):
    parts = parts_of(region, 60)
    assert len(parts) == count
    covered = np.zeros((64, 64), bool)
    ys, xs = (
        np.linspace(low, high, 64)[:, None]
        for low, high in ((region.y0, region.y1), (region.x0, region.x1))
    )
    for part in parts:
        assert region.y0 <= part.y0 <= part.y1 <= region.y1
        assert region.x0 <= part.x0 <= part.x1 <= region.x1
        in_rows, in_columns = abs(2 * ys - part.y0 - part.y1), abs(2 * xs.T - part.x0 - part.x1)
        covered |= (in_rows <= part.y1 - part.y0) & (in_columns <= part.x1 - part.x0)
    assert covered.all()


def test_a_mask_put_together_of_its_parts_is_itself_and_empty_beyond_them():
    rows, columns = np.mgrid[0:150, 0:200]
    soft = np.exp(-(((rows - 70) / 40) ** 2) - ((columns - 110) / 50) ** 2).astype(np.float32)
    region = Region(-8.5, 30.25, 160, 190.5)
    parts = parts_of(region, 60)
    crops = [np.asarray(warp(soft, part, 64), np.float32) for part in parts]
    again = put_together(crops, parts, (150, 200)).soft()
    inside = np.zeros((150, 200), bool)
    inside[:, 31:191] = True
    np.testing.assert_allclose(again[inside], soft[inside], atol=0.02)
    assert not again[~inside].any()


def test_parts_beyond_the_frame_make_an_empty_mask():
    parts = [Region(-9, -9, -1, -1)]
    assert put_together([np.ones((32, 32), np.float32)], parts, (40, 40)).full().sum() == 0
