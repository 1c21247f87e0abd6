"""CVAT for video 1.1: the XML that CVAT imports, as polygon tracks or as single masks.

Layout as documented by CVAT ("XML annotation format", version 1.1, interpolation). A track may
be in one place on a frame only, so an object in several parts becomes several tracks, by size,
tied together by ``group_id``, which is the object's id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from ivos.deliver.job import Job, Meter
from ivos.deliver.options import CvatOptions
from ivos.deliver.outline import Ring, outlines
from ivos.deliver.source import NamedObject
from ivos.types import Mask, Progress

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_cvat(job: Job, out: Path, options: CvatOptions) -> Iterator[Progress]:
    """``<annotations>`` with a ``<track>`` for each part of each object."""
    with out.open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n')
        file.write("  <version>1.1</version>\n")
        file.write(_meta(job))
        if options.shapes == "mask":
            yield from _write_masks(job, file)
        else:
            yield from _write_polygons(job, out, file, options.tolerance)
        file.write("</annotations>\n")


def _write_polygons(job: Job, out: Path, file: IO[str], tolerance: float) -> Iterator[Progress]:
    meter = Meter(len(job.frames))
    tracks: dict[tuple[int, int], list[tuple[int, int]]] = {}
    with TemporaryFile(dir=out.parent) as spool:  # shapes come by frame, and are wanted by track
        before: dict[tuple[int, int], Ring] = {}
        for frame in job.frames:
            labels = job.labels(frame)
            shown: dict[tuple[int, int], Ring] = {}
            for item in job.objects:
                rings = outlines(labels == item.object_id, tolerance)
                shown |= {(item.object_id, part): ring for part, ring in enumerate(rings)}
            gone = {track: ring for track, ring in before.items() if track not in shown}
            for outside, shapes in enumerate((shown, gone)):
                _spool(spool, tracks, frame, shapes, outside)
            before = shown
            yield meter.tick(frame)
        if job.frames.stop < len(job.video):  # else they would stay on to the end of the video
            _spool(spool, tracks, job.frames.stop, before, 1)
        by_id = {item.object_id: item for item in job.objects}
        for number, (track, places) in enumerate(sorted(tracks.items())):
            file.write(_open_track(number, by_id[track[0]]))
            for start, length in places:
                spool.seek(start)
                file.write(spool.read(length).decode())
            file.write("  </track>\n")


def _spool(
    spool: IO[bytes],
    tracks: dict[tuple[int, int], list[tuple[int, int]]],
    frame: int,
    shapes: Mapping[tuple[int, int], Ring],
    outside: int,
) -> None:
    for track, ring in shapes.items():
        line = _polygon(frame, ring, outside).encode()
        tracks.setdefault(track, []).append((spool.tell(), len(line)))
        spool.write(line)


def _write_masks(job: Job, file: IO[str]) -> Iterator[Progress]:
    meter = Meter(len(job.frames))
    number = 0
    for frame in job.frames:
        labels = job.labels(frame)
        for item in job.objects:
            mask = labels == item.object_id
            if not mask.any():
                continue
            shape = _box_and_runs(mask)
            file.write(_open_track(number, item))
            for outside, at in enumerate((frame, frame + 1)):
                if at < len(job.video):
                    file.write(
                        f'    <mask frame="{at}" keyframe="1" outside="{outside}" occluded="0" '
                        f'{shape} z_order="0"></mask>\n'
                    )
            file.write("  </track>\n")
            number += 1
        yield meter.tick(frame)


def _open_track(number: int, item: NamedObject) -> str:
    label = quoteattr(_clean(item.name))
    return f'  <track id="{number}" label={label} source="auto" group_id="{item.object_id}">\n'


def _polygon(frame: int, ring: Ring, outside: int) -> str:
    points = ";".join(f"{x:.2f},{y:.2f}" for x, y in ring)
    return (
        f'    <polygon frame="{frame}" keyframe="1" outside="{outside}" occluded="0" '
        f'points="{points}" z_order="0"></polygon>\n'
    )


def _box_and_runs(mask: Mask) -> str:
    """The box, and the lengths of runs inside it, row by row, beginning with the background."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    inside = mask[top : rows[-1] + 1, left : columns[-1] + 1]
    flat = np.concatenate([[False], inside.ravel()])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    runs = np.diff(np.concatenate([[0], changes, [inside.size]]))
    return (
        f'rle="{", ".join(map(str, runs))}" left="{left}" top="{top}" '
        f'width="{inside.shape[1]}" height="{inside.shape[0]}"'
    )


def _meta(job: Job) -> str:
    height, width = job.video.size
    names = dict.fromkeys(_clean(item.name) for item in job.objects)
    labels = "".join(
        f"        <label><name>{escape(name)}</name><attributes></attributes></label>\n"
        for name in names
    )
    last = len(job.video) - 1
    return f"""  <meta>
    <task>
      <id>0</id>
      <name>{escape(_clean(job.video.name))}</name>
      <size>{len(job.video)}</size>
      <mode>interpolation</mode>
      <overlap>0</overlap>
      <bugtracker></bugtracker>
      <flipped>False</flipped>
      <created>{escape(job.date)}</created>
      <updated>{escape(job.date)}</updated>
      <labels>
{labels}      </labels>
      <segments>
        <segment><id>0</id><start>0</start><stop>{last}</stop><url></url></segment>
      </segments>
      <owner><username></username><email></email></owner>
      <original_size><width>{width}</width><height>{height}</height></original_size>
    </task>
    <dumped>{escape(job.date)}</dumped>
  </meta>
"""


def _clean(text: str) -> str:
    return _NOT_XML.sub("_", text)
