"""A project: one video, its masks and everything that was done, in one file.

Knows nothing of the command line or the web; the networks are handed in.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from ivos import __version__
from ivos.errors import ProjectError
from ivos.project.check import check
from ivos.project.file import ProjectFile, put_in_place
from ivos.project.identity import VideoIdentity, frame_map
from ivos.project.log import SessionLog
from ivos.project.store import ProjectStore
from ivos.runtime.protocol import Networks
from ivos.session import JSON, Session, Settings, Step
from ivos.types import ObjectId, Video
from ivos.video import open_video

SUFFIX = ".ivos"


class Project:
    """An open project. Close it, or use it in a ``with`` block.

    Every method raises ProjectError, in one line, when the file is damaged, full or taken over.
    """

    def __init__(self, file: ProjectFile) -> None:
        self._file = file
        self._video: Video | None = None
        try:
            self.store = ProjectStore(file)
            self._identity = VideoIdentity.from_json(_entry(file, "video"))
            self.settings = Settings(**json.loads(_entry(file, "settings")))
        except TypeError as error:
            file.close()
            raise ProjectError(
                f"{file.path}: written by another version of ivos ({error}); update ivos"
            ) from error
        except ProjectError:
            file.close()
            raise

    @classmethod
    def create(
        cls,
        path: str | Path,
        video: Video,
        source: str | Path,
        *,
        settings: Settings = Settings(),  # noqa: B008 (frozen)
    ) -> Project:
        """A new project on ``video``, which was read from ``source``. It appears whole or not.

        Raises ProjectError where a file is in the way or the folder cannot be written.
        """
        path, source = Path(path), Path(source)
        if path.exists():
            raise ProjectError(f"{path}: exists already; open it, or choose another name")
        if not path.parent.is_dir():
            raise ProjectError(f"{path.parent}: no such folder; make it first")
        identity = VideoIdentity.of(source, video, path)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            ProjectFile.create(unfinished)
            with closing(ProjectFile.open(unfinished)) as file, file.transaction():
                file.set_about("ivos", json.dumps(__version__))
                file.set_about("head", "0")
                file.set_about("video", identity.to_json())
                file.set_about("frames", frame_map(video))
                file.set_about("settings", json.dumps(asdict(settings)))
            put_in_place(unfinished, path)
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
        project = cls(ProjectFile.open(path))
        project._video = video
        return project

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        video: str | Path | None = None,
        read_only: bool = False,
        take_over: bool = False,
    ) -> Project:
        """Open a project.

        ``video`` says where its video is now; it is remembered. It must have as many frames of
        the same size; that it is another file (re-encoded, say) is then the person's will.
        ``take_over`` makes this process the writer though another one is (``ProjectInUse``).
        """
        project = cls(ProjectFile.open(Path(path), read_only=read_only, take_over=take_over))
        if video is not None:
            try:
                project._adopt(Path(video))
            except BaseException:
                project.close()
                raise
        return project

    # looking

    @property
    def path(self) -> Path:
        """Where the project is."""
        return self._file.path

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written."""
        return self._file.read_only

    @property
    def video_identity(self) -> VideoIdentity:
        """Which video it is about, and where it was last seen."""
        return self._identity

    @property
    def video(self) -> Video:
        """The video, opened when it is first asked for; looked for where it moved.

        Raises ProjectError where it is lost or changed, VideoError where it cannot be read.
        """
        if self._video is None:
            source = self._identity.find(self.path)
            video = open_video(source, fps=self._identity.fps)
            self._identity.check(video, source)
            self._video = video
            if source.resolve() != Path(self._identity.path):
                self._remember(self._identity.moved(source, self.path))
        return self._video

    def session(self, networks: Networks) -> Session:
        """A session that goes on where the project stands; all that it does is kept here."""
        self.store.provenance = provenance(networks)
        return Session(self.video, networks, store=self.store, settings=self.settings)

    def provenance(self, object_id: ObjectId, frame: int) -> tuple[Step, Mapping[str, JSON]] | None:
        """The step that made a mask, and its round, network and weights; None without a mask."""
        return self.store.provenance_of(object_id, frame)

    def integrity(self) -> list[str]:
        """Everything that is wrong with the file, one line each; reads all of it."""
        return check(self._file)

    def log(self) -> SessionLog:
        """Everything that was done, to be done again (``replay``). Read as it is iterated."""
        return SessionLog(self._identity, self.settings, self.store.logged())

    def export_session(self) -> dict[str, JSON]:
        """``log`` as plain JSON: a bug report, a regression test, a timing study."""
        return self.log().to_json()

    # life

    def close(self) -> None:
        """Close the file and the video. Harmless when called twice."""
        if self._video is not None:
            self._video.close()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _adopt(self, source: Path) -> None:
        video = open_video(source, fps=self._identity.fps)
        try:
            self._identity.check(video, source)
        except ProjectError:
            video.close()
            raise
        self._video = video
        self._remember(VideoIdentity.of(source, video, self.path))

    def _remember(self, identity: VideoIdentity) -> None:
        self._identity = identity
        if not self.read_only:
            with self._file.transaction():
                self._file.set_about("video", identity.to_json())


def provenance(networks: Networks) -> dict[str, JSON]:
    """What is written beside every mask that these networks make."""
    return {
        "network": networks.spec.name,
        "weights": networks.spec.weights_hash,
        "runtime": type(networks).__name__,
    }


def _entry(file: ProjectFile, key: str) -> str:
    value = file.about(key)
    if value is None:
        raise ProjectError(f"{file.path}: damaged (its {key} entry is missing)")
    return value
