"""The masks of a session as patches, and which of them may not change."""

from __future__ import annotations

from collections.abc import Collection

from ivos.errors import InvalidInteraction
from ivos.masks import PackedMask, Patch
from ivos.session.state import State
from ivos.session.store import Store
from ivos.types import ObjectId


class StoredMasks:
    """Masks read from a store, under the locks and annotations of one state."""

    def __init__(self, store: Store, state: State) -> None:
        self._store = store
        self._state = state
        self._settled = {key: state.settled(key) for key in state.object_ids}
        self._locked = {info.object_id for info in state.objects if info.locked}

    def patch(self, object_id: ObjectId, frame: int) -> Patch | None:
        """One object's mask on one frame, if there is one."""
        return _unpacked(self._store.mask(object_id, frame))

    def patch_before(self, step: int, object_id: ObjectId, frame: int) -> Patch | None:
        """The mask just before ``step``, which may be the next one, if there was one."""
        if step > self._store.head:
            return self.patch(object_id, frame)
        return _unpacked(self._store.mask_before(step, object_id, frame))

    def patches(self, frame: int, without: Collection[ObjectId] = ()) -> dict[ObjectId, Patch]:
        """The masks of a frame, in ascending order of objects, some left out."""
        found = {}
        for object_id in self._state.object_ids:
            patch = None if object_id in without else self.patch(object_id, frame)
            if patch is not None:
                found[object_id] = patch
        return found

    def locked(self, object_id: ObjectId, frame: int) -> bool:
        """Whether nothing at all may change this mask."""
        return object_id in self._locked or (object_id, frame) in self._state.locked

    def check_unlocked(self, object_id: ObjectId, frame: int) -> None:
        """Raises InvalidInteraction where nothing may change this mask."""
        if self.locked(object_id, frame):
            raise InvalidInteraction(
                f"object {object_id} is locked on frame {frame}: unlock it to change it"
            )

    def fixed(self, object_id: ObjectId, frame: int) -> bool:
        """Whether a propagation must not change it: locked, or settled by a person."""
        return self.locked(object_id, frame) or frame in self._settled[object_id]


def _unpacked(packed: PackedMask | None) -> Patch | None:
    return None if packed is None else packed.patch()
