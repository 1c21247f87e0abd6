"""Commands that wait for a run to end, and what they will come to on their frames.

Knows nothing of runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ivos.masks import PackedMask
from ivos.server.describe import interaction_of, pixels_of
from ivos.server.protocol import AddObject, ChangeObject, Event, Interact, Paint
from ivos.session import Session, Store, merge
from ivos.types import BACKGROUND, LabelMap, ObjectId

Say = Callable[[Event | bytes], None]

Patient: TypeAlias = Interact | Paint | AddObject | ChangeObject
"""Commands that are kept while a run goes on."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A command that is kept for after the run."""

    command: Patient
    say: Say


def foreseen(session: Session, store: Store, commands: Sequence[Patient], frame: int) -> LabelMap:
    """What a frame will look like once these commands are done: what the networks make of its
    strokes, and over that what was brushed, in order. Raises InvalidInteraction.
    """
    drawn = [one for one in commands if isinstance(one, Interact | Paint) and one.frame == frame]
    prompts = [prompt for one in drawn if isinstance(one, Interact) for prompt in one.prompts]
    found = session.preview(interaction_of(frame, prompts)) if prompts else {}
    labels = labels_with(session, store, frame, found)
    for one in drawn:
        if isinstance(one, Paint):
            where = pixels_of(one.runs, session.video.size)
            if one.erase:
                labels[where & (labels == one.object_id)] = BACKGROUND
            else:
                labels[where] = one.object_id
    return labels


def labels_with(
    session: Session, store: Store, frame: int, found: Mapping[ObjectId, PackedMask]
) -> LabelMap:
    """The labels of a frame with masks that are not kept (yet)."""
    masks = {key: store.mask(key, frame) for key in session.object_ids}
    masks.update(found)
    patches = {key: mask.patch() for key, mask in masks.items() if mask is not None}
    return merge.labels(patches, session.video.size)
