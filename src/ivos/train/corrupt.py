"""Wrong masks, from slightly to grossly, as earlier rounds leave them behind.

Corrections are only learnt from masks that need them: a network that has seen only nearly right
ones learns to trust them.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ivos.types import Mask, SoftMask


def corrupt(
    masks: Mask, others: Mask, rng: np.random.Generator, *, gross: float
) -> NDArray[np.float32]:
    """Wrong versions of ``masks`` (T, H, W), alike in all frames, soft, 0..1.

    ``others`` (T, H, W) is some other object's masks. ``gross`` is the chance of a grossly wrong
    one: empty, another object's, a part only, shifted far, or leaking; else the outline is off a
    little.
    """
    style = rng.random() if rng.random() < gross else 1.0
    height, width = masks.shape[1:]
    side = float(np.sqrt(max(1.0, masks.sum() / len(masks))))
    if style < 0.12:
        wrong = np.zeros_like(masks)
    elif style < 0.34 and others.any():
        wrong = others.copy() if rng.random() < 0.6 else others | masks
    elif style < 0.60:
        wrong = masks & _half_plane(masks, rng)
    elif style < 0.75:
        dx, dy = rng.normal(0, 0.5 * side, 2)
        wrong = _moved(masks, dx, dy)
    elif style < 1.0:
        wrong = masks | _blob(height, width, _somewhere_near(masks, rng), side, rng)
    else:
        wrong = masks
    return np.stack([_roughened(mask, side, rng) for mask in wrong])


def _roughened(mask: Mask, side: float, rng: np.random.Generator) -> SoftMask:
    """The outline moved by a smooth random field, dilated or eroded a little, and softened."""
    height, width = mask.shape
    amount = rng.uniform(0.01, 0.08) * side
    coarse = rng.normal(0, amount, (2, 7, 7)).astype(np.float32)
    dx, dy = (cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC) for field in coarse)
    ys, xs = np.mgrid[:height, :width].astype(np.float32)
    soft = cv2.remap(mask.astype(np.float32), xs + dx, ys + dy, cv2.INTER_LINEAR)
    blur = rng.uniform(0.5, 0.5 + 0.04 * side)
    soft = cv2.GaussianBlur(soft, (0, 0), blur)
    threshold = np.clip(0.5 + rng.normal(0, 0.15), 0.15, 0.85)
    softness = rng.choice([0.02, 0.08, 0.2])
    rough: SoftMask = np.clip((soft - threshold) / softness + 0.5, 0, 1).astype(np.float32)
    return rough


def _half_plane(masks: Mask, rng: np.random.Generator) -> Mask:
    """(H, W): one side of a line through the object, so that a part of it is kept."""
    ys, xs = np.nonzero(masks.any(axis=0))
    height, width = masks.shape[1:]
    if not len(ys):
        return np.zeros((height, width), np.bool_)
    angle = rng.uniform(0, 2 * np.pi)
    normal = np.cos(angle), np.sin(angle)
    at = np.quantile(xs * normal[0] + ys * normal[1], rng.uniform(0.25, 0.75))
    grid = np.mgrid[:height, :width]
    side: Mask = grid[1] * normal[0] + grid[0] * normal[1] < at
    return side


def _moved(masks: Mask, dx: float, dy: float) -> Mask:
    matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    size = masks.shape[2], masks.shape[1]
    return np.stack([cv2.warpAffine(m.astype(np.uint8), matrix, size) > 0 for m in masks])


def _somewhere_near(masks: Mask, rng: np.random.Generator) -> tuple[float, float]:
    ys, xs = np.nonzero(masks.any(axis=0))
    if not len(ys):
        return rng.uniform(0, masks.shape[2]), rng.uniform(0, masks.shape[1])
    index = int(rng.integers(len(ys)))
    return float(xs[index]), float(ys[index])


def _blob(
    height: int, width: int, at: tuple[float, float], side: float, rng: np.random.Generator
) -> Mask:
    canvas = np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        centre = np.array(at) + rng.normal(0, 0.5 * side, 2)
        axes = np.maximum(1, rng.uniform(0.15, 0.7, 2) * side).astype(int)
        cv2.ellipse(
            canvas,
            (int(centre[0]), int(centre[1])),
            (int(axes[0]), int(axes[1])),
            float(rng.uniform(0, 180)),
            0,
            360,
            1,
            -1,
        )
    return canvas > 0
