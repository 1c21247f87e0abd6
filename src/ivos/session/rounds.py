"""What one call of ``propagate`` does: which passes, over which frames, and the state after each.

A pass leaves one annotated frame in both directions. Several frames drawn on before propagating
are several passes, in the order in which they were first drawn on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ivos.errors import InvalidInteraction
from ivos.runtime.protocol import Networks
from ivos.session.inference import aggregate
from ivos.session.known import StoredMasks
from ivos.session.merge import area
from ivos.session.propagation import Course
from ivos.session.schedule import between, shot_of, spans
from ivos.session.state import OpenFrame, Reference, State
from ivos.types import ObjectId


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a propagation may go."""

    length: int
    """Frames of the video."""
    start: int
    stop: int
    """Only frames from ``start`` up to, and without, ``stop`` change."""
    forward: bool
    backward: bool
    barriers: tuple[int, ...]
    """Frames that begin a new shot."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One annotated frame, and the frames that each of its objects visits either way."""

    source: int
    object_ids: tuple[ObjectId, ...]
    """The objects that it speaks of, ascending."""
    ways: tuple[Mapping[ObjectId, range], ...]
    """Forwards and backwards; only objects that visit any frame."""
    shot: range
    """The frames of its shot: what was settled in another one says nothing of this one."""

    @property
    def visits(self) -> int:
        """How many frames it visits."""
        return sum(max(map(len, way.values()), default=0) for way in self.ways)


def plan(state: State, extent: Extent) -> list[Pass]:
    """The passes of the open round; of the last round again if none is open.

    Raises InvalidInteraction where there is nothing to propagate.
    """
    if not state.sources:
        if any(opened.references for opened in state.open.values()):
            raise InvalidInteraction("every object that was drawn is locked: unlock one first")
        raise InvalidInteraction("draw on a frame first: there is nothing to propagate")
    return [_pass(frame, object_ids, state, extent) for frame, object_ids in state.sources]


def _pass(source: int, object_ids: Collection[ObjectId], state: State, extent: Extent) -> Pass:
    forwards, backwards = {}, {}
    shot = shot_of(source, extent.length, extent.barriers)
    for object_id in sorted(object_ids):
        settled = state.settled(object_id) - {source}
        up, down = spans(source, settled, extent.length, extent.barriers)
        if extent.forward and (ahead := between(up, extent.start, extent.stop)):
            forwards[object_id] = ahead
        if extent.backward and (behind := between(down, extent.start, extent.stop)):
            backwards[object_id] = behind
    return Pass(source, tuple(sorted(object_ids)), (forwards, backwards), shot)


def led(passes: Sequence[Pass], known: StoredMasks) -> list[Pass]:
    """The passes without the objects that have no mask beside the first frame of a range.

    Raises InvalidInteraction where a range leaves nothing that leads into it.
    """
    lacking: list[int] = []
    kept = []
    for one in passes:
        ways: list[dict[ObjectId, range]] = []
        for way in one.ways:
            ways.append({})
            for object_id, frames in way.items():
                before = frames.start - frames.step
                if known.patch(object_id, before) is None:
                    lacking.append(before)
                else:
                    ways[-1][object_id] = frames
        kept.append(replace(one, ways=tuple(ways)))
    if lacking and not any(one.visits for one in kept):
        raise InvalidInteraction(
            f"frame {lacking[0]} has no mask to go on from: propagate up to it first"
        )
    return kept


def courses(
    one: Pass, state: State, known: StoredMasks, opened: OpenFrame | None
) -> list[list[Course]]:
    """The ways of a pass, ready to go: each object with its reference and its first neighbour.

    ``opened`` is the pass's source as a person left it, if this propagation closes it.
    """
    ready: list[list[Course]] = []
    for way in one.ways:
        ready.append([])
        for object_id, frames in way.items():
            beside = frames.start - frames.step
            neighbour = known.patch(object_id, beside)
            assert neighbour is not None, "led() keeps only objects that have one"
            drawn = known.patch(object_id, one.source)
            before = None
            if (
                opened is not None
                and beside == one.source
                and (object_id in opened.references or one.source not in state.open)
            ):  # not closed by an earlier one, while another object kept the frame open
                before = known.patch_before(opened.step, object_id, beside)
            reference = state.references[object_id].astype(np.float32)
            settled = state.settled(object_id).intersection(one.shot) - {one.source}
            ready[-1].append(
                Course(
                    object_id,
                    one.source,
                    frames,
                    reference,
                    settled,
                    0 if drawn is None else area(drawn),
                    neighbour,
                    before,
                )
            )
    return ready


def begun(state: State, passes: Sequence[Pass], networks: Networks, step: int) -> State:
    """The state once a propagation, which is ``step``, has begun: frames are annotated, references
    are aggregated.

    All of them at once: each pass knows every frame that was drawn on, and a propagation that is
    cancelled can be taken up again, since its passes are the last ones. What was drawn for objects
    that no pass speaks of, since they are locked, stays open.
    """
    annotated, references = dict(state.annotated), dict(state.references)
    left, closed = dict(state.open), 0
    for one in passes:
        opened = state.open.get(one.source, OpenFrame(step))
        drawn = [key for key in opened.references if key in one.object_ids]
        for object_id in drawn:
            before = annotated.get(object_id, ())
            earlier = references.get(object_id)
            if earlier is not None and networks.spec.memory_slots > 1:
                earlier = without_frame(earlier, before[-networks.spec.memory_slots :], one.source)
            references[object_id] = aggregate(networks, opened.references[object_id], earlier)
            annotated[object_id] = (*(t for t in before if t != one.source), one.source)
        if drawn:
            left[one.source] = opened.settled_for(drawn, step)
            closed += 1
    return replace(
        state,
        annotated=annotated,
        references=references,
        open={
            frame: opened.rebased(state.object_ids, step + 1)  # the others pass through it
            for frame, opened in left.items()
            if opened.references
        },
        rounds=state.rounds + closed,
        last=tuple((one.source, one.object_ids) for one in passes),
    )


def without_frame(reference: Reference, frames: Sequence[int], frame: int) -> Reference | None:
    """A memory without its slot for one frame; None if that was all.

    ``frames`` are those that it holds, the latest last; slots lie the other way round, the newest
    on the left. A frame that is drawn on again must not be remembered by the mask that was wrong.
    """
    if frame not in frames:
        return reference
    width = reference.shape[-1] // len(frames)
    left = (len(frames) - 1 - frames.index(frame)) * width
    kept: Reference = np.delete(reference, slice(left, left + width), axis=-1)
    return kept if kept.shape[-1] else None
