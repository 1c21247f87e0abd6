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
from ivos.runtime.protocol import Array, Networks, NetworkSpec, side_by_side
from ivos.session.inference import look_again, propagate
from ivos.session.jobs import PropagationJob
from ivos.session.merge import area, balance, blend, give_way, not_lost, settle, yielding
from ivos.session.schedule import blend_weight, change_share
from ivos.session.search import search, vanished
from ivos.session.settings import Settings
from ivos.session.state import Reference
from ivos.session.steady import Steadying
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
    """What is known of the frames that a person has drawn on."""
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
    memory: Array = field(init=False, repr=False)
    """What the network is given to remember: that, and what second looks have found on the way."""
    noted: list[Reference] = field(init=False, repr=False, default_factory=list)
    """These, the newest first."""

    def __post_init__(self) -> None:
        self.memory = self.reference

    def note(self, frame: int, seen: Reference, spec: NetworkSpec) -> None:
        """Remember a second look at ``frame``, if it is one of those to be remembered."""
        if spec.noted_every and abs(frame - self.source) % spec.noted_every == 0:
            self.noted = [seen, *self.noted][: spec.noted_frames]
            self.memory = side_by_side([*self.noted, self.reference])

    def lead(self, mask: Patch, before: Patch | None, *, stays: bool) -> None:
        """Take a visited frame's mask for the neighbour of the next one; with ``stays`` not where
        the object has vanished: the neighbour is then where it was last seen.
        """
        self.largest = max(self.largest, area(mask))
        if not (stays and vanished(mask, self.neighbour)):
            self.neighbour, self.before = mask, before


@dataclass(frozen=True, slots=True, eq=False)
class Visit:
    """What a round found on one frame: every mask that it changed there."""

    frame: int
    masks: Mapping[ObjectId, Patch]


@dataclass(frozen=True, slots=True, eq=False)
class Stride:
    """One step of a round."""

    visited: int
    """How many frames were visited."""
    done: Sequence[Visit]
    """The frames that are done, of these or of those visited before."""


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
) -> Iterator[Stride]:
    """Visit frames step by step; each step is one frame of each way (forwards, backwards).

    All courses of one way begin at the same frame. A frame is given out once those that steady it
    are known, too, so steps may give out none, and the last one gives out several.
    """
    steadying = _led_in(ways, video, networks.spec)
    for step in zip_longest(*(frames_of(way) for way in ways)):
        images = {frame: video[frame] for frame in step if frame is not None}
        going, fixed = _going(step, ways, known)
        jobs = [
            _job(course, images[frame], known.patch(course.object_id, frame), frame)
            for frame, course in going
        ]
        found = _find(networks, going, jobs, settings)
        visits: list[Visit] = []
        for frame, way, still in zip(step, steadying, fixed, strict=True):
            if frame is not None:
                here = [
                    (course, job, mask)
                    for (at, course), job, mask in zip(going, jobs, found, strict=True)
                    if at == frame
                ]
                new = _arrive(frame, here, known, settings, networks.spec)
                done = way.put(frame, images[frame], still | new, new.keys())
                visits += [_visit(*one, known) for one in done]
        yield Stride(len(images), visits)
    yield Stride(0, [_visit(*one, known) for way in steadying for one in way.rest()])


def _going(
    step: Sequence[int | None], ways: Sequence[Sequence[Course]], known: Known
) -> tuple[list[tuple[int, Course]], list[dict[ObjectId, Patch]]]:
    """The courses that look for something on the frames of a step; and the masks, of each way, that
    others pass by since they are fixed.
    """
    going: list[tuple[int, Course]] = []
    fixed: list[dict[ObjectId, Patch]] = [{} for _ in ways]
    for frame, way, still in zip(step, ways, fixed, strict=True):
        for course in way:
            if frame is None or frame not in course.frames:
                continue
            if known.fixed(course.object_id, frame):
                mask = known.patch(course.object_id, frame) or course.neighbour
                course.lead(mask, None, stays=False)
                still[course.object_id] = mask
            else:
                going.append((frame, course))
    return going, fixed


def _find(
    networks: Networks,
    going: Sequence[tuple[int, Course]],
    jobs: Sequence[PropagationJob],
    settings: Settings,
) -> list[Patch]:
    """What the networks make of the jobs of the courses that are going."""
    spec, most = networks.spec, settings.max_batch
    side = settings.crop_size or spec.propagation_crop or spec.crop_size
    found = propagate(networks, jobs, side, most)
    if spec.follow_neighbour:
        largest = [max(course.largest, course.drawn) for _, course in going]
        found = search(networks, jobs, found, largest, side, most)
    if spec.second_look:
        side = settings.crop_size or spec.second_look_crop or spec.crop_size
        looked = look_again(networks, jobs, found, side, most)
        for (frame, course), (_, seen) in zip(going, looked, strict=True):
            if seen is not None:
                course.note(frame, seen, spec)
        found = [patch for patch, _ in looked]
    return found


def _led_in(ways: Sequence[Sequence[Course]], video: Video, spec: NetworkSpec) -> list[Steadying]:
    """What steadies the masks of each way, with those of the frame that leads into it."""
    steadying = [Steadying(spec) for _ in ways]
    images: dict[int, Frame] = {}
    for way, steady in zip(ways, steadying, strict=True):
        if way and spec.steady:
            near = way[0].frames.start - way[0].frames.step
            if near not in images:
                images[near] = video[near]
            steady.lead_in(images[near], {course.object_id: course.neighbour for course in way})
    return steadying


def _job(course: Course, image: Frame, previous: Patch | None, frame: int) -> PropagationJob:
    """What is asked of the networks."""
    return PropagationJob(
        course.memory,
        image,
        course.neighbour,
        previous,
        course.before,
        change_share(abs(frame - course.source)),
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
    settled = settle(raw, others, _fixed(frame, others, known))
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
    return balance(blended) if len(weights) > 1 else blended


def _visit(frame: int, masks: Mapping[ObjectId, Patch], known: Known) -> Visit:
    """What is kept of a frame's new masks, and of those that have to give way to them."""
    others = known.patches(frame, masks)
    fixed = _fixed(frame, others, known)
    kept = {
        object_id: give_way(patch, [others[other] for other in fixed]).coarse()
        for object_id, patch in balance(masks).items()
    }
    return Visit(frame, kept | yielding(kept, others, fixed))


def _fixed(frame: int, others: Mapping[ObjectId, Patch], known: Known) -> list[ObjectId]:
    return [object_id for object_id in others if known.fixed(object_id, frame)]
