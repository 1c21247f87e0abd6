"""All that a session knows besides its masks, as one value that is replaced and never changed.

Undo is then going back to an older value. The JSON form is exact and self-contained: references
are in it, as base64 of little-endian float16.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ivos.session.journal import JSON, prompt_from_json, prompt_to_json
from ivos.types import ObjectId, Prompt

Reference: TypeAlias = NDArray[np.float16]
"""(C, h, w): the deepest feature of annotated frames; what it means is the network's own affair."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object as people see it."""

    object_id: ObjectId
    name: str
    colour: tuple[int, int, int]
    """RGB, 0..255."""
    hidden: bool = False
    locked: bool = False
    """No mask of it changes, on any frame."""


@dataclass(frozen=True, slots=True, eq=False)
class OpenFrame:
    """A frame of the open round: drawn on, not yet propagated from."""

    step: int
    """The step that opened it: the masks before that step are what a correction starts from."""
    prompts: tuple[Prompt, ...] = ()
    """Everything drawn on it in this round, in order, for all objects and the background."""
    references: Mapping[ObjectId, Reference] = field(default_factory=dict)
    """The objects that were spoken of, each with the feature of its last run."""
    bases: Mapping[ObjectId, int] = field(default_factory=dict)
    """Objects whose mask was set in between: a correction starts from before this step instead."""

    def settled_for(self, object_ids: Collection[ObjectId], step: int) -> OpenFrame:
        """The frame where what was drawn for these objects is over: further strokes for them start
        from their masks just before ``step``.
        """
        return replace(
            self,
            prompts=tuple(p for p in self.prompts if p.object_id not in object_ids),
            references={k: v for k, v in self.references.items() if k not in object_ids},
            bases={**self.bases, **dict.fromkeys(object_ids, step)},
        )

    def rebased(self, object_ids: Iterable[ObjectId], step: int) -> OpenFrame:
        """The frame where masks of these objects have changed by something else than its prompts,
        and are what corrections start from: those just before ``step``. What was drawn on it says
        itself what it starts from.
        """
        changed = [key for key in object_ids if key not in self.references]
        return replace(self, bases={**self.bases, **dict.fromkeys(changed, step)})


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Everything but the masks."""

    objects: tuple[ObjectInfo, ...] = ()
    """In ascending order of ids."""
    annotated: Mapping[ObjectId, tuple[int, ...]] = field(default_factory=dict)
    """The frames that each object was propagated from, the latest last."""
    references: Mapping[ObjectId, Reference] = field(default_factory=dict)
    """Aggregated over the rounds so far."""
    locked: frozenset[tuple[ObjectId, int]] = frozenset()
    """Accepted masks: (object, frame)."""
    open: Mapping[int, OpenFrame] = field(default_factory=dict)
    """The frames of the open round, in the order they were first drawn on."""
    rounds: int = 0
    """How many annotated frames were propagated from."""
    last: tuple[tuple[int, tuple[ObjectId, ...]], ...] = ()
    """The (frame, objects) of the last propagation: what ``propagate`` repeats if none is open."""
    frames_done: int = 0
    """How many frames the last propagation did before it ended or was cancelled (for replay)."""

    @property
    def object_ids(self) -> tuple[ObjectId, ...]:
        """All objects, ascending."""
        return tuple(info.object_id for info in self.objects)

    @property
    def prompts(self) -> dict[tuple[ObjectId, int], tuple[Prompt, ...]]:
        """The strokes so far of the open round, per object (0: background) and frame."""
        found: dict[tuple[ObjectId, int], tuple[Prompt, ...]] = {}
        for frame, opened in self.open.items():
            for prompt in opened.prompts:
                key = (prompt.object_id, frame)
                found[key] = (*found.get(key, ()), prompt)
        return found

    @property
    def sources(self) -> tuple[tuple[int, tuple[ObjectId, ...]], ...]:
        """The (frame, objects) that a propagation carries: those of the open round or, where it has
        none, of the last one again. Locked objects stay where they are, and are left out.
        """
        locked = {info.object_id for info in self.objects if info.locked}
        opened = tuple((frame, tuple(one.references)) for frame, one in self.open.items())
        for drawn in (opened, self.last):
            free = ((at, tuple(key for key in keys if key not in locked)) for at, keys in drawn)
            if found := tuple((frame, keys) for frame, keys in free if keys):
                return found
        return ()

    def settled(self, object_id: ObjectId) -> frozenset[int]:
        """The frames that a person settled for this object, in this round or an earlier one."""
        now = {frame for frame, opened in self.open.items() if object_id in opened.references}
        return frozenset(now.union(self.annotated.get(object_id, ())))

    def info(self, object_id: ObjectId) -> ObjectInfo | None:
        """What is known of one object, or None where there is no such object."""
        return next((info for info in self.objects if info.object_id == object_id), None)

    def to_json(self) -> dict[str, JSON]:
        """The whole state as plain JSON."""
        return {
            "objects": [_object_to_json(info) for info in self.objects],
            "annotated": {str(key): [*frames] for key, frames in self.annotated.items()},
            "references": _references_to_json(self.references),
            "locked": [[*pair] for pair in sorted(self.locked)],
            "open": [_open_to_json(frame, opened) for frame, opened in self.open.items()],
            "rounds": self.rounds,
            "last": [[frame, [*object_ids]] for frame, object_ids in self.last],
            "frames_done": self.frames_done,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> State:
        """What ``to_json`` gave. Raises ValueError where it is something else."""
        try:
            return cls(
                objects=tuple(map(_object_from_json, data["objects"])),
                annotated={int(key): tuple(frames) for key, frames in data["annotated"].items()},
                references=_references_from_json(data["references"]),
                locked=frozenset((object_id, frame) for object_id, frame in data["locked"]),
                open=dict(map(_open_from_json, data["open"])),
                rounds=data["rounds"],
                last=tuple((frame, tuple(object_ids)) for frame, object_ids in data["last"]),
                frames_done=data["frames_done"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a session's state: {error!r}") from None


def _object_to_json(info: ObjectInfo) -> dict[str, JSON]:
    return {
        "id": info.object_id,
        "name": info.name,
        "colour": [*info.colour],
        "hidden": info.hidden,
        "locked": info.locked,
    }


def _object_from_json(data: Mapping[str, Any]) -> ObjectInfo:
    red, green, blue = data["colour"]
    colour = (red, green, blue)
    return ObjectInfo(data["id"], data["name"], colour, data["hidden"], data["locked"])


def _references_to_json(references: Mapping[ObjectId, Reference]) -> dict[str, JSON]:
    return {
        str(object_id): {
            "shape": [*reference.shape],
            "data": base64.b64encode(reference.astype("<f2").tobytes()).decode("ascii"),
        }
        for object_id, reference in references.items()
    }


def _references_from_json(data: Mapping[str, Any]) -> dict[ObjectId, Reference]:
    found: dict[ObjectId, Reference] = {}
    for object_id, entry in data.items():
        raw = np.frombuffer(base64.b64decode(entry["data"]), "<f2")
        found[int(object_id)] = raw.reshape(entry["shape"]).astype(np.float16)
    return found


def _open_to_json(frame: int, opened: OpenFrame) -> dict[str, JSON]:
    return {
        "frame": frame,
        "step": opened.step,
        "prompts": [prompt_to_json(prompt) for prompt in opened.prompts],
        "references": _references_to_json(opened.references),
        "bases": {str(object_id): step for object_id, step in opened.bases.items()},
    }


def _open_from_json(data: Mapping[str, Any]) -> tuple[int, OpenFrame]:
    return data["frame"], OpenFrame(
        step=data["step"],
        prompts=tuple(map(prompt_from_json, data["prompts"])),
        references=_references_from_json(data["references"]),
        bases={int(object_id): step for object_id, step in data["bases"].items()},
    )
