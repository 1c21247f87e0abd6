"""From files to sessions: videos, and projects beside them.

A video ``clip.mp4`` is worked on in the project ``clip.ivos`` beside it, which is made when the
video is first opened and resumed ever after. Knows nothing of HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ivos.runtime.protocol import Networks
from ivos.server.places import PROJECT_SUFFIX
from ivos.session import MemoryStore, Session, Store
from ivos.types import Video
from ivos.video import open_video


@dataclass(frozen=True, slots=True)
class InMemory:
    """A session that nothing is kept of."""

    session: Session
    store: Store
    name: str

    def close(self) -> None:
        """Let go of the video."""
        self.session.video.close()


class FileOpener:
    """Opens videos and projects with the networks that ``networks`` gives, made once."""

    def __init__(self, networks: Callable[[], Networks]) -> None:
        self._make = networks
        self._networks: Networks | None = None

    def video(self, source: Path) -> Video:
        """Another handle on a video. Raises VideoError."""
        return open_video(source)

    def source(self, path: Path) -> Path:
        """The video behind a path."""
        return path

    def open(self, path: Path) -> InMemory:
        """A session on a video. Raises VideoError, WeightsError."""
        if self._networks is None:
            self._networks = self._make()
        video = open_video(path)
        store = MemoryStore()
        session = Session(video, self._networks, store=store)
        return InMemory(session, store, path.with_suffix(PROJECT_SUFFIX).name)

    def check_upload(self, path: Path) -> None:
        """Raises IvosError where an uploaded file cannot be used."""
        if path.suffix != PROJECT_SUFFIX:
            open_video(path).close()
