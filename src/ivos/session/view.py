"""What can be seen of a session: its objects, masks, steps, and how sure and how changed they are.

Needs no networks: a project can be looked at, exported and measured without any.
"""

from __future__ import annotations

from collections.abc import Sequence

from ivos.errors import InvalidInteraction
from ivos.session import merge
from ivos.session.journal import Step
from ivos.session.known import StoredMasks
from ivos.session.state import ObjectInfo, State
from ivos.session.store import Store
from ivos.types import LabelMap, ObjectId, SoftMask, Video


class SessionView:
    """A store's masks and state, seen on their video."""

    def __init__(self, video: Video, store: Store) -> None:
        self.video = video
        self._store = store
        self._state = store.state()

    @property
    def state(self) -> State:
        """Everything but the masks."""
        return self._state

    @property
    def objects(self) -> tuple[ObjectInfo, ...]:
        """All objects, in ascending order of ids."""
        return self._state.objects

    @property
    def object_ids(self) -> tuple[ObjectId, ...]:
        """The ids of all objects, ascending."""
        return self._state.object_ids

    @property
    def rounds(self) -> int:
        """How many annotated frames were propagated from."""
        return self._state.rounds

    @property
    def annotated_frames(self) -> tuple[int, ...]:
        """The frames that a person settled for any object, drawn on or propagated from, sorted."""
        return tuple(sorted({t for key in self.object_ids for t in self._state.settled(key)}))

    @property
    def steps(self) -> Sequence[Step]:
        """All steps: the first ``head`` are done, the rest were undone."""
        return self._store.steps()

    @property
    def head(self) -> int:
        """The number of the last step that is done; 0 for none."""
        return self._store.head

    def labels(self, frame: int) -> LabelMap:
        """(H, W) object ids of one frame; zeros where nothing is known."""
        self._check_frame(frame)
        return merge.labels(self._masks().patches(frame), self.video.size)

    def soft(self, object_id: ObjectId, frame: int) -> SoftMask | None:
        """(H, W) probability of one object on one frame; None where it was never computed."""
        packed = self._store.mask(object_id, frame)
        return None if packed is None else packed.soft()

    def has_mask(self, object_id: ObjectId, frame: int) -> bool:
        """Whether an object was ever computed on a frame."""
        return self._store.mask(object_id, frame) is not None

    def confidence(self, object_id: ObjectId, frame: int) -> float | None:
        """How sure the network is of a mask, 0 to 1 (``merge.confidence``); None without one."""
        packed = self._store.mask(object_id, frame)
        return None if packed is None else merge.confidence(packed.patch())

    def change(self, object_id: ObjectId, frame: int, step: int | None = None) -> float | None:
        """1 - IoU of a mask before and after ``step``, by default the last propagation.

        0 where the step left it alone, 1 where there was none before; None without a mask.
        """
        if step is None:
            done = self.steps[: self.head]
            step = max((s.number for s in done if s.action.kind == "propagate"), default=None)
        else:
            self._check_step(step)
        if step is None:
            return 0.0 if self.has_mask(object_id, frame) else None
        before = self._store.mask_before(step, object_id, frame)
        after = self._store.mask_before(step + 1, object_id, frame)
        if after is None:
            return None
        return 1.0 if before is None else 1.0 - merge.iou(before.patch(), after.patch())

    def _masks(self) -> StoredMasks:
        return StoredMasks(self._store, self._state)

    def _check_frame(self, frame: int) -> None:
        if not 0 <= frame < len(self.video):
            raise InvalidInteraction(
                f"frame {frame} is not in {self.video.name}: it has frames 0..{len(self.video) - 1}"
            )

    def _check_object(self, object_id: ObjectId) -> None:
        if self._state.info(object_id) is None:
            known = ", ".join(map(str, self.object_ids)) or "none yet"
            raise InvalidInteraction(f"there is no object {object_id}; objects: {known}")

    def _check_step(self, step: int) -> None:
        if not 1 <= step <= self.head:
            raise InvalidInteraction(f"there is no step {step}: steps 1..{self.head} are done")
