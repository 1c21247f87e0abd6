"""More networks for tests of sessions: one that says what it is told to, one that remembers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ivos.runtime.protocol import Array, NetworkSpec
from tests.fakes import FAKE_SPEC, ColourNetworks


class ObedientNetworks:
    """Answers every question with one probability, the same for all pixels: 0, 1 or between.

    A propagation says what ``answer`` was when its round was drawn: it travels in the reference.
    """

    def __init__(self, answer: float = 1.0, spec: NetworkSpec = FAKE_SPEC) -> None:
        self.spec = spec
        self.answer = answer

    def _logit(self) -> float:
        p = float(np.clip(self.answer, 1e-4, 1 - 1e-4))
        return float(np.log(p / (1 - p)))

    def interact(
        self, frame: Array, previous: Array, positive: Array, negative: Array
    ) -> tuple[Array, Array]:
        reference = np.full((len(frame), 8, 2, 2), self._logit(), np.float32)
        return np.full_like(previous, self._logit()), reference

    def aggregate(self, reference: Array, previous_reference: Array) -> Array:
        return reference

    def propagate(self, reference: Array, frame: Array, neighbour: Array, previous: Array) -> Array:
        return np.broadcast_to(reference[:, :1, :1, :1], neighbour.shape).copy()


class RecordingNetworks(ColourNetworks):
    """``ColourNetworks`` that keep what they were given."""

    def __init__(self, spec: NetworkSpec = FAKE_SPEC) -> None:
        super().__init__(spec)
        self.interactions: list[dict[str, NDArray[np.float32]]] = []
        self.propagations: list[dict[str, NDArray[np.float32]]] = []

    def interact(
        self, frame: Array, previous: Array, positive: Array, negative: Array
    ) -> tuple[Array, Array]:
        self.interactions.append(
            {
                "frame": frame.copy(),
                "previous": previous.copy(),
                "positive": positive.copy(),
                "negative": negative.copy(),
            }
        )
        return super().interact(frame, previous, positive, negative)

    def propagate(self, reference: Array, frame: Array, neighbour: Array, previous: Array) -> Array:
        self.propagations.append(
            {
                "reference": reference.copy(),
                "frame": frame.copy(),
                "neighbour": neighbour.copy(),
                "previous": previous.copy(),
            }
        )
        return super().propagate(reference, frame, neighbour, previous)


class BrokenNetworks(ColourNetworks):
    """Fails once it has been asked ``good`` times."""

    def __init__(self, good: int = 0) -> None:
        super().__init__()
        self.good = good

    def _count(self, name: str, batch: Array) -> None:
        if self.good == 0:
            raise MemoryError("no memory for a crop")
        self.good -= 1
        super()._count(name, batch)


class SearchingNetworks(ColourNetworks):
    """Follow the neighbour's mask closely; where it shows nothing they look in the whole frame."""

    def propagate(self, reference: Array, frame: Array, neighbour: Array, previous: Array) -> Array:
        nothing = ~(neighbour > 0.5).any(axis=(1, 2, 3), keepdims=True)
        return super().propagate(reference, frame, np.maximum(neighbour, nothing), previous)
