"""Small changes of a session's state: objects come, change and go; masks are set from outside.

Pure functions of ``State``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from ivos.masks import DAVIS_PALETTE
from ivos.session.state import ObjectInfo, OpenFrame, Reference, State
from ivos.types import ObjectId

V = TypeVar("V")


def with_objects(
    state: State, object_ids: Iterable[ObjectId], names: Mapping[ObjectId, str] | None = None
) -> State:
    """The state in which all these objects exist, new ones with a plain name (or that of
    ``names``) and the palette's colour.
    """
    infos = {info.object_id: info for info in state.objects}
    for object_id in object_ids:
        if object_id not in infos:
            red, green, blue = (int(value) for value in DAVIS_PALETTE[object_id])
            name = (names or {}).get(object_id, f"Object {object_id}")
            infos[object_id] = ObjectInfo(object_id, name, (red, green, blue))
    return replace(state, objects=tuple(infos[key] for key in sorted(infos)))


def without_object(state: State, object_id: ObjectId, step: int) -> State:
    """The state after ``step`` has removed this object, as if it had never been. Its strokes go,
    too; a later object of the same id starts from nothing.
    """
    return replace(
        state,
        objects=tuple(info for info in state.objects if info.object_id != object_id),
        annotated=_without(state.annotated, object_id),
        references=_without(state.references, object_id),
        locked=frozenset(pair for pair in state.locked if pair[0] != object_id),
        open={
            frame: replace(
                opened,
                prompts=tuple(p for p in opened.prompts if p.object_id != object_id),
                references=_without(opened.references, object_id),
                bases={**opened.bases, object_id: step + 1},
            )
            for frame, opened in state.open.items()
        },
        last=tuple(
            (frame, tuple(key for key in object_ids if key != object_id))
            for frame, object_ids in state.last
        ),
    )


def _without(values: Mapping[ObjectId, V], object_id: ObjectId) -> dict[ObjectId, V]:
    return {key: value for key, value in values.items() if key != object_id}


def with_masks_set(
    state: State,
    frame: int,
    object_ids: Collection[ObjectId],
    step: int,
    references: Mapping[ObjectId, Reference] | None = None,
    gave_way: Iterable[ObjectId] = (),
) -> State:
    """The state after ``step`` set masks of these objects on a frame from outside, to which those
    of others ``gave_way``.

    If the frame is open, what was drawn for them before is over, and further strokes start from
    the masks that were set. With ``references`` the frame counts as annotated for them.
    """
    opened = state.open.get(frame)
    if opened is None and references is None:
        return state
    changed = (opened or OpenFrame(step)).settled_for(object_ids, step + 1)
    changed = replace(changed, references={**changed.references, **(references or {})})
    changed = changed.rebased(gave_way, step + 1)
    return replace(state, open={**state.open, frame: changed})
