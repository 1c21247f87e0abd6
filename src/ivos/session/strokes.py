"""From what a person drew on a frame to what one object's network run is told.

All functions take the prompts of one frame in the order they were drawn; where two strokes cross,
the later one holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ivos.masks import Bytes2D, Patch, PixelBox
from ivos.types import BACKGROUND, Box, Click, ObjectId, PaintedMask, Point, Prompt, Scribble

Path: TypeAlias = tuple[Sequence[Point], bool]
"""Points as fractions of the frame, and whether they are on the object."""

NegativeRule: TypeAlias = Literal["background", "others"]


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What one object is told on one frame."""

    paths: tuple[Path, ...] = ()
    """Strokes and clicks, its own and those that count as negative for it, in order."""
    box: PixelBox | None = None
    """The last box drawn for it, in pixels."""
    painted: Patch | None = None
    """The last mask painted for it. It takes the place of everything drawn before it."""
    exact: bool = False
    """Whether that mask is the last word: nothing was drawn for or against the object since."""

    @property
    def claims(self) -> bool:
        """Whether anything says that the object is on this frame at all."""
        return (
            self.box is not None
            or self.painted is not None
            or any(positive for _, positive in self.paths)
        )


def told(
    object_id: ObjectId, prompts: Sequence[Prompt], size: tuple[int, int], rule: NegativeRule
) -> Told:
    """What the prompts of a frame of ``size`` (H, W) say to one object.

    A painted mask is the object exactly until a later stroke speaks of it, which starts from it.
    """
    found = Told()
    for prompt in prompts:
        own = prompt.object_id == object_id
        if isinstance(prompt, Scribble | Click):
            sign = _sign(prompt, object_id, rule)
            if sign is None:
                continue
            points = _points(prompt)
            untouched = found.painted is None or not (own or under(points, found.painted))
            exact = found.exact and untouched
            found = replace(found, paths=(*found.paths, (points, sign)), exact=exact)
        elif own and isinstance(prompt, Box):
            found = replace(found, box=_pixel_box(prompt, size), exact=False)
        elif own and isinstance(prompt, PaintedMask):
            found = Told(painted=Patch.of(prompt.mask), exact=True)
    return found


def _points(prompt: Scribble | Click) -> Sequence[Point]:
    return prompt.path if isinstance(prompt, Scribble) else (prompt.point,)


def _sign(prompt: Scribble | Click, object_id: ObjectId, rule: NegativeRule) -> bool | None:
    """Whether a stroke is positive or negative for an object, or says nothing to it."""
    if prompt.object_id == object_id:
        return prompt.positive
    if prompt.object_id == BACKGROUND or (rule == "others" and prompt.positive):
        return False
    return None


def _pixel_box(box: Box, size: tuple[int, int]) -> PixelBox:
    left, top = _pixel(box.top_left, size)
    right, bottom = _pixel(box.bottom_right, size)
    return top, left, bottom + 1, right + 1


def _pixel(point: Point, size: tuple[int, int]) -> tuple[int, int]:
    height, width = size
    return min(int(point[0] * width), width - 1), min(int(point[1] * height), height - 1)


def pixels(points: Sequence[Point], size: tuple[int, int]) -> NDArray[np.int32]:
    """Points as fractions -> (N, 2) pixels, x first: of x, ``min(int(x * W), W - 1)``."""
    scale = np.array([size[1], size[0]])
    found = (np.asarray(points, np.float64).reshape(-1, 2) * scale).astype(np.int32)
    inside: NDArray[np.int32] = np.minimum(found, (scale - 1).astype(np.int32))
    return inside


def box_of(paths: Sequence[Path], size: tuple[int, int]) -> PixelBox | None:
    """The pixels between which all strokes lie, if there are any."""
    if not paths:
        return None
    at = np.concatenate([pixels(points, size) for points, _ in paths])
    (left, top), (right, bottom) = at.min(axis=0), at.max(axis=0)
    return int(top), int(left), int(bottom) + 1, int(right) + 1


def _line(
    canvas: Bytes2D, points: Sequence[Point], value: int, origin: PixelBox, size: tuple[int, int]
) -> None:
    at = pixels(points, size) - np.array([origin[1], origin[0]], np.int32)
    at = np.concatenate([at, at[-1:]])  # a lone point draws nothing
    cv2.polylines(canvas, [at[:, None]], False, value, 1, cv2.LINE_8)


def under(points: Sequence[Point], patch: Patch) -> bool:
    """Whether a stroke's centre line crosses an object's hard mask."""
    box = box_of([(points, True)], patch.size)
    if box is None or patch.values.size == 0:
        return False
    canvas = np.zeros((box[2] - box[0], box[3] - box[1]), np.uint8)
    _line(canvas, points, 1, box, patch.size)
    return bool((patch.within(box)[canvas == 1] >= 128).any())


def spoken_to(
    prompts: Sequence[Prompt], current: Mapping[ObjectId, Patch], rule: NegativeRule
) -> set[ObjectId]:
    """The objects that new prompts concern: those named, and those with a mask under a stroke that
    is negative for them (a stroke on the background corrects the object below it).
    """
    found = {prompt.object_id for prompt in prompts} - {BACKGROUND}
    for prompt in prompts:
        if isinstance(prompt, Box | PaintedMask):
            continue
        for object_id, patch in current.items():
            if object_id in found or _sign(prompt, object_id, rule) is not False:
                continue
            if under(_points(prompt), patch):
                found.add(object_id)
    return found


def enforce(patch: Patch, paths: Sequence[Path]) -> Patch:
    """The mask with the strokes honoured: certain under the centre line (one pixel wide) of what
    says yes, and nothing under what says no. A network that listens makes this a no-op.
    """
    box = box_of(paths, patch.size)
    if box is None:
        return patch
    canvas = np.zeros((box[2] - box[0], box[3] - box[1]), np.uint8)
    for points, positive in paths:
        _line(canvas, points, 1 if positive else 2, box, patch.size)
    within = patch.within(box)
    wrong = ((canvas == 1) & (within < 128)) | ((canvas == 2) & (within >= 128))
    if not wrong.any():
        return patch
    full = patch.full()
    inner = full[box[0] : box[2], box[1] : box[3]]
    inner[wrong & (canvas == 1)] = 255
    inner[wrong & (canvas == 2)] = 0
    return Patch(patch.size, 0, 0, full).tight()
