"""The session: draw on a frame, look, propagate, look, correct, in rounds.

Knows nothing of HTTP, files, datasets or which networks there are: its parts are handed in. What
it remembers lies in a ``Store``; each thing that it does is one step there, and can be undone.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from ivos.errors import InvalidInteraction
from ivos.masks import PackedMask, Patch
from ivos.runtime.protocol import Networks
from ivos.session.edits import with_masks_set, with_objects, without_object
from ivos.session.given import as_patches, beside, check_mask
from ivos.session.hearing import Heard, Question, ask, hear, remember
from ivos.session.journal import JSON, Action
from ivos.session.known import StoredMasks
from ivos.session.propagation import carry
from ivos.session.recorded import RecordedSession
from ivos.session.rounds import Extent, Pass, begun, courses, led, plan
from ivos.session.settings import Settings
from ivos.session.state import OpenFrame, State
from ivos.session.store import MemoryStore, Store
from ivos.types import (
    MAX_OBJECT_ID,
    Interaction,
    Mask,
    ObjectId,
    PaintedMask,
    Progress,
    SoftMask,
    Video,
)


class Session(RecordedSession):
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
        super().__init__(video, store if store is not None else MemoryStore(clock))
        self.networks = networks
        self.settings = settings
        self._clock = clock

    def preview(self, interaction: Interaction) -> dict[ObjectId, PackedMask]:
        """The masks that ``interact`` would make on its frame, without keeping anything."""
        return _packed(self._answer(self._question(interaction)))

    def interact(
        self,
        interaction: Interaction,
        *,
        early: Callable[[Mapping[ObjectId, PackedMask]], None] | None = None,
    ) -> tuple[ObjectId, ...]:
        """Turn prompts into masks on their frame at once; returns the objects that were run.

        The first call on a frame opens it; further calls before ``propagate`` add their prompts,
        and the result is that of all prompts together on the masks from before. Besides the
        objects named, those whose mask lies under a stroke that is negative for them are run.
        Objects that are named for the first time are added. Without any prompt nothing happens.

        ``early`` is given the masks of the frame before they are looked at in detail, for people
        to see; they are not kept.
        """
        question = self._question(interaction)
        if not interaction.prompts:
            return ()
        frame = interaction.frame
        with self._step(Action("interact", frame, interaction)):
            heard = self._answer(question, early)
            references = {**question.opened.references, **heard.references}
            opened = replace(question.opened, references=references)
            state = with_objects(self._state, interaction.object_ids)
            self._put(frame, heard.masks)
            self._commit(replace(state, open={**state.open, frame: opened}))
        return tuple(question.run)

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

        To cancel, close the iterator: frames done so far keep their new masks. A frame is done some
        frames later than it is visited, once those that steady it are known.
        """
        steps = self.propagate_in_steps(
            start=start, stop=stop, forward=forward, backward=backward, barriers=barriers
        )
        return _finished(steps)

    def propagate_in_steps(
        self,
        *,
        start: int | None = None,
        stop: int | None = None,
        forward: bool = True,
        backward: bool = True,
        barriers: Collection[int] = (),
    ) -> Generator[Progress | None]:
        """``propagate``, which also yields None after each step through the video that finishes no
        frame: for callers that have something else to do in between.
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
        going = led(passes, self._masks())
        details: dict[str, JSON] = {
            "start": start,
            "stop": stop,
            "forward": forward,
            "backward": backward,
            "barriers": [*shots],
        }
        return self._propagate(passes, going, Action("propagate", details=details))

    def _propagate(
        self, passes: Sequence[Pass], going: Sequence[Pass], action: Action
    ) -> Generator[Progress | None]:
        self._check_idle()
        began, done, visited = self._clock(), 0, 0
        state = begun(self._state, passes, self.networks, self.head + 1)
        total = sum(one.visits for one in going)
        self._begin(action)
        self._running = True
        try:
            for one in going:
                known = StoredMasks(self._store, state)
                ways = courses(one, state, known, self._state.open.get(one.source))
                for stride in carry(self.video, self.networks, known, ways, self.settings):
                    visited += stride.visited
                    left = (self._clock() - began) / visited * (total - visited) if visited else 0.0
                    for visit in stride.done:
                        self._put(visit.frame, visit.masks)
                        done += 1
                        yield Progress(visit.frame, done, total, left)
                    self._store.keep(replace(state, frames_done=done))
                    if not stride.done:
                        yield None
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
        self._check_frame(frame)
        patches = as_patches(masks, self.video.size)
        given, gave_way = beside(frame, patches, self._masks())
        details: dict[str, JSON] = {
            "annotate": annotate,
            "masks": {
                str(key): base64.b64encode(PackedMask.of_patch(patch).to_bytes()).decode("ascii")
                for key, patch in patches.items()
            },
        }
        with self._step(Action("paint" if annotate else "import", frame, details=details)):
            state = with_objects(self._state, patches)
            self._put(frame, given | gave_way)
            self._commit(self._with_set(state, frame, given, gave_way, annotate))

    def _with_set(
        self,
        state: State,
        frame: int,
        given: Mapping[ObjectId, Patch],
        gave_way: Collection[ObjectId],
        annotate: bool,
    ) -> State:
        references = None
        if annotate:  # the networks only look: the masks are what they are
            looked = Question(frame, OpenFrame(self.head), [*given], given, ())
            references = remember(self.networks, self.settings, self.video[frame], looked)
        return with_masks_set(state, frame, [*given], self.head + 1, references, gave_way)

    def import_masks(
        self,
        masks: Mapping[int, Mapping[ObjectId, Mask | SoftMask]],
        names: Mapping[ObjectId, str],
        *,
        annotate: bool = False,
    ) -> Iterator[Progress]:
        """Put masks from elsewhere on many frames as one step, yielding after each frame.

        ``masks`` holds, by frame and object, what ``set_masks`` takes, and is read as it is needed;
        ``names`` says which objects they are of, and what those are called that are new; with
        ``annotate``, see there. If the iterator is closed before its end, everything is as it was.
        """
        began, done = self._clock(), 0
        called: JSON = {str(key): name for key, name in names.items()}
        state = with_objects(self._state, names, names)
        with self._step(Action("import", details={"annotate": annotate, "names": called})):
            self._running = True
            try:
                for frame, found in masks.items():
                    self._check_frame(frame)
                    patches = as_patches(found, self.video.size)
                    given, gave_way = beside(frame, patches, self._masks())
                    self._put(frame, given | gave_way)
                    state = self._with_set(state, frame, given, gave_way, annotate)
                    done += 1
                    left = (self._clock() - began) / done * (len(masks) - done)
                    yield Progress(frame, done, len(masks), left)
            finally:
                self._running = False
            self._commit(state)

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
        with self._step(Action("object", details={"object": object_id, **given})):
            self._commit(replace(state, objects=objects))

    def remove_object(self, object_id: ObjectId) -> None:
        """Remove an object with its masks on all frames."""
        self._check_object(object_id)
        with self._step(Action("remove", details={"object": object_id})):
            for frame in self._store.frames(object_id):
                self._store.put(object_id, frame, None)
            self._commit(without_object(self._state, object_id, self.head + 1))

    def lock(self, frames: Iterable[int], object_id: ObjectId | None = None) -> None:
        """Accept frames, for one object or all: their masks never change until unlocked."""
        chosen, pairs = self._pairs(frames, object_id)
        with self._step(Action("lock", details={"frames": [*chosen], "object": object_id})):
            self._commit(replace(self._state, locked=self._state.locked | pairs))

    def unlock(self, frames: Iterable[int], object_id: ObjectId | None = None) -> None:
        """Let frames change again."""
        chosen, pairs = self._pairs(frames, object_id)
        with self._step(Action("unlock", details={"frames": [*chosen], "object": object_id})):
            self._commit(replace(self._state, locked=self._state.locked - pairs))

    def reject(self, step: int, frames: Iterable[int], object_id: ObjectId | None = None) -> None:
        """Put the masks from before ``step`` back on these frames, of one object or all.

        Only masks that the step changed, and none that is locked; the others on a frame give way.
        An object that has been removed since does not come back in a later one of the same id.
        """
        self._check_step(step)
        chosen = sorted(set(frames))
        known, state = self._masks(), self._state
        removed = {
            later.action.details["object"]
            for later in self.steps[step : self.head]
            if later.action.kind == "remove"
        }
        changed = [
            (key, frame)
            for key, frame in self._store.changes(step)
            if frame in set(chosen)
            and object_id in (None, key)
            and key in set(self.object_ids) - removed
            and not known.locked(key, frame)
        ]
        details: dict[str, JSON] = {"step": step, "frames": [*chosen], "object": object_id}
        with self._step(Action("reject", details=details)):
            for at in sorted({frame for _, frame in changed}):
                keys = [key for key, frame in changed if frame == at]
                state = self._put_back(state, step, at, keys)
            self._commit(state)

    def _put_back(self, state: State, step: int, frame: int, keys: Sequence[ObjectId]) -> State:
        """Put masks of a frame from before a step back; returns the state after it."""
        before: dict[ObjectId, Patch] = {}
        for key in keys:
            packed = self._store.mask_before(step, key, frame)
            self._store.put(key, frame, None)
            if packed is not None:
                before[key] = packed.patch()
        given, gave_way = beside(frame, before, self._masks())
        self._put(frame, given | gave_way)
        return with_masks_set(state, frame, keys, self.head + 1, gave_way=gave_way)

    def _question(self, interaction: Interaction) -> Question:
        """What an interaction asks of the networks. Raises InvalidInteraction."""
        self._check_frame(interaction.frame)
        for prompt in interaction.prompts:
            if isinstance(prompt, PaintedMask):
                check_mask(prompt.mask, prompt.object_id, self.video.size)
        rule = self.settings.negatives
        return ask(interaction, self._store, self._state, self._masks(), rule)

    def _answer(
        self,
        asked: Question,
        early: Callable[[Mapping[ObjectId, PackedMask]], None] | None = None,
    ) -> Heard:
        def tell(heard: Heard) -> None:
            if early is not None:
                early(_packed(heard))

        return hear(self.networks, self.settings, self.video[asked.frame], asked, tell)

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


def _finished(steps: Generator[Progress | None]) -> Iterator[Progress]:
    with closing(steps):
        yield from (progress for progress in steps if progress is not None)


def _packed(heard: Heard) -> dict[ObjectId, PackedMask]:
    return {key: PackedMask.of_patch(patch) for key, patch in heard.masks.items()}
