"""Progress: a line that moves on a terminal, few lines in a log."""

from __future__ import annotations

import io
import itertools

import pytest

from ivos.cli.progress import seconds, watch
from ivos.types import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def work(total: int):
    return (Progress(t, t + 1, total, (total - t - 1) * 0.5) for t in range(total))


def test_a_log_gets_a_line_every_few_seconds_and_the_last_one():
    log = io.StringIO()
    ticks = itertools.count().__next__
    assert watch("round 1", work(30), stream=log, clock=lambda: ticks() * 0.5) == 30
    lines = log.getvalue().splitlines()
    assert 3 <= len(lines) <= 10
    assert lines[-1] == "round 1: 30/30, 0 s left"


def test_a_terminal_keeps_one_line_and_clears_it_at_the_end():
    terminal = Terminal()
    watch("round 1", work(5), stream=terminal, clock=itertools.count().__next__)
    assert "\n" not in terminal.getvalue()
    assert "round 1: 3/5, 1 s left" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize(
    ("amount", "words"),
    [(0.2, "0 s"), (59.4, "59 s"), (125, "2 min 5 s"), (3900, "1 h 5 min"), (-1, "0 s")],
)
def test_times_are_said_as_people_say_them(amount: float, words: str):
    assert seconds(amount) == words
