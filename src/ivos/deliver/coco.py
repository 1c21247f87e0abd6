"""Masks as one annotation file: COCO, YTVIS. Written as they come, so of any length."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TypeAlias

import numpy as np

from ivos.deliver.files import safe
from ivos.deliver.job import Job, Meter
from ivos.deliver.options import LabelOptions
from ivos.deliver.rle import compress_counts
from ivos.masks import encode_rle
from ivos.types import Mask, Progress

Json: TypeAlias = str | int | float | bool | list["Json"] | dict[str, "Json"] | None


def write_coco(job: Job, out: Path, options: LabelOptions) -> Iterator[Progress]:
    """COCO instances: an image a frame, an annotation (compressed RLE) an object on it."""
    height, width = job.video.size
    categories = _categories(job, options)
    meter = Meter(len(job.frames))
    with out.open("w", encoding="utf-8") as file:
        file.write('{"info": ' + _dump({"description": job.video.name, "version": "1.0"}))
        file.write(f', "licenses": [], "categories": {_category_list(categories)}')
        file.write(', "images": [')
        for index, frame in enumerate(job.frames):
            image: dict[str, Json] = {
                "id": frame + 1,
                "file_name": f"{job.frame_name(frame)}.jpg",
                "width": width,
                "height": height,
                "frame_index": frame,
                "timestamp": round(job.video.timestamp(frame), 6),
            }
            file.write((",\n" if index else "\n") + _dump(image))
        file.write('],\n"annotations": [')
        written = 0
        for frame in job.frames:
            labels = job.labels(frame)
            for item in job.objects:
                mask = labels == item.object_id
                if not mask.any():
                    continue
                written += 1
                annotation: dict[str, Json] = {
                    "id": written,
                    "image_id": frame + 1,
                    "category_id": categories[options.category or item.name],
                    "track_id": item.object_id,
                    "iscrowd": 0,
                    **_shape(mask),
                }
                file.write((",\n" if written > 1 else "\n") + _dump(annotation))
            yield meter.tick(frame)
        file.write("]}\n")


def write_ytvis(job: Job, out: Path, options: LabelOptions) -> Iterator[Progress]:
    """YouTube-VIS: one video, an annotation an object with a mask (or null) for every frame."""
    height, width = job.video.size
    categories = _categories(job, options)
    names = [f"{safe(job.video.name)}/{job.frame_name(frame)}.jpg" for frame in job.frames]
    video: Json = {
        "id": 1,
        "width": width,
        "height": height,
        "length": len(names),
        "file_names": list(names),
    }
    meter = Meter(len(job.frames))
    with ExitStack() as stack:
        spools = [stack.enter_context(_spool(out)) for _ in job.objects]
        areas: list[list[Json]] = [[] for _ in job.objects]
        boxes: list[list[Json]] = [[] for _ in job.objects]
        for frame in job.frames:
            labels = job.labels(frame)
            for index, item in enumerate(job.objects):
                mask = labels == item.object_id
                shape = _shape(mask) if mask.any() else {}
                comma = ",\n" if areas[index] else "\n"
                spools[index].write(comma + _dump(shape.get("segmentation")))
                areas[index].append(shape.get("area"))
                boxes[index].append(shape.get("bbox"))
            yield meter.tick(frame)
        file = stack.enter_context(out.open("w", encoding="utf-8"))
        file.write('{"info": ' + _dump({"description": job.video.name, "version": "1.0"}))
        file.write(f', "licenses": [], "categories": {_category_list(categories)}')
        file.write(f', "videos": [{_dump(video)}],\n"annotations": [')
        for index, item in enumerate(job.objects):
            head: dict[str, Json] = {
                "id": item.object_id,
                "video_id": 1,
                "category_id": categories[options.category or item.name],
                "width": width,
                "height": height,
                "iscrowd": 0,
                "areas": areas[index],
                "bboxes": boxes[index],
            }
            file.write((",\n" if index else "\n") + _dump(head)[:-1] + ', "segmentations": [')
            spools[index].seek(0)
            for line in spools[index]:
                file.write(line)
            file.write("]}")
        file.write("]}\n")


def _spool(out: Path) -> IO[str]:
    """A nameless file on the disk that the result goes to, gone when it is closed."""
    return TemporaryFile("w+", encoding="utf-8", dir=out.parent)


def _categories(job: Job, options: LabelOptions) -> dict[str, int]:
    """Category ids from 1, by name, in the order of the objects."""
    names = dict.fromkeys(options.category or item.name for item in job.objects)
    return {name: index for index, name in enumerate(names, start=1)}


def _category_list(categories: dict[str, int]) -> str:
    rows: list[Json] = [
        {"id": number, "name": name, "supercategory": "object"}
        for name, number in categories.items()
    ]
    return _dump(rows)


def _shape(mask: Mask) -> dict[str, Json]:
    """Segmentation, area and box (left, top, width, height) of a mask that is not empty."""
    height, width = mask.shape
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    return {
        "segmentation": {
            "size": [height, width],
            "counts": compress_counts(encode_rle(mask)),
        },
        "area": int(mask.sum()),
        "bbox": [
            int(columns[0]),
            int(rows[0]),
            int(columns[-1] - columns[0] + 1),
            int(rows[-1] - rows[0] + 1),
        ],
    }


def _dump(value: Json) -> str:
    """JSON that is true UTF-8: a name on the disk may hold bytes that are no text."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()
