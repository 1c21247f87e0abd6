"""Tiny datasets in the layout of DAVIS."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from tests.fakes import MovingSquares

from ivos.evaluate import Answer
from ivos.types import Interaction, ObjectId, Video


def write_sequence(
    root: Path,
    name: str,
    *,
    length: int = 5,
    count: int = 2,
    size: tuple[int, int] = (48, 64),
    suffix: str = "png",
    binary: bool = False,
    masks: Sequence[np.ndarray] | None = None,
) -> MovingSquares:
    """Images and masks of ``MovingSquares``; ``masks`` replaces the true ones."""
    video = MovingSquares(length, size, count)
    images, labels = (root / kind / "480p" / name for kind in ("JPEGImages", "Annotations"))
    images.mkdir(parents=True)
    labels.mkdir(parents=True)
    for t in range(length):
        options = {"lossless": True} if suffix == "webp" else {}
        Image.fromarray(video[t]).save(images / f"{t:05d}.{suffix}", **options)
        write_mask(labels / f"{t:05d}.png", video.truth(t) if masks is None else masks[t], binary)
    return video


def write_mask(path: Path, labels: np.ndarray, binary: bool = False) -> None:
    """An indexed PNG, or a grey one of 0 and 255."""
    if binary:
        Image.fromarray(np.where(labels > 0, 255, 0).astype(np.uint8)).save(path)
        return
    image = Image.fromarray(labels.astype(np.uint8))
    image.putpalette([v for i in range(256) for v in (i, i, i)])
    image.save(path)


def write_scribbles(
    root: Path, name: str, video: MovingSquares, frame: int, number: int = 1
) -> Path:
    """A person's first scribbles: each object's diagonal."""
    strokes = [
        {"path": [list(p) for p in video.stroke(n, frame).path], "object_id": n,
         "start_time": 0, "end_time": 1}
        for n in video.object_ids
    ]  # fmt: skip
    drawn: list[list[object]] = [[] for _ in range(len(video))]
    drawn[frame] = list(strokes)
    path = root / "Scribbles" / name / f"{number:03d}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"sequence": name, "scribbles": drawn}))
    return path


class Ticking:
    """A clock that only a method moves on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Scripted:
    """Answers what it is told to, round by round, after the seconds it is told to."""

    name = "scripted"
    weights = None

    def __init__(
        self, clock: Ticking, answers: Sequence[np.ndarray], seconds: Sequence[float] = ()
    ) -> None:
        self.asked: list[Interaction] = []
        self.starts = 0
        self._clock, self._answers, self._seconds = clock, answers, seconds

    def start(self, video: Video, object_ids: Sequence[ObjectId]) -> None:
        self.starts += 1
        self.asked = []

    def interact(self, interaction: Interaction) -> Answer:
        k = min(len(self.asked), len(self._answers) - 1)
        self.asked.append(interaction)
        self._clock.now += self._seconds[k] if self._seconds else 1.0
        return Answer(np.asarray(self._answers[k], np.uint8))
