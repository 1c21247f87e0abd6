"""Measurements of every object on every frame, as a table (CSV)."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ivos.deliver.job import Job, Meter
from ivos.deliver.options import MeasureOptions
from ivos.types import Mask, Progress


@dataclass(frozen=True, slots=True)
class Measures:
    """One object on one frame, in pixels; the middle of the top left pixel is (0, 0)."""

    area: int
    """How many pixels."""
    centroid: tuple[float, float]
    """(x, y): the mean of its pixels."""
    box: tuple[int, int, int, int]
    """(left, top, width, height)."""
    perimeter: float
    """Length of its border; see ``perimeter``."""


def measure(mask: Mask) -> Measures | None:
    """The measures of ``mask``; None where it is empty."""
    ys, xs = np.nonzero(mask)
    if not len(ys):
        return None
    top, left, bottom, right = int(ys.min()), int(xs.min()), int(ys.max()), int(xs.max())
    return Measures(
        area=len(ys),
        centroid=(float(xs.mean()), float(ys.mean())),
        box=(left, top, right - left + 1, bottom - top + 1),
        perimeter=perimeter(mask[top : bottom + 1, left : right + 1]),
    )


def perimeter(mask: Mask) -> float:
    """The length of the border of ``mask`` in pixels, holes included.

    Border pixels (with a neighbour outside among four) are linked by steps; each counts 1, the
    square root of 2, or the mean of both, by how many straight and diagonal links meet in it
    (Benkrid and Crookes, Design and FPGA implementation of a perimeter estimator, 2000).
    """
    solid = np.pad(mask.astype(np.uint8), 2)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    border = solid - cv2.erode(solid, cross)
    # Straight links count 2 and diagonal ones 10 on top of the pixel itself, so that the sum
    # tells how many of each there are.
    links = cv2.filter2D(
        border.astype(np.float32),
        -1,
        np.array([[10, 2, 10], [2, 1, 2], [10, 2, 10]], np.float32),
        borderType=cv2.BORDER_CONSTANT,
    )
    counts = np.bincount(np.rint(links).astype(np.int64).ravel(), minlength=64)
    straight = counts[[5, 7, 15, 17, 25, 27]].sum()
    diagonal = counts[[21, 33]].sum()
    mixed = counts[[13, 23]].sum()
    return float(straight + math.sqrt(2) * diagonal + (1 + math.sqrt(2)) / 2 * mixed)


def write_measurements(job: Job, out: Path, options: MeasureOptions) -> Iterator[Progress]:
    """A row for each object on each frame; lengths are empty where the object is not there.

    Speed is the way of the centroid since the last frame the object was on, over that time.
    """
    scale, unit = options.scale, options.unit
    lengths = ["centroid_x", "centroid_y", "left", "top", "width", "height", "perimeter", "speed"]
    header = ["frame", "number", "seconds", "object_id", "object", "area_px2"]
    header += [f"{name}_{'px_per_s' if name == 'speed' else 'px'}" for name in lengths]
    if scale is not None:
        header.append(f"area_{unit}2")
        header += [f"{name}_{f'{unit}_per_s' if name == 'speed' else unit}" for name in lengths]
    last_seen: dict[int, tuple[float, tuple[float, float]]] = {}
    meter = Meter(len(job.frames))
    with out.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(header)
        for frame in job.frames:
            labels = job.labels(frame)
            seconds = job.video.timestamp(frame)
            for item in job.objects:
                row: list[object] = [
                    frame, job.number(frame), f"{seconds:.6f}", item.object_id, item.name,
                ]  # fmt: skip
                found = measure(labels == item.object_id)
                if found is None:
                    table.writerow([*row, 0] + [""] * (len(header) - len(row) - 1))
                    continue
                speed = _speed(last_seen.get(item.object_id), seconds, found.centroid)
                last_seen[item.object_id] = (seconds, found.centroid)
                values = [*found.centroid, *found.box, found.perimeter, speed]
                row += [found.area, *(_number(value) for value in values)]
                if scale is not None:
                    row.append(_number(found.area * scale**2))
                    row += [_number(None if v is None else v * scale) for v in values]
                table.writerow(row)
            yield meter.tick(frame)


def _speed(
    last: tuple[float, tuple[float, float]] | None, seconds: float, centroid: tuple[float, float]
) -> float | None:
    if last is None or seconds <= last[0]:
        return None
    return math.dist(last[1], centroid) / (seconds - last[0])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"
