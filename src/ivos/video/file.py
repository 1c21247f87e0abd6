"""A video file, read through FFmpeg: any frame by its number, exactly."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from operator import index as as_index
from pathlib import Path
from typing import Self, cast

import numpy as np
from av.video.frame import VideoFrame

from ivos.errors import VideoError
from ivos.types import Frame
from ivos.video.cache import FrameCache
from ivos.video.cursor import Cursor
from ivos.video.index import FrameIndex, build_index, decoded, open_container

_CURSORS = 2
"""Decoders on one file: propagation reads forward and backward in turn, each has its own."""
_WORTH_DECODING = 8
"""So many frames are decoded rather than sought for."""
_MOST_BACKWARD = 48
"""At most so many frames are decoded ahead of somebody who goes backward."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a stored picture is turned to be looked at: transposed first, then flipped."""

    transpose: bool = False
    mirror: bool = False
    """Left becomes right."""
    flip: bool = False
    """Top becomes bottom."""

    @classmethod
    def of(cls, picture: VideoFrame) -> Orientation:
        """What the display matrix of ``picture`` asks for, to the nearest quarter turn.

        The matrix (ISO/IEC 14496-12, 6.2.2) holds nine 32-bit numbers a b u c d v x y w, and
        shows what is at (x, y) at (a x + c y, b x + d y).
        """
        matrix = cast("Mapping[str, bytes]", picture.side_data).get("DISPLAYMATRIX")
        if matrix is None:
            return cls()
        a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
        if abs(b) + abs(c) > abs(a) + abs(d):
            return cls(transpose=True, mirror=c < 0, flip=b < 0)
        return cls(mirror=a < 0, flip=d < 0)

    @property
    def degrees(self) -> int:
        """The clockwise turn: 0, 90, 180 or 270 (a mirrored picture: the turn before it)."""
        if self.transpose:
            return 90 if self.mirror else 270
        return 180 if self.flip else 0

    def apply(self, frame: Frame) -> Frame:
        """``frame`` (H, W, 3) as it is to be looked at, contiguous."""
        if self.transpose:
            frame = frame.transpose(1, 0, 2)
        if self.mirror:
            frame = frame[:, ::-1]
        if self.flip:
            frame = frame[::-1]
        return np.ascontiguousarray(frame)


class VideoFile:
    """A file that FFmpeg reads. Frames come as displayed: turned, in order of display.

    ``len``, times and numbers are those that a player shows; pixels are taken as square. Frames
    are read-only arrays, kept in a bounded cache. One thread at a time may read.
    """

    def __init__(self, source: Path, *, cache_bytes: int) -> None:
        self._source = source
        self._cache = FrameCache(cache_bytes)
        self._cursors: list[Cursor] = []
        self._closed = False
        container, stream = open_container(source)
        with container:
            self.codec: str = stream.codec_context.name
            rate, aspect = stream.average_rate, stream.sample_aspect_ratio or Fraction(1)
            index = build_index(container, stream, source)
        first = self._first_picture(index)
        self._stored = (first.width, first.height)
        self._orientation = Orientation.of(first)
        self._aspect = 1 / aspect if self._orientation.transpose else aspect
        if not index.counted and first.pts is not None and first.pts > index.times[0]:
            kept = tuple(time for time in index.times if time >= first.pts)
            index = FrameIndex(kept, index.time_base, index.keyframes, counted=False)
        self._index = index
        seconds = float((index.times[-1] - index.times[0]) * index.time_base)
        self._fps = (len(index.times) - 1) / seconds if seconds > 0 else float(rate or 25)

    def _first_picture(self, index: FrameIndex) -> VideoFrame:
        container, stream = open_container(self._source)
        with container:
            first = next(decoded(container, stream), None) if index.times else None
        if first is None:
            raise VideoError(f"{self._source}: holds no frames that can be decoded")
        return first

    @property
    def source(self) -> Path:
        """The file."""
        return self._source

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self._source.stem

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels, as displayed."""
        width, height = self._stored
        return (width, height) if self._orientation.transpose else (height, width)

    @property
    def pixel_aspect(self) -> Fraction:
        """How wide a pixel is to be shown, its height being 1, as displayed."""
        return self._aspect

    @property
    def fps(self) -> float:
        """Average frames a second."""
        return self._fps

    @property
    def rotation(self) -> int:
        """By how many degrees stored pictures are turned clockwise: 0, 90, 180 or 270."""
        return self._orientation.degrees

    def __len__(self) -> int:
        return len(self._index.times)

    def __getitem__(self, frame: int) -> Frame:
        number = as_index(frame)
        if not 0 <= number < len(self):
            raise IndexError(f"frame {number} is outside 0..{len(self) - 1}")
        if self._closed:
            raise VideoError(f"{self._source}: was closed; open it again")
        known = self._cache.get(number)
        return self._read(number) if known is None else known

    @property
    def start(self) -> float | None:
        """When the first frame is shown, in seconds by the file's own clock, which its sound keeps,
        too. None where the file does not say when frames are shown.
        """
        return None if self._index.counted else float(self._index.times[0] * self._index.time_base)

    def timestamp(self, frame: int) -> float:
        """When ``frame`` is shown, in seconds from the first frame."""
        return float((self._index.times[frame] - self._index.times[0]) * self._index.time_base)

    def frame_at(self, seconds: float) -> int:
        """The frame that is shown ``seconds`` after the first, kept inside the video."""
        ticks = floor(seconds / float(self._index.time_base) + 0.5)
        found = bisect_right(self._index.times, self._index.times[0] + ticks) - 1
        return min(max(found, 0), len(self) - 1)

    def frame_name(self, frame: int) -> str:
        """The number, five digits or more."""
        return f"{frame:05d}"

    @property
    def cached_bytes(self) -> int:
        """How many bytes of decoded frames are kept."""
        return self._cache.nbytes

    def close(self) -> None:
        """Let go of the file and of all frames. Harmless when called twice."""
        self._closed = True
        for cursor in self._cursors:
            cursor.close()
        self._cursors.clear()
        self._cache.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, frame: int) -> Frame:
        """Decode ``frame``; and, for somebody who goes backward, some before it in one go."""
        first = frame
        if frame + 1 in self._cache:
            height, width = self.size
            fitting = self._cache.limit // (2 * height * width * 3)
            first = max(0, frame + 1 - min(max(fitting, 1), _MOST_BACKWARD))
        cursor, image = self._move_to(first)
        for number in range(first, frame + 1):
            image = image if number == first else cursor.forward(number)
            if image is None:
                raise VideoError(f"{self._source}: frame {number} cannot be decoded")
            rgb = self._to_rgb(image)
            self._cache.put(number, rgb)
        return rgb

    def _move_to(self, frame: int) -> tuple[Cursor, VideoFrame | None]:
        """The cursor that gets to ``frame`` soonest, and what it shows there."""
        keyframe = self._index.keyframe_before(frame)
        from_keyframe = frame - (0 if keyframe is None else self._index.at(keyframe))
        reachable = [
            (distance, number)
            for number, cursor in enumerate(self._cursors)
            if (distance := cursor.distance(frame)) is not None
            and distance <= max(from_keyframe, _WORTH_DECODING)
        ]
        if reachable:
            cursor = self._cursors.pop(min(reachable)[1])
            image = cursor.forward(frame)
        else:
            if len(self._cursors) < _CURSORS:
                cursor = Cursor(self._source, self._index)
            else:
                cursor = self._cursors.pop(0)  # the one that was not used for longest
            image = cursor.jump(frame)
        self._cursors.append(cursor)
        return cursor, image

    def _to_rgb(self, image: VideoFrame) -> Frame:
        width, height = self._stored
        rgb = image.reformat(width=width, height=height, format="rgb24").to_ndarray()
        return self._orientation.apply(rgb.astype(np.uint8, copy=False))
