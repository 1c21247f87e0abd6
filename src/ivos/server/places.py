"""The one folder that the page may see: listing it, opening from it, uploading into it.

Every path that comes from the page passes through ``Places.inside``. Knows nothing of HTTP.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Literal, TypeAlias

from ivos.errors import InvalidInput, OutputError
from ivos.server.values import PlacesValue, PlaceValue

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".gif", ".mpg", ".mpeg", ".mts", ".ts",
     ".tif", ".tiff"}
)  # fmt: skip
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
PROJECT_SUFFIX = ".ivos"
GIB = 1 << 30
UPLOAD_LIMIT = 8 * GIB
SPARE = GIB // 4
"""Bytes that an upload must leave free on the disk: the project and its exports need some."""
LISTED = 2_000

PlaceKind: TypeAlias = Literal["video", "project", "images", "folder"]


class OutsideError(InvalidInput):
    """A path that leads out of the opened folder."""


class TooLarge(InvalidInput):
    """An upload that is larger than allowed."""


@dataclass(frozen=True, slots=True)
class Places:
    """A folder, and nothing outside it: no absolute path, no ``..``, no link that leads away."""

    root: Path
    upload_limit: int = UPLOAD_LIMIT
    also: frozenset[Path] = frozenset()
    """Single files or folders outside that were named on the command line, as real paths."""

    def inside(self, relative: str) -> Path:
        """The real path of ``relative``. Raises OutsideError where it is not below the root."""
        said = PurePosixPath(relative)
        windows = PureWindowsPath(relative)
        if (
            said.is_absolute()
            or windows.drive
            or windows.root
            or ".." in (*said.parts, *windows.parts)
            or "\0" in relative
        ):
            raise OutsideError(f"{relative!r} is outside the opened folder: pick a file inside it")
        root = self.root.resolve()
        path = (root / said).resolve()
        if not path.is_relative_to(root):
            raise OutsideError(
                f"{relative!r} leads out of the opened folder: copy the file into it"
            )
        return path

    def holds(self, path: Path) -> bool:
        """Whether a path is inside, or was named on the command line."""
        real = path.resolve()
        return real in self.also or real.is_relative_to(self.root.resolve())

    def checked(self, path: Path) -> Path:
        """The real path of ``path``, if it may be read. Raises OutsideError."""
        if not self.holds(path):
            raise OutsideError(
                f"{path.name} lies outside the opened folder: copy it into {self.root.name}, "
                "or start `ivos serve` on it"
            )
        return path.resolve()

    def relative(self, path: Path) -> str:
        """``path`` as the page knows it. Raises OutsideError where it lies outside."""
        real = path.resolve()
        if not real.is_relative_to(self.root.resolve()):
            raise OutsideError(f"{path.name!r} is outside the opened folder")
        return real.relative_to(self.root.resolve()).as_posix()

    def list(self, folder: str = "") -> PlacesValue:
        """What can be opened in ``folder``: projects, then videos, then folders."""
        here = self.inside(folder)
        if not here.is_dir():
            raise InvalidInput(f"{folder!r} is not a folder")
        found = [
            place for entry in sorted(here.iterdir())[:LISTED] if (place := self._place(entry))
        ]
        order = {"project": 0, "video": 1, "images": 2, "folder": 3}
        found.sort(key=lambda place: (order[place.kind], place.name.lower()))
        name = "" if here == self.root.resolve() else self.relative(here)
        return PlacesValue(folder=name, root=self.root.resolve().name, places=tuple(found))

    def _place(self, entry: Path) -> PlaceValue | None:
        if entry.name.startswith("."):
            return None
        try:
            path = self.relative(entry)
            kind = _kind(entry)
            about = entry.stat()
        except (OutsideError, OSError):  # a link that leads away, or a file that has just gone
            return None
        if kind is None:
            return None
        size = about.st_size if entry.is_file() else 0
        return PlaceValue(path, entry.name, kind, size, about.st_mtime)

    def free_name(self, name: str) -> Path:
        """A path in the root for an upload called ``name``, which is not taken yet."""
        plain = PureWindowsPath(PurePosixPath(name).name).name.strip()
        suffix = Path(plain).suffix.lower()
        if plain != name or not plain or plain.startswith(".") or len(plain) > 200:
            raise OutsideError(f"{name!r} is not a plain file name")
        if suffix not in VIDEO_SUFFIXES and suffix != PROJECT_SUFFIX:
            known = " ".join(sorted(VIDEO_SUFFIXES | {PROJECT_SUFFIX}))
            raise InvalidInput(f"{name}: not a video that ivos reads; it reads {known}")
        path = self.inside(plain)
        number = 2
        while path.exists():
            path = self.inside(f"{Path(plain).stem} ({number}){suffix}")
            number += 1
        return path

    async def receive(self, name: str, chunks: AsyncIterator[bytes], length: int | None) -> Path:
        """Write an upload beside its final name and return where; nothing is left on failure.

        Raises TooLarge, OutsideError, InvalidInput, OutputError (disk full).
        """
        final = self.free_name(name)
        self._check_size(name, length or 0)
        handle, temporary = tempfile.mkstemp(
            dir=self.root, prefix=".ivos-upload-", suffix=final.suffix
        )
        path, written = Path(temporary), 0
        try:
            with os.fdopen(handle, "wb") as file:
                async for chunk in chunks:
                    written += len(chunk)
                    if written > self.upload_limit:
                        self._check_size(name, written)
                    file.write(chunk)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise OutputError(f"{name}: could not be written: {error.strerror}") from None
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path

    def _check_size(self, name: str, size: int) -> None:
        if size > self.upload_limit:
            limit = f"{self.upload_limit / GIB:.3g} GB"
            raise TooLarge(f"{name} is larger than the {limit} that may be uploaded: copy the file")
        free = shutil.disk_usage(self.root).free
        if size + SPARE > free:
            raise OutputError(f"{name} does not fit on the disk: {free / GIB:.1f} GB are free")


def _kind(entry: Path) -> PlaceKind | None:
    """What an entry of a folder can be opened as, if anything."""
    suffix = entry.suffix.lower()
    if entry.is_file():
        if suffix == PROJECT_SUFFIX:
            return "project"
        return "video" if suffix in VIDEO_SUFFIXES else None
    if not entry.is_dir():
        return None
    return "images" if holds_images(entry) else "folder"


def holds_images(folder: Path) -> bool:
    """Whether the first few files of a folder are pictures."""
    with os.scandir(folder) as entries:
        for seen, entry in enumerate(entries):
            if Path(entry.name).suffix.lower() in IMAGE_SUFFIXES and entry.is_file():
                return True
            if seen > 20:
                break
    return False
