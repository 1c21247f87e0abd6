"""From files to sessions: every video is worked on in a project beside it.

``clip.mp4`` is worked on in ``clip.ivos``, which is made when the video is first opened and
resumed ever after. Knows nothing of HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ivos.project import SUFFIX, Project, ProjectStore
from ivos.runtime.protocol import Networks
from ivos.server.places import Places
from ivos.session import Session
from ivos.types import Video
from ivos.video import open_video


class OpenedProject:
    """A project and the session on it."""

    def __init__(self, project: Project, networks: Networks) -> None:
        self._project = project
        self.session: Session = project.session(networks)
        self.store: ProjectStore = project.store

    @property
    def path(self) -> Path:
        """The project's file."""
        return self._project.path

    def close(self) -> None:
        """Let go of the project and its video."""
        self._project.close()


class FileOpener:
    """Opens videos and projects of one folder, with the networks that ``networks`` gives once."""

    def __init__(self, places: Places, networks: Callable[[], Networks]) -> None:
        self._places = places
        self._make = networks
        self._networks: Networks | None = None

    def video(self, source: Path) -> Video:
        """Another handle on a video. Raises VideoError."""
        return open_video(source)

    def source(self, path: Path) -> Path:
        """The video behind a path: itself, or a project's.

        Raises ProjectError, and OutsideError where the video is not in the opened folder.
        """
        if path.suffix != SUFFIX or not path.is_file():
            return self._places.checked(path)
        with Project.open(path, read_only=True) as project:
            identity = project.video_identity
        old = Path(identity.path)
        for place in (old, path.parent / identity.relative, path.parent / old.name):
            if self._places.holds(place) and identity.is_at(place):
                return place.resolve()
        if not self._places.holds(old):  # not looked for further: only inside may be read
            return self._places.checked(old)
        return self._places.checked(identity.find(path))

    def project(self, path: Path, source: Path) -> Path:
        """Where the work on ``path``, whose video is ``source``, is or will be kept.

        Raises ProjectError.
        """
        return path if path.suffix == SUFFIX and path.is_file() else project_of(source)

    def open(self, path: Path, *, take_over: bool = False) -> OpenedProject:
        """The session on a video or project, resumed or new. Raises IvosError."""
        if self._networks is None:
            self._networks = self._make()
        source = self.source(path)
        place = self.project(path, source)
        if place.exists():
            project = Project.open(place, take_over=take_over, video=_moved(place, source))
        else:
            project = Project.create(place, open_video(source), source)
        try:
            return OpenedProject(project, self._networks)
        except BaseException:
            project.close()
            raise

    def check_upload(self, path: Path) -> None:
        """Raises IvosError where an uploaded file cannot be used."""
        if path.suffix == SUFFIX:
            Project.open(path, read_only=True).close()
        else:
            with open_video(path) as video:
                video[0]


def _moved(place: Path, source: Path) -> Path | None:
    """``source``, if the project at ``place`` remembers its video elsewhere."""
    with Project.open(place, read_only=True) as project:
        return None if Path(project.video_identity.path).resolve() == source else source


def project_of(video: Path) -> Path:
    """Where the project of a video is or will be: ``clip.ivos``, or ``clip.mp4.ivos`` where the
    first is about another video. Raises ProjectError.
    """
    stem = video.name if video.is_dir() else video.stem
    first = video.parent / f"{stem}{SUFFIX}"
    if not first.exists():
        return first
    with Project.open(first, read_only=True) as project:
        known = Path(project.video_identity.path).name
    return first if known == video.name else video.parent / f"{video.name}{SUFFIX}"
