"""Which frames a file holds, and when each is shown, without decoding them where possible.

The packets of a file say when their pictures are shown (pts). Sorted, and without those that an
edit list cuts away, they are the frames in the order a player shows them. Where a container does
not carry these times (AVI with B-frames, bare streams), the file is decoded once and counted.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ivos.errors import VideoError

_TEXT_FORMATS = {"tty", "bin", "xbin", "adf", "idf"}
"""What FFmpeg takes plain text files for."""
_MAY_START_ANYWHERE = {"mpegts", "mpeg", "flv", "h264", "hevc", "mpegvideo"}
"""Formats that are cut out of broadcasts: a torn packet in them is nothing unusual."""
_MAY_BE_MISSING = 0.5
"""Seconds between the length that a Matroska file states and what is in it."""
_MOST_THREADS = 4
"""Decoder threads; each holds frames in memory, and more bring little."""
_WORTH_THREADS = 640 * 480
"""Pixels of a frame below which one thread decodes sooner than several."""


@dataclass(frozen=True, slots=True)
class FrameIndex:
    """When each frame is shown. All times are in units of ``time_base`` seconds."""

    times: tuple[int, ...]
    """The time of each frame, ascending."""
    time_base: Fraction
    keyframes: tuple[int, ...]
    """Times from which decoding may start, ascending; empty means only from the start."""
    counted: bool
    """Whether packets carry no times, so that frames are known by counting from the start."""

    def at(self, time: int) -> int:
        """The number of the frame that is shown at ``time``; -1 before the first."""
        return bisect_right(self.times, time) - 1

    def keyframe_before(self, frame: int, skip: int = 0) -> int | None:
        """The time of the keyframe at or before ``frame``, or ``skip`` keyframes earlier.

        None where decoding has to begin at the start of the file.
        """
        found = bisect_right(self.keyframes, self.times[frame]) - 1 - skip
        return self.keyframes[found] if found > 0 else None


def open_container(path: Path) -> tuple[InputContainer, VideoStream]:
    """Open ``path`` and choose its video stream. Raises VideoError.

    Only local files are opened: a play list inside the file cannot reach out to a network.
    """
    try:
        container = av.open(
            f"file:{path}", options={"protocol_whitelist": "file"}, metadata_errors="ignore"
        )
    except PermissionError:
        raise VideoError(f"{path}: not allowed to read it; check its permissions") from None
    except (av.FFmpegError, OSError, ValueError):
        raise VideoError(
            f"{path}: not a video that FFmpeg can read, or cut off before its index; "
            "copy or download it again"
        ) from None
    try:
        return container, _video_stream(container, path)
    except VideoError:
        container.close()
        raise


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    if container.format.name in _TEXT_FORMATS:
        raise VideoError(f"{path}: this is text, not a video")
    pictures = av.stream.Disposition.attached_pic
    streams = [s for s in container.streams.video if not s.disposition & pictures]
    if not streams:
        sound = "has sound but no picture" if container.streams.audio else "has no picture"
        raise VideoError(f"{path}: {sound}; choose a video file")
    best = container.streams.best("video")
    stream = best if isinstance(best, VideoStream) and best in streams else streams[0]
    if stream.codec_context is None:
        raise VideoError(f"{path}: this FFmpeg cannot decode its video; convert it to H.264 first")
    small = stream.width * stream.height < _WORTH_THREADS
    stream.codec_context.thread_count = 1 if small else _MOST_THREADS
    stream.thread_type = "AUTO"
    return stream


def decoded(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """The frames from where the container stands, leaving out what cannot be decoded."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError):
            return
        try:
            frames = packet.decode()
        except av.FFmpegError:
            continue
        yield from frames


def build_index(container: InputContainer, stream: VideoStream, path: Path) -> FrameIndex:
    """Read all packets of ``stream`` and tell when its frames are shown. Raises VideoError.

    Leaves the container at its end.
    """
    shown: set[int] = set()
    keyframes: set[int] = set()
    # AVI has no times of display: with B-frames, what FFmpeg gives for them is a guess.
    has_times = not (container.format.name == "avi" and stream.codec_context.has_b_frames)
    torn, end = False, 0.0
    time_base = stream.time_base or Fraction(1, 1000)
    vp8 = stream.codec_context.name == "vp8"
    matroska = "matroska" in container.format.name
    try:
        for packet in container.demux() if matroska else container.demux(stream):
            if packet.size == 0:
                continue
            if packet.pts is not None and packet.time_base:
                end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
            if packet.stream_index != stream.index:
                continue
            torn |= packet.is_corrupt
            if packet.pts is None:
                has_times = False
                continue
            if vp8 and not memoryview(packet)[0] & 0x10:
                continue  # a hidden reference frame (RFC 6386, 9.1: show_frame)
            if not packet.is_discard:
                shown.add(packet.pts)
            if packet.is_keyframe:
                keyframes.add(packet.pts)
    except av.FFmpegError:
        torn = True
    if matroska and container.duration:
        torn |= container.duration / av.time_base - end > _MAY_BE_MISSING
    if torn and container.format.name not in _MAY_START_ANYWHERE:
        raise VideoError(f"{path}: the file is cut off or damaged; copy or download it again")
    if has_times:
        return FrameIndex(tuple(sorted(shown)), time_base, tuple(sorted(keyframes)), counted=False)
    return _count(stream, path)


def _count(stream: VideoStream, path: Path) -> FrameIndex:
    """Decode the whole file, since nothing in it says when its frames are shown."""
    container, again = open_container(path)
    with container:
        count = sum(1 for _ in decoded(container, again))
    rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    return FrameIndex(tuple(range(count)), 1 / Fraction(rate), (), counted=True)
