"""From a network's soft mask to an alpha that an editor can use, at full resolution.

The guided filter is that of He, Sun and Tang, *Guided Image Filtering* (TPAMI 2013), for a
colour guide: in each window the mask is fitted as a linear function of the picture's colours
(their equations 14 to 16), so its edge moves to where the picture has one.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ivos.deliver.options import AlphaOptions
from ivos.types import Frame, SoftMask

SMOOTHNESS = 1e-3
"""The filter's epsilon, for colours from 0 to 1: less follows weaker edges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """How soft masks become alpha; all lengths are pixels of the full-size picture."""

    mode: str = "refine"
    """``refine``: follow the picture; ``soft``: as the network says; ``hard``: no in-between."""
    radius: int | None = None
    """Half the width of the band that refinement may change; a 60th of the height if None."""
    grow: float = 0.0
    """Moves the edge outwards; inwards where below 0."""
    feather: float = 0.0
    """Fades the edge: the standard deviation of a Gaussian blur is half of it."""

    @classmethod
    def of(cls, options: AlphaOptions) -> Edges:
        """From what was asked of an export."""
        return cls(
            mode=options.edges,
            radius=options.radius,
            grow=options.grow - options.shrink,
            feather=options.feather,
        )

    def alpha(self, picture: Frame, soft: SoftMask) -> SoftMask:
        """(H, W) float32 from 0 to 1, from the picture (H, W, 3) and a soft mask (H, W).

        Only the surroundings of the object are worked on, so a small one costs little.
        """
        height, width = soft.shape
        radius = self.radius or max(2, round(height / 60))
        rows, columns = (
            np.flatnonzero((soft > 0).any(axis=1)),
            np.flatnonzero((soft > 0).any(axis=0)),
        )
        alpha = np.zeros((height, width), np.float32)
        if not len(rows):
            return alpha
        margin = 2 * radius + int(np.ceil(max(self.grow, 0) + 2 * self.feather)) + 1
        window = (
            slice(max(int(rows[0]) - margin, 0), int(rows[-1]) + margin + 1),
            slice(max(int(columns[0]) - margin, 0), int(columns[-1]) + margin + 1),
        )
        part = np.ascontiguousarray(soft[window])
        if self.mode == "refine":
            part = refine(picture[window], part, radius)
        elif self.mode == "hard":
            part = (part >= 0.5).astype(np.float32)
        if self.grow:
            part = grown(part, self.grow)
        if self.feather:
            part = cv2.GaussianBlur(part, (0, 0), self.feather / 2).astype(np.float32)
        alpha[window] = part
        return alpha


def refine(picture: Frame, soft: SoftMask, radius: int) -> SoftMask:
    """``soft`` with its edge where ``picture`` has one; solid further than ``radius`` from it."""
    solid = (soft >= 0.5).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    inner, outer = cv2.erode(solid, kernel), cv2.dilate(solid, kernel)
    guide = picture.astype(np.float32) / np.float32(255)
    filtered = guided_filter(guide, solid.astype(np.float32), radius, SMOOTHNESS)
    filtered = np.clip(filtered, 0, 1)
    return np.where(inner > 0, np.float32(1), np.where(outer > 0, filtered, np.float32(0)))


def guided_filter(
    guide: NDArray[np.float32], source: NDArray[np.float32], radius: int, epsilon: float
) -> NDArray[np.float32]:
    """``source`` (H, W) smoothed, but not across the edges of ``guide`` (H, W, 3), 0 to 1.

    Means are over windows of ``2 * radius + 1`` pixels. float32 in and out, not clipped.
    """

    def mean(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        size = (2 * radius + 1, 2 * radius + 1)
        return np.asarray(cv2.boxFilter(plane, -1, size, borderType=cv2.BORDER_REFLECT), np.float32)

    means = mean(guide)
    mean_source = mean(source)
    covariance = mean(guide * source[..., None]) - means * mean_source[..., None]
    # The 3 x 3 covariance of the colours is symmetric: six planes, inverted by cofactors.
    rr, rg, rb, gg, gb, bb = (
        mean(guide[..., i] * guide[..., j])
        - means[..., i] * means[..., j]
        + np.float32(epsilon if i == j else 0)
        for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    )
    c_rr, c_rg, c_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    c_gg, c_gb, c_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    determinant = rr * c_rr + rg * c_rg + rb * c_rb
    r, g, b = covariance[..., 0], covariance[..., 1], covariance[..., 2]
    slope = np.stack(
        [
            (c_rr * r + c_rg * g + c_rb * b) / determinant,
            (c_rg * r + c_gg * g + c_gb * b) / determinant,
            (c_rb * r + c_gb * g + c_bb * b) / determinant,
        ],
        axis=-1,
    )
    offset = mean_source - (slope * means).sum(axis=-1)
    result: NDArray[np.float32] = (mean(slope) * guide).sum(axis=-1) + mean(offset)
    return result


def grown(alpha: SoftMask, pixels: float) -> SoftMask:
    """``alpha`` with its edge moved outwards by ``pixels``, or inwards where below 0.

    Whole pixels by the greatest (least) value in a disc, the fraction by mixing two of them.
    """
    steps = int(np.floor(abs(pixels)))
    fraction = np.float32(abs(pixels) - steps)
    near = _moved(alpha, steps, outwards=pixels > 0)
    if not fraction:
        return near
    far = _moved(alpha, steps + 1, outwards=pixels > 0)
    return np.asarray((1 - fraction) * near + fraction * far, np.float32)


def _moved(alpha: SoftMask, steps: int, *, outwards: bool) -> SoftMask:
    if not steps:
        return alpha
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * steps + 1, 2 * steps + 1))
    change = cv2.dilate if outwards else cv2.erode
    return np.asarray(change(alpha, kernel), np.float32)
