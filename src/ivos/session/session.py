"""The session: draw on a frame, look, propagate, look, correct, in rounds.

Knows nothing of HTTP, files, datasets or which networks there are: its parts are handed in. What
it remembers lies in a ``Store``; each thing that it does is one step there, and can be undone.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ivos.errors import CannotDo, InvalidInteraction
from ivos.masks import PackedMask, Patch
from ivos.runtime.protocol import Networks
from ivos.session import merge
from ivos.session.edits import with_masks_set, with_objects, without_object
from ivos.session.hearing import Heard, hear
from ivos.session.journal import JSON, Action, Step
from ivos.session.known import StoredMasks
from ivos.session.propagation import carry
from ivos.session.rounds import Extent, Pass, begun, courses, plan
from ivos.session.settings import Settings
from ivos.session.state import ObjectInfo, OpenFrame, State
from ivos.session.store import MemoryStore, Store
from ivos.session.strokes import spoken_to
from ivos.types import (
    MAX_OBJECT_ID,
    Interaction,
    LabelMap,
    Mask,
    ObjectId,
    PaintedMask,
    Progress,
    SoftMask,
    Video,
)


class Session:
    """Interactive segmentation of one video.

    Not for several threads at once. While an iterator of ``propagate`` is open, looking is
    allowed, and so is ``preview``; everything that writes raises CannotDo.
    """

    def __init__(
        self,
        video: Video,
        networks: Networks,
        *,
        store: Store | None = None,
        settings: Settings = Settings(),  # noqa: B008 (frozen)
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.video = video
        self.networks = networks
        self.settings = settings
        self._store: Store = store if store is not None else MemoryStore(clock)
        self._state = self._store.state()
        self._clock = clock
        self._running = False

    # Looking

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

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return self.head > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone step."""
        return self.head < len(self._store.steps())

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
            done = self._store.steps()[: self.head]
            step = max((s.number for s in done if s.action.kind == "propagate"), default=None)
        elif not 1 <= step <= self.head:
            raise InvalidInteraction(f"there is no step {step}: steps 1..{self.head} exist")
        if step is None:
            return None if self._store.mask(object_id, frame) is None else 0.0
        before = self._store.mask_before(step, object_id, frame)
        after = self._store.mask_before(step + 1, object_id, frame)
        if after is None:
            return None
        return 1.0 if before is None else 1.0 - merge.iou(before.patch(), after.patch())

    def preview(self, interaction: Interaction) -> dict[ObjectId, PackedMask]:
        """The masks that ``interact`` would make on its frame, without keeping anything."""
        heard, _ = self._heard(interaction)
        return {key: PackedMask.of_patch(patch) for key, patch in heard.masks.items()}

    # Doing

    def interact(self, interaction: Interaction) -> tuple[ObjectId, ...]:
        """Turn prompts into masks on their frame at once; returns the objects that were run.

        The first call on a frame opens it; further calls before ``propagate`` add their prompts,
        and the result is that of all prompts together on the masks from before. Besides the
        objects named, those whose mask lies under a stroke that is negative for them are run.
        Objects that are named for the first time are added. Without any prompt nothing happens.
        """
        if not interaction.prompts:
            self._check_frame(interaction.frame)
            return ()
        heard, opened = self._heard(interaction)
        state = with_objects(self._state, interaction.object_ids)
        state = replace(state, open={**state.open, interaction.frame: opened})
        self._begin(Action("interact", interaction.frame, interaction))
        self._write(interaction.frame, heard.masks, state)
        return tuple(sorted(heard.references))

    def propagate(
        self,
        *,
        start: int | None = None,
        stop: int | None = None,
        forward: bool = True,
        backward: bool = True,
        barriers: Collection[int] = (),
    ) -> Iterator[Progress]:
        """Carry the open round through the video, yielding after each frame.

        Both ways up to the nearest other frame that was annotated for the object, fading into the
        masks of the rounds before. Only frames from ``start`` up to (without) ``stop`` change; it
        does not cross ``barriers``, frames that begin a new shot. Locked and annotated frames never
        change. With no round open, the last one is carried again (a further direction or range).

        To cancel, close the iterator: frames done so far keep their new masks.
        """
        length = len(self.video)
        first, end = start if start is not None else 0, stop if stop is not None else length
        if not 0 <= first < end <= length:
            raise InvalidInteraction(
                f"frames {first}:{end} are not a part of the video: it has frames 0:{length}"
            )
        shots = tuple(sorted(set(barriers)))
        extent = Extent(length, first, end, forward, backward, shots)
        passes = plan(self._state, extent)
        details: dict[str, JSON] = {
            "start": start,
            "stop": stop,
            "forward": forward,
            "backward": backward,
            "barriers": [*shots],
        }
        return self._propagate(passes, Action("propagate", details=details))

    def _propagate(self, passes: Sequence[Pass], action: Action) -> Iterator[Progress]:
        self._begin(action)
        self._running = True
        state, began, done = replace(self._state, last=()), self._clock(), 0
        total = sum(one.visits for one in passes)
        try:
            for one in passes:
                state = begun(state, one, self.networks)
                state = replace(state, last=(*state.last, (one.source, one.object_ids)))
                known = StoredMasks(self._store, state)
                ways = courses(one, state, known)
                for visits in carry(self.video, self.networks, known, ways, self.settings):
                    for visit in visits:
                        for object_id, patch in visit.masks.items():
                            self._store.put(object_id, visit.frame, PackedMask.of_patch(patch))
                    for visit in visits:
                        done += 1
                        left = (self._clock() - began) / done * (total - done)
                        yield Progress(visit.frame, done, total, left)
        finally:
            self._running = False
            self._commit(replace(state, frames_done=done))

    def set_masks(
        self, frame: int, masks: Mapping[ObjectId, Mask | SoftMask], *, annotate: bool
    ) -> None:
        """Put masks from elsewhere on a frame: (H, W) each, boolean or probability.

        With ``annotate`` they count as what a person said: the frame joins the open round and can
        be propagated. Without, they are masks like any other.
        """
        patches = self._checked(frame, masks)
        details: dict[str, JSON] = {
            "annotate": annotate,
            "masks": {
                str(key): base64.b64encode(PackedMask.of_patch(patch).to_bytes()).decode("ascii")
                for key, patch in patches.items()
            },
        }
        known = self._masks()
        others = {key: p for key, p in known.patches(frame).items() if key not in patches}
        locked = [key for key in others if known.locked(key, frame)]
        given: dict[ObjectId, Patch] = {}
        for key, patch in patches.items():
            given[key] = merge.give_way(patch, [*given.values(), *(others[k] for k in locked)])
        references = None
        if annotate:
            heard = hear(self.networks, self.settings, self.video[frame], (), [*given], given, ())
            references = heard.references
        state = with_objects(self._state, patches)
        state = with_masks_set(state, frame, [*patches], self.head + 1, references)
        self._begin(Action("paint" if annotate else "import", frame, details=details))
        self._write(frame, given | merge.yielding(given, others, locked), state)

    def add_object(
        self,
        object_id: ObjectId | None = None,
        name: str | None = None,
        colour: tuple[int, int, int] | None = None,
    ) -> ObjectId:
        """Add an object; by default with the lowest free id. Its masks come with its prompts."""
        used = set(self.object_ids)
        if object_id is None:
            free = (i for i in range(1, MAX_OBJECT_ID + 1) if i not in used)
            object_id = next(free, None)
            if object_id is None:
                raise InvalidInteraction(f"there are {MAX_OBJECT_ID} objects already")
        elif object_id in used:
            raise InvalidInteraction(f"object {object_id} exists already")
        elif not 1 <= object_id <= MAX_OBJECT_ID:
            raise InvalidInteraction(f"object id {object_id} is outside 1..{MAX_OBJECT_ID}")
        changes = {"name": name, "colour": colour}
        self._change_object(with_objects(self._state, [object_id]), object_id, changes)
        return object_id

    def change_object(
        self,
        object_id: ObjectId,
        *,
        name: str | None = None,
        colour: tuple[int, int, int] | None = None,
        hidden: bool | None = None,
        locked: bool | None = None,
    ) -> None:
        """Change what is given. A locked object keeps all its masks as they are."""
        self._check_object(object_id)
        changes = {"name": name, "colour": colour, "hidden": hidden, "locked": locked}
        self._change_object(self._state, object_id, changes)

    def _change_object(self, state: State, object_id: ObjectId, changes: Mapping[str, Any]) -> None:
        given = {key: value for key, value in changes.items() if value is not None}
        objects = tuple(
            replace(info, **given) if info.object_id == object_id else info
            for info in state.objects
        )
        if "colour" in given:
            given["colour"] = [*given["colour"]]
        self._begin(Action("object", details={"object": object_id, **given}))
        self._commit(replace(state, objects=objects))

    def remove_object(self, object_id: ObjectId) -> None:
        """Remove an object with its masks on all frames."""
        self._check_object(object_id)
        self._begin(Action("remove", details={"object": object_id}))
        for frame in self._store.frames(object_id):
            self._store.put(object_id, frame, None)
        self._commit(without_object(self._state, object_id))

    def lock(self, frames: Iterable[int], object_id: ObjectId | None = None) -> None:
        """Accept frames, for one object or all: their masks never change until unlocked."""
        chosen, pairs = self._pairs(frames, object_id)
        self._begin(Action("lock", details={"frames": [*chosen], "object": object_id}))
        self._commit(replace(self._state, locked=self._state.locked | pairs))

    def unlock(self, frames: Iterable[int], object_id: ObjectId | None = None) -> None:
        """Let frames change again."""
        chosen, pairs = self._pairs(frames, object_id)
        self._begin(Action("unlock", details={"frames": [*chosen], "object": object_id}))
        self._commit(replace(self._state, locked=self._state.locked - pairs))

    def reject(self, step: int, frames: Iterable[int], object_id: ObjectId | None = None) -> None:
        """Put the masks from before ``step`` back on these frames, of one object or all.

        Only masks that the step changed, and none that is locked.
        """
        if not 1 <= step <= self.head:
            raise InvalidInteraction(f"there is no step {step}: steps 1..{self.head} exist")
        chosen = sorted(set(frames))
        known, state = self._masks(), self._state
        details: dict[str, JSON] = {"step": step, "frames": [*chosen], "object": object_id}
        back = {
            (key, frame): self._store.mask_before(step, key, frame)
            for key, frame in self._store.changes(step)
            if frame in set(chosen)
            and object_id in (None, key)
            and state.info(key) is not None
            and not known.locked(key, frame)
        }
        self._begin(Action("reject", details=details))
        for (key, frame), mask in back.items():
            self._store.put(key, frame, mask)
            state = with_masks_set(state, frame, [key], self.head + 1)
        self._commit(state)

    def undo(self) -> Step:
        """Undo the last step; returns it."""
        if not self.can_undo:
            raise CannotDo("there is nothing to undo")
        return self._move(self.head - 1, self.head)

    def redo(self) -> Step:
        """Do the last undone step again; returns it."""
        if not self.can_redo:
            raise CannotDo("there is nothing to redo")
        return self._move(self.head + 1, self.head + 1)

    # Inside

    def _move(self, head: int, number: int) -> Step:
        self._check_idle()
        step = self._store.steps()[number - 1]
        self._state = self._store.move(head)
        return step

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

    def _check_idle(self) -> None:
        if self._running:
            raise CannotDo("a propagation is running: stop it or let it end first")

    def _begin(self, action: Action) -> None:
        self._check_idle()
        self._store.begin(action)

    def _commit(self, state: State) -> None:
        self._store.commit(state)
        self._state = state

    def _write(self, frame: int, masks: Mapping[ObjectId, Patch], state: State) -> None:
        for object_id, patch in masks.items():
            self._store.put(object_id, frame, PackedMask.of_patch(patch))
        self._commit(state)

    def _heard(self, interaction: Interaction) -> tuple[Heard, OpenFrame]:
        """What an interaction comes to, and the open frame with it."""
        frame = interaction.frame
        self._check_frame(frame)
        for prompt in interaction.prompts:
            if isinstance(prompt, PaintedMask):
                self._check_size(prompt.mask, prompt.object_id)
        known = self._masks()
        current = known.patches(frame)
        locked = [key for key in current if known.locked(key, frame)]
        for key in interaction.object_ids:
            if key in self.object_ids and known.locked(key, frame):
                raise InvalidInteraction(
                    f"object {key} is locked on frame {frame}: unlock it to draw there"
                )
        spoken = spoken_to(interaction.prompts, current, self.settings.negatives)
        opened = self._state.open.get(frame, OpenFrame(self.head + 1))
        run = sorted((spoken | set(opened.references)) - set(locked))
        prompts = (*opened.prompts, *interaction.prompts)
        bases = self._bases(frame, opened, known)
        heard = hear(self.networks, self.settings, self.video[frame], prompts, run, bases, locked)
        references = {**opened.references, **heard.references}
        return heard, replace(opened, prompts=prompts, references=references)

    def _bases(self, frame: int, opened: OpenFrame, known: StoredMasks) -> dict[ObjectId, Patch]:
        """The masks that a frame's strokes correct: those from before it was opened."""
        bases = {}
        for key in self.object_ids:
            step = opened.bases.get(key, opened.step)
            if step > self.head or known.locked(key, frame):
                base = known.patch(key, frame)
            else:
                packed = self._store.mask_before(step, key, frame)
                base = None if packed is None else packed.patch()
            if base is not None:
                bases[key] = base
        return bases

    def _checked(
        self, frame: int, masks: Mapping[ObjectId, Mask | SoftMask]
    ) -> dict[ObjectId, Patch]:
        """Masks from elsewhere as patches, if they can be used."""
        self._check_frame(frame)
        if not masks:
            raise InvalidInteraction("there is no mask to set")
        known = self._masks()
        patches = {}
        for key, mask in sorted(masks.items()):
            if not 1 <= key <= MAX_OBJECT_ID:
                raise InvalidInteraction(f"object id {key} is outside 1..{MAX_OBJECT_ID}")
            if key in self.object_ids and known.locked(key, frame):
                raise InvalidInteraction(
                    f"object {key} is locked on frame {frame}: unlock it to change it"
                )
            self._check_size(mask, key)
            if not np.isfinite(mask).all():
                raise InvalidInteraction(
                    f"the mask of object {key} holds values that are no numbers"
                )
            patches[key] = Patch.of(mask)
        return patches

    def _check_size(self, mask: Mask | SoftMask, object_id: ObjectId) -> None:
        if mask.shape != self.video.size:
            height, width = self.video.size
            raise InvalidInteraction(
                f"the mask of object {object_id} has shape {mask.shape}, "
                f"but the video has ({height}, {width})"
            )

    def _pairs(
        self, frames: Iterable[int], object_id: ObjectId | None
    ) -> tuple[list[int], frozenset[tuple[ObjectId, int]]]:
        chosen = sorted(set(frames))
        for frame in chosen:
            self._check_frame(frame)
        if object_id is not None:
            self._check_object(object_id)
        keys = self.object_ids if object_id is None else (object_id,)
        return chosen, frozenset((key, frame) for key in keys for frame in chosen)
