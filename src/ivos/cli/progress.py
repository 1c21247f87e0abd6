"""Progress of long work on stderr: one line that moves on a terminal, few lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from ivos.types import Progress

_SECONDS_A_LINE = {True: 0.1, False: 5.0}
"""How often a line is written: on a terminal, and in a log."""


def watch(
    what: str,
    work: Iterator[Progress],
    *,
    stream: TextIO | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Do ``work`` to its end, telling how far it is; returns how many frames were done."""
    out = sys.stderr if stream is None else stream
    moving = out.isatty()
    last, done = -1e9, 0
    for progress in work:
        done = progress.done
        if clock() - last < _SECONDS_A_LINE[moving] and progress.done < progress.total:
            continue
        last = clock()
        line = f"{what}: {progress.done}/{progress.total}, {seconds(progress.seconds_left)} left"
        out.write(f"\r\x1b[K{line}" if moving else f"{line}\n")
        out.flush()
    if moving and done:
        out.write("\r\x1b[K")
        out.flush()
    return done


def seconds(amount: float) -> str:
    """A time as people say it: ``8 s``, ``2 min 5 s``, ``1 h 4 min``."""
    whole = max(0, round(amount))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
