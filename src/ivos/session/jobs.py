"""What is asked of the networks, an object on a frame at a time, and where its crop lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ivos.crop import CropSpec, Region, grown, region_around, united, whole_frame
from ivos.masks import Patch, PixelBox, tight_box
from ivos.runtime.protocol import Array, NetworkSpec
from ivos.session.strokes import Told, box_of
from ivos.types import Frame, Mask

_AT_THE_EDGE = 0.015
"""How near to the edge of a crop what was found counts as cut off there, as a part of its side."""
_CUT_OFF = 0.05
"""And how much of an edge must run through it."""


@dataclass(frozen=True, slots=True, eq=False)
class InteractionJob:
    """One object on one frame, to be found by its strokes."""

    frame: Frame
    previous: Patch | None
    told: Told

    @property
    def agreed(self) -> bool:
        """Whether there is a mask and nothing is drawn: one that was painted, or comes from
        elsewhere. A network that listens would remember, without a stroke, that nothing is there.
        """
        return self.previous is not None and not self.told.paths and self.told.box is None

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the frame."""
        return self.frame.shape[0], self.frame.shape[1]


@dataclass(frozen=True, slots=True, eq=False)
class PropagationJob:
    """One object on one frame, to be found by the mask of the frame beside it."""

    reference: Array
    frame: Frame
    neighbour: Patch
    previous: Patch | None
    neighbour_before: Patch | None = None
    """The neighbour's mask before this round, if there was one."""
    change_share: float = 1.0
    """How much of what has changed there is changed here too."""

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the frame."""
        return self.frame.shape[0], self.frame.shape[1]


def mask_box(patch: Patch | None, spec: CropSpec) -> PixelBox | None:
    """The box of what counts as object for a crop, if anything does."""
    if patch is None:
        return None
    box = tight_box(patch.values, int(np.ceil(spec.threshold * 255)))
    if box is None:
        return None
    top, left = patch.top, patch.left
    return box[0] + top, box[1] + left, box[2] + top, box[3] + left


def interaction_region(job: InteractionJob, spec: NetworkSpec) -> Region:
    """``crop.region_for_interaction`` without full-size maps; a drawn box counts as a mask."""
    nowhere_yet = job.previous is None and job.told.box is None
    if nowhere_yet and (spec.neutral_is_everywhere or spec.zoom_first_round):
        return whole_frame(job.size, spec)
    box = job.told.box or mask_box(job.previous, spec)
    around = united([box, box_of(job.told.paths, job.size)])
    return region_around(around, job.size, spec, spec.interaction_margin)


def propagation_region(job: PropagationJob, spec: NetworkSpec) -> Region:
    """``crop.region_for_propagation`` on patches."""
    if job.previous is None and spec.neutral_is_everywhere:
        return whole_frame(job.size, spec)
    boxes = [mask_box(job.neighbour, spec)]
    if not spec.follow_neighbour:
        boxes.append(mask_box(job.previous, spec))
    return region_around(united(boxes), job.size, spec)


def widened(found: Patch, region: Region, spec: CropSpec) -> Region | None:
    """``region``, grown where its edge runs through what was found in it; None where none does.

    Edges that lie at the frame's own are none: there is nothing beyond them.
    """
    height, width = found.size
    top, left = max(0, int(region.y0)), max(0, int(region.x0))
    box = top, left, min(height, int(region.y1) + 2), min(width, int(region.x1) + 2)
    inside = found.within(box) >= 128
    tall, wide = region.y1 - region.y0, region.x1 - region.x0
    rows, columns = (max(2, round(_AT_THE_EDGE * side)) for side in (tall, wide))
    at_top, at_bottom = (_cut(part, 0, wide) for part in (inside[:rows], inside[-rows:]))
    at_left, at_right = (
        _cut(part, 1, tall) for part in (inside[:, :columns], inside[:, -columns:])
    )
    cut = (
        region.y0 > 0 and at_top > _CUT_OFF,
        region.x0 > 0 and at_left > _CUT_OFF,
        region.y1 < height - 1 and at_bottom > _CUT_OFF,
        region.x1 < width - 1 and at_right > _CUT_OFF,
    )
    return grown(region, found.size, spec, cut) if any(cut) else None


def _cut(strip: Mask, across: int, side: float) -> float:
    """How much of a crop's edge runs through what is in the strip along it."""
    return np.count_nonzero(np.logical_or.reduce(strip, axis=across)) / side
