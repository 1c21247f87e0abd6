"""Strokes as people draw them, for training: fast, and of every style.

Training only on long skeletons teaches a network that a short stroke means a small part, so styles
are mixed: the robot's skeletons, flicks, zigzags and clicks.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import morphology

from ivos.types import Mask

Stroke: TypeAlias = NDArray[np.float32]
"""(N, 2) points, x first, in pixels of the region's array."""

_SKELETON_SIDE = 96
_SMALLEST = 12
"""Regions under this many pixels get no stroke, as the robot gives none."""


def draw_strokes(region: Mask, rng: np.random.Generator, *, most: int = 3) -> list[Stroke]:
    """Strokes on the largest parts of ``region``, at most ``most`` parts; none if it is tiny."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8))
    areas = stats[1:, cv2.CC_STAT_AREA]
    strokes: list[Stroke] = []
    for index in np.argsort(-areas, kind="stable")[:most]:
        area = areas[index]
        if area < _SMALLEST or (strokes and area < 0.1 * areas.max()):
            break
        x, y, w, h = stats[1 + index, :4]
        part = np.pad(labels[y : y + h, x : x + w] == 1 + index, 1)
        offset = np.array([x - 1, y - 1], np.float32)
        strokes.extend(stroke + offset for stroke in _one_part(part, rng))
    return strokes


def _one_part(part: Mask, rng: np.random.Generator) -> list[Stroke]:
    style = rng.random()
    if style < 0.5:
        line = skeleton_stroke(part)
        return [_bent(line) if style < 0.3 else line]
    inside = np.asarray(cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, 3), np.float32)
    if style < 0.75:
        return [_flick(part, inside, rng) for _ in range(int(rng.integers(1, 4)))]
    if style < 0.87:
        return [_zigzag(part, inside, rng)]
    return [_flick(part, inside, rng)[:1] for _ in range(int(rng.integers(1, 3)))]


def skeleton_stroke(part: Mask) -> Stroke:
    """The longest path along the skeleton of ``part``, smoothed."""
    scale = min(1.0, _SKELETON_SIDE / max(part.shape))
    small = part
    if scale < 1:
        size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
        small = cv2.resize(part.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5
    skeletonize: Any = morphology.skeletonize  # typed only from some release on
    path = _longest_path(skeletonize(small))
    if not len(path):
        ys, xs = np.nonzero(part)
        middle = len(ys) // 2
        return np.array([[xs[middle], ys[middle]]], np.float32)
    path = (path + 0.5) / scale - 0.5
    kernel = max(1, min(len(path) // 2, 9)) | 1
    padded = np.pad(path, ((kernel // 2, kernel // 2), (0, 0)), mode="edge")
    smooth = np.stack(
        [np.convolve(padded[:, i], np.ones(kernel) / kernel, mode="valid") for i in (0, 1)], axis=1
    )
    return smooth.astype(np.float32)


def _bent(line: Stroke) -> Stroke:
    """The Bezier curve that has the points of ``line`` for its control points.

    So the DAVIS robot draws (davis-interactive.md 2.5): it cuts corners, and may leave the region.
    """
    count = len(line)
    if count < 3:
        return line
    at = np.linspace(0, 1, 40)[:, None]
    order = np.arange(count)
    log_binomial = _log_factorial(count - 1) - _log_factorial(order) - _log_factorial(order[::-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        log_weights = log_binomial + order * np.log(at) + order[::-1] * np.log1p(-at)
    weights = np.exp(log_weights)
    weights[0], weights[-1] = order == 0, order == count - 1
    return (weights @ line).astype(np.float32)


def _log_factorial(n: NDArray[np.int64] | int) -> NDArray[np.float64]:
    sums = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, np.max(n) + 1)))])
    logs: NDArray[np.float64] = sums[n]
    return logs


def _longest_path(skeleton: Mask) -> NDArray[np.float32]:
    """The path between the two ends that a double breadth-first search finds; (N, 2), x first."""
    ys, xs = np.nonzero(skeleton)
    points = set(zip(ys.tolist(), xs.tolist(), strict=True))
    best: list[tuple[int, int]] = []
    while points:
        start = next(iter(points))
        reached = _walk(points, start)
        far = next(reversed(reached))
        tree = _walk(points, far)
        node: tuple[int, int] | None = next(reversed(tree))
        path = []
        while node is not None:
            path.append(node)
            node = tree[node]
        if len(path) > len(best):
            best = path
        points -= reached.keys()
    return np.array([(x, y) for y, x in best], np.float32).reshape(-1, 2)


def _walk(
    points: set[tuple[int, int]], start: tuple[int, int]
) -> dict[tuple[int, int], tuple[int, int] | None]:
    """Breadth first from ``start``: each reached point and the one before it, nearest first."""
    before: dict[tuple[int, int], tuple[int, int] | None] = {start: None}
    edge = [start]
    while edge:
        following = []
        for y, x in edge:
            for dy in (-1, 0, 1):
                for dx in (-1, 0, 1):
                    near = (y + dy, x + dx)
                    if near in points and near not in before:
                        before[near] = (y, x)
                        following.append(near)
        edge = following
    return before


def _flick(part: Mask, inside: NDArray[np.float32], rng: np.random.Generator) -> Stroke:
    """A short, slightly bent stroke that stays within ``part``."""
    start = _inner_point(inside, rng)
    length = rng.uniform(0.1, 0.5) * max(part.shape)
    angle, bend = rng.uniform(0, 2 * np.pi), rng.uniform(-1, 1)
    steps = np.linspace(0, 1, 12)
    angles = angle + bend * steps
    path = start + np.cumsum(
        np.stack([np.cos(angles), np.sin(angles)], axis=1) * length / len(steps), axis=0
    )
    return _kept_inside(np.vstack([start, path]), part)


def _zigzag(part: Mask, inside: NDArray[np.float32], rng: np.random.Generator) -> Stroke:
    """A to-and-fro between inner points."""
    corners = np.stack([_inner_point(inside, rng) for _ in range(int(rng.integers(3, 6)))])
    steps = np.linspace(0, len(corners) - 1, 40)
    path = np.stack(
        [np.interp(steps, np.arange(len(corners)), corners[:, i]) for i in (0, 1)], axis=1
    )
    return _kept_inside(path, part)


def _inner_point(inside: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """A point (x, y) some way from the edge, at random."""
    ys, xs = np.nonzero(inside >= 0.4 * inside.max())
    index = int(rng.integers(len(ys)))
    return np.array([xs[index], ys[index]], np.float32)


def _kept_inside(path: NDArray[np.float64], part: Mask) -> Stroke:
    """``path`` up to where it first leaves ``part``."""
    xs = np.clip(np.round(path[:, 0]).astype(int), 0, part.shape[1] - 1)
    ys = np.clip(np.round(path[:, 1]).astype(int), 0, part.shape[0] - 1)
    outside = np.flatnonzero(~part[ys, xs])
    end = outside[0] if len(outside) else len(path)
    return path[: max(1, int(end))].astype(np.float32)
