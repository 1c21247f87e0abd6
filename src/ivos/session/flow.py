"""Optical flow between two pictures of one region, to move masks from one frame to the next."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ivos.masks import Bytes2D
from ivos.types import Frame


def grey(image: Frame) -> Bytes2D:
    """(H, W) grey values of a picture."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def moved(mask: NDArray[np.float32], flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W): each pixel of a mask taken from where ``flow`` (H, W, 2), x first, says it was."""
    rows, columns = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    source = flow + np.stack([columns, rows], axis=2)
    return np.asarray(cv2.remap(mask, source, None, cv2.INTER_LINEAR), np.float32)  # type: ignore[call-overload]


def flow_from(beside: Bytes2D, here: Bytes2D) -> NDArray[np.float32]:
    """(S, S, 2): how far each pixel of the crop ``here`` is from where it comes from in the crop
    ``beside``, x first.

    Both crops are (S, S) grey values of one region on neighbouring frames. Dense inverse search
    (DIS, Kroeger et al., ECCV 2016) at half the crop's resolution.
    """
    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    # Finer than the preset and not smoothed afterwards: outlines move more exactly.
    estimator.setFinestScale(1)
    estimator.setVariationalRefinementIterations(0)
    return np.asarray(estimator.calc(here, beside, None), np.float32)  # type: ignore[call-overload]
