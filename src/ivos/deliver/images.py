"""Numbered pictures with alpha: PNG, and EXR with a layer for each object."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ivos.deliver.edges import Edges
from ivos.deliver.files import inside, safe, write_png
from ivos.deliver.job import Job, Meter, distinct_names
from ivos.deliver.options import ExrOptions, SequenceOptions
from ivos.deliver.source import pixel_aspect
from ivos.errors import CannotDo
from ivos.types import Frame, Progress

DIGITS = 4
"""Of frame numbers: ``name.1001.png``."""


def write_rgba_png(job: Job, out: Path, options: SequenceOptions) -> Iterator[Progress]:
    """8-bit RGBA, straight alpha: the picture's own colours, and the matte."""
    edges = Edges.of(options)
    meter = Meter(len(job.frames))
    for frame in job.frames:
        picture = job.video[frame]
        alpha = edges.alpha(picture, job.soft_of_all(frame))
        pixels = np.dstack([picture, np.rint(alpha * 255).astype(np.uint8)])
        write_png(inside(out, _numbered(job, frame) + ".png"), pixels)
        yield meter.tick(frame)


def write_exr(job: Job, out: Path, options: ExrOptions) -> Iterator[Progress]:
    """Half-float EXR: R, G, B in linear light times A, A, and a layer ``<object>.A`` for each."""
    try:
        import OpenEXR
    except ImportError:
        raise CannotDo("EXR needs an extra: pip install 'ivos[exr]'") from None
    edges = Edges.of(options)
    header = {
        "compression": OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "pixelAspectRatio": float(pixel_aspect(job.video)),
    }
    names = distinct_names(job.source.objects, _layer)
    layers = {key: _layer(name) for key, name in names.items()}
    meter = Meter(len(job.frames))
    for frame in job.frames:
        picture = job.video[frame]
        alpha = edges.alpha(picture, job.soft_of_all(frame))
        channels: dict[str, NDArray[np.float16]] = {"A": alpha.astype(np.float16)}
        if options.colour:
            light = to_linear(picture) * alpha[..., None]
            for plane, name in enumerate("RGB"):
                channels[name] = np.ascontiguousarray(light[..., plane], np.float16)
        for item in job.objects:
            matte = edges.alpha(picture, job.soft(item, frame))
            channels[f"{layers[item.object_id]}.A"] = matte.astype(np.float16)
        path = inside(out, _numbered(job, frame) + ".exr")
        with OpenEXR.File(header, channels) as file:
            file.write(str(path))
        yield meter.tick(frame)


def _layer(name: str) -> str:
    """``name`` as the name of a layer: a dot would begin a layer inside it."""
    return safe(name).replace(".", "_")


def to_linear(picture: Frame) -> NDArray[np.float32]:
    """8-bit sRGB to linear light, 0 to 1 (IEC 61966-2-1)."""
    value = np.arange(256, dtype=np.float64) / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    found: NDArray[np.float32] = light.astype(np.float32)[picture]
    return found


def _numbered(job: Job, frame: int) -> str:
    """The name of one picture: counts from 1001, as film does, unless told otherwise."""
    number = job.number(frame) if job.start_frame is not None else frame + 1001
    return job.file_name("{name}.{frame}", f"{number:0{DIGITS}d}")
