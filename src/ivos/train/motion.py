"""How cameras and pasted objects move: affines over the frames of a scene, and grids to warp by."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_LEAP = (2.5, 4.0, 4.0, 3.0)
"""Spread of a leap's turn, zoom and shifts, in steps of a path."""


def pose(
    rng: np.random.Generator,
    width: int,
    height: int,
    *,
    turn: float,
    scale: tuple[float, float],
    shift: float,
    flip: bool,
) -> NDArray[np.float64]:
    """A random (2, 3) affine about the middle: rotation in degrees, scale, shift in widths."""
    matrix = cv2.getRotationMatrix2D(
        (width / 2, height / 2), rng.uniform(-turn, turn), rng.uniform(*scale)
    )
    pose = np.asarray(matrix, np.float64)
    pose[:, 2] += rng.uniform(-shift, shift, 2) * (width, height)
    if flip and rng.random() < 0.5:
        pose = pose @ np.array([[-1, 0, width - 1], [0, 1, 0], [0, 0, 1.0]])
    return pose


def path(
    rng: np.random.Generator,
    width: int,
    height: int,
    length: int,
    *,
    turn: float,
    zoom: float,
    shift: float,
    at: tuple[float, float] | None = None,
    leaps: bool = False,
    apart: int = 0,
) -> list[NDArray[np.float64]]:
    """``length`` affines that begin at the identity and drift on at a random, steady pace.

    A step is about ``turn`` degrees, ``zoom`` in scale and ``shift`` widths at the most. With
    ``leaps`` the first step is some steps long; the first ``apart`` frames, before those, are each
    a leap away from where the path begins.
    """
    pace = rng.normal(0, 0.4, 4)
    middle = at if at is not None else (width / 2, height / 2)
    poses = [rng.normal(0, _LEAP, 4) for _ in range(apart)]
    pose = np.zeros(4)
    for t in range(length - apart):
        if t == 1 and leaps:
            pose = pose + rng.normal(0, _LEAP, 4)
        poses.append(pose)
        pose = pose + np.clip(pace + rng.normal(0, 0.25, 4), -1.2, 1.2)
    affines = []
    for pose in poses:
        scale = float(np.exp(pose[1] * zoom))
        affine = np.asarray(cv2.getRotationMatrix2D(middle, pose[0] * turn, scale), np.float64)
        affine[:, 2] += pose[2:] * shift * width
        affines.append(affine)
    return affines


def fitted(shape: tuple[int, ...], size: tuple[int, int]) -> NDArray[np.float64]:
    """The affine by which an image of ``shape`` covers a canvas of ``size``, aspect kept."""
    scale = max(size[0] / shape[0], size[1] / shape[1])
    offset = (np.array(size[::-1]) - scale * np.array(shape[1::-1])) / 2
    return np.array([[scale, 0, offset[0]], [0, scale, offset[1]]])


def chain(*affines: NDArray[np.float64]) -> NDArray[np.float64]:
    """The affines applied from the last to the first, as one (2, 3)."""
    whole = np.eye(3)
    for affine in affines:
        whole = whole @ np.vstack([affine, [0, 0, 1]])
    return whole[:2]


def inverse_grid(
    affine: NDArray[np.float64], size: tuple[int, int], rubber: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """For each canvas pixel where it comes from, with a smooth random offset of ``rubber`` px."""
    height, width = size
    inverse = cv2.invertAffineTransform(affine)
    ys, xs = np.mgrid[:height, :width].astype(np.float32)
    offsets = rng.normal(0, 0.5 * rubber, (2, 6, 6)).astype(np.float32)
    dx, dy = (
        cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR) for field in offsets
    )
    xs += dx
    ys += dy
    a, b, c = inverse[0].astype(np.float32)
    d, e, f = inverse[1].astype(np.float32)
    return a * xs + b * ys + c, d * xs + e * ys + f
