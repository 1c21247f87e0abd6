"""Masks from files: recognised, matched to the frames of a video, and read when they are needed.

What cannot be used is told in one line before anything is changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from ivos.errors import InvalidInput
from ivos.types import MAX_OBJECT_ID, Mask, ObjectId, SoftMask, Video

Track = TypeVar("Track")
Masks = dict[ObjectId, Mask | SoftMask]
"""Those of one frame."""


@dataclass(frozen=True)
class Incoming(Mapping[int, Masks]):
    """Masks by frame, each read from its file when it is asked for."""

    form: str
    """What they were recognised as."""
    names: Mapping[ObjectId, str]
    """The objects that there are masks of."""
    frames: tuple[int, ...]
    """Ascending."""
    read: Callable[[int], Masks]
    """Of a frame: the mask of every object in ``names``, empty ones too."""

    def __getitem__(self, frame: int) -> Masks:
        return self.read(frame)

    def __iter__(self) -> Iterator[int]:
        return iter(self.frames)

    def __len__(self) -> int:
        return len(self.frames)


@dataclass(frozen=True, kw_only=True)
class Matching:
    """How files are matched to a video."""

    video: Video
    known: Mapping[ObjectId, str]
    """The objects that there are already, so that a name finds its id."""
    object: str | None = None
    """Which object masks without a name are of: an id or a name."""
    frame: int | None = None
    """The frame that a single mask belongs to, whatever its name."""
    start_frame: int | None = None
    """The number in file names that means frame 0; where it is not given, 0, and names of images
    are looked for first.
    """
    by_name: bool = True
    """Whether a file that is called as an image of the video is of that frame."""
    resize: bool = False
    """Take masks of another size, stretched to the video's."""

    @cached_property
    def _frames_by_name(self) -> dict[str, int]:
        return {self.video.frame_name(frame): frame for frame in range(len(self.video))}

    def is_name(self, name: str) -> bool:
        """Whether a frame of the video is called ``name``."""
        return name in self._frames_by_name

    def frame_of(self, name: str) -> int:
        """The frame that a file called ``name`` (without suffix) belongs to.

        One with that very name, else the last number in it. Raises InvalidInput.
        """
        if self.by_name and self.start_frame is None and self.is_name(name):
            return self._frames_by_name[name]
        numbers = re.findall(r"\d+", name)
        if not numbers:
            raise InvalidInput(
                f"{name}: no number in that name says which frame it belongs to; pass --frame"
            )
        frame = int(numbers[-1]) - (self.start_frame or 0)
        if not 0 <= frame < len(self.video):
            raise InvalidInput(
                f"{name} would be frame {frame}, but the video has frames "
                f"0..{len(self.video) - 1}; pass --start-frame with the number of the first frame"
            )
        return frame

    def fitted(self, pixels: NDArray[Any], origin: str) -> NDArray[Any]:
        """(H, W) at the video's size. Raises InvalidInput where it has another."""
        height, width = self.video.size
        if pixels.shape[:2] == (height, width):
            return pixels
        if not self.resize:
            raise InvalidInput(
                f"{origin} is {pixels.shape[1]}x{pixels.shape[0]} pixels, but the video is "
                f"{width}x{height}; pass --resize to stretch it"
            )
        stored = pixels.astype(np.uint8) if pixels.dtype == np.bool_ else pixels
        near = cv2.INTER_NEAREST
        found = cv2.resize(np.ascontiguousarray(stored), (width, height), interpolation=near)
        return np.asarray(found, pixels.dtype)

    def frames_of(self, names: Sequence[str]) -> dict[int, int]:
        """Frame -> position in ``names``. Raises InvalidInput where two belong to one frame."""
        if self.frame is not None:
            if len(names) != 1:
                raise InvalidInput(f"--frame is for a single mask, but there are {len(names)}")
            if not 0 <= self.frame < len(self.video):
                raise InvalidInput(
                    f"frame {self.frame}: the video has frames 0..{len(self.video) - 1}"
                )
            return {self.frame: 0}
        found: dict[int, int] = {}
        for index, name in enumerate(names):
            frame = self.frame_of(name)
            if frame in found:
                raise InvalidInput(f"{names[found[frame]]} and {name} are both frame {frame}")
            found[frame] = index
        return dict(sorted(found.items()))

    def id_of(self, name: str, taken: Container[ObjectId]) -> ObjectId:
        """The id of the object called ``name``: that of the name, a number in itself, or free.

        Never one that is taken.
        """
        for object_id, known in self.known.items():
            if known == name and object_id not in taken:
                return object_id
        if name.isdecimal() and 1 <= int(name) <= MAX_OBJECT_ID and int(name) not in taken:
            return int(name)
        every = range(1, MAX_OBJECT_ID + 1)
        free = next((key for key in every if key not in taken and key not in self.known), None)
        if free is None:
            raise InvalidInput(f"no id is left for {name}: a video holds {MAX_OBJECT_ID} objects")
        return free

    def named(self, names: Sequence[str]) -> dict[ObjectId, str]:
        """Ids for objects known by name, in that order."""
        found: dict[ObjectId, str] = {}
        for name in names:
            if name.isdecimal() and int(name) in found:
                raise InvalidInput(f"{found[int(name)]} and {name} are both object {int(name)}")
            found[self.id_of(name, found)] = name
        return {key: self.call(key, name) for key, name in found.items()}

    def told_apart(
        self, numbers: Mapping[Track, ObjectId], names: Mapping[Track, str]
    ) -> dict[Track, ObjectId]:
        """An id for each track: its number if it has one, else by name; never that of another."""
        ids = dict(numbers)
        for track, name in names.items():
            ids[track] = self.id_of(name, {*ids.values()})
        return ids

    def call(self, object_id: ObjectId, name: str | None = None) -> str:
        """What an object is called: as it is already, or by ``name`` unless that is a number."""
        if object_id in self.known:
            return self.known[object_id]
        return name if name and not name.isdecimal() else f"Object {object_id}"


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Errors of a file that is not as its form says become one line."""
    try:
        yield
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be read ({error.strerror or error})") from None
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput(f"{path}: damaged or of another form ({error!r})") from None
