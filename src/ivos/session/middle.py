"""Strokes along the middle of a mask: what a person would draw who agrees with it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_COARSE = 4
"""Strokes are found, and drawn, this many pixels of the crop wide."""
_SHALLOWEST = 1.5
"""Ridges nearer to the outline, in coarse pixels, are only its own corners."""


def along_middle(mask: NDArray[np.float32]) -> NDArray[np.float32]:
    """(S, S) probabilities, S a multiple of 4 -> strokes (S, S), 1 where drawn and 0 elsewhere.

    The ridges of the distance to the outline; the deepest places where nothing has a ridge, and
    nothing where there is no mask.
    """
    side = mask.shape[0] // _COARSE
    small = cv2.resize(mask, (side, side), interpolation=cv2.INTER_AREA)
    if not small.any():
        return np.zeros_like(mask)
    inside = (small >= min(0.5, float(small.max()))).view(np.uint8)
    inside = cv2.copyMakeBorder(inside, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)  # type: ignore[assignment]
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5)[1:-1, 1:-1]
    highest = cv2.dilate(depth, np.ones((3, 3), np.uint8))
    ridge = (depth >= highest - 0.01) & (depth >= _SHALLOWEST)
    if not ridge.any():
        ridge = depth == depth.max()
    strokes = cv2.resize(
        ridge.astype(np.float32), mask.shape[::-1], interpolation=cv2.INTER_NEAREST
    )
    return np.asarray(strokes, np.float32)
