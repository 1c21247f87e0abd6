"""One round carried through a video: both directions and all objects in one batch a step.

Knows nothing of undo, locks' meaning or files: it reads masks through a small protocol, and yields
what it finds, frame by frame.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Protocol

from ivos.masks import Patch
from ivos.runtime.protocol import Array, Networks, NetworkSpec
from ivos.session.inference import PropagationJob, look_again, propagate
from ivos.session.merge import area, balance, blend, not_lost, settle, yielding
from ivos.session.schedule import blend_weight, change_share, outline_share
from ivos.session.search import search, vanished
from ivos.session.settings import Settings
from ivos.types import Frame, ObjectId, Video


class Known(Protocol):
    """What a round must know of the masks that exist."""

    def patch(self, object_id: ObjectId, frame: int) -> Patch | None:
        """One object's mask on one frame, if there is one."""
        ...

    def patches(self, frame: int, without: Collection[ObjectId]) -> Mapping[ObjectId, Patch]:
        """The masks of a frame, some left out."""
        ...

    def fixed(self, object_id: ObjectId, frame: int) -> bool:
        """Whether a propagation must not change this mask."""
        ...


@dataclass(slots=True, eq=False)
class Course:
    """One object going one way."""

    object_id: ObjectId
    source: int
    frames: range
    reference: Array
    settled: Collection[int]
    """The frames that the object's new masks fade towards."""
    drawn: int
    """Its area on the source."""
    neighbour: Patch = field(repr=False)
    """Its mask on the frame visited last."""
    before: Patch | None = field(repr=False, default=None)
    """And what that was before this round, if there was one."""
    largest: int = 0
    """Its largest area on the frames that were visited."""
    lost: bool = False
    """Whether it has vanished: its neighbour is then where it was last seen."""

    def lead(self, mask: Patch, before: Patch | None, *, stays: bool) -> None:
        """Take a visited frame's mask for the neighbour of the next one; with ``stays`` not where
        the object has vanished.
        """
        self.largest = max(self.largest, area(mask))
        self.lost = stays and vanished(mask, self.neighbour)
        if not self.lost:
            self.neighbour, self.before = mask, before


@dataclass(frozen=True, slots=True, eq=False)
class Visit:
    """What a round found on one frame: every mask that it changed there."""

    frame: int
    masks: Mapping[ObjectId, Patch]


def frames_of(courses: Sequence[Course]) -> list[int]:
    """The frames that courses of one direction visit, in order."""
    longest: Sequence[int] = max((course.frames for course in courses), key=len, default=())
    return list(longest)


def carry(
    video: Video,
    networks: Networks,
    known: Known,
    ways: Sequence[Sequence[Course]],
    settings: Settings,
) -> Iterator[list[Visit]]:
    """Visit frames step by step; each step is one frame of each way (forwards, backwards).

    All courses of one way begin at the same frame.
    """
    spec = networks.spec
    side = settings.crop_size or spec.propagation_crop or spec.crop_size
    side_again = settings.crop_size or spec.second_look_crop or spec.crop_size
    images: dict[int, Frame] = {}
    """Of this step and the one before."""
    for step in zip_longest(*(frames_of(way) for way in ways)):
        going: list[tuple[int, Course]] = []
        for frame, way in zip(step, ways, strict=True):
            for course in way:
                if frame is None or frame not in course.frames:
                    continue
                if known.fixed(course.object_id, frame):
                    mask = known.patch(course.object_id, frame) or course.neighbour
                    course.lead(mask, None, stays=False)
                else:
                    going.append((frame, course))
        jobs = [_job(course, frame, video, images, known, spec) for frame, course in going]
        found = propagate(networks, jobs, side, settings.max_batch)
        if spec.follow_neighbour:
            largest = [max(course.largest, course.drawn) for _, course in going]
            found = search(networks, jobs, found, largest, side, settings.max_batch)
        if spec.second_look:
            found = look_again(networks, jobs, found, side_again, settings.max_batch)
        visits = []
        for frame in step:
            if frame is not None:
                here = [
                    (course, job, mask)
                    for (at, course), job, mask in zip(going, jobs, found, strict=True)
                    if at == frame
                ]
                visits.append(Visit(frame, _arrive(frame, here, known, settings, spec)))
        images = {frame: image for frame, image in images.items() if frame in step}
        yield visits


def _job(
    course: Course,
    frame: int,
    video: Video,
    images: dict[int, Frame],
    known: Known,
    spec: NetworkSpec,
) -> PropagationJob:
    """What is asked of the networks; frames that it needs are read into ``images``."""
    near, away = frame - course.frames.step, abs(frame - course.source)
    share = 0.0 if course.lost else outline_share(spec.outline_share, away)
    for wanted in (frame, near) if share else (frame,):
        if wanted not in images:
            images[wanted] = video[wanted]
    return PropagationJob(
        course.reference,
        images[frame],
        course.neighbour,
        known.patch(course.object_id, frame),
        course.before,
        change_share(away),
        images[near] if share else None,
        share,
    )


def _arrive(
    frame: int,
    here: Sequence[tuple[Course, PropagationJob, Patch]],
    known: Known,
    settings: Settings,
    spec: NetworkSpec,
) -> dict[ObjectId, Patch]:
    """Settle the objects of one frame among each other, lead them on, and blend."""
    if not here:
        return {}
    raw = {
        course.object_id: not_lost(mask, job.previous, course.drawn) for course, job, mask in here
    }
    others = known.patches(frame, raw)
    fixed = [object_id for object_id in others if known.fixed(object_id, frame)]
    settled = settle(raw, others, fixed)
    weights: set[float] = set()
    blended: dict[ObjectId, Patch] = {}
    for course, job, _ in here:
        object_id = course.object_id
        mask = (settled if settings.soft_aggregation else raw)[object_id]
        first = spec.follow_neighbour and job.previous is None
        course.lead(mask, job.previous, stays=first)
        weight = 1.0 if job.previous is None else blend_weight(frame, course.source, course.settled)
        weights.add(weight)
        blended[object_id] = blend(settled[object_id], job.previous, weight)
    if len(weights) > 1:
        blended = balance(blended)
    blended = {object_id: patch.coarse() for object_id, patch in blended.items()}
    return blended | yielding(blended, others, fixed)
