"""Objects on one frame: how they compete, give way, blend, and become labels.

Pure functions of patches. Each costs what the objects' own areas cost; the frame's size plays no
part, except where a whole label map is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ivos.crop import united
from ivos.masks import Bytes2D, Patch, PixelBox
from ivos.types import LabelMap, ObjectId

_CLAMP = np.float32(1e-7)
_LOST = 0.1
"""Less than this part of an object is as good as nothing."""


def _odds(probs: NDArray[np.float32]) -> NDArray[np.float32]:
    clamped = probs.clip(_CLAMP, 1 - _CLAMP)
    odds: NDArray[np.float32] = clamped / (1 - clamped)
    return odds


def _share(
    own: NDArray[np.float32], total: NDArray[np.float32], background: NDArray[np.float32]
) -> Bytes2D:
    """255ths of the odds: an object's own, those of all objects, the background's probability."""
    shares: Bytes2D = np.rint(own / (total + _odds(background)) * 255).astype(np.uint8)
    return shares


_PROBS: NDArray[np.float32] = np.arange(256, dtype=np.float32) / np.float32(255)
_ODDS = _odds(_PROBS)
_REST = 1 - _PROBS
_UNCONTESTED = _share(_ODDS, _ODDS, _REST)
"""What is left of each value where no rival claims anything."""


def overlap(a: PixelBox, b: PixelBox) -> PixelBox | None:
    """The box that two boxes share, if any."""
    top, left = max(a[0], b[0]), max(a[1], b[1])
    bottom, right = min(a[2], b[2]), min(a[3], b[3])
    return (top, left, bottom, right) if top < bottom and left < right else None


def _inside(box: PixelBox, outer: PixelBox) -> tuple[slice, slice]:
    return (
        slice(box[0] - outer[0], box[2] - outer[0]),
        slice(box[1] - outer[1], box[3] - outer[1]),
    )


def compete(patch: Patch, rivals: Sequence[Patch]) -> Patch:
    """What soft aggregation leaves of one object among its rivals on the same frame.

    The same as ``masks.soft_aggregate`` on whole frames, to 1 / 255. An object without any rival
    on the frame is left as it is, as in the published single-object demo.
    """
    if not rivals or patch.values.size == 0:
        return patch
    values: Bytes2D = np.asarray(cv2.LUT(patch.values, _UNCONTESTED), np.uint8)
    contested = np.zeros(values.shape, np.bool_)
    for rival in rivals:
        shared = overlap(patch.box, rival.box)
        if shared is not None:
            contested[_inside(shared, patch.box)] |= rival.within(shared) > 0
    contested &= patch.values > 0
    if contested.any():
        own = _ODDS[patch.values[contested]]
        total, background = own.copy(), _REST[patch.values[contested]]
        for rival in rivals:
            if overlap(patch.box, rival.box) is not None:
                theirs = rival.within(patch.box)[contested]
                total += _ODDS[theirs]
                background *= _REST[theirs]
        values[contested] = _share(own, total, background)
    return Patch(patch.size, patch.top, patch.left, values)


def give_way(patch: Patch, others: Sequence[Patch]) -> Patch:
    """The patch, cut down so that it and the others together claim no pixel twice.

    Returns the very same patch where nothing had to change.
    """
    room = _room(patch, others)
    if room is None or not (patch.values > room).any():
        return patch
    return Patch(patch.size, patch.top, patch.left, np.minimum(patch.values, room))


def _room(patch: Patch, others: Sequence[Patch]) -> Bytes2D | None:
    """What others leave of each pixel where a patch lies; None if they are all elsewhere."""
    near = [other for other in others if overlap(patch.box, other.box) is not None]
    if not near:
        return None
    room: Bytes2D = 255 - near[0].within(patch.box)
    for other in near[1:]:
        room = cv2.subtract(room, other.within(patch.box))  # type: ignore[assignment]
    return room


def settle(
    new: Mapping[ObjectId, Patch], others: Mapping[ObjectId, Patch], fixed: Sequence[ObjectId]
) -> dict[ObjectId, Patch]:
    """New masks of a frame, as they are beside each other and beside those of other objects.

    They compete with each other and with all others, and give way to those in ``fixed``.
    """
    everyone = {**others, **new}
    settled: dict[ObjectId, Patch] = {}
    for object_id, patch in new.items():
        rivals = [
            rival for other, rival in everyone.items() if other != object_id and rival.values.size
        ]
        settled[object_id] = give_way(compete(patch, rivals), [others[other] for other in fixed])
    return settled


def yielding(
    new: Mapping[ObjectId, Patch], others: Mapping[ObjectId, Patch], fixed: Sequence[ObjectId]
) -> dict[ObjectId, Patch]:
    """Those of the others that have to give way to the new masks, as they are then."""
    changed = {}
    for object_id, patch in others.items():
        if object_id in fixed:
            continue
        left = give_way(patch, list(new.values()))
        if left is not patch:
            changed[object_id] = left
    return changed


def blend(new: Patch, old: Patch | None, weight: float) -> Patch:
    """``weight`` of the new mask and the rest of the old one; no old one counts as all new."""
    if old is None or weight >= 1:
        return new
    box = united([patch.box for patch in (new, old) if patch.values.size])
    if box is None:
        return new
    values = cv2.addWeighted(new.within(box), weight, old.within(box), 1 - weight, 0)
    return Patch(new.size, box[0], box[1], np.asarray(values, np.uint8))


def not_lost(new: Patch, old: Patch | None, drawn: int) -> Patch:
    """``new``, or ``old`` where hardly anything of the object is left in it: no person said so.

    ``drawn`` is its area on the frame that a person drew on: where they took it away, it may go,
    and what is as large as they made it is not lost, however large it was before.
    """
    return old if old is not None and area(new) < _LOST * min(drawn, area(old)) else new


def area(patch: Patch) -> int:
    """How many pixels are the object's."""
    return int((patch.values >= 128).sum())


def balance(patches: Mapping[ObjectId, Patch], firm: Sequence[Patch] = ()) -> dict[ObjectId, Patch]:
    """The masks of a frame, scaled down where together they claim more than the ``firm`` ones, to
    which they give way, leave.

    Objects that fade into their old masks at different rates may do that, and strokes that are
    honoured beside a network's doubts.
    """
    return {
        object_id: _scaled(patch, [p for key, p in patches.items() if key != object_id], firm)
        for object_id, patch in patches.items()
    }


def _scaled(patch: Patch, others: Sequence[Patch], firm: Sequence[Patch]) -> Patch:
    if give_way(patch, [*others, *firm]) is patch:
        return patch
    total = patch.values.astype(np.uint32)
    for other in others:
        if overlap(patch.box, other.box) is not None:
            total += other.within(patch.box)
    room = _room(patch, firm)
    left: NDArray[np.uint32] = np.full_like(total, 255) if room is None else room.astype(np.uint32)
    values = patch.values * left // np.maximum(total, np.maximum(left, 1))
    return Patch(patch.size, patch.top, patch.left, values.astype(np.uint8))


def labels(patches: Mapping[ObjectId, Patch], size: tuple[int, int]) -> LabelMap:
    """(H, W): each pixel's likeliest object; 0 where the background is at least as likely."""
    found = np.zeros(size, np.uint8)
    shown = {object_id: patch for object_id, patch in patches.items() if patch.values.size}
    box = united([patch.box for patch in shown.values()])
    if box is None:
        return found
    best = np.zeros((box[2] - box[0], box[3] - box[1]), np.uint8)
    claimed = np.zeros(best.shape, np.uint16)
    inner = found[box[0] : box[2], box[1] : box[3]]
    for object_id, patch in sorted(shown.items()):
        here = _inside(patch.box, box)
        better = patch.values > best[here]
        inner[here][better] = object_id
        np.maximum(best[here], patch.values, out=best[here])
        claimed[here] += patch.values
    inner[best.astype(np.uint16) + claimed <= 255] = 0
    return found


def confidence(patch: Patch) -> float:
    """How sure the network is of a mask, 0 to 1: the overlap (IoU) with the truth to be expected
    of its hard mask if the probabilities are right. An empty mask that is sure is 1.
    """
    counts = np.bincount(patch.values.ravel(), minlength=256)
    mass = counts * _PROBS
    inside, outside = float(mass[128:].sum()), float(mass[:128].sum())
    found = float(counts[128:].sum())
    if found + outside < 1:
        return 1.0
    return inside / (found + outside)


def same(a: Patch, b: Patch) -> bool:
    """Whether two patches are the same mask, however large a border of zeros they have."""
    a, b = a.tight(), b.tight()
    return a.box == b.box and np.array_equal(a.values, b.values)


def iou(a: Patch, b: Patch) -> float:
    """Intersection over union of two hard masks; 1 where both are empty."""
    shared = overlap(a.box, b.box)
    both = 0
    if shared is not None:
        both = int(((a.within(shared) >= 128) & (b.within(shared) >= 128)).sum())
    either = area(a) + area(b) - both
    return both / either if either else 1.0
