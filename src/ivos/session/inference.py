"""Networks on patches: from what is known of a frame to crops, through a network, and back.

The only place that knows the tensor layout. Any number of jobs, of different frames, objects and
directions, goes through a network as one batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ivos.crop import (
    Pixels,
    Region,
    draw_paths,
    neutral_crop,
    region_around,
    united,
    unwarp_patch,
    warp,
    warp_patch,
    whole_frame,
)
from ivos.masks import Bytes2D, Patch, PixelBox, tight_box
from ivos.runtime.protocol import Array, Networks, NetworkSpec, stack_references
from ivos.session.flow import move_along
from ivos.session.state import Reference
from ivos.session.strokes import Told, box_of
from ivos.types import Frame

_UNSURE = 5
"""Probabilities closer than this to 0 or 255 are taken for it: masks stay small and clean."""


@dataclass(frozen=True, slots=True, eq=False)
class InteractionJob:
    """One object on one frame, to be found by its strokes."""

    frame: Frame
    previous: Patch | None
    told: Told


@dataclass(frozen=True, slots=True, eq=False)
class PropagationJob:
    """One object on one frame, to be found by the mask of the frame beside it."""

    reference: Array
    frame: Frame
    neighbour: Patch
    previous: Patch | None
    beside: Frame | None = None
    """The neighbour's frame, if its mask is to be moved along the optical flow."""


def mask_box(patch: Patch | None, spec: NetworkSpec) -> PixelBox | None:
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
    size = (job.frame.shape[0], job.frame.shape[1])
    if job.told.box is not None:
        return region_around(united([job.told.box, box_of(job.told.paths, size)]), size, spec)
    if job.previous is None and (spec.neutral_is_everywhere or spec.zoom_first_round):
        return whole_frame(size, spec)
    boxes = [mask_box(job.previous, spec), box_of(job.told.paths, size)]
    return region_around(united(boxes), size, spec)


def propagation_region(job: PropagationJob, spec: NetworkSpec) -> Region:
    """``crop.region_for_propagation`` on patches."""
    size = (job.frame.shape[0], job.frame.shape[1])
    if job.previous is None and spec.neutral_is_everywhere:
        return whole_frame(size, spec)
    boxes = [mask_box(job.neighbour, spec)]
    if not spec.follow_neighbour:
        boxes.append(mask_box(job.previous, spec))
    return region_around(united(boxes), size, spec)


def interact(
    networks: Networks, jobs: Sequence[InteractionJob], side: int, max_batch: int
) -> list[tuple[Patch, Reference]]:
    """The mask and the reference of each job.

    Where the network wants it, a first look at the whole frame is followed by a second one around
    what was found and drawn.
    """
    spec = networks.spec
    regions = [interaction_region(job, spec) for job in jobs]
    found = _interact(networks, jobs, regions, side, max_batch)
    if spec.zoom_first_round:
        again = [i for i, job in enumerate(jobs) if job.previous is None and job.told.box is None]
        closer = []
        for i in again:
            size = found[i][0].size
            boxes = [mask_box(found[i][0], spec), box_of(jobs[i].told.paths, size)]
            closer.append(region_around(united(boxes), size, spec))
        jobs_again = [
            replace(jobs[i], previous=found[i][0]) if spec.zoom_with_found else jobs[i]
            for i in again
        ]
        results = _interact(networks, jobs_again, closer, side, max_batch)
        for i, result in zip(again, results, strict=True):
            found[i] = result
    return found


def _interact(
    networks: Networks,
    jobs: Sequence[InteractionJob],
    regions: Sequence[Region],
    side: int,
    max_batch: int,
) -> list[tuple[Patch, Reference]]:
    spec = networks.spec
    found: list[tuple[Patch, Reference]] = []
    for part in _batches(len(jobs), max_batch):
        frames, previous, positive, negative = _planes(len(part), side)
        for plane, i in enumerate(part):
            job, region = jobs[i], regions[i]
            size = (job.frame.shape[0], job.frame.shape[1])
            _put_frame(frames[plane], job.frame, region, spec)
            previous[plane, 0] = _prior(job, region, side, spec)
            drawn = draw_paths(job.told.paths, region, size, spec, side)
            positive[plane, 0], negative[plane, 0] = drawn
        logits, references = networks.interact(frames, previous, positive, negative)
        for plane, i in enumerate(part):
            size = (jobs[i].frame.shape[0], jobs[i].frame.shape[1])
            patch = unwarp_patch(_to_bytes(logits[plane, 0]), regions[i], size)
            found.append((patch, to_reference(references[plane])))
    return found


def propagate(
    networks: Networks, jobs: Sequence[PropagationJob], side: int, max_batch: int
) -> list[Patch]:
    """The mask of each job."""
    spec = networks.spec
    found: list[Patch] = []
    for part in _batches(len(jobs), max_batch):
        frames, neighbours, previous, _ = _planes(len(part), side)
        regions = [propagation_region(jobs[i], spec) for i in part]
        for plane, (i, region) in enumerate(zip(part, regions, strict=True)):
            job = jobs[i]
            crop = _put_frame(frames[plane], job.frame, region, spec)
            neighbours[plane, 0] = _mask_crop(job.neighbour, region, side, spec)
            previous[plane, 0] = _mask_crop(job.previous, region, side, spec, job.frame)
            if job.beside is not None:
                beside = warp(job.beside, region, side, antialias=spec.antialias)
                neighbours[plane, 0] = move_along(neighbours[plane, 0], beside, crop)
        references = stack_references([jobs[i].reference for i in part])
        logits = networks.propagate(references, frames, neighbours, previous)
        for plane, (i, region) in enumerate(zip(part, regions, strict=True)):
            size = (jobs[i].frame.shape[0], jobs[i].frame.shape[1])
            found.append(unwarp_patch(_to_bytes(logits[plane, 0]), region, size))
    return found


def aggregate(networks: Networks, reference: Reference, before: Reference | None) -> Reference:
    """This round's reference joined with that of the rounds before, if there were any."""
    if before is None:
        return reference
    joined = networks.aggregate(reference.astype(np.float32)[None], before.astype(np.float32)[None])
    return to_reference(joined[0])


def to_reference(reference: Array) -> Reference:
    """A reference at rest: half the bytes, and finite."""
    limit = float(np.finfo(np.float16).max)
    return reference.clip(-limit, limit).astype(np.float16)


def _batches(count: int, most: int) -> Iterator[range]:
    for first in range(0, count, most):
        yield range(first, min(first + most, count))


def _planes(count: int, side: int) -> tuple[Array, Array, Array, Array]:
    frames = np.empty((count, 3, side, side), np.float32)
    rest = np.empty((3, count, 1, side, side), np.float32)
    return frames, rest[0], rest[1], rest[2]


def _put_frame(plane: Array, frame: Frame, region: Region, spec: NetworkSpec) -> Pixels:
    """Fill a plane (3, S, S) with a frame's crop, which is returned as it was sampled."""
    crop = warp(frame, region, plane.shape[-1], antialias=spec.antialias)
    np.multiply(crop.transpose(2, 0, 1), np.float32(1 / 255), out=plane)
    return crop


def _mask_crop(
    patch: Patch | None, region: Region, side: int, spec: NetworkSpec, frame: Frame | None = None
) -> NDArray[np.float32]:
    if patch is None:
        assert frame is not None, "only a previous mask may be missing"
        size = (frame.shape[0], frame.shape[1])
        return neutral_crop(spec.neutral, region, size, side)
    crop = warp_patch(patch, region, side, antialias=spec.antialias)
    return crop * np.float32(1 / 255)


def _prior(job: InteractionJob, region: Region, side: int, spec: NetworkSpec) -> Array:
    """The previous mask as the network sees it. A box says "in here": what is known of the object
    outside it goes, and where nothing is known inside it, all of the inside is neutral.
    """
    box = job.told.box
    if box is None:
        return _mask_crop(job.previous, region, side, spec, job.frame)
    inside = np.full((box[2] - box[0], box[3] - box[1]), round(spec.neutral * 255), np.uint8)
    size = (job.frame.shape[0], job.frame.shape[1])
    if job.previous is not None:
        known = job.previous.within(box)
        if (known >= 128).any():
            inside = known
    return _mask_crop(Patch(size, box[0], box[1], inside), region, side, spec)


def _to_bytes(logits: NDArray[np.float32]) -> Bytes2D:
    """Logits -> probabilities in 255ths."""
    probs = 1 / (1 + cv2.exp(-np.ascontiguousarray(logits)))
    return cv2.LUT(np.rint(probs * np.float32(255)).astype(np.uint8), _SETTLED)  # type: ignore[return-value]


def _settled() -> Bytes2D:
    table = np.arange(256, dtype=np.uint8)
    table[:_UNSURE] = 0
    table[-_UNSURE:] = 255
    return table


_SETTLED = _settled()
