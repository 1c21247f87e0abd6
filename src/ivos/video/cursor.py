"""One decoder on one file: where it stands, and how to get a frame out of it.

A seek in FFmpeg lands somewhere near; what it delivers says where. So a cursor checks the time of
what comes out, and starts earlier when it came too late.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import av
from av.video.frame import VideoFrame

from ivos.video.index import FrameIndex, decoded, open_container


class Picture(NamedTuple):
    """A decoded picture and the number of the frame that it is."""

    frame: int
    image: VideoFrame


class Cursor:
    """A decoder that goes forward frame by frame, and elsewhere by seeking."""

    def __init__(self, path: Path, index: FrameIndex) -> None:
        self._path = path
        self._index = index
        self._container, self._stream = open_container(path)
        self._pictures = self._numbered()
        self._shown: Picture | None = None
        self._ahead: Picture | None = None

    def distance(self, frame: int) -> int | None:
        """How many frames have to be decoded to reach ``frame`` from here; None if it is behind."""
        if self._shown is None:
            return None
        return frame - self._shown.frame if frame >= self._shown.frame else None

    def forward(self, frame: int) -> VideoFrame | None:
        """Decode up to ``frame``; None if nothing up to there came out.

        Where a damaged file lacks the frame, what is shown before it stays on, as in a player.
        """
        while self._shown is None or self._shown.frame < frame:
            if self._ahead is None:
                self._ahead = next(self._pictures, None)
            if self._ahead is None or self._ahead.frame > frame:
                break
            self._shown, self._ahead = self._ahead, None
        return self._shown.image if self._shown is not None else None

    def jump(self, frame: int) -> VideoFrame | None:
        """Seek to before ``frame`` and decode up to it; None if the file shows nothing there."""
        skip = 0
        while True:
            keyframe = self._index.keyframe_before(frame, skip)
            self._restart(keyframe)
            image = self.forward(frame)
            if image is not None:
                return image
            if keyframe is None:
                return self._ahead.image if self._ahead is not None else None
            skip = 2 * skip + 1

    def close(self) -> None:
        """Let go of the file."""
        self._pictures = iter(())
        self._shown = self._ahead = None
        self._container.close()

    def _restart(self, keyframe: int | None) -> None:
        """Stand at ``keyframe``, or at the start of the file where that is None or cannot be."""
        self._shown = self._ahead = None
        sought = False
        if keyframe is not None:
            try:
                self._container.seek(keyframe, stream=self._stream)
                sought = True
            except av.FFmpegError:
                sought = False
        if not sought:
            self.close()
            self._container, self._stream = open_container(self._path)
        self._pictures = self._numbered()

    def _numbered(self) -> Iterator[Picture]:
        last = -1
        for image in decoded(self._container, self._stream):
            if self._index.counted:
                number = last + 1
            elif image.pts is None:
                continue
            else:
                number = self._index.at(image.pts)
                if number < 0 or self._index.times[number] != image.pts:
                    continue
            if number > last:
                last = number
                yield Picture(number, image)
