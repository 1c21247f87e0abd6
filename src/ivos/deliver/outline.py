"""The border of a mask as polygons along the edges of its pixels."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ivos.types import Mask

Ring = NDArray[np.float64]
"""(P, 2) corners as (x, y) in pixels; pixel i covers i to i + 1; the last joins the first."""


def outlines(mask: Mask, tolerance: float = 0.0) -> list[Ring]:
    """One polygon for each connected part of ``mask``, largest first.

    With ``tolerance`` 0, filling them (even-odd, at pixel centres) gives ``mask`` back exactly;
    above, corners are dropped as long as the border moves by at most that many pixels. A hole
    becomes part of its polygon by a slit of no width. Empty masks give an empty list.
    """
    # At twice the size, each corner of a pixel edge is next to one pixel of the contour,
    # also where the contour cuts a corner: halving with rounding up finds it.
    doubled = np.repeat(np.repeat(mask.astype(np.uint8), 2, axis=0), 2, axis=1)
    found, tree = cv2.findContours(doubled, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    contours = [np.asarray(contour, np.int32) for contour in found]
    if not contours:
        return []
    polygons: list[Ring] = []
    for index, (_, _, hole, parent) in enumerate(tree[0]):
        if parent >= 0:
            continue
        polygon = _ring(contours[index], tolerance)
        while hole >= 0:
            inner = _ring(contours[hole], tolerance)
            if len(inner) >= 3:
                polygon = _joined(polygon, inner)
            hole = tree[0][hole][0]
        if len(polygon) >= 3:
            polygons.append(polygon)
    return sorted(polygons, key=_area, reverse=True)


def _ring(contour: NDArray[np.int32], tolerance: float) -> Ring:
    points = (contour[:, 0] + 1) // 2
    points = points[np.any(points != np.roll(points, 1, axis=0), axis=1)]
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    corner = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0] != 0
    back = (before * after).sum(axis=1) < 0
    points = points[corner | back]
    if tolerance > 0:
        points = cv2.approxPolyDP(points[:, None].astype(np.int32), tolerance, closed=True)[:, 0]
    ring: Ring = np.asarray(points, np.float64)
    return ring


def _joined(outer: Ring, inner: Ring) -> Ring:
    """One ring that goes along ``outer``, over a slit to ``inner``, around it, and back."""
    distances = ((outer[:, None] - inner[None]) ** 2).sum(axis=2)
    at, start = np.unravel_index(int(distances.argmin()), distances.shape)
    around = np.roll(inner, -int(start), axis=0)
    return np.concatenate([outer[: at + 1], around, around[:1], outer[at:]])


def _area(ring: Ring) -> float:
    x, y = ring[:, 0], ring[:, 1]
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
