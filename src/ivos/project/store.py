"""Where the masks and steps of a project live: ``session.Store`` on one SQLite file.

Masks are versioned: a row says that from this step on, this object has this mask on this frame.
What is seen is the newest row that is not after the head; undo and redo move the head, and a new
step after an undo deletes the rows of the steps that were undone.

Masks stream into the open transaction while a propagation runs; SQLite spills it into the
write-ahead log, so memory stays bounded. A kill leaves the file at the last finished step, or at
the last ``keep`` of a long one, which then counts as cancelled at that moment.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from ivos.errors import ProjectError
from ivos.masks import PackedMask
from ivos.project.file import ProjectFile, damaged
from ivos.project.log import LoggedStep, digest
from ivos.project.parts import Pieces, join, split
from ivos.project.schema import checksum
from ivos.session.journal import JSON, Action, Step
from ivos.session.state import State
from ivos.types import ObjectId

KEEP_SECONDS = 20.0


@dataclass(slots=True)
class _Open:
    """The step that is being made."""

    action: Action
    began: float
    kept: float
    """When its masks were last made durable, or when it began."""


class ProjectStore:
    """Masks and steps of a project. Satisfies ``session.Store``.

    ``provenance`` is what is written beside each step from now on: which network made its masks.
    ``keep_seconds`` is how much of a long propagation a kill may cost.
    Every method raises ProjectError, in one line, when the file is damaged, full or taken over.
    """

    def __init__(self, file: ProjectFile, clock: Callable[[], float] = time.monotonic) -> None:
        self.provenance: Mapping[str, JSON] = {}
        self.keep_seconds = KEEP_SECONDS
        self._file = file
        self._clock = clock
        self._open: _Open | None = None
        self._failure: ProjectError | None = None
        self._beyond = False
        """Whether the file holds steps beyond the head that must go before another is made."""
        self._head = int(file.about("head") or 0)
        self._steps = self._read_steps()
        self._state = self._read_state(self._head)

    @property
    def head(self) -> int:
        """The number of the last step that is done; 0 for none."""
        return self._head

    def steps(self) -> Sequence[Step]:
        """All steps: the done ones and, after the head, the undone ones."""
        return list(self._steps)

    def state(self) -> State:
        """The state at the head."""
        return self._state

    def mask(self, object_id: ObjectId, frame: int) -> PackedMask | None:
        """One mask at the head, with what the open transaction put."""
        return self._newest(object_id, frame, self._last)

    def mask_before(self, step: int, object_id: ObjectId, frame: int) -> PackedMask | None:
        """What a mask was just before ``step``, one of the done steps or the open one."""
        return self._newest(object_id, frame, step - 1)

    def frames(self, object_id: ObjectId) -> Sequence[int]:
        """The frames on which an object has a mask, ascending."""
        rows = self._file.rows(
            "SELECT frame, max(step), size FROM masks WHERE object = ? AND step <= ? "
            "GROUP BY frame ORDER BY frame",
            object_id,
            self._last,
        )
        return [frame for frame, _, size in rows if size]

    def changes(self, step: int) -> Sequence[tuple[ObjectId, int]]:
        """Which masks a step put, in the order of their first change."""
        return [
            (object_id, frame)
            for object_id, frame in self._file.rows(
                "SELECT object, frame FROM masks WHERE step = ? ORDER BY id", step
            )
        ]

    def provenance_of(self, object_id: ObjectId, frame: int) -> tuple[Step, dict[str, JSON]] | None:
        """The step that made a mask, and with which network; None where there is no mask."""
        found = self._file.row(
            "SELECT masks.step, provenance FROM masks JOIN steps ON number = masks.step "
            "WHERE object = ? AND frame = ? AND masks.step <= ? AND size > 0 "
            "ORDER BY masks.step DESC LIMIT 1",
            object_id,
            frame,
            self._head,
        )
        if found is None or self.mask(object_id, frame) is None:
            return None
        number, provenance = found
        return self._steps[number - 1], json.loads(provenance)

    def digests(self, step: int) -> dict[tuple[ObjectId, int], str]:
        """A digest of each mask that a step put, by (object, frame)."""
        return {key: digest(self._newest(*key, step)) for key in self.changes(step)}

    def logged(self) -> Iterator[LoggedStep]:
        """The steps that are done, one by one, as a log keeps them."""
        for step in self._steps[: self._head]:
            ((found,),) = self._file.rows(
                "SELECT provenance FROM steps WHERE number = ?", step.number
            )
            frames_done = self._read_state(step.number).frames_done
            yield LoggedStep(
                self._with_masks(step),
                frames_done if step.action.kind == "propagate" else 0,
                step.seconds,
                json.loads(found),
                self.digests(step.number),
            )

    def _with_masks(self, step: Step) -> Action:
        """The step's action; that of a large import with its masks, which lie only here."""
        action = step.action
        if action.kind != "import" or action.frame is not None:
            return action
        names = action.details["names"]
        assert isinstance(names, dict)
        annotated = bool(action.details.get("annotate"))
        opened = self._read_state(step.number).open
        masks: dict[int, dict[str, JSON]] = {}
        for object_id, frame in self.changes(step.number):
            if annotated and (
                object_id not in opened[frame].references
                or opened[frame].bases.get(object_id) != step.number + 1
            ):
                continue  # it only gave way there: nobody said what it is
            mask = self.mask_before(step.number + 1, object_id, frame)
            if mask is not None and str(object_id) in names:
                data = base64.b64encode(mask.to_bytes()).decode("ascii")
                masks.setdefault(frame, {})[str(object_id)] = data
        by_frame: JSON = {str(frame): {**found} for frame, found in masks.items()}
        return replace(action, details={**action.details, "masks": by_frame})

    def begin(self, action: Action) -> None:
        """Open step ``head + 1``. Undone steps are dropped."""
        if self._open is not None:
            raise RuntimeError("a step is open already")
        self._failure = None
        self._file.begin()
        now = self._clock()
        self._open = _Open(action, now, now)
        if self._beyond or self._head < len(self._steps):
            with self._or_not_at_all():
                self._drop_beyond()

    def put(self, object_id: ObjectId, frame: int, mask: PackedMask | None) -> None:
        """Replace one mask; None removes it. Where that fails, the step is over."""
        self._opened()
        with self._or_not_at_all():
            data = mask.to_bytes() if mask is not None else b""
            write_mask(self._file, self._last, object_id, frame, data)

    def keep(self, state: State) -> None:
        """If the process dies from now on, the open step counts as done, with this state.

        May be called as often as one likes: it does something every ``keep_seconds``.
        """
        opened = self._opened()
        if self._clock() - opened.kept < self.keep_seconds:
            return
        with self._or_not_at_all():
            self._finish(opened, state)
            self._beyond = True
            self._file.begin()
        opened.kept = self._clock()

    def commit(self, state: State) -> Step:
        """Close the step: durably and as a whole, or, where that fails, not at all."""
        opened = self._opened()
        with self._or_not_at_all():
            step = self._finish(opened, state)
        self._open = None
        self._beyond = False
        self._steps[self._head :] = [step]
        self._head = step.number
        self._state = state
        return step

    def abort(self) -> None:
        """Close the step as if it had never been begun. (After ``keep``, undone steps are gone.)"""
        if self._failure is None:
            self._opened()
            self._close()
        self._failure = None

    def move(self, head: int) -> State:
        """Undo or redo until ``head`` is the last step that is done; returns its state."""
        if self._open is not None:
            raise RuntimeError("a step is open")
        if not 0 <= head <= len(self._steps):
            raise ValueError(f"there is no step {head}")
        state = self._read_state(head)
        with self._file.transaction():
            if self._beyond:
                self._drop_beyond()
            self._file.set_about("head", str(head))
        self._beyond = False
        self._head = head
        self._state = state
        return state

    @contextmanager
    def _or_not_at_all(self) -> Iterator[None]:
        """On an error, close the step as if it had never been begun.

        Its caller may come back to commit or abort it nevertheless, and is then told the same.
        """
        try:
            yield
        except ProjectError as error:
            self._failure = error
            self._close()
            raise

    def _close(self) -> None:
        self._open = None
        self._file.roll_back()
        if self._beyond:
            del self._steps[self._head :]
            with suppress(ProjectError), self._file.transaction():  # or else the next step does it
                self._drop_beyond()
                self._file.set_about("head", str(self._head))
                self._beyond = False

    def _finish(self, opened: _Open, state: State) -> Step:
        """Write the open step and commit what it has so far."""
        number = self._last
        ((changed,),) = self._file.rows("SELECT count(*) FROM masks WHERE step = ?", number)
        step = Step(number, opened.action, changed, self._clock() - opened.began)
        made_by = {"round": state.rounds, **self.provenance}
        write_step(self._file, step, state.to_json(), made_by)
        self._file.set_about("head", str(number))
        self._file.commit()
        return step

    def _drop_beyond(self) -> None:
        self._file.write("DELETE FROM masks WHERE step > ?", self._head)
        self._file.write("DELETE FROM steps WHERE number > ?", self._head)
        self._file.write("DELETE FROM step_parts WHERE step > ?", self._head)
        self._file.write("DELETE FROM parts WHERE hash NOT IN (SELECT hash FROM step_parts)")

    def _opened(self) -> _Open:
        if self._failure is not None:
            raise self._failure
        if self._open is None:
            raise RuntimeError("no step is open")
        return self._open

    @property
    def _last(self) -> int:
        """The newest step whose masks are seen: the open one, or else the head."""
        return self._head + (self._open is not None)

    def _newest(self, object_id: ObjectId, frame: int, last: int) -> PackedMask | None:
        found = self._file.row(
            "SELECT step, data, crc FROM masks WHERE object = ? AND frame = ? AND step <= ? "
            "ORDER BY step DESC LIMIT 1",
            object_id,
            frame,
            last,
        )
        if found is None:
            return None
        step, data, crc = found
        if checksum(step, object_id, frame, data) != crc:
            what = f"the mask of object {object_id} at frame {frame}"
            raise damaged(self._file.path, what)
        return PackedMask.from_bytes(data) if data else None

    def _read_steps(self) -> list[Step]:
        steps = []
        for expected, fields in enumerate(
            self._file.rows("SELECT * FROM steps ORDER BY number"), start=1
        ):
            number, action, _, _, seconds, changed, crc = fields
            if number != expected:
                raise damaged(self._file.path, f"step {expected} is missing")
            if checksum(*fields[:-1]) != crc:
                raise damaged(self._file.path, f"step {number}")
            steps.append(Step(number, Action.from_json(json.loads(action)), changed, seconds))
        if self._head > len(steps):
            raise damaged(self._file.path, f"step {self._head} is missing")
        return steps

    def _read_state(self, number: int) -> State:
        if number == 0:
            return State()
        ((state,),) = self._file.rows("SELECT state FROM steps WHERE number = ?", number)
        pieces = dict(
            self._file.rows(
                "SELECT hash, data FROM parts WHERE hash IN "
                "(SELECT hash FROM step_parts WHERE step = ?)",
                number,
            )
        )
        try:
            return State.from_json(join(json.loads(state), pieces))
        except (ValueError, KeyError) as error:
            raise damaged(self._file.path, f"the state of step {number}") from error


def write_mask(file: ProjectFile, step: int, object_id: ObjectId, frame: int, data: bytes) -> None:
    """Write what a step made of a mask: a PackedMask's bytes, or none where it is removed."""
    row = (len(data), data, checksum(step, object_id, frame, data), step, object_id, frame)
    replaced = file.write(
        "UPDATE masks SET size = ?, data = ?, crc = ? WHERE step = ? AND object = ? AND frame = ?",
        *row,
    )
    if not replaced:
        file.write(
            "INSERT INTO masks (size, data, crc, step, object, frame) VALUES (?, ?, ?, ?, ?, ?)",
            *row,
        )


def write_step(
    file: ProjectFile, step: Step, state: dict[str, JSON], provenance: Mapping[str, JSON]
) -> None:
    """Write a step, or write it anew, its state's large pieces apart."""
    pieces: Pieces = {}
    fields = (
        step.number,
        json.dumps(step.action.to_json()),
        json.dumps(split(state, pieces)),
        json.dumps(provenance),
        step.seconds,
        step.changed,
    )
    file.write(
        "INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?, ?, ?, ?)", *fields, checksum(*fields)
    )
    file.write("DELETE FROM step_parts WHERE step = ?", step.number)
    for name, data in pieces.items():
        file.write("INSERT OR IGNORE INTO parts VALUES (?, ?)", name, data)
        file.write("INSERT INTO step_parts VALUES (?, ?)", step.number, name)
