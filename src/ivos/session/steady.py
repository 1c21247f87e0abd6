"""Masks that agree with those of the frames beside them, along what moves.

Networks draw each frame anew, and err a little differently on each: outlines flicker, a hoof is
there and gone. So what is kept of a frame is a mean, along the optical flow, of what was found on
it and on those before and after it, each counting less the farther off it is and the less the
pictures agree. What leads on to the next frame is left as it was found: means of means would drift.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ivos.crop import CropSpec, Region, region_around, united, unwarp_into, warp, warp_patch
from ivos.masks import Bytes2D, Patch
from ivos.runtime.protocol import Array
from ivos.session.flow import flow_from, grey
from ivos.session.jobs import mask_box
from ivos.types import Frame, ObjectId

_SIDE = 160
"""Of the crops in which masks are compared, in pixels."""
_MARGIN = 0.1
"""What is added around the object and where it was, as a part of each side."""
_GRID: Array = np.stack(np.meshgrid(*[np.arange(_SIDE, dtype=np.float32)] * 2), axis=2)
"""(S, S, 2): the place of each pixel of a crop, x first."""
_DIFFERS = 16.0
"""Pixels whose grey values differ by this much along the flow count e times less."""
_TOLD = 4.0
"""How often masks count that are fixed: a person has put them right, or accepted them."""
_AHEAD = 5
"""Frames that must follow before a mask is done; what lies farther off hardly counts."""
_HELD = 12
"""Frames that are held back, and then looked back on at once."""
_MOST = 400
"""Looks (0.4 MB each) that are held at once, of all objects: with more than 33 of them frames are
held back for less long, and with more than 66 fewer follow, so that memory stays bounded."""


@dataclass(frozen=True, slots=True, eq=False)
class _Link:
    """From one object's crop to its crop on the frame beside."""

    source: tuple[NDArray[np.int16], NDArray[np.uint16]]
    """Where each pixel comes from there, as ``cv2.remap`` takes it fastest."""
    share: Bytes2D
    """(S, S): how much of what is there counts here, in 255ths."""

    def bring(self, sums: Array) -> Array:
        """(S, S, 2) sums of the other crop, as far as they count, where they are in this one."""
        moved = cv2.remap(sums, *self.source, cv2.INTER_LINEAR)
        return np.asarray(moved, np.float32) * (self.share * np.float32(1 / 255))[..., None]


@dataclass(slots=True, eq=False)
class _Look:
    """One object on one frame, in a crop around it; small, since many are held."""

    mask: Patch
    region: Region
    own: Bytes2D
    """(S, S): the mask."""
    weight: float
    """How much it counts."""
    so_far: Array
    """(S, S, 2): what this frame and those before it say, and how much they count, summed up."""
    onwards: _Link | None = None
    """To the frame after this one."""

    def joined(self, following: Array | None) -> tuple[Array, Array]:
        """The sums of all frames here, and those of this frame and the ``following`` ones alone."""
        alone = _alone(self.own, self.weight)
        if following is None or self.onwards is None:
            return self.so_far, alone
        brought = self.onwards.bring(following)
        return self.so_far + brought, alone + brought

    def settled(self, sums: Array) -> Patch:
        """The mask, changed by as much as the mean differs from it in the crop."""
        if self.mask.values.size == 0:
            return self.mask
        height, width = self.mask.size
        crop = (
            max(0, int(np.ceil(self.region.y0))),
            max(0, int(np.ceil(self.region.x0))),
            min(height, int(self.region.y1) + 1),
            min(width, int(self.region.x1) + 1),
        )
        box = united([crop, self.mask.box])
        assert box is not None
        values = self.mask.within(box).astype(np.float32)
        unwarp_into(values, sums[..., 0] / sums[..., 1] - self.own, self.region, box[:2])
        steady = np.rint(values).clip(0, 255).astype(np.uint8)
        return Patch(self.mask.size, box[0], box[1], steady).tight()


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    frame: int | None
    """None for the frame that leads into the way, which is not one of it."""
    looks: Mapping[ObjectId, _Look]
    changes: Collection[ObjectId]


class Steadying:
    """One way through a video: the masks of its frames go in as they are found and come out, in
    the same order but some frames later, as they are to be kept.
    """

    def __init__(self, spec: CropSpec) -> None:
        self._spec = spec
        self._held: list[_Held] = []
        self._grey: Bytes2D | None = None

    def lead_in(self, image: Frame, masks: Mapping[ObjectId, Patch]) -> None:
        """The masks of the frame before the first one, which stay as they are."""
        self._hold(None, image, masks, ())

    def put(
        self,
        frame: int,
        image: Frame,
        masks: Mapping[ObjectId, Patch],
        changes: Collection[ObjectId],
    ) -> list[tuple[int, dict[ObjectId, Patch]]]:
        """Add a frame's masks, of which ``changes`` were found now and the others are fixed.

        Returns the frames that are done, each with the masks that were found there.
        """
        if not self._spec.steady:
            return [(frame, {object_id: masks[object_id] for object_id in changes})]
        self._hold(frame, image, masks, changes)
        held = max(2, min(_HELD, _MOST // max(1, len(masks))))
        return self._done(min(_AHEAD, held - 1)) if len(self._held) >= held else []

    def rest(self) -> list[tuple[int, dict[ObjectId, Patch]]]:
        """The frames that are left at the end of the way."""
        return self._done(0)

    def _hold(
        self,
        frame: int | None,
        image: Frame,
        masks: Mapping[ObjectId, Patch],
        changes: Collection[ObjectId],
    ) -> None:
        here = grey(image)
        before = self._held[-1].looks if self._held else {}
        looks = {
            object_id: self._look(
                here, mask, 1.0 if object_id in changes else _TOLD, before.get(object_id)
            )
            for object_id, mask in masks.items()
        }
        self._held.append(_Held(frame, looks, changes))
        self._grey = here

    def _look(self, here: Bytes2D, mask: Patch, weight: float, before: _Look | None) -> _Look:
        box = mask_box(mask, self._spec)
        near = None if before is None else mask_box(before.mask, self._spec)
        region = region_around(united([box, near]), mask.size, self._spec, _MARGIN)
        own = warp_patch(mask, region, _SIDE, antialias=True)
        sums = _alone(own, weight)
        if before is not None and self._grey is not None and box and near:
            back, before.onwards = self._links(self._grey, here, before.region, region)
            sums += back.bring(before.so_far)
        return _Look(mask, region, own, weight, sums)

    def _links(
        self, there: Bytes2D, here: Bytes2D, other: Region, region: Region
    ) -> tuple[_Link, _Link]:
        """From ``region`` of the frame ``here`` to ``other`` of the frame ``there``, and back."""
        crops = [
            np.asarray(warp(image, region, _SIDE, antialias=True), np.uint8)
            for image in (there, here)
        ]
        flow = flow_from(*crops)
        found = _taken(crops[0], _GRID + flow)
        differs = cv2.blur(cv2.absdiff(found, crops[1]).astype(np.float32), (7, 7))
        share = (255 * self._spec.steady * cv2.exp(differs * (-1 / _DIFFERS))).astype(np.uint8)
        back = _Link(_exact(_in_crop(region, other, _GRID + flow)), share)
        at = _in_crop(other, region, _GRID)
        origin = at - _taken(flow, at)
        origin = at - _taken(flow, origin)  # where the flow that leads there begins
        return back, _Link(_exact(origin), _taken(share, origin))

    def _done(self, ahead: int) -> list[tuple[int, dict[ObjectId, Patch]]]:
        """The frames that are held but for the last few, looked back on from the last one."""
        ready = len(self._held) - ahead
        masks: list[dict[ObjectId, Patch]] = [{} for _ in self._held[:ready]]
        for object_id in sorted({key for held in self._held for key in held.looks}):
            following: Array | None = None
            for at in range(len(self._held) - 1, -1, -1):
                look = self._held[at].looks.get(object_id)
                if look is None:
                    following = None
                    continue
                sums, following = look.joined(following)
                if at < ready and object_id in self._held[at].changes:
                    masks[at][object_id] = look.settled(sums)
        done = [
            (held.frame, found)
            for held, found in zip(self._held, masks, strict=False)
            if held.frame is not None
        ]
        self._held = self._held[ready:]
        return done


def _in_crop(region: Region, other: Region, places: Array) -> Array:
    """(S, S, 2): places in the crop of ``region``, x first, as places in the crop of ``other``."""
    last = _SIDE - 1
    width, height = other.x1 - other.x0, other.y1 - other.y0
    affine = np.array(
        [
            [(region.x1 - region.x0) / width, 0, (region.x0 - other.x0) / width * last],
            [0, (region.y1 - region.y0) / height, (region.y0 - other.y0) / height * last],
        ]
    )
    return np.asarray(cv2.transform(places, affine), np.float32)


def _taken(image: NDArray[Any], source: Array) -> NDArray[Any]:
    return np.asarray(cv2.remap(image, source, None, cv2.INTER_LINEAR))  # type: ignore[call-overload]


def _exact(source: Array) -> tuple[NDArray[np.int16], NDArray[np.uint16]]:
    where, between = cv2.convertMaps(source, np.empty(0, np.float32), cv2.CV_16SC2)
    return np.asarray(where, np.int16), np.asarray(between, np.uint16)


def _alone(own: Bytes2D, weight: float) -> Array:
    """(S, S, 2): what one frame says, and how much it counts."""
    counts = np.full(own.shape, weight, np.float32)
    return np.stack([own * counts, counts], axis=2)
