"""One open project and the pages that look at it: who may change it, and what they are told.

The asynchronous side: everything here runs on the event loop, and asks the worker's thread for
what touches the session. Knows nothing of HTTP routes.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from ivos.server.describe import video_value
from ivos.server.desk import Desk
from ivos.server.pictures import Pictures
from ivos.server.protocol import (
    VERSION,
    Cancel,
    Closed,
    Command,
    Done,
    Driving,
    Event,
    Failed,
    Hello,
    RunEnded,
    Running,
    TakeOver,
    Welcome,
)
from ivos.server.worker import Worker
from ivos.session import Session, Store
from ivos.types import Video

T = TypeVar("T")

ENOUGH = 64
"""Messages that may wait for a slow page before it is spared the progress of runs."""
TOO_MANY = 20_000
"""Messages that may wait for a page before it counts as gone."""
COME_BACK = 4.0
"""Seconds in which a page that is reloaded finds its place free."""
WAITING_SUFFIX = "-waiting"
"""Of the file beside a project that holds what waits for a run."""


_log = logging.getLogger(__name__)


def _words(error: BaseException) -> str:
    name = type(error).__name__
    return f"the server made a mistake ({name}: {error}); its terminal says more"


class Opened(Protocol):
    """What was opened: a project and its session, made and closed on the worker's thread."""

    @property
    def session(self) -> Session:
        """The session on it."""
        ...

    @property
    def store(self) -> Store:
        """Where the session's masks and steps live."""
        ...

    @property
    def path(self) -> Path:
        """The project's file; people call it by its name."""
        ...

    def close(self) -> None:
        """Let go of files."""
        ...


@dataclass(eq=False)
class Seat:
    """One page's socket: what it is to be sent, in order. None ends it."""

    client: str
    outbox: asyncio.Queue[Event | bytes | None] = field(default_factory=asyncio.Queue)

    def put(self, message: Event | bytes | None) -> None:
        """Queue a message; progress is dropped for a page that cannot keep up."""
        waiting = self.outbox.qsize()
        if isinstance(message, Running) and waiting > ENOUGH:
            return
        if waiting > TOO_MANY:
            message = None
        self.outbox.put_nowait(message)


class Room:
    """An open project with its worker, its pictures and its seats."""

    def __init__(
        self,
        opening: Callable[[], Opened],
        open_video: Callable[[], Video],
        exports_folder: Path,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.key = secrets.token_urlsafe(9)
        self.exports_folder = exports_folder
        self.closed = False
        self._loop = loop
        self._seats: list[Seat] = []
        self._driver: Seat | None = None
        self._away: asyncio.TimerHandle | None = None
        self._away_client = ""
        self._worker = Worker(self._trouble)
        with ExitStack() as undo:  # what was opened is let go of where the rest cannot be
            undo.callback(self._worker.close, lambda: None)
            opened = self._opened = self._worker.submit(opening).result()
            undo.callback(lambda: self._worker.submit(opened.close).result())
            self.pictures = Pictures(open_video)
            undo.callback(self.pictures.close)
            self._video = video_value(opened.session.video)
            self._network = opened.session.networks.spec.name
            self._desk = self._worker.submit(self._new_desk).result()
            undo.pop_all()

    def _new_desk(self) -> Desk:
        path = self.path
        return Desk(
            self._opened.session,
            self._opened.store,
            self._worker,
            self.say,
            exports_folder=self.exports_folder,
            waiting_file=path.with_name(path.name + WAITING_SUFFIX),
        )

    @property
    def path(self) -> Path:
        """The project's file."""
        return self._opened.path

    def say(self, message: Event | bytes) -> None:
        """Tell every page. From any thread."""
        self._loop.call_soon_threadsafe(self._say_all, message)

    def _say_all(self, message: Event | bytes) -> None:
        for seat in self._seats:
            seat.put(message)

    async def with_desk(self, job: Callable[[Desk], T]) -> T:
        """Ask the worker's thread; its errors are raised here."""
        return await asyncio.wrap_future(self._worker.submit(lambda: job(self._desk)))

    async def sit_down(self, hello: Hello) -> Seat:
        """A page has come: it drives if nobody else does or did just now, or if it takes over."""
        for old in [seat for seat in self._seats if seat.client == hello.client]:
            self.stand_up(old)  # its old socket, which has not noticed yet that it is dead
            old.put(None)
        seat = Seat(hello.client)
        self._seats.append(seat)
        free = self._driver is None and (not self._away or self._away_client == hello.client)
        if free or hello.take_over:
            self._drive(seat)
        seat.put(
            Welcome(
                VERSION, self._video, self.path.name, self._network, driving=self._driver is seat
            )
        )
        tell = self._teller(seat)
        await self.with_desk(lambda desk: desk.greet(tell))
        return seat

    def stand_up(self, seat: Seat) -> None:
        """A page has gone; if it drove and does not come back, the one that has waited longest
        does.
        """
        if seat in self._seats:
            self._seats.remove(seat)
        if self._driver is seat:
            self._driver = None
            if self._seats:
                self._away_client = seat.client
                self._away = self._loop.call_later(COME_BACK, self._pass_on)

    def _pass_on(self) -> None:
        self._away = None
        if self._seats:
            self._drive(self._seats[0])

    def hear(self, seat: Seat, command: Command) -> None:
        """A page asks for something; the answer comes by its seat."""
        if isinstance(command, TakeOver):
            self._drive(seat)
            seat.put(Done(command.id, 0.0, waiting=False))
        elif self._driver is not seat and not isinstance(command, Cancel):
            words = "this project is being worked on in another tab: take over first"
            seat.put(Failed(command.id, words))
        else:
            tell = self._teller(seat)
            future = self._worker.submit(lambda: self._desk.do(command, tell))
            future.add_done_callback(lambda done: self._check(command, tell, done))

    def _check(
        self, command: Command, tell: Callable[[Event | bytes], None], done: Future[None]
    ) -> None:
        """A mistake of ours must not leave the page waiting."""
        if (error := done.exception()) is not None:
            _log.error("a command failed", exc_info=error)
            tell(Failed(command.id, _words(error)))

    def _trouble(self, error: BaseException) -> None:
        """A run died of a mistake of ours: say so; what is done is on disk."""
        _log.error("a run failed", exc_info=error)
        self.say(RunEnded("propagate", False, _words(error), 0, 0.0, None, None))
        # asked for on its thread, since it may be in the making
        self._worker.submit(lambda: self._desk.go_on())  # noqa: PLW0108

    def _drive(self, seat: Seat) -> None:
        if self._away is not None:
            self._away.cancel()
            self._away = None
        before, self._driver = self._driver, seat
        if before is not None and before is not seat:
            before.put(Driving(driving=False))
        seat.put(Driving(driving=True))

    def _teller(self, seat: Seat) -> Callable[[Event | bytes], None]:
        def tell(message: Event | bytes) -> None:
            self._loop.call_soon_threadsafe(seat.put, message)

        return tell

    async def close(self, reason: str) -> None:
        """Send the pages away and close the project; a run keeps what it has done."""
        self.closed = True
        for seat in self._seats:
            seat.put(Closed(reason))
            seat.put(None)
        self._seats.clear()
        self._driver = None
        if self._away is not None:
            self._away.cancel()

        def finish() -> None:
            try:
                self._desk.close()
            finally:
                self._opened.close()

        await asyncio.to_thread(self._worker.close, finish)
        await asyncio.to_thread(self.pictures.close)
