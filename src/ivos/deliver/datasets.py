"""Masks as trees of PNG files: DAVIS, binary, 16-bit soft, YouTube-VOS and MOTS."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from ivos.deliver.files import inside, safe, write_png
from ivos.deliver.job import Job, Meter
from ivos.deliver.options import DavisOptions, MotsOptions, NamedOptions, TreeLabelOptions
from ivos.errors import InvalidInput
from ivos.masks import DAVIS_PALETTE
from ivos.types import LabelMap, Progress

JPEG_QUALITY = 95
_SIX_DIGITS = re.compile(r"[0-9]{6}")


def write_davis(job: Job, out: Path, options: DavisOptions) -> Iterator[Progress]:
    """Indexed PNGs with the DAVIS palette: ``00000.png``; flat, or in the DAVIS layout."""
    if options.images and not options.tree:
        raise InvalidInput("davis writes images only in its whole layout: pass --tree too")
    name = safe(job.video.name)
    resolution = safe(options.resolution)
    prefix = f"Annotations/{resolution}/{name}/" if options.tree else ""
    meter = Meter(len(job.frames))
    for frame in job.frames:
        label = job.frame_name(frame)
        file = inside(out, prefix + job.file_name("{frame}", label) + ".png")
        _write_indexed(file, job.labels(frame))
        if options.images:
            _write_jpeg(inside(out, f"JPEGImages/{resolution}/{name}/{label}.jpg"), job, frame)
        yield meter.tick(frame)
    if options.tree:
        inside(out, "ImageSets/2017/val.txt").write_text(name + "\n", encoding="utf-8")


def write_binary(job: Job, out: Path, _: NamedOptions) -> Iterator[Progress]:
    """One folder an object, of 8-bit PNGs: 255 where it is, 0 elsewhere."""
    meter = Meter(len(job.frames))
    for frame in job.frames:
        labels = job.labels(frame)
        for item in job.objects:
            name = job.file_name("{object}/{frame}", job.frame_name(frame), item)
            pixels = np.where(labels == item.object_id, np.uint8(255), np.uint8(0))
            write_png(inside(out, name + ".png"), pixels)
        yield meter.tick(frame)


def write_soft16(job: Job, out: Path, _: NamedOptions) -> Iterator[Progress]:
    """One folder an object, of 16-bit grey PNGs: 65535 times the probability."""
    meter = Meter(len(job.frames))
    for frame in job.frames:
        for item in job.objects:
            name = job.file_name("{object}/{frame}", job.frame_name(frame), item)
            pixels = np.rint(job.soft(item, frame) * 65535).astype(np.uint16)
            write_png(inside(out, name + ".png"), pixels)
        yield meter.tick(frame)


def write_youtube_vos(job: Job, out: Path, options: TreeLabelOptions) -> Iterator[Progress]:
    """``Annotations/<name>/00000.png`` and ``meta.json``: the layout of YouTube-VOS."""
    video = safe(job.video.name)
    seen: dict[int, list[str]] = {item.object_id: [] for item in job.objects}
    meter = Meter(len(job.frames))
    for frame in job.frames:
        label = job.frame_name(frame)
        labels = job.labels(frame)
        _write_indexed(inside(out, f"Annotations/{video}/{label}.png"), labels)
        if options.images:
            _write_jpeg(inside(out, f"JPEGImages/{video}/{label}.jpg"), job, frame)
        present = np.bincount(labels.ravel(), minlength=256) > 0
        for object_id, frames in seen.items():
            if present[object_id]:
                frames.append(label)
        yield meter.tick(frame)
    objects = {
        str(item.object_id): {
            "category": options.category or item.name,
            "frames": seen[item.object_id],
        }
        for item in job.objects
    }
    meta = {"videos": {video: {"objects": objects}}}
    (out / "meta.json").write_text(json.dumps(meta, indent=1), encoding="utf-8")


def write_mots(job: Job, out: Path, options: MotsOptions) -> Iterator[Progress]:
    """``instances/<name>/000000.png``, 16-bit: class id times 1000 plus object id; 0 elsewhere.

    Six digits of time, which are the images' own names where these are such: an import that looks
    for names first would else take one image's mask for another's.
    """
    folder = f"instances/{safe(job.video.name)}"
    names = [job.video.frame_name(frame) for frame in range(len(job.video))]
    timed = job.start_frame is None and all(_SIX_DIGITS.fullmatch(name) for name in names)
    meter = Meter(len(job.frames))
    for frame in job.frames:
        labels = job.labels(frame).astype(np.uint16)
        pixels = np.where(labels > 0, labels + np.uint16(1000 * options.class_id), np.uint16(0))
        name = names[frame] if timed else f"{job.number(frame):06d}"
        write_png(inside(out, f"{folder}/{name}.png"), pixels)
        yield meter.tick(frame)


def _write_indexed(path: Path, labels: LabelMap) -> None:
    image = Image.fromarray(labels)
    image.putpalette(DAVIS_PALETTE.tobytes())
    image.save(path, format="PNG", compress_level=4)


def _write_jpeg(path: Path, job: Job, frame: int) -> None:
    image = Image.fromarray(job.video[frame])
    image.save(path, format="JPEG", quality=JPEG_QUALITY, subsampling=0)
