"""Masks from elsewhere: whether they can be used, and how they fit beside those that are there."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ivos.errors import InvalidInteraction
from ivos.masks import Patch
from ivos.session.known import StoredMasks
from ivos.session.merge import give_way, yielding
from ivos.types import MAX_OBJECT_ID, Mask, ObjectId, SoftMask


def check_mask(mask: Mask | SoftMask, object_id: ObjectId, size: tuple[int, int]) -> None:
    """Raises InvalidInteraction where a mask cannot be that of an object on a frame of ``size``."""
    if not 1 <= object_id <= MAX_OBJECT_ID:
        raise InvalidInteraction(f"object id {object_id} is outside 1..{MAX_OBJECT_ID}")
    if mask.shape != size:
        raise InvalidInteraction(
            f"the mask of object {object_id} has shape {mask.shape}, "
            f"but the video has ({size[0]}, {size[1]})"
        )
    if mask.dtype != np.bool_ and not np.issubdtype(mask.dtype, np.floating):
        raise InvalidInteraction(
            f"the mask of object {object_id} holds {mask.dtype}, of which nothing says what is "
            "inside: give booleans (mask > 0) or probabilities from 0 to 1 (mask / 255)"
        )
    if not np.isfinite(mask).all():
        raise InvalidInteraction(f"the mask of object {object_id} holds values that are no numbers")


def as_patches(
    masks: Mapping[ObjectId, Mask | SoftMask], size: tuple[int, int]
) -> dict[ObjectId, Patch]:
    """Masks of one frame as patches, ascending. Raises InvalidInteraction."""
    if not masks:
        raise InvalidInteraction("there is no mask to set")
    for object_id, mask in masks.items():
        check_mask(mask, object_id, size)
    return {object_id: Patch.of(masks[object_id]) for object_id in sorted(masks)}


def beside(
    frame: int, patches: Mapping[ObjectId, Patch], known: StoredMasks
) -> tuple[dict[ObjectId, Patch], dict[ObjectId, Patch]]:
    """Given masks as they can be on their frame, and the masks there that give way to them.

    They give way to locked masks and, where two of them overlap, to the lower id. Raises
    InvalidInteraction where one of them is itself locked.
    """
    for object_id in patches:
        known.check_unlocked(object_id, frame)
    others = known.patches(frame, patches)
    locked = [key for key in others if known.locked(key, frame)]
    given: dict[ObjectId, Patch] = {}
    for object_id, patch in patches.items():
        firmer = [*given.values(), *(others[key] for key in locked)]
        given[object_id] = give_way(patch, firmer)
    return given, yielding(given, others, locked)
