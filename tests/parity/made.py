"""Made sequences and predictions for the parity records.

Run in both environments, so only integer arithmetic and Python's own generator, which do not
change between versions.
"""

from __future__ import annotations

import random

import numpy as np

SEQUENCES = {"one": (1, 7, (120, 160)), "three": (3, 6, (135, 240)), "two": (2, 9, (90, 131))}
"""name -> (objects, frames, (height, width))."""
ROUNDS = 4


def _shape(draw: random.Random, size: tuple[int, int]) -> tuple[int, ...]:
    height, width = size
    return (
        draw.randrange(3),
        draw.randrange(height // 6, 5 * height // 6),
        draw.randrange(width // 6, 5 * width // 6),
        draw.randrange(4, height // 3),
        draw.randrange(4, width // 3),
        draw.randrange(-3, 4),
        draw.randrange(-4, 5),
    )


def _paint(labels: np.ndarray, shape: tuple[int, ...], value: int, step: int) -> None:
    kind, y, x, high, wide, dy, dx = shape
    v, u = np.mgrid[: labels.shape[0], : labels.shape[1]]
    v, u = v - (y + dy * step), u - (x + dx * step)
    if kind == 0:
        inside = (abs(v) <= high) & (abs(u) <= wide)
    elif kind == 1:
        inside = v * v * wide * wide + u * u * high * high <= high * high * wide * wide
    else:
        far = v * v * wide * wide + u * u * high * high
        whole = high * high * wide * wide
        inside = (far <= whole) & (4 * far >= whole)
    labels[inside] = value


def truth(name: str) -> np.ndarray:
    """(T, H, W) uint8; the last object of several is only there from the second frame on."""
    count, length, size = SEQUENCES[name]
    draw = random.Random(f"truth {name}")
    labels = np.zeros((length, *size), np.uint8)
    for object_id in range(1, count + 1):
        parts = [_shape(draw, size) for _ in range(2)]
        for t in range(length):
            if t == 0 and count > 1 and object_id == count:
                continue
            for part in parts:
                _paint(labels[t], part, object_id, t)
    return labels


def prediction(name: str, round_number: int, scribble_set: int = 1) -> np.ndarray:
    """(T, H, W) uint8: the truth with shapes added and taken out, fewer in later rounds."""
    count, length, size = SEQUENCES[name]
    labels = truth(name)
    draw = random.Random(f"prediction {name} {round_number} {scribble_set}")
    for t in range(length):
        for _ in range(draw.randrange(0, 6 - round_number)):
            shape = _shape(draw, size)
            shape = (*shape[:3], shape[3] // 2 + 1, shape[4] // 2 + 1, 0, 0)
            _paint(labels[t], shape, draw.randrange(count + 1), 0)
    return labels


def quiet(name: str) -> np.ndarray:
    """(T, H, W) uint8: the truth but for one or two pixels on every frame, too few to draw on."""
    labels = truth(name)
    for t in range(len(labels)):
        y, x = np.argwhere(labels[t] == 1)[0]
        labels[t, y, x : x + 1 + t % 2] = 0
    return labels


def single(case: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Truth and prediction of one frame, both (H, W) uint8, and how many objects there are."""
    draw = random.Random(f"single {case}")
    size = (draw.randrange(60, 220), draw.randrange(60, 300))
    count = draw.randrange(1, 4)
    true, predicted = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    for object_id in range(1, count + 1):
        for _ in range(draw.randrange(1, 4)):
            shape = _shape(draw, size)
            _paint(true, shape, object_id, 0)
            if draw.randrange(3):
                moved = (*shape[:3], max(shape[3] - draw.randrange(6), 1), shape[4], *shape[5:])
                _paint(predicted, moved, object_id, 1)
    for _ in range(draw.randrange(3)):
        _paint(predicted, _shape(draw, size), draw.randrange(count + 1), 0)
    return true, predicted, count


def scribbles(name: str, scribble_set: int) -> dict[str, object]:
    """First scribbles of a person, as a DAVIS file holds them: a line through each object."""
    count, length, (height, width) = SEQUENCES[name]
    frame = (length // 2 + scribble_set) % length
    labels = truth(name)[frame]
    strokes = []
    for object_id in range(1, count + 1):
        y, x = np.nonzero(labels == object_id)
        path = [[int(x[k]) / width, int(y[k]) / height] for k in range(0, len(x), 40)]
        strokes.append({"path": path, "object_id": object_id, "start_time": 0, "end_time": 1})
    drawn: list[list[object]] = [[] for _ in range(length)]
    drawn[frame] = list(strokes)
    return {"sequence": name, "scribbles": drawn, "annotated_frame": frame}
