"""Networks on patches: from what is known of a frame to crops, through a network, and back.

The only place that knows the tensor layout. Any number of jobs, of different frames, objects and
directions, goes through a network as one batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from ivos.crop import (
    Pixels,
    Region,
    draw_paths,
    neutral_crop,
    region_around,
    unwarp_patch,
    warp,
    warp_patch,
    with_change,
)
from ivos.masks import Bytes2D, Patch
from ivos.runtime.protocol import Array, Networks, NetworkSpec, stack_references
from ivos.session.detail import parts_of, put_together
from ivos.session.jobs import (
    InteractionJob,
    PropagationJob,
    interaction_region,
    mask_box,
    propagation_region,
    widened,
)
from ivos.session.middle import along_middle
from ivos.session.state import Reference
from ivos.types import Frame

J = TypeVar("J")

_LEAST_KEPT = 0.5
"""A second look that leaves less of what was found has taken a part for the whole, or lost it, and
does not count: it may well find more, but an object does not vanish from one look to the next."""
_UNSURE = 5
"""Probabilities closer than this to 0 or 255 are taken for it: masks stay small and clean."""


def interact(
    networks: Networks, jobs: Sequence[InteractionJob], side: int, max_batch: int
) -> list[tuple[Patch, Reference]]:
    """The mask and the reference of each job.

    Where the network wants it, a first look at the whole frame is followed by closer ones around
    what was found and drawn.
    """
    spec = networks.spec
    if spec.zoom_first_round:
        jobs = [_afresh(job, spec) for job in jobs]
    regions = [interaction_region(job, spec) for job in jobs]
    found = _interact(networks, jobs, regions, side, max_batch)
    found = _whole(networks, jobs, regions, found, side, max_batch)
    again = [i for i, job in enumerate(jobs) if job.previous is None and job.told.box is None]
    for _ in range(spec.zoom_looks if spec.zoom_first_round and again else 0):
        closer = [replace(jobs[i], previous=found[i][0]) for i in again]
        regions = [interaction_region(job, spec) for job in closer]
        if not spec.zoom_with_found:
            closer = [jobs[i] for i in again]
        results = _interact(networks, closer, regions, side, max_batch)
        for i, result in zip(again, results, strict=True):
            found[i] = result
    return found


def _whole(
    networks: Networks,
    jobs: Sequence[InteractionJob],
    regions: Sequence[Region],
    found: list[tuple[Patch, Reference]],
    side: int,
    max_batch: int,
) -> list[tuple[Patch, Reference]]:
    """The same, but from a wider look where a crop's edge cut off what was found."""
    found, wider = [*found], dict(enumerate(regions))
    for _ in range(networks.spec.wider_looks):
        wider = {
            i: region
            for i, (job, before) in enumerate(zip(jobs, regions, strict=True))
            if i in wider and (region := widened(found[i][0], wider[i], networks.spec))
        }
        if not wider:
            break
        looks = [jobs[i] for i in wider]
        results = _interact(networks, looks, [*wider.values()], side, max_batch)
        for i, result in zip(wider, results, strict=True):
            found[i] = result
    return found


def parts_to_look_at(job: InteractionJob, found: Patch, spec: NetworkSpec) -> list[Region]:
    """The parts of what was found (and drawn) that deserve a look each; none where it is small."""
    if not spec.detail_side or mask_box(found, spec) is None:
        return []
    around = interaction_region(replace(job, previous=found), spec)
    parts = parts_of(around, spec.detail_side)
    return parts if len(parts) > 1 else []


def interact_in_detail(
    networks: Networks,
    jobs: Sequence[tuple[InteractionJob, Patch, Sequence[Region]]],
    side: int,
    max_batch: int,
) -> list[Patch]:
    """The mask of each job, from a look at each part of what ``interact`` has found."""
    looks = [(replace(job, previous=found), part) for job, found, parts in jobs for part in parts]
    crops = [_probabilities(crop) for crop, _ in _looked(networks, looks, side, max_batch)]
    detailed: list[Patch] = []
    for job, _, parts in jobs:
        mine, crops = crops[: len(parts)], crops[len(parts) :]
        patch = put_together(mine, parts, job.size)
        detailed.append(replace(patch, values=_settle(patch.values)).tight())
    return detailed


def _afresh(job: InteractionJob, spec: NetworkSpec) -> InteractionJob:
    """An empty mask says nothing to someone who draws on the object: begin as if there were none,
    or the crop would end where the strokes end.
    """
    if job.told.claims and mask_box(job.previous, spec) is None:
        return replace(job, previous=None)
    return job


def _interact(
    networks: Networks,
    jobs: Sequence[InteractionJob],
    regions: Sequence[Region],
    side: int,
    max_batch: int,
) -> list[tuple[Patch, Reference]]:
    looks = [*zip(jobs, regions, strict=True)]
    looked = _looked(networks, looks, side, max_batch)
    return [
        (
            unwarp_patch(_to_bytes(_probabilities(logits)), region, job.size),
            to_reference(reference),
        )
        for (job, region), (logits, reference) in zip(looks, looked, strict=True)
    ]


def _looked(
    networks: Networks, looks: Sequence[tuple[InteractionJob, Region]], side: int, max_batch: int
) -> Iterator[tuple[Array, Array]]:
    """What the interaction network says of each crop: its logits (S, S) and its reference."""
    spec = networks.spec
    for part in _batches(looks, max_batch):
        frames, previous, positive, negative = _planes(len(part), side)
        for i, (job, region) in enumerate(part):
            _put_frame(frames[i], job.frame, region, spec)
            previous[i, 0] = _prior(job, region, side, spec)
            drawn = draw_paths(job.told.paths, region, job.size, spec, side)
            positive[i, 0], negative[i, 0] = drawn
            if job.agreed and spec.second_look:
                positive[i, 0] = along_middle(previous[i, 0])
        logits, references = networks.interact(frames, previous, positive, negative)
        yield from zip(logits[:, 0], references, strict=True)


def propagate(
    networks: Networks, jobs: Sequence[PropagationJob], side: int, max_batch: int
) -> list[Patch]:
    """The mask of each job."""
    spec = networks.spec
    found: list[Patch] = []
    for part in _batches([(job, propagation_region(job, spec)) for job in jobs], max_batch):
        frames, neighbours, previous, _ = _planes(len(part), side)
        for i, (job, region) in enumerate(part):
            _put_frame(frames[i], job.frame, region, spec)
            neighbours[i, 0] = _mask_crop(job.neighbour, region, job.size, side, spec)
            previous[i, 0] = _mask_crop(job.previous, region, job.size, side, spec)
            if spec.carry_changes and job.previous and job.neighbour_before:
                before = _mask_crop(job.neighbour_before, region, job.size, side, spec)
                previous[i, 0] = with_change(
                    previous[i, 0], neighbours[i, 0], before, job.change_share
                )
        references = stack_references([job.reference for job, _ in part])
        logits = networks.propagate(references, frames, neighbours, previous)
        for i, (job, region) in enumerate(part):
            found.append(unwarp_patch(_to_bytes(_probabilities(logits[i, 0])), region, job.size))
    return found


def look_again(
    networks: Networks,
    jobs: Sequence[PropagationJob],
    found: Sequence[Patch],
    side: int,
    max_batch: int,
) -> list[tuple[Patch, Reference | None]]:
    """What ``propagate`` found, joined with what the interaction network makes of it; and the
    reference to this, if it counts.

    That one draws the object anew, from the mask that was found and strokes along its middle. Empty
    masks stay empty, and with ``second_look_later`` off frames that have a mask from an earlier
    round are left alone.
    """
    spec = networks.spec
    boxes = [mask_box(patch, spec) for patch in found]
    looks = [
        (i, region_around(box, job.size, spec, spec.interaction_margin))
        for i, (job, box) in enumerate(zip(jobs, boxes, strict=True))
        if box is not None and (spec.second_look_later or job.previous is None)
    ]
    joined: list[tuple[Patch, Reference | None]] = [(patch, None) for patch in found]
    share = np.float32(spec.second_look)
    for part in _batches(looks, max_batch):
        frames, previous, positive, negative = _planes(len(part), side)
        negative[:] = 0
        for plane, (i, region) in enumerate(part):
            _put_frame(frames[plane], jobs[i].frame, region, spec)
            previous[plane, 0] = _mask_crop(found[i], region, jobs[i].size, side, spec)
            drawn = along_middle(previous[plane, 0])
            positive[plane, 0] = spec.second_look_strokes * drawn
        logits, references = networks.interact(frames, previous, positive, negative)
        for plane, (i, region) in enumerate(part):
            seen = _probabilities(logits[plane, 0])
            if _kept(previous[plane, 0], seen) < _LEAST_KEPT:
                continue
            probs = (1 - share) * previous[plane, 0] + share * seen
            patch = unwarp_patch(_to_bytes(probs), region, jobs[i].size)
            joined[i] = patch, to_reference(references[plane])
    return joined


def _kept(found: Array, seen: Array) -> float:
    """How much of what is more likely object than not in ``found`` is so in ``seen``, too."""
    inside = found >= 0.5
    area = np.count_nonzero(inside)
    return np.count_nonzero(inside & (seen >= 0.5)) / area if area else 1.0


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


def _batches(jobs: Sequence[J], most: int) -> Iterator[Sequence[J]]:
    for first in range(0, len(jobs), most):
        yield jobs[first : first + most]


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
    patch: Patch | None, region: Region, size: tuple[int, int], side: int, spec: NetworkSpec
) -> NDArray[np.float32]:
    """A mask's crop, 0 to 1; the neutral value where there is no mask yet."""
    if patch is None:
        return neutral_crop(spec.neutral, region, size, side)
    crop = warp_patch(patch, region, side, antialias=spec.antialias)
    return crop * np.float32(1 / 255)


def _prior(job: InteractionJob, region: Region, side: int, spec: NetworkSpec) -> Array:
    """The previous mask as the network sees it. A box says "in here": what is known of the object
    outside it goes, and where nothing is known inside it, all of the inside is neutral.
    """
    box, prior = job.told.box, job.previous
    if box is not None:
        inside = np.full((box[2] - box[0], box[3] - box[1]), round(spec.neutral * 255), np.uint8)
        if prior is not None and (prior.within(box) >= 128).any():
            inside = prior.within(box)
        prior = Patch(job.size, box[0], box[1], inside)
    return _mask_crop(prior, region, job.size, side, spec)


def _probabilities(logits: Array) -> Array:
    probs = np.asarray(cv2.exp(-logits), np.float32)
    probs += 1
    return np.divide(np.float32(1), probs, out=probs)


def _to_bytes(probs: Array) -> Bytes2D:
    """Probabilities in 255ths."""
    return _settle(np.asarray(cv2.convertScaleAbs(probs, alpha=255), np.uint8))


def _settle(values: Bytes2D) -> Bytes2D:
    if not values.size:  # of which OpenCV makes no array at all
        return values
    return np.asarray(cv2.LUT(values, _SETTLED), np.uint8)


def _settled() -> Bytes2D:
    table = np.arange(256, dtype=np.uint8)
    table[:_UNSURE] = 0
    table[-_UNSURE:] = 255
    return table


_SETTLED = _settled()
