"""One thread that owns what must not be shared: jobs in order, and long work between them.

A *run* is an iterator that is advanced whenever no job waits, so that looking and cancelling never
wait for more than one of its steps; *spare* work is advanced when there is no run either. Knows
nothing of sessions.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class Worker:
    """A thread for one session. All jobs, runs and spare work happen on it, one at a time.

    ``trouble`` is told of errors in runs and spare work, which end with them; the thread goes on.
    """

    def __init__(
        self, trouble: Callable[[BaseException], None], name: str = "ivos-session"
    ) -> None:
        self._trouble = trouble
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._run: Iterator[None] | None = None
        self._spare: Iterator[None] | None = None
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[], T]) -> Future[T]:
        """Do a job when those before it are done; its result or error arrives in the future."""
        future: Future[T] = Future()

        def answered() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(job())
            except BaseException as error:  # noqa: BLE001 (handed to the caller, whoever it is)
                future.set_exception(error)

        self._jobs.put(answered)
        return future

    @property
    def running(self) -> bool:
        """Whether a run is going on. To be asked on the worker's own thread."""
        return self._run is not None

    def start(self, run: Iterator[None]) -> None:
        """Advance ``run`` until it ends. Call it from a job; only one run at a time."""
        if self._run is not None:
            raise RuntimeError("a run is going on")
        self._run = run

    def spare(self, work: Iterator[None]) -> None:
        """Advance ``work`` when nothing else is to do, in place of other such work."""
        self._spare = work

    def close(self, finish: Callable[[], None]) -> None:
        """Do what is waiting, then ``finish``, and end the thread. A run is cut short."""

        def last() -> None:
            if self._run is not None and hasattr(self._run, "close"):
                self._run.close()
            self._run = self._spare = None
            finish()

        done = self.submit(last)
        self._jobs.put(None)
        done.result()
        self._thread.join()

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get(block=self._run is None and self._spare is None)
            except queue.Empty:
                self._advance()
                continue
            if job is None:
                return
            job()

    def _advance(self) -> None:
        """One step of the run, else of the spare work; each may start another one of its kind."""
        if (run := self._run) is not None:
            if self._ended(run) and self._run is run:
                self._run = None
        elif (spare := self._spare) is not None and self._ended(spare) and self._spare is spare:
            self._spare = None

    def _ended(self, work: Iterator[None]) -> bool:
        try:
            return next(work, self) is self
        except BaseException as error:  # noqa: BLE001 (told to whoever owns the work)
            self._trouble(error)
            return True
