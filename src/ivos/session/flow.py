"""Optical flow between two crops of the same region, to move masks from one frame to the next."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ivos.crop import Pixels


def where_from(beside: Pixels, here: Pixels) -> NDArray[np.float32]:
    """(S, S, 2): where in the crop ``beside`` each pixel of the crop ``here`` comes from, x first.

    Both crops are (S, S, 3) uint8 RGB of one region on neighbouring frames. Dense inverse search
    (DIS, Kroeger et al., ECCV 2016) on grey values at half the crop's resolution.
    """
    greys = [
        cv2.cvtColor(np.asarray(crop, np.uint8), cv2.COLOR_RGB2GRAY) for crop in (here, beside)
    ]
    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    # Finer than the preset and not smoothed afterwards: outlines move more exactly.
    estimator.setFinestScale(1)
    estimator.setVariationalRefinementIterations(0)
    flow = estimator.calc(greys[0], greys[1], None)  # type: ignore[call-overload]
    rows, columns = np.mgrid[0 : flow.shape[0], 0 : flow.shape[1]].astype(np.float32)
    return np.stack([columns + flow[..., 0], rows + flow[..., 1]], axis=2)


def moved(mask: NDArray[np.float32], source: NDArray[np.float32]) -> NDArray[np.float32]:
    """A mask (S, S) of the neighbour's crop, each pixel taken from where it was there."""
    return np.asarray(cv2.remap(mask, source, None, cv2.INTER_LINEAR), np.float32)  # type: ignore[call-overload]
