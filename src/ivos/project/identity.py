"""Which video a project is about, and where it is now.

A video is known by its content, not by its place: its length in bytes and a hash of samples spread
over it, which costs a megabyte of reading whatever its size. So a video that moved is found again,
and one that was replaced is not taken for the old one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from pathlib import Path

from ivos.errors import ProjectError, VideoError
from ivos.types import Video
from ivos.video import IMAGE_SUFFIXES

SAMPLES = 16
SAMPLE_BYTES = 64 << 10
SEARCHED = 2000
"""How many neighbours of a project are looked at, at most, for a video that moved."""

SQLITE_SUFFIXES = (".ivos", ".ivos-wal", ".ivos-shm", ".ivos-journal")
"""Never opened while searching: see the warning in ``file.py``."""


@dataclass(frozen=True, slots=True)
class VideoIdentity:
    """A video by its content, and where it was last seen."""

    path: str
    """Absolute."""
    relative: str
    """From the project's folder, so that both can be moved together; empty on another drive."""
    folder: bool
    """Whether it is a folder of images."""
    bytes: int
    """Of the file, or of all images of the folder."""
    samples: str
    """SHA-256 of ``SAMPLES`` pieces; for a folder, also of its images' names and sizes."""
    frames: int
    size: tuple[int, int]
    """(height, width) in pixels."""
    fps: float

    @classmethod
    def of(cls, source: Path, video: Video, project: Path) -> VideoIdentity:
        """The identity of ``video``, read from ``source``. Raises VideoError if it is not there."""
        length, samples = sample(source)
        height, width = video.size
        identity = cls(
            path="",
            relative="",
            folder=source.is_dir(),
            bytes=length,
            samples=samples,
            frames=len(video),
            size=(height, width),
            fps=video.fps,
        )
        return identity.moved(source, project)

    def moved(self, source: Path, project: Path) -> VideoIdentity:
        """The same video at another place."""
        path = source.resolve()
        try:
            relative = os.path.relpath(path, project.resolve().parent)
        except ValueError:  # another drive on Windows
            relative = ""
        return replace(self, path=str(path), relative=relative)

    @classmethod
    def from_json(cls, text: str) -> VideoIdentity:
        """The identity that ``to_json`` wrote."""
        values = json.loads(text)
        height, width = values.pop("size")
        return cls(size=(height, width), **values)

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps(asdict(self))

    def is_at(self, source: Path) -> bool:
        """Whether ``source`` holds this video, byte for byte as far as samples can tell."""
        try:
            if source.is_dir() != self.folder:
                return False
            if not self.folder and source.stat().st_size != self.bytes:
                return False
            known = (self.bytes, self.samples)
            if sample(source) == known:
                return True
            # Older projects counted every file of a folder, not only its images.
            return self.folder and sample(source, _everything) == known
        except (VideoError, OSError):
            return False

    def find(self, project: Path) -> Path:
        """Where the video is now: its old place, its place beside the project, or next to it.

        Raises ProjectError that says whether it is lost or changed, and how to go on.
        """
        folder = project.resolve().parent
        old = Path(self.path)
        neighbours: Iterator[Path] = islice(_neighbours(folder), SEARCHED)
        if self.folder:  # hashing a folder is dear, and may be someone's whole disk
            neighbours = (place for place in neighbours if place.name == old.name)
        for place in chain([old, folder / self.relative, folder / old.name], neighbours):
            if self.is_at(place):
                return place
        state = "changed since then" if old.exists() else "not there any more"
        verb = "project" if project.suffix in SQLITE_SUFFIXES else "replay"
        raise ProjectError(
            f"{old}: the video of {project.name} is {state}; put it back, or say where it is: "
            f"ivos {verb} {project} --video PATH"
        )

    def check(self, video: Video, source: Path) -> None:
        """Raise ProjectError unless the masks of this project fit ``video``, frame by frame."""
        found = (len(video), tuple(video.size))
        if found != (self.frames, self.size):
            raise ProjectError(
                f"{source}: does not fit this project: {_words(*found)} instead of "
                f"{_words(self.frames, self.size)}; give the video that it was made with"
            )


def frame_map(video: Video) -> str:
    """Every frame's time in seconds and its name, as JSON: ``[[0.0, "00000"], ...]``."""
    entries = [[video.timestamp(t), video.frame_name(t)] for t in range(len(video))]
    return json.dumps(entries, separators=(",", ":"))


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES


def _everything(_: Path) -> bool:
    return True


def sample(source: Path, counts: Callable[[Path], bool] = _is_image) -> tuple[int, str]:
    """(bytes in all, SHA-256 of samples) of a file, or of the files of a folder that ``counts``.

    By default its images: what else comes to lie there is no part of the video. Raises VideoError
    if it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        if source.is_dir():
            files = [path for path in _inside(source) if counts(path) and path.is_file()]
            sizes = [path.stat().st_size for path in files]
            for path, size in zip(files, sizes, strict=True):
                digest.update(f"{path.relative_to(source).as_posix()}\0{size}\n".encode())
            for index in _spread(len(files), SAMPLES):
                _sample_file(digest, files[index], pieces=1)
            return sum(sizes), digest.hexdigest()
        _sample_file(digest, source, pieces=SAMPLES)
        return source.stat().st_size, digest.hexdigest()
    except OSError as error:
        raise VideoError(f"{source}: cannot be read ({error.strerror}); check the path") from error


def _sample_file(digest: hashlib._Hash, path: Path, pieces: int) -> None:
    with path.open("rb") as file:
        last = max(0, path.stat().st_size - SAMPLE_BYTES)
        for start in _spread(last + 1, pieces):
            file.seek(start)
            digest.update(file.read(SAMPLE_BYTES))


def _spread(count: int, samples: int) -> list[int]:
    """At most ``samples`` different indices from 0 to count - 1, first and last among them."""
    if count <= samples:
        return list(range(count))
    if samples == 1:
        return [0]
    return [index * (count - 1) // (samples - 1) for index in range(samples)]


def _neighbours(folder: Path) -> Iterator[Path]:
    """Files and folders beside a project, in its subfolders, and beside its folder."""
    for place in (folder, folder.parent):
        for entry in _inside(place):
            yield entry
            if place == folder and entry.is_dir():
                yield from _inside(entry)


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if _is_material(path))
    except OSError:
        return []


def _is_material(path: Path) -> bool:
    """Whether it may be part of a video, rather than a project or a hidden file."""
    return path.suffix not in SQLITE_SUFFIXES and not path.name.startswith(".")


def _words(frames: int, size: tuple[int, ...]) -> str:
    height, width = size
    return f"{frames} frames of {width}x{height}"
