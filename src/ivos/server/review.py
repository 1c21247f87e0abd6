"""How sure the network is of each frame, and how much the last run changed it, kept up to date.

Looked up a few frames at a time, so that it never stands in the way. Knows nothing of threads or
sockets.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator

from ivos.server.describe import last_run
from ivos.server.protocol import Review
from ivos.session import Session, Step, Store
from ivos.types import ObjectId

UNKNOWN = 255
FULL = 200
"""The byte for 1.0."""
AT_ONCE = 24
"""How many masks are looked at before anything else may happen."""


class ReviewTracks:
    """One byte a frame and object for confidence, and one for change, as the page wants them."""

    def __init__(self, session: Session, store: Store) -> None:
        self._session = session
        self._store = store
        self._length = len(session.video)
        self._tracks: dict[ObjectId, tuple[bytearray, bytearray]] = {}
        self._due: dict[tuple[ObjectId, int], None] = {}
        self._run: frozenset[tuple[ObjectId, int]] = frozenset()
        self._run_step: Step | None = None
        self.renew((key, frame) for key in session.object_ids for frame in store.frames(key))

    @property
    def due(self) -> bool:
        """Whether masks wait to be looked at."""
        return bool(self._due)

    @property
    def run_frames(self) -> frozenset[int]:
        """The frames that the last propagation changed."""
        return frozenset(frame for _, frame in self._run)

    def renew(self, keys: Iterable[tuple[ObjectId, int]]) -> None:
        """These masks are others than before: look at them again, by and by."""
        step = last_run(self._session.steps, self._session.head)
        if step is not self._run_step:
            changed = frozenset(self._store.changes(step.number)) if step else frozenset()
            keys = [*keys, *self._run, *changed]
            self._run, self._run_step = changed, step
        self._due.update(dict.fromkeys(keys))

    def catch_up(self) -> Iterator[tuple[Review, ...]]:
        """Look at what is due, a few masks at a time; yields what the page must know."""
        while self._due:
            keys = [key for key, _ in zip(list(self._due), range(AT_ONCE), strict=False)]
            for key in keys:
                del self._due[key]
            yield self.look(keys, with_change=True)

    def look(
        self, keys: Iterable[tuple[ObjectId, int]], *, with_change: bool
    ) -> tuple[Review, ...]:
        """Look at these masks now; with ``with_change`` false only at how sure they are."""
        touched: dict[ObjectId, list[int]] = {}
        for object_id, frame in keys:
            confidence, change = self._track(object_id)
            confidence[frame] = _byte(self._session.confidence(object_id, frame))
            if with_change:
                change[frame] = self._change(object_id, frame)
            touched.setdefault(object_id, []).append(frame)
        return tuple(
            self._message(object_id, min(frames), max(frames) + 1)
            for object_id, frames in touched.items()
        )

    def all(self) -> tuple[Review, ...]:
        """Everything that is known, for a page that has just come."""
        return tuple(self._message(key, 0, self._length) for key in self._session.object_ids)

    def _change(self, object_id: ObjectId, frame: int) -> int:
        """Only what was another mask before: the first one of a frame is no change."""
        step = self._run_step
        if step is None or (object_id, frame) not in self._run:
            return UNKNOWN
        if self._store.mask_before(step.number, object_id, frame) is None:
            return UNKNOWN
        return _byte(self._session.change(object_id, frame))

    def _track(self, object_id: ObjectId) -> tuple[bytearray, bytearray]:
        if object_id not in self._tracks:
            nothing = bytes([UNKNOWN]) * self._length
            self._tracks[object_id] = (bytearray(nothing), bytearray(nothing))
        return self._tracks[object_id]

    def _message(self, object_id: ObjectId, start: int, stop: int) -> Review:
        confidence, change = self._track(object_id)
        return Review(object_id, start, _text(confidence[start:stop]), _text(change[start:stop]))


def _byte(value: float | None) -> int:
    return UNKNOWN if value is None else round(FULL * min(1.0, max(0.0, value)))


def _text(values: bytearray) -> str:
    return base64.b64encode(values).decode("ascii")
