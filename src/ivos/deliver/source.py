"""What an export reads: a video, its objects and their masks."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Protocol, runtime_checkable

from ivos.types import LabelMap, ObjectId, SoftMask, Video
from ivos.video.file import VideoFile
from ivos.video.images import ImageFolder


class NamedObject(Protocol):
    """An object as a person knows it: by number, name and colour."""

    @property
    def object_id(self) -> ObjectId:
        """Its number, from 1 to 254."""
        ...

    @property
    def name(self) -> str:
        """What the person calls it."""
        ...

    @property
    def colour(self) -> tuple[int, int, int]:
        """Its colour on screen: RGB, 0 to 255 each."""
        ...


class MaskSource(Protocol):
    """A video and its masks; a Session is one, and so is an opened project."""

    @property
    def video(self) -> Video:
        """The frames that the masks lie on."""
        ...

    @property
    def objects(self) -> Sequence[NamedObject]:
        """All objects, in ascending order of id."""
        ...

    def labels(self, frame: int) -> LabelMap:
        """(H, W) uint8 of object ids; zeros where nothing is known."""
        ...

    def soft(self, object_id: ObjectId, frame: int) -> SoftMask | None:
        """(H, W) float32 from 0 to 1, or None where the object has no mask on this frame."""
        ...


@runtime_checkable
class FromFile(Protocol):
    """A video that says where it was read from."""

    @property
    def source(self) -> Path:
        """The file or folder."""
        ...


def source_file(video: Video) -> Path | None:
    """The video file behind ``video``; None for images, in a folder or a stack, and made videos."""
    if isinstance(video, FromFile) and not isinstance(video, ImageFolder):
        path = Path(video.source)
        return path if path.is_file() else None
    return None


def pixel_aspect(video: Video) -> Fraction:
    """How wide a pixel is to be shown, its height being 1; 1 where nothing says otherwise."""
    return video.pixel_aspect if isinstance(video, VideoFile) else Fraction(1)


def origin(video: Video) -> tuple[Path, ...]:
    """The file or folder that ``video`` was read from; nothing for a made one."""
    return (Path(video.source),) if isinstance(video, FromFile) else ()
