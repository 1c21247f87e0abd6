"""A tiny source of masks whose every pixel is known, over frames that carry their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ivos.types import Frame, LabelMap, Mask, SoftMask, Video
from tests.clips import numbered_frame


@dataclass(frozen=True)
class Thing:
    """An object with a name and a colour."""

    object_id: int
    name: str
    colour: tuple[int, int, int] = (200, 30, 60)


@dataclass
class MadeVideo:
    """Numbered frames in memory; ``times`` are their seconds, if not evenly spaced."""

    length: int = 12
    size: tuple[int, int] = (48, 64)
    fps: float = 25.0
    name: str = "clip"
    times: Sequence[float] = ()

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, frame: int) -> Frame:
        if not 0 <= frame < self.length:
            raise IndexError(frame)
        return numbered_frame(frame, self.size)

    def timestamp(self, frame: int) -> float:
        return self.times[frame] if self.times else frame / self.fps

    def frame_name(self, frame: int) -> str:
        return f"{frame:05d}"

    def close(self) -> None:
        pass


@dataclass
class MadeSource:
    """Object 3 ("dog") moves right and has a hole; 7 ("cat") is in two parts and comes late.

    On each frame their masks lie elsewhere, so no frame can be taken for another.
    """

    video: Video = field(default_factory=MadeVideo)
    objects: Sequence[Thing] = (Thing(3, "dog"), Thing(7, "cat", (20, 40, 250)))
    cat_from: int = 4

    def masks(self, frame: int) -> dict[int, Mask]:
        height, width = self.video.size
        dog = np.zeros((height, width), np.bool_)
        dog[8:20, 2 + frame : 16 + frame] = True
        dog[11:15, 6 + frame : 10 + frame] = False
        cat = np.zeros((height, width), np.bool_)
        if frame >= self.cat_from:
            cat[26 + frame % 7 : 40, 30:47] = True
            cat[25:29, 2 : 5 + frame % 5] = True
        return {3: dog, 7: cat}

    def labels(self, frame: int) -> LabelMap:
        labels = np.zeros(self.video.size, np.uint8)
        for object_id, mask in self.masks(frame).items():
            labels[mask] = object_id
        return labels

    def soft(self, object_id: int, frame: int) -> SoftMask | None:
        """255 steps, as a mask at rest; below one half just outside, above inside."""
        mask = self.masks(frame)[object_id]
        if not mask.any():
            return None
        soft = np.where(mask, 250, 0).astype(np.float32)
        soft[:, 1:] = np.maximum(soft[:, 1:], mask[:, :-1] * np.float32(100))
        return (soft / 255).astype(np.float32)


def pixels(path: Path) -> NDArray[np.uint8]:
    """An image file as Pillow reads it."""
    from PIL import Image

    with Image.open(path) as image:
        return np.array(image)
