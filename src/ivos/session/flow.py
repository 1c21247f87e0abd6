"""Optical flow between two crops of the same region, to move a mask from one frame to the next."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ivos.crop import Pixels


def move_along(mask: NDArray[np.float32], beside: Pixels, here: Pixels) -> NDArray[np.float32]:
    """A mask (S, S) of the crop ``beside``, moved to where its pixels are in the crop ``here``.

    Both crops are (S, S, 3) uint8 RGB of one region on neighbouring frames. Dense inverse search
    (DIS, Kroeger et al., ECCV 2016) on grey values: a few milliseconds at the size of a crop.
    """
    greys = [
        cv2.cvtColor(np.asarray(crop, np.uint8), cv2.COLOR_RGB2GRAY) for crop in (here, beside)
    ]
    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    flow = estimator.calc(greys[0], greys[1], None)  # type: ignore[call-overload]
    rows, columns = np.mgrid[0 : mask.shape[0], 0 : mask.shape[1]].astype(np.float32)
    moved = cv2.remap(mask, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR)
    return np.asarray(moved, np.float32)
