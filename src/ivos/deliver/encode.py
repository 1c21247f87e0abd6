"""Writing movies through FFmpeg: pictures with their times, colour tags, and sound beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias, cast

import av
import numpy as np
from av.container import OutputContainer
from av.packet import Packet as AnyPacket
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from ivos.deliver.sound import Sound
from ivos.deliver.source import source_file
from ivos.errors import CannotDo
from ivos.types import Video
from ivos.video.index import open_container

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]
Packet: TypeAlias = "AnyPacket[Any]"  # a subscript that PyAV knows in its hints only

_TICKS = Fraction(1, 90_000)
_STEADY = 0.0011
"""Seconds that a frame may be off and the rate still count as constant: Matroska rounds to 1 ms."""
_USUAL_RATES = tuple(
    Fraction(rate * 1000, divisor)
    for rate in (12, 15, 24, 25, 30, 48, 50, 60, 100, 120)
    for divisor in (1000, 1001)
)
_MPEG, _JPEG = 1, 2
_KNOWN_MATRICES = {1: 1, 2: 5, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}
"""H.273 matrix -> the number that FFmpeg's scaler knows it by; it takes unspecified for BT.601."""


@dataclass(frozen=True, slots=True)
class Colour:
    """How pixels are to be understood: numbers of ITU-T H.273; 2 is unspecified."""

    primaries: int = 1
    transfer: int = 1
    matrix: int = 1
    full_range: bool = False

    @classmethod
    def of(cls, video: Video) -> Colour:
        """Those of the source file; BT.709 where there is none.

        What a source leaves unspecified stays so: players guess the same for the copy.
        """
        path = source_file(video)
        if path is None:
            return cls()
        container, stream = open_container(path)
        with container:
            codec = stream.codec_context
            if (codec.pix_fmt or "").startswith(("rgb", "bgr", "gbr", "pal", "argb", "abgr")):
                return cls(int(codec.color_primaries), int(codec.color_trc), 1)
            full = int(codec.color_range) == _JPEG or (codec.pix_fmt or "").startswith("yuvj")
            matrix = int(codec.colorspace)
            matrix = matrix if matrix in _KNOWN_MATRICES else 1
            return cls(int(codec.color_primaries), int(codec.color_trc), matrix, full)


@dataclass(frozen=True, slots=True)
class Times:
    """When each frame of a movie is shown, in whole ticks of ``base`` seconds from its start."""

    base: Fraction
    rate: Fraction
    ticks: tuple[int, ...] | None
    """One a frame; None where frame i is at tick i."""

    @classmethod
    def of(cls, video: Video, frames: range) -> Times:
        """Those of the video: its constant rate, exactly, or else each frame's own time."""
        start = video.timestamp(frames.start)
        seconds = [video.timestamp(frame) - start for frame in frames]
        rates = _rates(video)
        for rate in rates:
            if all(abs(s - float(i / rate)) <= _STEADY for i, s in enumerate(seconds)):
                return cls(1 / rate, rate, None)
        ticks: list[int] = []
        for second in seconds:
            tick = round(second / _TICKS)
            ticks.append(max(tick, ticks[-1] + 1) if ticks else tick)
        return cls(_TICKS, rates[-1], tuple(ticks))

    def at(self, index: int) -> int:
        """The tick at which the movie's frame ``index`` is shown."""
        return index if self.ticks is None else self.ticks[index]

    def duration(self, index: int) -> int:
        """How many ticks it stays; the last one as long as the one before."""
        if self.ticks is None or len(self.ticks) < 2:
            return 1 if self.ticks is None else round(1 / self.rate / self.base)
        index = min(index, len(self.ticks) - 2)
        return self.ticks[index + 1] - self.ticks[index]


def _rates(video: Video) -> list[Fraction]:
    """What the constant rate of ``video`` may be: as declared, a usual one, as measured."""
    measured = Fraction(video.fps).limit_denominator(1001)
    rates = [min(_USUAL_RATES, key=lambda rate: abs(rate - measured)), measured]
    path = source_file(video)
    if path is not None:
        container, stream = open_container(path)
        with container:
            declared = stream.average_rate
        if declared:
            rates.insert(0, declared)
    return rates


@dataclass(frozen=True, slots=True)
class Codec:
    """A way to encode: FFmpeg's names for container, encoder and pixel format."""

    container: str
    encoder: str
    pixels: str
    options: dict[str, str] = field(default_factory=dict)
    even: bool = False
    """Sides must be even: odd ones get their last row or column twice."""


class MovieWriter:
    """One movie file being written; a context manager that completes it, but for errors."""

    def __init__(
        self,
        path: Path,
        codec: Codec,
        *,
        size: tuple[int, int],
        times: Times,
        colour: Colour,
        aspect: Fraction = Fraction(1),
        sound: Sound | None = None,
    ) -> None:
        self._codec, self._times, self._colour, self._sound = codec, times, colour, sound
        self._aspect = aspect
        self._written = 0
        flags = {"movflags": "+faststart"} if codec.container in ("mp4", "mov") else {}
        self._container: OutputContainer = av.open(
            f"file:{path}", "w", format=codec.container, options=flags
        )
        self._stream = self._add_video(size)
        if sound is not None:
            sound.join(self._container)

    def _add_video(self, size: tuple[int, int]) -> VideoStream:
        codec, colour = self._codec, self._colour
        try:
            stream = cast(
                VideoStream, self._container.add_stream(codec.encoder, rate=self._times.rate)
            )
        except av.codec.codec.UnknownCodecError:
            raise CannotDo(
                f"this FFmpeg has no encoder {codec.encoder}: install PyAV from its wheels "
                "(pip install av), or choose another kind"
            ) from None
        stream.height, stream.width = (side + side % 2 if codec.even else side for side in size)
        stream.pix_fmt = codec.pixels
        context = stream.codec_context
        context.options = dict(codec.options)
        context.time_base = stream.time_base = self._times.base
        context.sample_aspect_ratio = self._aspect  # PyAV cannot hand it to Matroska and WebM
        context.color_primaries = colour.primaries
        context.color_trc = colour.transfer
        context.colorspace = colour.matrix
        context.color_range = _JPEG if colour.full_range else _MPEG
        return stream

    def __enter__(self) -> Self:
        return self

    def write(self, pixels: Pixels) -> None:
        """Add a frame: (H, W, 3) uint8 RGB, (H, W, 4) uint16 RGBA, or (H, W) uint8 grey."""
        if self._codec.even and (pixels.shape[0] % 2 or pixels.shape[1] % 2):
            pad = [(0, pixels.shape[0] % 2), (0, pixels.shape[1] % 2)]
            pixels = cast(Pixels, np.pad(pixels, pad + [(0, 0)] * (pixels.ndim - 2), mode="edge"))
        named = {2: "gray", 3: "rgb24", 4: "rgba64le"}
        form = named[2 if pixels.ndim == 2 else pixels.shape[2]]
        contiguous = cast(Pixels, np.ascontiguousarray(pixels))
        frame = VideoFrame.from_ndarray(contiguous, format=form)
        if self._codec.pixels != form:
            frame = frame.reformat(
                format=self._codec.pixels,
                dst_colorspace=_KNOWN_MATRICES[self._colour.matrix],
                src_color_range=_JPEG,
                dst_color_range=_JPEG if self._colour.full_range else _MPEG,
                interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND,
            )
        frame.colorspace = self._colour.matrix
        frame.color_primaries = self._colour.primaries  # ProRes takes them from here
        frame.color_trc = self._colour.transfer
        frame.time_base = self._times.base
        frame.pts = self._times.at(self._written)
        frame.duration = self._times.duration(self._written)
        self._written += 1
        if self._sound is not None:
            for packet in self._sound.until(float(frame.pts * self._times.base)):
                self._container.mux(packet)
        for encoded in self._stream.encode(frame):
            self._container.mux(encoded)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                for packet in self._rest():
                    self._container.mux(packet)
        finally:
            if self._sound is not None:
                self._sound.close()
            self._container.close()

    def _rest(self) -> Iterator[Packet]:
        yield from self._stream.encode(None)
        if self._sound is not None:
            yield from self._sound.until(float("inf"))


class GifWriter:
    """One animated GIF being written, frame by frame, with one palette; a context manager.

    The last frame is shown for ``last`` hundredths of a second.
    """

    def __init__(self, path: Path, size: tuple[int, int], palette: Image.Image, last: int) -> None:
        colours = np.array(palette.getpalette(), np.uint8).reshape(-1, 3)
        self._table = np.full((256, 4), 255, np.uint8)
        self._table[: len(colours), 1:] = colours  # FFmpeg wants alpha, red, green, blue
        self._palette = palette
        options = {"final_delay": str(last)}
        self._container: OutputContainer = av.open(
            f"file:{path}", "w", format="gif", options=options
        )
        self._stream = self._container.add_stream("gif", rate=100)
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "pal8"
        self._stream.codec_context.time_base = Fraction(1, 100)

    def __enter__(self) -> Self:
        return self

    def write(self, image: Image.Image, at: int) -> None:
        """Add an RGB image, shown from ``at`` hundredths of a second on."""
        indices = image.quantize(palette=self._palette, dither=Image.Dither.FLOYDSTEINBERG)
        # PyAV takes the pair, though its type hints know of one array only.
        pair = cast(Any, (np.asarray(indices), self._table))
        frame = VideoFrame.from_ndarray(pair, format="pal8")
        frame.time_base = Fraction(1, 100)
        frame.pts = at
        self._container.mux(self._stream.encode(frame))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()
