"""Where a session's masks and steps live: the protocol, and a store in memory.

A store is a list of steps with a head. Steps up to the head are done, those after it are undone
and can be done again until a new step drops them. Each step remembers the masks that it changed,
as they were before and after, so going back and forth costs what the step changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

from ivos.masks import PackedMask
from ivos.session.journal import Action, Step
from ivos.session.state import State
from ivos.types import ObjectId

Key: TypeAlias = tuple[ObjectId, int]
"""(object, frame)."""


@runtime_checkable
class Store(Protocol):
    """Masks and steps. One transaction at a time: begin, put, ..., commit or abort."""

    @property
    def head(self) -> int:
        """The number of the last step that is done; 0 for none."""
        ...

    def steps(self) -> Sequence[Step]:
        """All steps: the done ones and, after the head, the undone ones."""
        ...

    def state(self) -> State:
        """The state at the head."""
        ...

    def mask(self, object_id: ObjectId, frame: int) -> PackedMask | None:
        """One mask at the head, with what the open transaction put."""
        ...

    def frames(self, object_id: ObjectId) -> Sequence[int]:
        """The frames on which an object has a mask, ascending."""
        ...

    def begin(self, action: Action) -> None:
        """Open step ``head + 1``. Undone steps are gone once it is committed."""
        ...

    def put(self, object_id: ObjectId, frame: int, mask: PackedMask | None) -> None:
        """Replace one mask; None removes it."""
        ...

    def keep(self, state: State) -> None:
        """If the process dies from now on, the open step may count as done, with this state."""
        ...

    def commit(self, state: State) -> Step:
        """Close the step, durably and as a whole."""
        ...

    def abort(self) -> None:
        """Close the step as if it had never been begun."""
        ...

    def mask_before(self, step: int, object_id: ObjectId, frame: int) -> PackedMask | None:
        """What a mask was just before ``step``, one of the done steps or the open one."""
        ...

    def changes(self, step: int) -> Sequence[Key]:
        """Which masks a step put, in the order of their first change."""
        ...

    def move(self, head: int) -> State:
        """Undo or redo until ``head`` is the last step that is done; returns its state."""
        ...


@dataclass(slots=True)
class _Entry:
    """One step of a MemoryStore."""

    action: Action
    began: float
    before: dict[Key, PackedMask | None] = field(default_factory=dict)
    after: dict[Key, PackedMask | None] = field(default_factory=dict)
    state: State = field(default_factory=State)
    step: Step | None = None


class MemoryStore:
    """A store that is gone with the process. Masks are packed: a step costs what it changed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: list[_Entry] = []
        self._open: _Entry | None = None
        self._head = 0
        self._masks: dict[ObjectId, dict[int, PackedMask]] = {}

    @property
    def head(self) -> int:
        """The number of the last step that is done; 0 for none."""
        return self._head

    def steps(self) -> Sequence[Step]:
        """All steps, done and undone."""
        return [entry.step for entry in self._entries if entry.step is not None]

    def state(self) -> State:
        """The state at the head."""
        return self._entries[self._head - 1].state if self._head else State()

    def mask(self, object_id: ObjectId, frame: int) -> PackedMask | None:
        """One mask as it is now."""
        return self._masks.get(object_id, {}).get(frame)

    def frames(self, object_id: ObjectId) -> Sequence[int]:
        """The frames on which an object has a mask, ascending."""
        return sorted(self._masks.get(object_id, ()))

    def begin(self, action: Action) -> None:
        """Open the next step."""
        if self._open is not None:
            raise RuntimeError("a step is open already")
        self._open = _Entry(action, self._clock())

    def put(self, object_id: ObjectId, frame: int, mask: PackedMask | None) -> None:
        """Replace one mask; None removes it."""
        entry = self._opened()
        key = (object_id, frame)
        entry.before.setdefault(key, self.mask(object_id, frame))
        entry.after[key] = mask
        self._set(key, mask)

    def keep(self, state: State) -> None:
        """Nothing: memory is gone with the process."""

    def commit(self, state: State) -> Step:
        """Close the step."""
        entry = self._opened()
        seconds = self._clock() - entry.began
        entry.state = state
        entry.step = Step(self._head + 1, entry.action, len(entry.after), seconds)
        self._entries[self._head :] = [entry]
        self._head += 1
        self._open = None
        return entry.step

    def abort(self) -> None:
        """Put everything back as it was before ``begin``."""
        for key, mask in self._opened().before.items():
            self._set(key, mask)
        self._open = None

    def mask_before(self, step: int, object_id: ObjectId, frame: int) -> PackedMask | None:
        """What a mask was just before ``step``."""
        key = (object_id, frame)
        later = self._entries[step - 1 : self._head]
        for entry in [*later, self._open] if self._open else later:
            if key in entry.before:
                return entry.before[key]
        return self.mask(object_id, frame)

    def changes(self, step: int) -> Sequence[Key]:
        """Which masks a step put."""
        return list(self._entries[step - 1].after)

    def move(self, head: int) -> State:
        """Undo or redo."""
        if self._open is not None:
            raise RuntimeError("a step is open")
        if not 0 <= head <= len(self._entries):
            raise ValueError(f"there is no step {head}")
        while self._head > head:
            self._head -= 1
            for key, mask in self._entries[self._head].before.items():
                self._set(key, mask)
        while self._head < head:
            for key, mask in self._entries[self._head].after.items():
                self._set(key, mask)
            self._head += 1
        return self.state()

    def _opened(self) -> _Entry:
        if self._open is None:
            raise RuntimeError("no step is open")
        return self._open

    def _set(self, key: Key, mask: PackedMask | None) -> None:
        object_id, frame = key
        if mask is not None:
            self._masks.setdefault(object_id, {})[frame] = mask
        else:
            self._masks.get(object_id, {}).pop(frame, None)
