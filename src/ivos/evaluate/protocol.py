"""One session of the DAVIS interactive benchmark: rounds of drawing, waiting and looking.

Knows nothing of files or of how a method works. Each round is a ``Turn``; its ``rows`` are the
benchmark's table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from ivos.errors import InvalidInput
from ivos.evaluate.method import Answer, Method
from ivos.metrics import score
from ivos.simulate import Robot, worst_frame
from ivos.simulate.first import FirstFrame
from ivos.types import Interaction, LabelMap, ObjectId, Video

Metric: TypeAlias = Literal["J", "F", "J_AND_F"]
"""What a method is judged by, and what the simulated user goes by."""

SECONDS_PER_ROUND = 30.0
"""The benchmark's time for one object and one round."""


class Row(NamedTuple):
    """One line of the benchmark's table."""

    sequence: str
    scribble_set: int
    round: int
    object: ObjectId
    frame: int
    J: float
    F: float
    seconds: float


class Sample(NamedTuple):
    """One session: a sequence and one of its sets of first scribbles, from 1."""

    sequence: str
    scribble_set: int
    object_ids: tuple[ObjectId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """The rules of the game. Defaults: the DAVIS Challenge's interactive track since 2019."""

    rounds: int = 8
    metric: Metric = "J_AND_F"
    max_seconds: float | None = None
    """For one object and all rounds; None for 30 a round, infinite for no limit."""
    robot: Robot = field(default_factory=Robot)
    first: FirstFrame = "middle"
    """Which frame is drawn on first where a person's scribbles are missing."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise InvalidInput(f"{self.rounds} rounds cannot be played: at least 1")
        if self.metric not in get_args(Metric):
            raise InvalidInput(f"no metric {self.metric!r}: {', '.join(get_args(Metric))}")
        if self.max_seconds is not None and self.max_seconds <= 0:
            raise InvalidInput("the time limit must be more than 0 seconds")

    @property
    def seconds_per_object(self) -> float:
        """The time limit of a session, for each object in it."""
        return SECONDS_PER_ROUND * self.rounds if self.max_seconds is None else self.max_seconds


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """One round of one session that was answered in time."""

    sample: Sample
    round: int
    frame: int
    """What was drawn on."""
    strokes: int
    """How many; without any, the method was not asked and its masks stand."""
    seconds: float
    answer: Answer
    J: NDArray[np.float64]
    """(N, T): each object on each frame."""
    F: NDArray[np.float64]

    def without_masks(self) -> Turn:
        """The same turn without the masks of its answer: they are large."""
        return replace(self, answer=replace(self.answer, labels=np.zeros((0, 0, 0), np.uint8)))

    def rows(self) -> Iterator[Row]:
        """The lines of the table that this turn fills: frames, and objects in each."""
        sequence, scribble_set, object_ids = self.sample
        for t in range(self.J.shape[1]):
            for n, key in enumerate(object_ids):
                scores = float(self.J[n, t]), float(self.F[n, t])
                yield Row(sequence, scribble_set, self.round, key, t, *scores, self.seconds)


def play(
    method: Method,
    sample: Sample,
    video: Video,
    truth: Sequence[LabelMap],
    first: Sequence[Interaction],
    protocol: Protocol,
    clock: Callable[[], float],
) -> Iterator[Turn]:
    """Play one session: first ``first``, then what the robot finds worst, round by round.

    Only the method's own time is counted. An answer beyond the time limit is not scored, and ends
    the session. ``truth`` is (H, W) for each frame of ``video``.
    """
    scores = _Scores(truth, sample.object_ids)
    limit = protocol.seconds_per_object * len(sample.object_ids)
    began = clock()
    method.start(video, sample.object_ids)
    spent = seconds = clock() - began
    answer = Answer(np.zeros((len(truth), *truth[0].shape), np.uint8))
    used: set[int] = set()
    interactions = list(first)
    for number in range(1, protocol.rounds + 1):
        frame = interactions[0].frame
        strokes = sum(len(interaction.prompts) for interaction in interactions)
        if strokes:
            began = clock()
            for interaction in interactions:
                answer = method.interact(interaction)
            taken = clock() - began
            spent, seconds = spent + taken, seconds + taken
            if spent > limit:
                return
            scores.update(answer.labels)
        else:
            answer = Answer(answer.labels)
        yield Turn(sample, number, frame, strokes, seconds, answer, *scores.copies())
        seconds = 0.0
        frame = worst_frame(scores.by(protocol.metric), used)
        used.add(frame)
        drawn = protocol.robot.correct(truth[frame], answer.labels[frame], sample.object_ids)
        interactions = [Interaction.of(frame, drawn)]


class _Scores:
    """J and F of everything, computed anew only on frames whose masks are new."""

    def __init__(self, truth: Sequence[LabelMap], object_ids: tuple[ObjectId, ...]) -> None:
        self._truth, self._ids = truth, object_ids
        self._seen: NDArray[np.uint8] | None = None
        self._J, self._F = np.zeros((2, len(object_ids), len(truth)))

    def update(self, labels: NDArray[np.uint8]) -> None:
        expected = (len(self._truth), *self._truth[0].shape)
        if labels.shape != expected:
            raise InvalidInput(f"the method answered masks of shape {labels.shape}, not {expected}")
        for t, (true, predicted) in enumerate(zip(self._truth, labels, strict=True)):
            if self._seen is not None and np.array_equal(self._seen[t], predicted):
                continue
            for n, object_id in enumerate(self._ids):
                self._J[n, t], self._F[n, t] = _pair(true, predicted, object_id)
        self._seen = labels.copy()

    def copies(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return self._J.copy(), self._F.copy()

    def by(self, metric: Metric) -> NDArray[np.float64]:
        if metric == "J_AND_F":
            both: NDArray[np.float64] = (self._J + self._F) / 2
            return both
        return self._J if metric == "J" else self._F


def _pair(truth: LabelMap, prediction: LabelMap, object_id: ObjectId) -> tuple[float, float]:
    both = score(truth, prediction, object_id)
    return both.J, both.F
