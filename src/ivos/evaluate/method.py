"""What is evaluated: anything that turns a person's strokes into masks for the whole video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ivos.types import Interaction, ObjectId, Video


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a method makes of an interaction."""

    labels: NDArray[np.uint8]
    """(T, H, W) object ids of every frame."""
    interacting: float = 0.0
    """Seconds until the drawn frame had its masks."""
    propagating: float = 0.0
    """Seconds for the other frames."""
    propagated: int = 0
    """How many frames were visited in that time."""


class Method(Protocol):
    """A way to segment a video interactively. Its own time is all that counts."""

    @property
    def name(self) -> str:
        """As ``ivos evaluate --method`` knows it."""
        ...

    @property
    def weights(self) -> tuple[str, str] | None:
        """Name and hash of the weights it runs with, if it does."""
        ...

    def start(self, video: Video, object_ids: Sequence[ObjectId]) -> None:
        """A new session on ``video``; nothing may be left of the one before."""
        ...

    def interact(self, interaction: Interaction) -> Answer:
        """One more round: take the strokes, give the masks of all frames."""
        ...
