"""The sound of a source, cut to the part that a movie shows and carried over beside it.

Packets are copied as they are where the new container can hold their codec, and encoded anew
otherwise. Their times stay true to the picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias, cast

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet as AnyPacket

from ivos.deliver.source import source_file
from ivos.errors import InvalidInput
from ivos.types import Video
from ivos.video.file import VideoFile

Packet: TypeAlias = "AnyPacket[Any]"  # a subscript that PyAV knows in its hints only

_HOLDS = {
    "mov": ("aac", "alac", "ac3", "eac3", "mp3", "pcm_s16le", "pcm_s24le", "pcm_f32le"),
    "mp4": ("aac", "alac", "ac3", "eac3", "mp3", "opus"),
    "webm": ("opus", "vorbis"),
    "matroska": ("aac", "alac", "ac3", "eac3", "flac", "mp3", "opus", "vorbis", "pcm_s16le"),
}
_USUAL_RATE = 48_000
_ENCODERS = {"mov": "pcm_s16le", "mp4": "aac", "webm": "libopus", "matroska": "flac"}


class Sound:
    """The first sound stream of a file, ``start`` to ``stop`` seconds after the first picture,
    which is shown at ``zero`` seconds by the file's clock, or, left out, where its stream begins.
    """

    def __init__(self, path: Path, start: float, stop: float, zero: float | None = None) -> None:
        self._input = av.open(f"file:{path}", options={"protocol_whitelist": "file"})
        if not self._input.streams.audio:
            self._input.close()
            raise InvalidInput(f"{path} has no sound: leave out --audio")
        self._stream = self._input.streams.audio[0]
        zero = _picture_start(self._input) if zero is None else zero
        self._start, self._stop = zero + start, zero + stop
        self._offset = round(self._start / float(self._base))
        self._packets: Iterator[Packet] = iter(())
        self._next: Packet | None = None

    @classmethod
    def of(cls, video: Video, frames: range) -> Sound:
        """The sound that belongs to ``frames``. Raises InvalidInput where there is none."""
        path = source_file(video)
        if path is None:
            raise InvalidInput(
                f"{video.name} is made of images and has no sound: leave out --audio"
            )
        end = video.timestamp(frames[-1]) + 1 / video.fps
        # A recording cut out of a broadcast begins before the first picture that can be decoded.
        zero = video.start if isinstance(video, VideoFile) else None
        return cls(path, video.timestamp(frames[0]), end, zero)

    @property
    def _base(self) -> Fraction:
        return self._stream.time_base or Fraction(1, 1000)

    def join(self, container: OutputContainer) -> None:
        """Add a stream to ``container``; its packets come from ``until``."""
        form = container.format.name.split(",")[0]
        if self._stream.codec_context.codec.canonical_name in _HOLDS[form]:
            target = container.add_stream_from_template(self._stream)
            self._packets = self._copied(target)
        else:
            rate, layout = _taken(_ENCODERS[form], self._stream.codec_context)
            encoder = cast(AudioStream, container.add_stream(_ENCODERS[form], rate=rate))
            encoder.codec_context.layout = layout
            self._packets = self._encoded(encoder)

    def until(self, seconds: float) -> Iterator[Packet]:
        """The packets, not given out yet, that start at ``seconds`` of the movie or before."""
        while True:
            if self._next is None:
                self._next = next(self._packets, None)
            packet = self._next
            if packet is None or _seconds(packet) > seconds:
                return
            self._next = None
            yield packet

    def close(self) -> None:
        """Let go of the source."""
        self._input.close()

    def _copied(self, target: AudioStream) -> Iterator[Packet]:
        for packet in self._input.demux(self._stream):
            if packet.pts is None:
                continue
            at = float(packet.pts * self._base)
            if at >= self._stop:
                return
            if at >= self._start:
                packet.pts -= self._offset
                packet.dts = packet.pts
                packet.stream = target
                yield packet

    def _encoded(self, target: AudioStream) -> Iterator[Packet]:
        context = target.codec_context
        resampler = AudioResampler(context.format, context.layout, context.sample_rate)
        for frame in self._input.decode(self._stream):
            at = frame.time
            if at is None or at < self._start:
                continue
            if at >= self._stop:
                break
            frame.pts = (frame.pts or 0) - self._offset
            for piece in resampler.resample(frame):
                yield from target.encode(piece)
        for piece in resampler.resample(None):
            yield from target.encode(piece)
        yield from target.encode(None)


def _taken(encoder: str, source: AudioCodecContext) -> tuple[int, str]:
    """The rate and the layout nearest to those of ``source`` that ``encoder`` takes.

    Opus does not know speakers at the sides, nor rates such as 44.1 kHz; AAC ends at 96 kHz.
    """
    own = source.layout.name
    for rate in (source.sample_rate, _USUAL_RATE):
        for layout in (own, own.removesuffix("(side)")):
            trial = cast(AudioCodecContext, av.CodecContext.create(encoder, "w"))
            formats = trial.codec.audio_formats
            assert formats, "every encoder of sound says what it takes"
            with suppress(av.FFmpegError, ValueError):
                trial.sample_rate, trial.format, trial.layout = rate, formats[0], layout
                trial.open()
                return rate, layout
    return _USUAL_RATE, "stereo"


def _picture_start(container: av.container.InputContainer) -> float:
    if not container.streams.video:
        return 0.0
    video = container.streams.video[0]
    return float((video.start_time or 0) * (video.time_base or 0))


def _seconds(packet: Packet) -> float:
    return float((packet.pts or 0) * packet.time_base)
