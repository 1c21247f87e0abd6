"""What a page's commands do to the session. All of it happens on the worker's thread.

While a run goes on the session writes nothing else; strokes and small changes that come meanwhile
are kept and done when it is over, and a stroke is shown at once as a preview. Knows nothing of
sockets: ``say`` takes what is to be told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ivos import deliver
from ivos.cuts import Shots
from ivos.errors import CannotDo, InvalidInput, InvalidInteraction, IvosError
from ivos.masks import PackedMask
from ivos.server import exports
from ivos.server.describe import interaction_of, pixels_of, snapshot, spans
from ivos.server.packets import pack_labels, pack_soft
from ivos.server.protocol import (
    AddObject,
    Cancel,
    ChangeObject,
    Command,
    Done,
    Event,
    Export,
    Failed,
    Interact,
    Lock,
    MasksChanged,
    Paint,
    Propagate,
    Redo,
    Reject,
    RemoveObject,
    RunEnded,
    Running,
    Snapshot,
    TakeOver,
    Undo,
)
from ivos.server.review import ReviewTracks
from ivos.server.values import RunValue
from ivos.server.waiting import Patient, Say, Waiting, foreseen, labels_with
from ivos.server.waiting_file import WaitingFile
from ivos.server.worker import Worker
from ivos.session import Session, Store, merge
from ivos.types import Mask, ObjectId, Progress, SoftMask


class Desk:
    """One session at work."""

    def __init__(
        self,
        session: Session,
        store: Store,
        worker: Worker,
        say: Say,
        *,
        exports_folder: Path,
        waiting_file: Path,
    ) -> None:
        self._session = session
        self._store = store
        self._worker = worker
        self._folder = exports_folder
        self._say = say
        self._review = ReviewTracks(session, store)
        self._shots = Shots(session.video)
        self._cuts: frozenset[int] = frozenset()
        self._run: RunValue | None = None
        self._cancelled = False
        self._kept = WaitingFile(waiting_file, session)
        self._problems: list[Event | bytes] = []
        self._waiting = [Waiting(one, self._problems.append) for one in self._kept.left()]
        self._do_waiting()
        self._catch_up()

    # Looking

    def snapshot(self) -> Snapshot:
        """Everything but masks and review."""
        return snapshot(
            self._session,
            self._store,
            changed=self._review.run_frames,
            cuts=self._cuts,
            run=self._run,
            waiting=len(self._waiting),
        )

    def greet(self, say: Say) -> None:
        """Tell a page that has just come all it needs."""
        say(self.snapshot())
        for message in [*self._review.all(), *self._problems]:
            say(message)
        self._problems.clear()

    def labels(self, frame: int, before: int | None = None) -> bytes:
        """A packet of labels; with ``before`` those from before that step. Raises InvalidInput."""
        step = self._session.head
        if before is None:
            return pack_labels(frame, step, self._session.labels(frame))
        if not 1 <= before <= step:
            raise InvalidInteraction(f"there is no step {before}: steps 1..{step} exist")
        self._check_frame(frame)
        ids = self._session.object_ids
        packed = {key: self._store.mask_before(before, key, frame) for key in ids}
        patches = {key: mask.patch() for key, mask in packed.items() if mask is not None}
        return pack_labels(frame, step, merge.labels(patches, self._session.video.size))

    def soft(self, frame: int, object_ids: Iterable[ObjectId]) -> bytes:
        """A packet of the probability that a pixel is any of these objects."""
        self._check_frame(frame)
        together: SoftMask = np.zeros(self._session.video.size, np.float32)
        for object_id in object_ids:
            one = self._session.soft(object_id, frame)
            if one is not None:
                together = 1 - (1 - together) * (1 - one)
        return pack_soft(frame, self._session.head, together)

    # Doing

    def do(self, command: Command, say: Say) -> None:
        """Do what a page asks; ``say`` answers that page, everyone hears what changed."""
        self._do_waiting()  # there is some if a run died; what comes now is later
        began = time.perf_counter()
        try:
            waiting = False
            if self._run is not None and isinstance(command, Patient):
                self._keep(command, say)
                waiting = True
            else:
                self._do_now(command)
        except IvosError as error:
            say(Failed(command.id, str(error)))
            return
        say(Done(command.id, time.perf_counter() - began, waiting))

    def import_masks(self, frame: int, masks: dict[ObjectId, Mask]) -> None:
        """Put masks from a file on a frame, as what the person wants there."""
        self._check_idle("import")
        self._session.set_masks(frame, dict(masks), annotate=True)
        self._tell([(key, frame) for key in self._session.object_ids])

    def go_on(self) -> None:
        """After a run that died: do what waited for its end, and tell where things stand."""
        self._do_waiting()
        self._say(self.snapshot())

    def close(self) -> None:
        """Nothing is lost: every step was written when it was done, and what waited is done now."""
        self._do_waiting()

    def _do_now(self, command: Command) -> None:
        match command:
            case Interact():
                asked = interaction_of(command.frame, command.prompts)
                self._session.interact(asked, early=partial(self._show, command.frame))
                self._answer_frame(command.frame)
            case Paint():
                self._paint(command)
                self._answer_frame(command.frame)
            case Propagate():
                self._propagate(command)
            case Export():
                self._export(command)
            case Cancel():
                self._cancelled = True
            case Undo() | Redo():
                self._move(command)
            case AddObject():
                self._session.add_object(name=command.name)
                self._tell([])
            case ChangeObject():
                self._session.change_object(
                    command.object_id,
                    name=command.name,
                    colour=command.colour,
                    hidden=command.hidden,
                    locked=command.locked,
                )
                self._tell([])
            case RemoveObject():
                self._check_idle("delete an object")
                keys = [(command.object_id, t) for t in self._store.frames(command.object_id)]
                self._session.remove_object(command.object_id)
                self._tell(keys)
            case Lock():
                self._lock(command)
            case Reject():
                self._check_idle("put masks back")
                frames = self._frames(command.start, command.stop)
                self._session.reject(command.step, frames, command.object_id)
                self._tell(self._store.changes(self._session.head))
            case TakeOver():
                raise CannotDo("taking over is the room's affair")

    def _paint(self, command: Paint) -> None:
        """Set or clear pixels of one object, leaving its soft edges elsewhere as they are."""
        where = pixels_of(command.runs, self._session.video.size)
        current = self._session.soft(command.object_id, command.frame)
        if current is None:
            current = np.zeros(self._session.video.size, np.float32)
        painted: SoftMask = np.where(where, np.float32(0 if command.erase else 1), current)
        self._session.set_masks(command.frame, {command.object_id: painted}, annotate=True)

    def _lock(self, command: Lock) -> None:
        frames = self._frames(command.start, command.stop)
        if command.locked:
            self._session.lock(frames, command.object_id)
        else:
            self._session.unlock(frames, command.object_id)
        self._tell([])

    def _move(self, command: Undo | Redo) -> None:
        self._check_idle("undo" if isinstance(command, Undo) else "redo")
        if isinstance(command, Undo):
            changed = self._store.changes(self._session.head) if self._session.can_undo else []
            self._session.undo()
        else:
            self._session.redo()
            changed = self._store.changes(self._session.head)
        self._tell(changed)

    # Runs

    def _propagate(self, command: Propagate) -> None:
        self._check_idle("propagate")
        run = partial(
            self._session.propagate_in_steps,
            start=command.start,
            stop=command.stop,
            forward=command.forward,
            backward=command.backward,
        )
        # A run begins when it is iterated, but says at once what cannot be done.
        steps: Iterator[Progress | None] = run()
        ways = {(True, False): "Propagating forward", (False, True): "Propagating backward"}
        words = ways.get((command.forward, command.backward), "Propagating both ways")
        ranged = command.start is not None or command.stop is not None
        if not ranged and not command.across_cuts:  # a range that was asked for is not cut
            steps = self._in_shots(run, words)
            words = "Looking where the shot begins and ends"
        self._start(RunValue("propagate", words, 0, 0, 0, None), steps, None)

    def _in_shots(
        self, run: Callable[..., Iterator[Progress | None]], words: str
    ) -> Iterator[Progress | None]:
        """Find where the shots end, then stay in them; None while nothing is done yet."""
        frames = [frame for frame, _ in self._session.state.sources]
        for frame in frames:
            for _ in self._shots.search(frame):
                yield None
        barriers = self._shots.barriers(frames)
        self._cuts |= frozenset(barriers)
        assert self._run is not None
        self._run = replace(self._run, title=words)
        self._say(self.snapshot())
        yield from run(barriers=barriers)

    def _export(self, command: Export) -> None:
        self._check_idle("export")
        options = exports.checked_options(command.kind, command.options)
        place = exports.free_place(self._folder, command.kind)
        self._folder.mkdir(parents=True, exist_ok=True)
        steps = deliver.export(self._session, command.kind, exports.literal(place), **options)
        self._start(RunValue("export", f"Exporting {command.kind}", 0, 0, 0, None), steps, place)

    def _start(self, run: RunValue, steps: Iterator[Progress | None], place: Path | None) -> None:
        self._run, self._cancelled = run, False
        self._say(self.snapshot())
        self._worker.start(self._advance(steps, place))

    def _advance(self, steps: Iterator[Progress | None], place: Path | None) -> Iterator[None]:
        """The run, a frame at a time, and what follows it. Closed early, it keeps what is done."""
        began, error = time.perf_counter(), None
        try:
            for progress in steps:
                if progress is not None:
                    self._progressed(progress)
                yield
                if self._cancelled:
                    break
        except IvosError as problem:
            error = str(problem)
        finally:
            run, self._run = self._run, None
            if hasattr(steps, "close"):
                steps.close()
        if run is not None:
            self._ended(run, error, time.perf_counter() - began, place)

    def _progressed(self, progress: Progress) -> None:
        assert self._run is not None
        self._run = replace(
            self._run,
            frame=progress.frame,
            done=progress.done,
            total=progress.total,
            seconds_left=progress.seconds_left,
        )
        self._say(Running(self._run))
        if self._run.kind == "propagate":
            keys = [(key, progress.frame) for key in self._session.object_ids]
            for message in self._review.look(keys, with_change=False):
                self._say(message)

    def _ended(self, run: RunValue, error: str | None, seconds: float, place: Path | None) -> None:
        folder = place.parent.name if place is not None else None
        result = place.name if place is not None and place.exists() else None
        self._say(RunEnded(run.kind, self._cancelled, error, run.done, seconds, folder, result))
        propagated = run.kind == "propagate" and run.done > 0
        changed = self._store.changes(self._session.head) if propagated else []
        self._tell(changed)
        self._do_waiting()

    def _do_waiting(self) -> None:
        while self._waiting and self._run is None:  # counted in snapshots until they are done
            self._after_run(self._waiting.pop(0))
        if not self._waiting:
            self._kept.clear()

    def _after_run(self, one: Waiting) -> None:
        try:
            self._kept.begin()
            self._do_now(one.command)
        except IvosError as error:
            one.say(Failed(one.command.id, str(error)))
            self._say(self.snapshot())

    def _keep(self, command: Patient, say: Say) -> None:
        if isinstance(command, Interact | Paint):
            commands = [*(one.command for one in self._waiting), command]
            labels = foreseen(self._session, self._store, commands, command.frame)
            self._say(pack_labels(command.frame, self._session.head, labels))
        self._kept.keep(command)
        self._waiting.append(Waiting(command, say))
        self._say(self.snapshot())

    def _show(self, frame: int, found: Mapping[ObjectId, PackedMask]) -> None:
        """Show a frame with masks that are not kept yet."""
        labels = labels_with(self._session, self._store, frame, found)
        self._say(pack_labels(frame, self._session.head, labels))

    # Telling

    def _answer_frame(self, frame: int) -> None:
        """After a stroke: the mask first, since that is what the person waits for."""
        self._say(self.labels(frame))
        keys = [(key, frame) for key in self._session.object_ids]
        self._review.renew([])
        for message in self._review.look(keys, with_change=True):
            self._say(message)
        self._say(self.snapshot())
        self._catch_up()

    def _tell(self, changed: Iterable[tuple[ObjectId, int]]) -> None:
        keys = list(changed)
        self._review.renew(keys)
        self._say(self.snapshot())
        if keys:
            self._say(MasksChanged(spans(sorted({frame for _, frame in keys}))))
        self._catch_up()

    def _catch_up(self) -> None:
        if self._review.due:
            self._worker.spare(self._reviewing())

    def _reviewing(self) -> Iterator[None]:
        for messages in self._review.catch_up():
            for message in messages:
                self._say(message)
            yield

    # Checking

    def _check_idle(self, what: str) -> None:
        if self._run is not None:
            kind = "a propagation" if self._run.kind == "propagate" else "an export"
            raise CannotDo(f"cannot {what}: {kind} is running; cancel it or let it end first")

    def _check_frame(self, frame: int) -> None:
        length = len(self._session.video)
        if not 0 <= frame < length:
            raise InvalidInput(f"frame {frame} is not in the video: it has frames 0..{length - 1}")

    def _frames(self, start: int, stop: int) -> range:
        length = len(self._session.video)
        if not 0 <= start < stop <= length:
            raise InvalidInput(f"frames {start}:{stop} are not in the video, which has 0:{length}")
        return range(start, stop)
