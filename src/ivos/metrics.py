"""How good masks are: region similarity J, contour accuracy F, and the curve over time.

Pure functions of arrays, as the DAVIS benchmarks define them (Perazzi et al., CVPR 2016; the
interactive track for the curve). Knows nothing of datasets, sessions or robots.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, hypot

import cv2
import numpy as np
from numpy.typing import NDArray

from ivos.errors import InvalidInput
from ivos.types import VOID, LabelMap, Mask, ObjectId

BOUNDARY_TOLERANCE = 0.008
"""How far contours may lie apart and still agree, as a fraction of the image's diagonal."""


@dataclass(frozen=True, slots=True)
class Score:
    """J and F of one object on one frame, each from 0 to 1."""

    J: float
    F: float

    @property
    def J_AND_F(self) -> float:
        """Their mean."""
        return (self.J + self.F) / 2


def region_similarity(truth: Mask, prediction: Mask) -> float:
    """J: intersection over union of two (H, W) masks; 1 where both are empty."""
    _check_sizes(truth, prediction)
    return _region_similarity(_bytes(truth), _bytes(prediction))


def contour_accuracy(truth: Mask, prediction: Mask, tolerance: float = BOUNDARY_TOLERANCE) -> float:
    """F: harmonic mean of the precision and recall of contour pixels, (H, W) masks.

    A contour pixel is right where the other contour passes within ``ceil(tolerance * diagonal)``
    pixels (Euclidean). 1 where neither mask has a contour, 0 where only one has.
    """
    _check_sizes(truth, prediction)
    return _contour_accuracy(_bytes(truth), _bytes(prediction), _radius(truth.shape, tolerance))


def score(truth: LabelMap, prediction: LabelMap, object_id: ObjectId) -> Score:
    """J and F of one object, from (H, W) label maps; void pixels of the truth do not count."""
    _check_sizes(truth, prediction)
    true, predicted = _bytes(truth == object_id), _bytes(prediction == object_id)
    if predicted.any() and (void := truth == VOID).any():
        predicted[void] = 0
    box = _union_box(true, predicted)
    true, predicted = np.ascontiguousarray(true[box]), np.ascontiguousarray(predicted[box])
    radius = _radius(truth.shape, BOUNDARY_TOLERANCE)
    return Score(_region_similarity(true, predicted), _contour_in_box(true, predicted, radius))


def score_all(
    truth: Sequence[LabelMap], prediction: Sequence[LabelMap], object_ids: Iterable[ObjectId]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """J and F of every object on every frame: two (N, T) arrays, objects in the order given."""
    ids = tuple(object_ids)
    if len(truth) != len(prediction):
        raise InvalidInput(
            f"there are {len(prediction)} predicted frames for {len(truth)} true ones: give all"
        )
    regions, contours = np.zeros((len(ids), len(truth))), np.zeros((len(ids), len(truth)))
    for t, (true, predicted) in enumerate(zip(truth, prediction, strict=True)):
        for n, object_id in enumerate(ids):
            both = score(true, predicted, object_id)
            regions[n, t], contours[n, t] = both.J, both.F
    return regions, contours


def area_under_curve(seconds: Sequence[float], values: Sequence[float]) -> float:
    """Mean height of the curve from its first to its last time: trapezoids over the span.

    ``seconds`` ascends. A curve that spans no time is as high as its last point.
    """
    times, heights = _curve(seconds, values)
    span = float(times[-1] - times[0])
    if span <= 0:
        return float(heights[-1])
    return float(np.sum(np.diff(times) * (heights[1:] + heights[:-1]) / 2)) / span


def value_at(seconds: Sequence[float], values: Sequence[float], at: float = 60.0) -> float:
    """The curve's height after ``at`` seconds: linear between points, flat outside them."""
    times, heights = _curve(seconds, values)
    return float(np.interp(at, times, heights))


def _curve(
    seconds: Sequence[float], values: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    times, heights = np.asarray(seconds, np.float64), np.asarray(values, np.float64)
    if not len(times) or times.shape != heights.shape or times.ndim != 1:
        raise InvalidInput("a curve needs as many values as times, at least one of each")
    if np.any(np.diff(times) < 0):
        raise InvalidInput("the times of a curve must not go backwards")
    return times, heights


def _check_sizes(truth: NDArray[np.generic], prediction: NDArray[np.generic]) -> None:
    if truth.ndim != 2 or truth.shape != prediction.shape:
        raise InvalidInput(
            f"masks of shape {prediction.shape} cannot be scored against truth of shape "
            f"{truth.shape}: both must be (height, width) and equal"
        )


def _bytes(mask: Mask) -> NDArray[np.uint8]:
    """The same bits as 0 and 1 bytes, which is what OpenCV takes; no copy for booleans."""
    return mask.view(np.uint8) if mask.dtype == np.bool_ else (mask != 0).view(np.uint8)


def _radius(shape: tuple[int, ...], tolerance: float) -> int:
    return ceil(tolerance * hypot(*shape))


def _region_similarity(true: NDArray[np.uint8], predicted: NDArray[np.uint8]) -> float:
    union = cv2.countNonZero(cv2.bitwise_or(true, predicted))
    return cv2.countNonZero(cv2.bitwise_and(true, predicted)) / union if union else 1.0


def _union_box(true: NDArray[np.uint8], predicted: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Around both masks with one pixel to spare, so that no contour is cut off."""
    x, y, width, height = cv2.boundingRect(cv2.bitwise_or(true, predicted))
    if not width:
        return slice(0, 0), slice(0, 0)
    return slice(max(y - 1, 0), y + height + 1), slice(max(x - 1, 0), x + width + 1)


def _contour_accuracy(true: NDArray[np.uint8], predicted: NDArray[np.uint8], radius: int) -> float:
    box = _union_box(true, predicted)
    return _contour_in_box(
        np.ascontiguousarray(true[box]), np.ascontiguousarray(predicted[box]), radius
    )


def _contour_in_box(true: NDArray[np.uint8], predicted: NDArray[np.uint8], radius: int) -> float:
    if not true.size:
        return 1.0
    true_contour, predicted_contour = _contour(true), _contour(predicted)
    true_count = cv2.countNonZero(true_contour)
    predicted_count = cv2.countNonZero(predicted_contour)
    if not true_count or not predicted_count:
        return 1.0 if true_count == predicted_count else 0.0
    disk = _disk(radius)
    precision = _near(predicted_contour, true_contour, disk) / predicted_count
    recall = _near(true_contour, predicted_contour, disk) / true_count
    total = precision + recall
    return 2 * precision * recall / total if total else 0.0


def _near(contour: NDArray[np.uint8], other: NDArray[np.uint8], disk: NDArray[np.uint8]) -> int:
    """How many pixels of ``contour`` have ``other`` within the disk."""
    return cv2.countNonZero(cv2.bitwise_and(contour, cv2.dilate(other, disk)))


def _contour(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels that differ from their right, lower or lower right neighbour.

    At the right and bottom edge the neighbour is the pixel itself: a mask that leaves the image
    has no contour there.
    """
    # Four equal pixels have no gradient; the anchor makes the square reach right and down.
    gradient = cv2.morphologyEx(
        mask,
        cv2.MORPH_GRADIENT,
        np.ones((2, 2), np.uint8),
        anchor=(0, 0),
        borderType=cv2.BORDER_REPLICATE,
    )
    return gradient.astype(np.uint8, copy=False)


def _disk(radius: int) -> NDArray[np.uint8]:
    steps = np.arange(-radius, radius + 1)
    inside: NDArray[np.bool_] = steps[:, None] ** 2 + steps**2 <= radius**2
    return inside.view(np.uint8)
