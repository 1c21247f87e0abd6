"""A whole evaluation: every sequence, every set of scribbles; what cannot be played is said.

Yields what happens, so that callers can show it; the ``Evaluation`` at the end holds everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ivos.errors import InvalidInput
from ivos.evaluate.corrections import Corrections, corrections
from ivos.evaluate.dataset import Dataset, LabelledSequence
from ivos.evaluate.method import Method
from ivos.evaluate.protocol import Protocol, Row, Sample, Turn, play
from ivos.evaluate.summary import Summary, summarise
from ivos.simulate import first_frame, first_scribbles
from ivos.types import Interaction


@dataclass(slots=True)
class Evaluation:
    """What was played so far, and what could not be."""

    protocol: Protocol
    samples: list[Sample] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    """In the order played; without their masks."""
    lengths: dict[str, int] = field(default_factory=dict)
    """Frames of each sequence that was played."""
    problems: list[str] = field(default_factory=list)
    """Why a sequence or a set of scribbles was left out, a line each."""
    no_stroke: dict[str, float] = field(default_factory=dict)
    """J of the interaction network without strokes, by sequence."""

    @property
    def rows(self) -> Iterator[Row]:
        """The benchmark's table."""
        return (row for turn in self.turns for row in turn.rows())

    def summary(self, sequences: Sequence[str] = ()) -> Summary:
        """The benchmark's numbers, for all sequences or some. Raises InvalidInput without any."""
        samples = [s for s in self.samples if not sequences or s.sequence in sequences]
        if not samples:
            reasons = "; ".join(self.problems) or "there was no sequence"
            raise InvalidInput(f"nothing could be evaluated: {reasons}")
        chosen = set(samples)
        rows = (row for turn in self.turns if turn.sample in chosen for row in turn.rows())
        return summarise(samples, rows, self.protocol)

    def leave_out(self, name: str, problem: str) -> None:
        """Forget what was played of a sequence, and remember why."""
        self.samples = [sample for sample in self.samples if sample.sequence != name]
        self.turns = [turn for turn in self.turns if turn.sample.sequence != name]
        self.lengths.pop(name, None)
        self.no_stroke.pop(name, None)
        self.problems.append(problem)

    def corrections(self) -> Corrections:
        """How well corrections took."""
        return corrections(self.turns)


def evaluate(
    dataset: Dataset,
    names: Sequence[str],
    method: Method,
    protocol: Protocol,
    evaluation: Evaluation,
    *,
    clock: Callable[[], float],
    look: Callable[[LabelledSequence], float | None] | None = None,
) -> Iterator[Turn | str]:
    """Play all sessions into ``evaluation``, yielding each turn and each problem as it comes.

    ``look`` measures J without strokes on a sequence, where the method has a network for it.
    """
    for name in names:
        try:
            sequence = dataset.load(name)
        except InvalidInput as error:
            evaluation.problems.append(problem := _one_line(name, error))
            yield problem
            continue
        try:
            if look is not None and (found := look(sequence)) is not None:
                evaluation.no_stroke[name] = found
            yield from _sequence(sequence, method, protocol, evaluation, clock)
        except InvalidInput as error:  # a frame that cannot be decoded, say
            evaluation.leave_out(name, problem := _one_line(name, error))
            yield problem
        finally:
            sequence.video.close()


def _sequence(
    sequence: LabelledSequence,
    method: Method,
    protocol: Protocol,
    evaluation: Evaluation,
    clock: Callable[[], float],
) -> Iterator[Turn | str]:
    for number, first in _firsts(sequence, protocol):
        if isinstance(first, InvalidInput):
            evaluation.problems.append(problem := _one_line(sequence.name, first))
            yield problem
            continue
        sample = Sample(sequence.name, number, sequence.object_ids)
        evaluation.samples.append(sample)
        evaluation.lengths[sequence.name] = len(sequence.truth)
        played = 0
        for turn in play(method, sample, sequence.video, sequence.truth, first, protocol, clock):
            played += 1
            evaluation.turns.append(turn.without_masks())
            yield turn
        if played < protocol.rounds:
            limit = protocol.seconds_per_object * len(sequence.object_ids)
            yield (
                f"{sequence.name}: the time limit of {limit:g} s was over in round {played + 1}; "
                "the rest counts as what was there"
            )


def _firsts(
    sequence: LabelledSequence, protocol: Protocol
) -> Iterator[tuple[int, Sequence[Interaction] | InvalidInput]]:
    """Each set of first scribbles with its number: a person's, or one that is simulated."""
    for number, file in enumerate(sequence.scribbles, start=1):
        try:
            yield number, sequence.first_interactions(file)
        except InvalidInput as error:
            yield number, error
    if not sequence.scribbles:
        ids = sequence.object_ids
        frame = first_frame(sequence.truth, ids, protocol.first, protocol.seed)
        yield 1, (first_scribbles(sequence.truth[frame], frame, ids, protocol.robot),)


def _one_line(name: str, error: InvalidInput) -> str:
    text = str(error)
    return text if text.startswith(f"{name}:") else f"{name}: {text}"
