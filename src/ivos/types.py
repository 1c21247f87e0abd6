"""The values that flow through ivos: prompts, interactions, rounds, progress, the video protocol.

NumPy only. Everything here is frozen and checked when it is made; nothing here does any work.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ivos.errors import InvalidInteraction

ObjectId: TypeAlias = int
"""0 is the background, 1..254 are objects, 255 is void (not scored, never drawn)."""

BACKGROUND: ObjectId = 0
VOID: ObjectId = 255
MAX_OBJECT_ID: ObjectId = 254

Point: TypeAlias = tuple[float, float]
"""(x, y) as fractions of the frame's width and height, each from 0 to 1."""

Frame: TypeAlias = NDArray[np.uint8]
"""(H, W, 3) RGB."""

LabelMap: TypeAlias = NDArray[np.uint8]
"""(H, W) of object ids: the form of files, of the wire and of the metrics."""

SoftMask: TypeAlias = NDArray[np.float32]
"""(H, W) probability, from 0 to 1, that a pixel belongs to one object."""

Mask: TypeAlias = NDArray[np.bool_]
"""(H, W) boolean."""


@runtime_checkable
class Video(Protocol):
    """A video or a folder of images: frames by index, lazily, exactly.

    Reading is safe from one thread at a time.
    """

    @property
    def name(self) -> str:
        """A short name for people and for files: the file's or folder's stem."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels, as displayed (after rotation)."""
        ...

    @property
    def fps(self) -> float:
        """Average frames a second; for folders of images, what was asked for."""
        ...

    def __len__(self) -> int:
        """How many frames there are."""
        ...

    def __getitem__(self, frame: int) -> Frame:
        """Frame number ``frame``, from 0. Raises IndexError outside the video."""
        ...

    def timestamp(self, frame: int) -> float:
        """When ``frame`` is shown, in seconds from the first frame."""
        ...

    def frame_name(self, frame: int) -> str:
        """The name that files made from ``frame`` carry, without suffix (``00012``)."""
        ...

    def close(self) -> None:
        """Let go of files. Harmless when called twice."""
        ...


def _check_object(object_id: ObjectId, lowest: ObjectId) -> None:
    if isinstance(object_id, bool) or not isinstance(object_id, int):
        raise InvalidInteraction(f"object id {object_id!r} is not a whole number")
    if not lowest <= object_id <= MAX_OBJECT_ID:
        raise InvalidInteraction(f"object id {object_id} is outside {lowest}..{MAX_OBJECT_ID}")


def _check_point(point: Point, what: str) -> None:
    x, y = point
    if not (math.isfinite(x) and math.isfinite(y) and 0 <= x <= 1 and 0 <= y <= 1):
        raise InvalidInteraction(
            f"{what} point ({x:g}, {y:g}) is outside the frame: "
            "points are fractions from 0 to 1, not pixels"
        )


@dataclass(frozen=True, slots=True)
class Scribble:
    """One stroke that says "this is object ``object_id``"; for the background where it is 0.

    With ``positive`` false it says "this is not that object", and nothing about the others.
    """

    object_id: ObjectId
    path: tuple[Point, ...]
    positive: bool = True

    def __post_init__(self) -> None:
        _check_object(self.object_id, BACKGROUND)
        if not self.path:
            raise InvalidInteraction("a scribble needs at least one point")
        if self.object_id == BACKGROUND and not self.positive:
            raise InvalidInteraction("a background scribble cannot be negative: name the object")
        for point in self.path:
            _check_point(point, "scribble")


@dataclass(frozen=True, slots=True)
class Click:
    """One point on (or, with ``positive`` false, off) an object; background where its id is 0."""

    object_id: ObjectId
    point: Point
    positive: bool = True

    def __post_init__(self) -> None:
        _check_object(self.object_id, BACKGROUND)
        if self.object_id == BACKGROUND and not self.positive:
            raise InvalidInteraction("a background click cannot be negative: name the object")
        _check_point(self.point, "click")


@dataclass(frozen=True, slots=True)
class Box:
    """A box around an object, by two opposite corners."""

    object_id: ObjectId
    top_left: Point
    bottom_right: Point

    def __post_init__(self) -> None:
        _check_object(self.object_id, 1)
        _check_point(self.top_left, "box")
        _check_point(self.bottom_right, "box")
        if self.top_left[0] >= self.bottom_right[0] or self.top_left[1] >= self.bottom_right[1]:
            raise InvalidInteraction("a box needs its top left corner above and left of the other")


@dataclass(frozen=True, slots=True, eq=False)
class PaintedMask:
    """What the object is on this frame, pixel by pixel: the network may not change it.

    ``mask`` is (H, W) boolean at the video's size; painted, erased or imported.
    """

    object_id: ObjectId
    mask: Mask

    def __post_init__(self) -> None:
        _check_object(self.object_id, 1)
        if self.mask.ndim != 2 or self.mask.dtype != np.bool_:
            raise InvalidInteraction("a painted mask must be a boolean array of shape (H, W)")


Prompt: TypeAlias = Scribble | Click | Box | PaintedMask


@dataclass(frozen=True, slots=True)
class Interaction:
    """What a person did on one frame: all prompts of one moment. It can be replayed."""

    frame: int
    prompts: tuple[Prompt, ...]

    def __post_init__(self) -> None:
        if isinstance(self.frame, bool) or not isinstance(self.frame, int) or self.frame < 0:
            raise InvalidInteraction(f"frame {self.frame!r} is not a frame number from 0")

    @property
    def object_ids(self) -> tuple[ObjectId, ...]:
        """The objects that are spoken of, background left out, in ascending order."""
        return tuple(sorted({p.object_id for p in self.prompts if p.object_id != BACKGROUND}))

    @classmethod
    def of(cls, frame: int, prompts: Iterable[Prompt]) -> Interaction:
        """An interaction from any iterable of prompts."""
        return cls(frame, tuple(prompts))


@dataclass(frozen=True, slots=True)
class Progress:
    """One frame of a propagation is done: which, how many of how many, and how long is left."""

    frame: int
    done: int
    total: int
    seconds_left: float
