"""What the rows of the benchmark come to: means by round, the curve over time, its area."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from ivos.evaluate.protocol import Metric, Protocol, Row, Sample
from ivos.metrics import area_under_curve, value_at

THRESHOLD_SECONDS = 60.0
"""Where the curve is read for the challenge's second number."""


@dataclass(frozen=True, slots=True)
class RoundMean:
    """All sessions after one round."""

    round: int
    J: float
    F: float
    seconds: float
    """Mean over sessions of what this round alone took."""

    def by(self, metric: Metric) -> float:
        """The mean of one metric."""
        return {"J": self.J, "F": self.F, "J_AND_F": (self.J + self.F) / 2}[metric]


@dataclass(frozen=True, slots=True)
class Summary:
    """The benchmark's numbers, for one metric."""

    metric: Metric
    auc: float
    at_60s: float
    seconds: tuple[float, ...]
    """The curve's times: 0, after each round, and the end of the time limit."""
    values: tuple[float, ...]
    """The curve's heights."""
    per_round: tuple[RoundMean, ...]


def summarise(samples: Sequence[Sample], rows: Iterable[Row], protocol: Protocol) -> Summary:
    """Means over (sequence, scribble set, object) after each round, and the curve they make.

    A round that a session did not get to counts as its last one, at no time; a session without
    any round counts as 0. The curve starts at nothing and runs flat from the last round to the time
    limit times the mean number of objects in a sequence (without a limit: to rounds times the
    longest round).
    """
    J, F, seconds = _by_round(samples, rows, protocol.rounds)
    per_round = tuple(
        RoundMean(k + 1, float(J[:, k].mean()), float(F[:, k].mean()), float(seconds[:, k].mean()))
        for k in range(protocol.rounds)
    )
    counts = {sample.sequence: len(sample.object_ids) for sample in samples}
    objects = sum(counts.values()) / len(counts)
    limit = protocol.seconds_per_object
    end = limit * objects if isfinite(limit) else protocol.rounds * float(seconds.max())
    heights = [0.0, *(mean.by(protocol.metric) for mean in per_round)]
    times = [0.0, *np.cumsum(seconds.mean(axis=0)).tolist()]
    times, heights = [*times, max(end, times[-1])], [*heights, heights[-1]]
    return Summary(
        metric=protocol.metric,
        auc=area_under_curve(times, heights),
        at_60s=value_at(times, heights, THRESHOLD_SECONDS),
        seconds=tuple(times),
        values=tuple(heights),
        per_round=per_round,
    )


def _by_round(
    samples: Sequence[Sample], rows: Iterable[Row], rounds: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """J and F of each (sample, object), seconds of each sample: three (.., rounds) arrays."""
    found: dict[tuple[str, int, int, int], list[tuple[float, float]]] = defaultdict(list)
    times: dict[tuple[str, int, int], float] = {}
    for row in rows:
        found[row.sequence, row.scribble_set, row.object, row.round].append((row.J, row.F))
        times[row.sequence, row.scribble_set, row.round] = row.seconds
    tracks = [(s.sequence, s.scribble_set, n) for s in samples for n in s.object_ids]
    J, F = np.zeros((2, len(tracks), rounds))
    for i, track in enumerate(tracks):
        last = (0.0, 0.0)
        for k in range(rounds):
            if values := found.get((*track, k + 1)):
                means = np.mean(values, axis=0)
                last = float(means[0]), float(means[1])
            J[i, k], F[i, k] = last
    seconds = np.array(
        [
            [times.get((s.sequence, s.scribble_set, k + 1), 0.0) for k in range(rounds)]
            for s in samples
        ]
    )
    return J, F, seconds
