"""Commands that wait for a run, kept on disk: a kill loses none of them, and none is done twice.

The file lies beside the project while something waits, and is gone afterwards. Its lines are JSON:
first after which step it was begun, then each command that is kept, and before a command is done
where the project stands. Whoever opens the project next does what is left. Knows nothing of runs.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TypeAlias, get_args

from ivos.errors import CannotDo
from ivos.server.protocol import BadMessage, read_command
from ivos.server.waiting import Patient
from ivos.session import Session

Mark: TypeAlias = list[int | str]
"""A step by its number and a digest of it: numbers alone are the same in every project."""


class WaitingFile:
    """What waits for the run of one session."""

    def __init__(self, path: Path, session: Session) -> None:
        self._path = path
        self._session = session
        self._ours: os.stat_result | None = None
        """The file that we wrote: who took the project over may have one in its place."""

    def left(self) -> list[Patient]:
        """What a process that was killed did not come to do; it is kept on until it is done."""
        if not self._path.exists():
            return []
        with self._told():
            return self._taken_on(list(_lines(self._path)))

    def _taken_on(self, lines: Sequence[dict[str, object]]) -> list[Patient]:
        commands = self._undone(lines)
        if commands:  # written anew, so that a kill from now on loses nothing either
            fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
            fresh.write_bytes(b"".join(map(_line, [self._first(), *map(_kept, commands)])))
            fresh.replace(self._path)
            self._ours = self._path.stat()
        else:
            self._path.unlink(missing_ok=True)
        return commands

    def keep(self, command: Patient) -> None:
        """Write down one that waits. Raises CannotDo."""
        if self._ours is None:
            with self._told(), self._path.open("xb") as file:
                self._ours = os.fstat(file.fileno())
            self._write(self._first())
        self._write(_kept(command))

    def begin(self) -> None:
        """The one that has waited longest is about to be done. Raises CannotDo."""
        if self._ours is not None:
            self._write({"begin": self._mark(self._session.head)})

    def clear(self) -> None:
        """Nothing waits any more."""
        if self._ours is not None:
            with suppress(OSError):
                if os.path.samestat(self._ours, self._path.stat()):
                    self._path.unlink()
        self._ours = None

    def _undone(self, lines: Sequence[dict[str, object]]) -> list[Patient]:
        if not lines or not self._knows(lines[0].get("after")):
            return []  # of another project, which had this name
        kept = [one["keep"] for one in lines if "keep" in one]
        begun = [one["begin"] for one in lines if "begin" in one]
        if begun and begun[-1] == self._mark(self._session.head):
            begun.pop()  # killed before it was a step
        commands: list[Patient] = []
        for one in kept[len(begun) :]:
            with suppress(BadMessage):
                command = read_command(json.dumps(one))
                if isinstance(command, get_args(Patient)):
                    commands.append(command)
        return commands

    def _knows(self, mark: object) -> bool:
        if not isinstance(mark, list) or not mark or not isinstance(mark[0], int):
            return False
        return 0 <= mark[0] <= len(self._session.steps) and mark == self._mark(mark[0])

    def _mark(self, number: int) -> Mark:
        if number == 0:
            return [0, ""]
        step = self._session.steps[number - 1]
        text = json.dumps([step.action.to_json(), step.seconds])
        return [number, hashlib.sha256(text.encode()).hexdigest()]

    def _first(self) -> dict[str, object]:
        return {"after": self._mark(self._session.head)}

    def _write(self, content: dict[str, object]) -> None:
        assert self._ours is not None
        with self._told(), self._path.open("r+b") as file:
            if not os.path.samestat(self._ours, os.fstat(file.fileno())):
                raise CannotDo(f"{self._path.name}: another program took the project over")
            file.seek(0, os.SEEK_END)
            file.write(_line(content))
            file.flush()
            os.fsync(file.fileno())

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What cannot be written is said in one line."""
        try:
            yield
        except OSError as error:
            why = error.strerror or str(error)
            raise CannotDo(f"{self._path.name}: what waits cannot be kept ({why})") from None


def _kept(command: Patient) -> dict[str, object]:
    return {"keep": asdict(command)}


def _line(content: dict[str, object]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode() + b"\n"


def _lines(path: Path) -> Iterator[dict[str, object]]:
    """What is whole of a file: a power cut may leave the last line in part."""
    for line in path.read_bytes().splitlines():
        with suppress(ValueError):
            content = json.loads(line)
            if isinstance(content, dict):
                yield content
