"""Who is writing to a project: one process at a time, named to whoever comes second.

The owner is a row in the project itself, with a token that is looked at in every transaction. So
there is no lock file to be left behind, a writer that was killed is recognised (its process is
gone), and taking over is safe: the first writer is told at its next step, and writes nothing.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from ivos.errors import ProjectError


@dataclass(frozen=True, slots=True)
class Owner:
    """One process that has a project open for writing."""

    pid: int
    host: str
    started: str
    """When the process began, in the system's own words: tells a reused pid. May be empty."""
    since: float
    """When it opened the project, in seconds since 1970."""
    token: str

    @classmethod
    def me(cls) -> Owner:
        """This process, now; every call makes another owner."""
        pid = os.getpid()
        return cls(pid, socket.gethostname(), _started(pid), time.time(), secrets.token_hex(8))

    @classmethod
    def from_json(cls, text: str) -> Owner:
        """The owner that ``to_json`` wrote."""
        return cls(**json.loads(text))

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps(asdict(self))

    def is_alive(self) -> bool:
        """Whether it may still write. True where that cannot be known: on another machine."""
        if self.host != socket.gethostname():
            return True
        return _runs(self.pid) and _started(self.pid) == self.started

    def __str__(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.since))
        return f"process {self.pid} on {self.host} since {since}"


class ProjectInUse(ProjectError):
    """Another process writes to this project; ``owner`` says which."""

    def __init__(self, path: Path, owner: Owner) -> None:
        super().__init__(
            f"{path}: in use by {owner}; close it there, open it read-only, or take it over"
        )
        self.owner = owner


def _runs(pid: int) -> bool:
    if sys.platform == "win32":  # there, os.kill ends the process whatever the signal
        import ctypes

        query_limited_information = 0x1000
        handle = ctypes.windll.kernel32.OpenProcess(query_limited_information, False, pid)
        ctypes.windll.kernel32.CloseHandle(handle)
        return bool(handle)
    try:
        os.kill(pid, 0)
    except PermissionError:  # it runs, as someone else
        return True
    except OSError:
        return False
    return True


def _started(pid: int) -> str:
    """When a process began, in clock ticks since boot; empty where the system does not say."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]
