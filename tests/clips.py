"""Tiny videos whose frames carry their own number, as black and white blocks."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

BITS = 8


def numbered_frame(number: int, size: tuple[int, int] = (48, 64)) -> NDArray[np.uint8]:
    """(H, W, 3): the bits of ``number`` across the upper half, a mid grey below."""
    height, width = size
    frame = np.full((height, width, 3), 90, np.uint8)
    edges = np.linspace(0, width, BITS + 1).astype(int)
    for bit in range(BITS):
        frame[: height // 2, edges[bit] : edges[bit + 1]] = 235 if number >> bit & 1 else 20
    return frame


def read_number(frame: NDArray[np.uint8]) -> int:
    """The number that ``numbered_frame`` wrote."""
    height, width = frame.shape[:2]
    edges = np.linspace(0, width, BITS + 1).astype(int)
    number = 0
    for bit in range(BITS):
        left, right = edges[bit], edges[bit + 1]
        inset = (right - left) // 4
        block = frame[height // 8 : height // 2 - height // 8, left + inset : right - inset]
        number |= int(block.mean() > 127) << bit
    return number


def write_clip(
    path: Path,
    count: int = 40,
    *,
    codec: str = "libx264",
    size: tuple[int, int] = (48, 64),
    pixels: str = "yuv420p",
    rate: int = 25,
    pts: Sequence[int] | None = None,
    options: Mapping[str, str] | None = None,
    container: Mapping[str, str] | None = None,
    matrix: Sequence[int] | None = None,
) -> Path:
    """Write ``count`` numbered frames; ``pts`` are in units of 1 / (10 * rate) seconds."""
    time_base = Fraction(1, 10 * rate)
    with av.open(str(path), "w", options=dict(container or {})) as output:
        stream = output.add_stream(codec, rate=rate, options=dict(options or {}))
        stream.height, stream.width = size
        stream.pix_fmt = pixels
        stream.time_base = time_base
        stream.codec_context.time_base = time_base
        if matrix is not None:
            stream.set_display_matrix(matrix)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(numbered_frame(number, size), format="rgb24")
            frame.pts = pts[number] if pts is not None else number * 10
            frame.time_base = time_base
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return path


def write_tone(path: Path, seconds: float = 0.5) -> Path:
    """Write a file that has sound and no picture."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, int(8000 * seconds)), np.int16), format="s16", layout="mono"
        )
        frame.sample_rate = 8000
        output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return path


def shuffled(count: int, seed: int = 0) -> list[int]:
    """The numbers 0..count-1 in an order that is random but always the same."""
    numbers = list(range(count))
    random.Random(seed).shuffle(numbers)
    return numbers
