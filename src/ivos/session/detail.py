"""A look at an object in detail: in parts, each in a crop of its own, put together again.

A crop of a large object is coarser than the frame. What a person draws on a frame is looked at once
more in parts, which costs a few crops of the interaction network and happens only there.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ivos.crop import Region, unwarp_into
from ivos.masks import Patch

_MOST = 2
"""Parts to a side, at most: a look in detail is bounded at four crops."""
_OVERLAP = 0.2
"""How far a part reaches into the one beside it, as a part of its side."""


def parts_of(region: Region, side: float) -> list[Region]:
    """``region`` in parts about ``side`` pixels of the frame high and wide, overlapping a little.

    Itself alone where it is hardly larger than that.
    """
    rows = _cuts(region.y0, region.y1, side)
    columns = _cuts(region.x0, region.x1, side)
    return [Region(y0, x0, y1, x1) for y0, y1 in rows for x0, x1 in columns]


def _cuts(low: float, high: float, side: float) -> list[tuple[float, float]]:
    count = min(_MOST, max(1, round((high - low) / side)))
    step = (high - low) / count
    reach = _OVERLAP * step
    return [
        (max(low, low + i * step - reach), min(high, low + (i + 1) * step + reach))
        for i in range(count)
    ]


def put_together(
    crops: Sequence[NDArray[np.float32]], regions: Sequence[Region], size: tuple[int, int]
) -> Patch:
    """One mask of a frame of ``size`` (H, W) from crops (S, S) of probabilities, fading into one
    another where they overlap; nothing outside the regions.
    """
    top = max(0, int(np.ceil(min(region.y0 for region in regions))))
    left = max(0, int(np.ceil(min(region.x0 for region in regions))))
    bottom = min(size[0], int(max(region.y1 for region in regions)) + 1)
    right = min(size[1], int(max(region.x1 for region in regions)) + 1)
    if top >= bottom or left >= right:
        return Patch.empty(size)
    weight = _fading(crops[0].shape[0])
    total = np.zeros((bottom - top, right - left), np.float32)
    weights = np.zeros_like(total)
    for crop, region in zip(crops, regions, strict=True):
        unwarp_into(total, crop * weight, region, (top, left))
        unwarp_into(weights, weight, region, (top, left))
    mean = cv2.divide(total, np.maximum(weights, 1e-6))
    return Patch(size, top, left, np.rint(mean * 255).astype(np.uint8)).tight()


def _fading(side: int) -> NDArray[np.float32]:
    """(side, side): 1 inside, falling towards the edges, more than 0 everywhere."""
    at = np.arange(1, side + 1, dtype=np.float32)
    ramp = np.minimum(np.minimum(at, at[::-1]) / (side / 4), 1)
    return np.asarray(np.minimum(ramp[:, None], ramp[None, :]), np.float32)
