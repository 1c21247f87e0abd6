"""From a region to lines: opening, medial axis, a graph of its pixels, longest paths, curves.

The steps and the order in which ties are settled are those of the DAVIS interactive robot
(davisinteractive 1.0.4), rebuilt from a description of its behaviour and checked against it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import hypot, sqrt
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ivos.errors import CannotDo
from ivos.types import Mask

Graph: TypeAlias = dict[int, list[int]]
"""Neighbours of each pixel number; the order of both is the order in which they are visited."""


def opened(region: Mask, kernel: float, largest: float) -> Mask:
    """``region`` (H, W) without what is thinner than a disk that grows with its area.

    The radius is half of ``kernel * sqrt(area)``, at most ``largest``; it shrinks by a tenth until
    something is left. A radius of one or less leaves the region as it is.
    """
    box = _bounding_box(region, int(largest) + 2)
    cropped = np.ascontiguousarray(region[box]).view(np.uint8)
    radius = min(kernel * sqrt(cv2.countNonZero(cropped)) / 2, largest)
    while radius > 1:
        disk = _disk(radius)
        anchor = (disk.shape[1] // 2, disk.shape[0] // 2)
        eroded = cv2.erode(cropped, disk, anchor=anchor)
        if not disk[anchor[::-1]]:
            eroded[0, 0] = 0  # the disk of radius 1.0 to 1.1 lies outside the image here
        left = cv2.dilate(eroded, disk, anchor=anchor)
        if cv2.countNonZero(left):
            result = np.zeros_like(region)
            result[box] = left.astype(bool)
            return result
        radius *= 0.9
    return region


def medial_axis(region: Mask, seed: int) -> NDArray[np.int64]:
    """Pixels (N, 2) as (x, y) on the middle line of ``region``, row by row.

    Equally good pixels are taken in an order that ``seed`` decides. Raises CannotDo where
    scikit-image is not installed.
    """
    try:
        from skimage import morphology
    except ImportError:
        raise CannotDo(
            "the simulated user needs scikit-image: pip install 'ivos[evaluate]'"
        ) from None
    rows, columns = _bounding_box(region, 0)
    padded = np.pad(region[rows, columns], 1)
    middle: Any = morphology.medial_axis  # typed only from some release on
    y, x = np.nonzero(middle(padded, rng=np.random.default_rng(seed)))
    return np.stack([x - 1 + columns.start, y - 1 + rows.start], axis=1).astype(np.int64)


def longest_paths(pixels: NDArray[np.int64], fewest: int) -> Iterator[NDArray[np.int64]]:
    """The longest line of pixels, (M, 2), through each connected part of ``pixels`` (N, 2).

    Parts of fewer than ``fewest`` pixels are left out.
    """
    whole = _pixel_graph(pixels)
    for part in _connected_parts(whole):
        if len(part) < fewest:
            continue
        tree = _without_cycles(part, pixels)
        start = next(iter(tree))
        yield pixels[_farthest_path(tree, _farthest(tree, start))]


def bezier(points: NDArray[np.int64], samples: int) -> NDArray[np.float64]:
    """(samples, 2) points on the Bezier curve that all of ``points`` (N, 2) control, from the last
    to the first.

    More points than samples are returned as they are, since they are a curve already.
    """
    if len(points) > samples:
        return points.astype(np.float64)
    degree = len(points) - 1
    t = np.linspace(0.0, 1.0, samples)
    weights = np.empty((samples, degree + 1))
    # Bernstein polynomials by their logarithms: binomials of degree 1,000 overflow otherwise.
    with np.errstate(divide="ignore"):
        log_t, log_rest = np.log(t), np.log1p(-t)
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, degree + 1)))])
    for k in range(degree + 1):
        binomial = logs[degree] - logs[k] - logs[degree - k]
        up = k * log_t if k else np.zeros(samples)
        down = (degree - k) * log_rest if degree - k else np.zeros(samples)
        weights[:, k] = np.exp(binomial + up + down)
    return weights[::-1] @ points


def _bounding_box(region: Mask, margin: int) -> tuple[slice, slice]:
    x, y, width, height = cv2.boundingRect(np.ascontiguousarray(region).view(np.uint8))
    rows = slice(max(y - margin, 0), min(y + height + margin, region.shape[0]))
    return rows, slice(max(x - margin, 0), min(x + width + margin, region.shape[1]))


def _disk(radius: float) -> NDArray[np.uint8]:
    """Pixels within ``radius``, on a grid that starts at exactly ``-radius``.

    For a whole radius that is the usual disk; for others it lies off centre by the fraction.
    """
    steps = np.arange(-radius, radius + 1)
    inside: NDArray[np.bool_] = steps[:, None] ** 2 + steps**2 <= radius**2
    return inside.view(np.uint8)


def _pixel_graph(pixels: NDArray[np.int64]) -> Graph:
    """Each pixel's eight neighbours that are there, in ascending order."""
    numbers = {(int(x), int(y)): n for n, (x, y) in enumerate(pixels)}
    around = [(dx, dy) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dx or dy]
    return {
        n: [numbers[x + dx, y + dy] for dx, dy in around if (x + dx, y + dy) in numbers]
        for (x, y), n in numbers.items()
    }


def _connected_parts(graph: Graph) -> Iterator[Graph]:
    """The graph's connected parts, by their first pixel.

    A part of less than half of all pixels is visited in the order of a Python set of its
    numbers, as the graph library behind the benchmark's robot does; a larger one in ascending
    order. It decides from which end a line is found.
    """
    done: set[int] = set()
    for first in graph:
        if first in done:
            continue
        part: set[int] = set()
        level = {first}
        while level:
            coming: set[int] = set()
            for n in level:
                if n not in part:
                    part.add(n)
                    coming.update(graph[n])
            level = coming
        done |= part
        # A set made anew, number by number: a copy would keep the table of the one it came from.
        small = 2 * len(part) < len(graph)
        numbers = list(set(iter(part))) if small else sorted(part)
        yield _as_inserted(numbers, graph)


def _as_inserted(numbers: Sequence[int], graph: Graph) -> Graph:
    """The part of ``graph`` with ``numbers``, neighbours in the order edges are first met."""
    part: Graph = {n: [] for n in numbers}
    for n in numbers:
        for other in graph[n]:
            if other not in part[n]:
                part[n].append(other)
                part[other].append(n)
    return part


def _without_cycles(graph: Graph, pixels: NDArray[np.int64]) -> Graph:
    """A tree: the longest edge (of equal ones the first met) of every cycle is taken out.

    Cycles are those that a depth-first walk closes, one after the other.
    """
    tree = {n: list(others) for n, others in graph.items()}
    found = _cycle(tree)
    while found:
        a, b = max(found, key=lambda edge: hypot(*(pixels[edge[0]] - pixels[edge[1]])))
        tree[a].remove(b)
        tree[b].remove(a)
        found = _cycle(tree)
    return tree


def _cycle(graph: Graph) -> list[tuple[int, int]]:
    """The edges of the first cycle that a depth-first walk closes; none in a tree."""
    start = next(iter(graph))
    path, seen = [start], {start}
    waiting = [iter(graph[start])]
    while path:
        before = path[-2] if len(path) > 1 else None
        for there in waiting[-1]:
            if there == before:
                continue
            if there in seen:
                loop = [*path[path.index(there) :], there]
                return list(pairwise(loop))
            seen.add(there)
            path.append(there)
            waiting.append(iter(graph[there]))
            break
        else:
            path.pop()
            waiting.pop()
    return []


def _farthest(tree: Graph, start: int) -> int:
    """The pixel most steps away from ``start``; of equal ones the first of a set of them all.

    Levels are sets, as in the graph library behind the benchmark's robot: it settles ties.
    """
    seen: set[int] = set()
    level, last = {start}, start
    while level:
        fresh = [n for n in level if n not in seen]
        if not fresh:
            break
        last = fresh[0]
        seen.update(fresh)
        level = set()
        for n in fresh:
            level.update(tree[n])
    return last


def _farthest_path(tree: Graph, start: int) -> list[int]:
    """From ``start`` to the pixel most steps away; of equal ones the first met."""
    came_from: dict[int, int] = {start: start}
    level, last = [start], start
    while level:
        last = level[0]
        coming = []
        for n in level:
            for other in tree[n]:
                if other not in came_from:
                    came_from[other] = n
                    coming.append(other)
        level = coming
    path = [last]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return path[::-1]
