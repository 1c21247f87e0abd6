"""Methods that run on our networks: ivos itself, and what is left of it without its parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ivos.evaluate.method import Answer
from ivos.runtime.protocol import Networks
from ivos.session import Session, Settings
from ivos.types import Interaction, ObjectId, Video


class _OnSession:
    """What the methods share: networks, a clock, and a new session for each sequence."""

    def __init__(
        self,
        networks: Networks,
        *,
        clock: Callable[[], float],
        settings: Settings = Settings(),  # noqa: B008 (frozen)
    ) -> None:
        self._networks = networks
        self._clock = clock
        self._settings = settings
        self._begun: Session | None = None

    @property
    def weights(self) -> tuple[str, str]:
        """Name and hash of the networks' weights."""
        return self._networks.spec.name, self._networks.spec.weights_hash

    @property
    def _session(self) -> Session:
        assert self._begun is not None, "start comes first"
        return self._begun

    def start(self, video: Video, object_ids: Sequence[ObjectId]) -> None:
        """A new session with the objects in it."""
        session = Session(video, self._networks, settings=self._settings, clock=self._clock)
        for object_id in object_ids:
            session.add_object(object_id)
        self._begun = session


class SessionMethod(_OnSession):
    """ivos: the session that people use."""

    name = "ivos"

    def interact(self, interaction: Interaction) -> Answer:
        """Draw, then propagate to the end."""
        began = self._clock()
        ran = self._session.interact(interaction)
        drawn = self._clock()
        propagated = sum(1 for _ in self._session.propagate()) if ran else 0
        ended = self._clock()
        return Answer(_labels(self._session), drawn - began, ended - drawn, propagated)


class InteractionOnly(_OnSession):
    """The interaction network alone on every annotated frame; other frames stay empty."""

    name = "interaction-only"

    def start(self, video: Video, object_ids: Sequence[ObjectId]) -> None:
        """A new session with the objects in it."""
        super().start(video, object_ids)
        self._drawn: set[int] = set()

    def interact(self, interaction: Interaction) -> Answer:
        """Draw on the frame, and leave it at that."""
        began = self._clock()
        self._prepare(self._session, interaction.frame)
        self._session.interact(interaction)
        self._drawn.add(interaction.frame)
        labels = self._spread(_labels(self._session))
        return Answer(labels, self._clock() - began)

    def _prepare(self, session: Session, frame: int) -> None:
        """Before a frame is drawn on."""

    def _spread(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """From the masks of drawn frames to those of all."""
        return labels


class CopyMasks(InteractionOnly):
    """The same, and each frame has the masks of the nearest annotated one (of two, the earlier)."""

    name = "copy"

    def _prepare(self, session: Session, frame: int) -> None:
        # The network must correct what the person saw on this frame, which was a copy.
        if frame in self._drawn or not self._drawn:
            return
        nearest = self._nearest(frame)
        copied = {key: session.soft(key, nearest) for key in session.object_ids}
        masks = {key: soft for key, soft in copied.items() if soft is not None}
        session.set_masks(frame, masks, annotate=False)

    def _spread(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        spread: NDArray[np.uint8] = labels[[self._nearest(t) for t in range(len(labels))]]
        return spread

    def _nearest(self, frame: int) -> int:
        return min(self._drawn, key=lambda t: (abs(t - frame), t))


def _labels(session: Session) -> NDArray[np.uint8]:
    return np.stack([session.labels(t) for t in range(len(session.video))])
