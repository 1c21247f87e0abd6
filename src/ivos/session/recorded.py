"""What each change of a session is: a step, done as a whole or not at all, that can be undone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ivos.errors import CannotDo
from ivos.masks import PackedMask, Patch
from ivos.session.journal import Action, Step
from ivos.session.state import State
from ivos.session.store import Store
from ivos.session.view import SessionView
from ivos.types import ObjectId, Video


class RecordedSession(SessionView):
    """A view of a session that can be written to, step by step."""

    def __init__(self, video: Video, store: Store) -> None:
        super().__init__(video, store)
        self._running = False
        """Whether a propagation or an import is open, and nothing else may write."""

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return self.head > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone step."""
        return self.head < len(self.steps)

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

    def _move(self, head: int, number: int) -> Step:
        self._check_idle()
        step = self.steps[number - 1]
        self._state = self._store.move(head)
        return step

    def _check_idle(self) -> None:
        if self._running:
            raise CannotDo("a propagation is running: stop it or let it end first")

    def _begin(self, action: Action) -> None:
        self._check_idle()
        self._store.begin(action)

    @contextmanager
    def _step(self, action: Action) -> Iterator[None]:
        """A step that is done as a whole or, where anything fails, not at all."""
        self._begin(action)
        try:
            yield
        except BaseException:
            self._store.abort()
            raise

    def _put(self, frame: int, masks: Mapping[ObjectId, Patch]) -> None:
        for object_id, patch in masks.items():
            self._store.put(object_id, frame, PackedMask.of_patch(patch))

    def _commit(self, state: State) -> None:
        self._store.commit(state)
        self._state = state
