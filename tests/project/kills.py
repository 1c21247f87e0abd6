"""Kill a process that works on a project, at a random moment, and look at what is left.

The tests do it a few times, ``benchmarks/project.py`` many times.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import multiprocessing
import random
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path

from ivos.project import Project
from tests.fakes import ColourNetworks, MovingSquares


@dataclass(frozen=True)
class Killed:
    """What a kill met and what it left."""

    propagating: bool
    """Whether a propagation was under way."""
    reported: int
    """The last step that the process knew to be finished."""
    kept: int
    """The last step in the file."""
    wrong: tuple[int, ...]
    """Finished steps whose masks are not those that were made."""
    findings: tuple[str, ...]
    """What the file's own check says."""

    @property
    def lossless(self) -> bool:
        return not self.wrong and not self.findings and self.kept >= self.reported


def context() -> ForkServerContext:
    """Processes that start fast: forked from one that has imported everything."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["tests.project.kills"])
    return made


def fingerprint(project: Project, step: int) -> str:
    """A digest of all masks that a step put."""
    return hashlib.sha256(repr(project.store.digests(step)).encode()).hexdigest()


def work_until_killed(path: Path, squares: MovingSquares, said: Connection) -> None:
    """Round after round, telling what begins and what is finished."""
    with Project.open(path) as project:
        project.store.keep_seconds = 0.05 * random.random()
        session = project.session(ColourNetworks())
        said.send(("ready", 0, ""))
        for frame in itertools.cycle(range(0, len(squares), 7)):
            session.interact(squares.drawn(frame))
            said.send(("finished", session.head, fingerprint(project, session.head)))
            said.send(("propagating", 0, ""))
            for _ in session.propagate():
                pass
            said.send(("finished", session.head, fingerprint(project, session.head)))


def kill(path: Path, squares: MovingSquares, rng: random.Random, longest: float) -> Killed:
    """Let a process work on the project, kill it, and look.

    It is killed up to ``longest`` seconds after one of the first things that it says.
    """
    made = context()
    hears, says = made.Pipe(duplex=False)
    process = made.Process(target=work_until_killed, args=(path, squares, says))
    process.start()
    says.close()
    said = [hears.recv() for _ in range(rng.randint(1, 6))]
    time.sleep(rng.uniform(0, longest))
    process.kill()
    process.join()
    with contextlib.suppress(EOFError, OSError):
        while True:
            said.append(hears.recv())
    hears.close()
    propagating = said[-1][0] == "propagating"
    finished = {step: digest for what, step, digest in said if what == "finished"}
    with Project.open(path) as project:
        return Killed(
            propagating=propagating,
            reported=max(finished, default=0),
            kept=project.store.head,
            wrong=tuple(step for step, digest in finished.items()
                        if fingerprint(project, step) != digest),
            findings=tuple(project.integrity()),
        )  # fmt: skip
