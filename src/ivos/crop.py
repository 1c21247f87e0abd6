"""The region of interest: the box around an object, the warp into a square crop, and back.

Pure functions of arrays, NumPy and OpenCV only, used by the session and by training alike, at any
frame size. The rules are those of IPN's region of interest (Oh et al., CVPR 2019 and the 2018 DAVIS
workshop); their numbers are a ``CropSpec``, whose defaults are the published ones.

Coordinates are those of pixel centres: pixel (0, 0) has its centre at y = 0, x = 0. A crop is
aligned at the corners: its first sample lies at ``region.y0`` and its last one at ``region.y1``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ivos.masks import Bytes2D, Patch, tight_box
from ivos.types import Point

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class CropSpec:
    """How a network wants its crops. Defaults: the published network."""

    crop_size: int = 256
    """Side of the square crop in pixels; a multiple of 32."""
    propagation_crop: int = 0
    """The same for the propagation network; 0: ``crop_size``."""
    margin: float = 0.25
    """What is added to each end of a side, as a part of that side."""
    interaction_margin: float | None = None
    """The same for the interaction network, which need not leave room for motion: the less, the
    finer it sees. None: ``margin``."""
    minimum_side: float = 128.0
    """Sides shorter than this many pixels of the frame are grown to it before the margin."""
    minimum_fraction: float = 0.0
    """The same as a part of the frame's shorter side; the larger of the two holds."""
    pad_before: float = 5.0
    """How many pixels a crop may reach beyond the first row and column (zeros there)."""
    pad_after: float = 6.0
    """How many pixels a crop may reach beyond the last row and column (zeros there)."""
    threshold: float = 0.49
    """Mask pixels of this probability and more belong to the box."""
    neutral_is_everywhere: bool = True
    """A missing previous mask counts as 'everywhere' (the published neutral value of 0.5 passes
    the threshold), so the crop is the whole frame. If false, it counts as nowhere."""
    follow_neighbour: bool = False
    """The propagation network's crop is around the neighbour's mask alone, not last round's too,
    which may be grossly wrong; the whole frame where the neighbour shows nothing."""
    zoom_first_round: bool = False
    """With no previous mask, look at the whole frame first, then closer around what was found."""
    zoom_looks: int = 1
    """How many closer looks follow, each around what the one before it found."""
    wider_looks: int = 0
    """How often it looks again in a wider crop where the edge of a crop cuts off what it found."""
    detail_side: float = 0.0
    """After its last look the interaction network looks again, at parts of the object about this
    many pixels of the frame wide, and its mask (not its reference) is put together from these; 0:
    it does not."""
    zoom_with_found: bool = False
    """Whether a closer look is given what was found as previous mask, or the neutral one again."""
    carry_changes: bool = False
    """The propagation network is given last round's mask with what this round has changed on the
    neighbour's; if false, last round's mask as it was."""
    second_look: float = 0.0
    """After the propagation network, the interaction network looks at what it found, with strokes
    along its middle, and counts this much of the mask; 0: it does not look."""
    second_look_strokes: float = 1.0
    """What these strokes are drawn with; less than 1, so that they can be told from a person's."""
    second_look_crop: int = 0
    """Side of the crop for it; 0: ``crop_size``."""
    second_look_later: bool = True
    """Whether frames that have a mask from an earlier round are looked at again, too: that look
    knows nothing of what a person has corrected since."""
    noted_every: int = 0
    """On every so-manieth frame from the one that was drawn on, what the second look has found is
    remembered beside what a person has drawn, for the rest of the way; 0: it is not."""
    noted_frames: int = 2
    """How many of these frames are remembered at a time, the newest ones."""
    steady: float = 0.0
    """How much what is found on a frame counts for the mask of the one beside it, along the optical
    flow and where the pictures agree, and with each further one so much less; 0: masks are kept as
    they are found."""
    stroke_radius: float = 2.5
    """About half the width of a drawn stroke, in pixels of the crop."""
    antialias: bool = False
    """Average before sampling where the frame is shrunk twofold or more (large videos)."""


@dataclass(frozen=True, slots=True)
class Region:
    """Where a crop's first and last samples lie in the frame, in pixel coordinates."""

    y0: float
    x0: float
    y1: float
    x1: float


def whole_frame(size: tuple[int, int], spec: CropSpec) -> Region:
    """The region for 'look everywhere' on a frame of ``size`` (H, W)."""
    return region_around((0, 0, *size), size, spec)


def region_around(
    box: tuple[int, int, int, int] | None,
    size: tuple[int, int],
    spec: CropSpec,
    margin: float | None = None,
) -> Region:
    """The region around a pixel box (bottom and right not included); ``None`` is the whole frame.

    Short sides grow to the minimum, each end gets the margin (the spec's unless told), and the
    frame (with its padding) bounds the result.
    """
    margin = spec.margin if margin is None else margin
    top, left, bottom, right = box or (0, 0, *size)
    minimum = max(spec.minimum_side, spec.minimum_fraction * min(size))
    y0, y1 = _grown(top, bottom - 1, minimum, margin)
    x0, x1 = _grown(left, right - 1, minimum, margin)
    (top_most, bottom_most), (left_most, right_most) = (_bounds(n, spec) for n in size)
    return Region(max(y0, top_most), max(x0, left_most), min(y1, bottom_most), min(x1, right_most))


def grown(
    region: Region, size: tuple[int, int], spec: CropSpec, sides: tuple[bool, bool, bool, bool]
) -> Region:
    """``region`` grown by half its longer side at the top, left, bottom and right where ``sides``
    says so, as far as the frame of ``size`` (H, W) and its padding reach.
    """
    more = max(region.y1 - region.y0, region.x1 - region.x0) / 2
    (top, bottom), (left, right) = (_bounds(length, spec) for length in size)
    return Region(
        max(region.y0 - more, top) if sides[0] else region.y0,
        max(region.x0 - more, left) if sides[1] else region.x0,
        min(region.y1 + more, bottom) if sides[2] else region.y1,
        min(region.x1 + more, right) if sides[3] else region.x1,
    )


def _bounds(length: int, spec: CropSpec) -> tuple[float, float]:
    """How far a crop may reach; also where there is one pixel and no padding it has a width."""
    low, high = -spec.pad_before, length - 1 + spec.pad_after
    return (low, high) if low < high else (-0.5, 0.5)


def _grown(low: float, high: float, minimum: float, margin: float) -> tuple[float, float]:
    if high - low < minimum:
        middle = (low + high) / 2
        low, high = middle - minimum / 2, middle + minimum / 2
    grow = margin * (high - low + 1)
    return low - grow, high + grow


def united(boxes: Sequence[tuple[int, int, int, int] | None]) -> tuple[int, int, int, int] | None:
    """The smallest box around all boxes that are not None; None where there are none."""
    found = np.array([box for box in boxes if box is not None])
    if found.size == 0:
        return None
    top, left = found[:, :2].min(axis=0)
    bottom, right = found[:, 2:].max(axis=0)
    return int(top), int(left), int(bottom), int(right)


def region_for_interaction(
    previous: NDArray[np.float32] | None,
    positive: NDArray[np.float32],
    negative: NDArray[np.float32],
    spec: CropSpec,
) -> Region:
    """The interaction network's region: around the previous mask and all strokes.

    ``previous`` (H, W) probability or None for "none yet"; ``positive`` and ``negative`` (H, W),
    above 0 where drawn.
    """
    size = (positive.shape[0], positive.shape[1])
    if previous is None and (spec.neutral_is_everywhere or spec.zoom_first_round):
        return whole_frame(size, spec)
    boxes = [tight_box(positive, 1e-6), tight_box(negative, 1e-6)]
    if previous is not None:
        boxes.append(tight_box(previous, spec.threshold))
    return region_around(united(boxes), size, spec, spec.interaction_margin)


def region_for_propagation(
    previous: NDArray[np.float32] | None, neighbour: NDArray[np.float32], spec: CropSpec
) -> Region:
    """The propagation network's region: around last round's mask and the neighbour frame's mask.

    Both (H, W) probabilities; ``previous`` None for "none yet".
    """
    size = (neighbour.shape[0], neighbour.shape[1])
    if previous is None and spec.neutral_is_everywhere:
        return whole_frame(size, spec)
    boxes = [tight_box(neighbour, spec.threshold)]
    if previous is not None and not spec.follow_neighbour:
        boxes.append(tight_box(previous, spec.threshold))
    return region_around(united(boxes), size, spec)


def _steps(region: Region, size: int) -> tuple[float, float]:
    return (region.y1 - region.y0) / (size - 1), (region.x1 - region.x0) / (size - 1)


def warp(
    image: Pixels,
    region: Region,
    size: int,
    *,
    antialias: bool = False,
    offset: tuple[int, int] = (0, 0),
) -> Pixels:
    """Sample a square crop: (H, W) or (H, W, C) -> (size, size) or (size, size, C), same type.

    Bilinear, zeros outside the image. ``offset`` (top, left) says where in the frame the image
    lies, if it is a part of one.
    """
    if image.size == 0:
        return np.zeros((size, size, *image.shape[2:]), image.dtype)
    dy, dx = _steps(region, size)
    top, left = offset
    moved = Region(region.y0 - top, region.x0 - left, region.y1 - top, region.x1 - left)
    if antialias and max(dy, dx) >= 2:
        return _averaged(image, moved, size)
    return _sampled(image, (moved.y0, moved.x0), (dy, dx), (size, size))


def _sampled(
    image: Pixels,
    origin: tuple[float, float],
    steps: tuple[float, float],
    size: tuple[int, int],
    border: int = cv2.BORDER_CONSTANT,
) -> Pixels:
    """(h, w) samples of an image, ``steps`` (y, x) apart, the first one at ``origin``."""
    matrix = np.array([[steps[1], 0, origin[1]], [0, steps[0], origin[0]]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, matrix, size[::-1], flags=flags, borderMode=border)  # type: ignore[return-value]


def _averaged(image: Pixels, region: Region, size: int) -> Pixels:
    """The crop of an image that is first shrunk by whole factors, each pixel a mean of a block."""
    dy, dx = _steps(region, size)
    ky, kx = max(int(dy), 1), max(int(dx), 1)
    top, left = max(0, int(region.y0) - ky), max(0, int(region.x0) - kx)
    height = (min(image.shape[0], int(region.y1) + 2 * ky) - top) // ky
    width = (min(image.shape[1], int(region.x1) + 2 * kx) - left) // kx
    if height <= 0 or width <= 0:
        return _sampled(image, (region.y0, region.x0), (dy, dx), (size, size))
    cut = image[top : top + height * ky, left : left + width * kx]
    small: Pixels = cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    # A block of k pixels from y on has its centre at y + (k - 1) / 2.
    y0, x0 = (region.y0 - top - (ky - 1) / 2) / ky, (region.x0 - left - (kx - 1) / 2) / kx
    crop = _sampled(small, (y0, x0), (dy / ky, dx / kx), (size, size), cv2.BORDER_REPLICATE)
    for axis, (low, high, length) in enumerate(
        [(region.y0, region.y1, image.shape[0]), (region.x0, region.x1, image.shape[1])]
    ):
        at = np.linspace(low, high, size)
        outside = (at < -0.5) | (at > length - 0.5)
        if outside.any():
            crop[(slice(None),) * axis + (outside,)] = 0
    return crop


def warp_patch(patch: Patch, region: Region, size: int, *, antialias: bool = False) -> Bytes2D:
    """The same for one object's mask: (size, size) uint8."""
    offset = (patch.top, patch.left)
    return warp(patch.values, region, size, antialias=antialias, offset=offset)  # type: ignore[return-value]


def unwarp(crop: NDArray[np.float32], region: Region, size: tuple[int, int]) -> NDArray[np.float32]:
    """Put a (S, S) crop back into a frame of ``size`` (H, W): bilinear, zero outside the region."""
    frame = np.zeros(size, crop.dtype)
    unwarp_into(frame, crop, region, (0, 0))
    return frame


def unwarp_into(
    canvas: NDArray[np.float32],
    crop: NDArray[np.float32],
    region: Region,
    offset: tuple[int, int],
) -> None:
    """Add a (S, S) crop to the part of a frame that ``canvas`` is, which begins at ``offset``."""
    top, left = offset
    y0, x0 = max(top, int(np.ceil(region.y0))), max(left, int(np.ceil(region.x0)))
    y1 = min(top + canvas.shape[0], int(np.floor(region.y1)) + 1)
    x1 = min(left + canvas.shape[1], int(np.floor(region.x1)) + 1)
    if y0 < y1 and x0 < x1:
        steps = _steps(region, crop.shape[0])
        canvas[y0 - top : y1 - top, x0 - left : x1 - left] += _put_back(
            crop, region, (y0, x0, y1, x1), steps
        )


def _put_back(
    crop: Pixels, region: Region, box: tuple[int, int, int, int], steps: tuple[float, float]
) -> Pixels:
    """The frame's pixels of ``box``, sampled from the crop."""
    dy, dx = steps
    top, left, bottom, right = box
    origin = ((top - region.y0) / dy, (left - region.x0) / dx)
    return _sampled(crop, origin, (1 / dy, 1 / dx), (bottom - top, right - left))


def unwarp_patch(crop: Bytes2D, region: Region, size: tuple[int, int]) -> Patch:
    """The same for 8-bit crops, at the cost of the object's area only."""
    found = tight_box(crop)
    if found is None:
        return Patch.empty(size)
    dy, dx = _steps(region, crop.shape[0])
    # One crop pixel around what is not zero: bilinear sampling reaches that far.
    top = max(0, int(np.ceil(max(region.y0, region.y0 + (found[0] - 1) * dy))))
    left = max(0, int(np.ceil(max(region.x0, region.x0 + (found[1] - 1) * dx))))
    bottom = min(size[0], int(np.floor(min(region.y1, region.y0 + found[2] * dy))) + 1)
    right = min(size[1], int(np.floor(min(region.x1, region.x0 + found[3] * dx))) + 1)
    if top >= bottom or left >= right:
        return Patch.empty(size)
    values = _put_back(crop, region, (top, left, bottom, right), (dy, dx))
    return Patch(size, top, left, values).tight()  # type: ignore[arg-type]


def neutral_crop(
    value: float, region: Region, size: tuple[int, int], side: int
) -> NDArray[np.float32]:
    """(side, side): what ``warp`` makes of a frame of ``size`` that is ``value`` everywhere."""
    weights = []
    for low, high, length in ((region.y0, region.y1, size[0]), (region.x0, region.x1, size[1])):
        at = np.linspace(low, high, side)
        weights.append(np.clip(np.minimum(at + 1, length - at), 0, 1).astype(np.float32))
    crop: NDArray[np.float32] = np.outer(np.float32(value) * weights[0], weights[1])
    return crop


def with_change(
    previous: NDArray[np.float32],
    neighbour: NDArray[np.float32],
    neighbour_before: NDArray[np.float32],
    share: float = 1.0,
) -> NDArray[np.float32]:
    """Last round's mask of a frame, changed as its neighbour's has been changed since; all 0..1.

    What a person took away or added on the neighbour is so taken away or added here, while the rest
    stays what it was: the propagation network need not choose between a correction and its belief.
    ``share``, 0..1, is how much of the change there is here.
    """
    changed: NDArray[np.float32] = np.clip(
        previous + np.float32(share) * (neighbour - neighbour_before), 0, 1
    )
    return changed


def draw_paths(
    paths: Sequence[tuple[Sequence[Point], bool]],
    region: Region,
    size: tuple[int, int],
    spec: CropSpec,
    side: int | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw strokes into a crop, at the crop's resolution, so that none is lost in a large video.

    ``paths`` are (points as fractions of the frame, positive or not), later ones over earlier ones
    -> (positive, negative), each (side, side) of 0 and 1. A path of one point becomes a disc.
    """
    side = side or spec.crop_size
    canvas = np.zeros((side, side), np.uint8)
    dy, dx = _steps(region, side)
    for points, positive in paths:
        at = np.asarray(points, np.float64).reshape(-1, 2) * (size[1], size[0]) - 0.5
        at = (at - (region.x0, region.y0)) / (dx, dy)
        _draw(canvas, at, 1 if positive else 2, spec.stroke_radius)
    return (canvas == 1).astype(np.float32), (canvas == 2).astype(np.float32)


def _draw(canvas: Bytes2D, at: NDArray[np.float64], value: int, radius: float) -> None:
    shift = 4  # OpenCV draws at sixteenths of a pixel
    fixed = np.rint(at * (1 << shift)).clip(-(1 << 20), 1 << 20).astype(np.int32)
    if len(fixed) > 1:
        thickness = max(1, round(2 * radius))
        cv2.polylines(canvas, [fixed[:, None]], False, value, thickness, cv2.LINE_8, shift)
    for x, y in fixed[[0, -1]]:
        cv2.circle(
            canvas, (int(x), int(y)), round(radius * (1 << shift)), value, -1, cv2.LINE_8, shift
        )
