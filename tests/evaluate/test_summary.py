"""From rows to the benchmark's numbers."""

from __future__ import annotations

from math import inf

import pytest

from ivos.evaluate import Protocol, Row, summarise
from ivos.evaluate.protocol import Sample

ONE, TWO = Sample("one", 1, (1,)), Sample("two", 1, (1, 2))


def row(sample: Sample, number: int, key: int, frame: int, J: float, F: float, s: float) -> Row:
    return Row(sample.sequence, sample.scribble_set, number, key, frame, J, F, s)


ROWS = [
    row(ONE, 1, 1, 0, 0.2, 0.4, 3),
    row(ONE, 1, 1, 1, 0.4, 0.6, 3),
    row(ONE, 2, 1, 0, 0.5, 0.5, 5),
    row(ONE, 2, 1, 1, 0.7, 0.7, 5),
    row(TWO, 1, 1, 0, 0.9, 0.9, 1),
    row(TWO, 1, 2, 0, 0.6, 0.6, 1),
    row(TWO, 2, 1, 0, 1.0, 1.0, 1),
    row(TWO, 2, 2, 0, 1.0, 1.0, 1),
]


def test_every_object_weighs_the_same_and_every_session_takes_its_time():
    summary = summarise([ONE, TWO], ROWS, Protocol(rounds=2, metric="J", max_seconds=40))
    first, second = summary.per_round
    assert pytest.approx((0.3 + 0.9 + 0.6) / 3) == first.J
    assert pytest.approx((0.5 + 0.9 + 0.6) / 3) == first.F
    assert first.seconds == 2
    assert pytest.approx((0.6 + 1 + 1) / 3) == second.J
    assert summary.seconds == (0, 2, 5, 60)
    assert summary.values == pytest.approx((0, first.J, second.J, second.J))
    area = first.J + 3 * (first.J + second.J) / 2 + 55 * second.J
    assert summary.auc == pytest.approx(area / 60)
    assert summary.at_60s == second.J


def test_rounds_that_were_not_reached_stay_as_they_were_at_no_time():
    summary = summarise([ONE, TWO], ROWS[:2] + ROWS[4:], Protocol(rounds=2, metric="J"))
    assert pytest.approx((0.3 + 1 + 1) / 3) == summary.per_round[1].J
    assert summary.per_round[1].seconds == 0.5


def test_a_session_without_any_round_counts_as_nothing():
    summary = summarise([ONE, TWO], ROWS[4:], Protocol(rounds=2, metric="F"))
    assert [mean.F for mean in summary.per_round] == pytest.approx([0.5, 2 / 3])


def test_without_a_time_limit_the_curve_ends_after_the_longest_rounds():
    summary = summarise([ONE, TWO], ROWS, Protocol(rounds=2, max_seconds=inf))
    assert summary.seconds[-1] == 10


def test_the_metric_of_the_curve_is_the_one_asked_for():
    for metric, value in (("J", 0.3), ("F", 0.5), ("J_AND_F", 0.4)):
        summary = summarise([ONE], ROWS[:2], Protocol(rounds=1, metric=metric))  # type: ignore[arg-type]
        assert summary.values[1] == pytest.approx(value)
        assert summary.metric == metric


def test_a_session_that_takes_no_time_has_a_flat_curve():
    rows = [r._replace(seconds=0.0) for r in ROWS[:2]]
    assert summarise([ONE], rows, Protocol(rounds=1, max_seconds=inf)).auc == pytest.approx(0.4)
