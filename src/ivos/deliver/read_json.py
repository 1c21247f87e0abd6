"""Masks in COCO and YTVIS JSON, brought to the frames and the objects of a video."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ivos.deliver.incoming import Incoming, Masks, Matching, telling
from ivos.deliver.rle import expand_counts
from ivos.errors import InvalidInput
from ivos.masks import decode_rle
from ivos.types import MAX_OBJECT_ID, Mask

_FINER = 4
"""Polygons are drawn so much larger: OpenCV fills each pixel that the border touches, too."""
_MOST_PIXELS = 1 << 26
"""Twice those of an 8K picture: a file may say anything, and memory is taken by what it says."""
_FARTHEST = 1 << 20
"""Pixels that a corner of a polygon may lie off: OpenCV counts in 32 bits."""


def read_coco(path: Path, matching: Matching) -> Incoming:
    """COCO instances, an image a frame; ``track_id`` says which object, else the category does."""
    data = read_json(path)
    images = {image["id"]: image for image in _rows(data, "images", path)}
    frames = {
        key: image["frame_index"]
        if image.get("frame_index") in range(len(matching.video))
        else matching.frame_of(Path(str(image.get("file_name", key))).stem)
        for key, image in images.items()
    }
    categories = {row["id"]: str(row["name"]) for row in data.get("categories", [])}
    tracked: dict[int | str, str] = {}
    found: dict[int, dict[int | str, Any]] = {frame: {} for frame in frames.values()}
    for row in _rows(data, "annotations", path):
        name = categories.get(row["category_id"], f"category {row['category_id']}")
        track: int | str = name if row.get("track_id") is None else row["track_id"]
        tracked.setdefault(track, name)
        at = found[frames[row["image_id"]]]
        if track in at:
            raise InvalidInput(
                f"{path}: image {row['image_id']} has two masks of {track}; "
                "give each object its own track_id"
            )
        at[track] = row["segmentation"]
    sizes = {frames[key]: _size(image, matching, path) for key, image in images.items()}
    return _from_runs("coco", path, matching, tracked, found, sizes)


def read_ytvis(path: Path, matching: Matching) -> Incoming:
    """YouTube-VIS: the video of this name, or the only one; an annotation is an object."""
    data = read_json(path)
    videos = _rows(data, "videos", path)
    stems = {
        video["id"]: [Path(str(name)) for name in video.get("file_names", [])] for video in videos
    }
    chosen = [
        key for key, files in stems.items() if files and files[0].parts[0] == matching.video.name
    ]
    if not chosen and len(videos) != 1:
        raise InvalidInput(f"{path}: holds {len(videos)} videos, none is {matching.video.name}")
    key = chosen[0] if chosen else videos[0]["id"]
    frames = matching.frames_of([file.stem for file in stems[key]])
    (size,) = (_size(video, matching, path) for video in videos if video["id"] == key)
    categories = {row["id"]: str(row["name"]) for row in data.get("categories", [])}
    tracked: dict[int | str, str] = {}
    found: dict[int, dict[int | str, Any]] = {frame: {} for frame in frames}
    for row in _rows(data, "annotations", path):
        if row["video_id"] != key:
            continue
        if row["id"] in tracked:
            raise InvalidInput(
                f"{path}: two annotations have the id {row['id']}; give each its own"
            )
        tracked[row["id"]] = categories.get(row["category_id"], "")
        for frame, index in frames.items():
            if row["segmentations"][index] is not None:
                found[frame][row["id"]] = row["segmentations"][index]
    return _from_runs("ytvis", path, matching, tracked, found, dict.fromkeys(frames, size))


def _size(row: Mapping[str, Any], matching: Matching, path: Path) -> tuple[int, int]:
    """(height, width) that an image or a video says it has; the video's where it does not.

    Raises InvalidInput where that is more than any picture.
    """
    height, width = row.get("height"), row.get("width")
    if not (height and width):
        return matching.video.size
    if height * width > _MOST_PIXELS:
        raise InvalidInput(
            f"{path}: says that a picture has {width}x{height} pixels, too many to draw masks on"
        )
    return height, width


def _from_runs(
    form: str,
    path: Path,
    matching: Matching,
    tracked: Mapping[int | str, str],
    found: Mapping[int, Mapping[int | str, Any]],
    sizes: Mapping[int, tuple[int, int]],
) -> Incoming:
    """``found``: frame -> track -> COCO segmentation; ``tracked``: what tracks are called;
    ``sizes``: (height, width) that the polygons of a frame are drawn on.

    A track that is a number becomes the object of that id if there is one; any other, and one that
    is a name, the object of its name or a new one. No two tracks become one object.
    """
    numbers: dict[int | str, int] = {
        track: track for track in tracked if isinstance(track, int) and 1 <= track <= MAX_OBJECT_ID
    }
    names = {track: name for track, name in tracked.items() if track not in numbers}
    ids = matching.told_apart(numbers, names)
    called = {ids[track]: matching.call(ids[track], name) for track, name in tracked.items()}
    empty = np.zeros(matching.video.size, np.bool_)

    def read(frame: int) -> Masks:
        at = found[frame]
        with telling(path):
            masks = {ids[track]: _mask(runs, sizes[frame]) for track, runs in at.items()}
        fitted = {key: matching.fitted(mask, f"{path}: a mask") for key, mask in masks.items()}
        return {key: fitted.get(key, empty) for key in called}

    return Incoming(form, called, tuple(sorted(found)), read)


def _mask(segmentation: Any, size: tuple[int, int]) -> Mask:
    """Run lengths, compressed or not, or polygons on a picture of ``size``: the pixels whose middle
    lies in one.
    """
    if isinstance(segmentation, dict):
        height, width = segmentation["size"]
        return decode_rle(expand_counts(segmentation["counts"]), (height, width))
    canvas = np.zeros((size[0] * _FINER, size[1] * _FINER), np.uint8)
    for polygon in segmentation:
        # Sixteenths of a pixel; OpenCV counts from the middles of pixels, COCO from their corners.
        corners = np.reshape(polygon, (-1, 2)).astype(np.float64)
        if not (np.abs(corners) <= _FARTHEST).all():  # nor is nan
            raise ValueError("a corner of a polygon lies beyond any picture")
        points = (corners * _FINER - 0.5) * 16
        cv2.fillPoly(canvas, [np.rint(points).astype(np.int32)], (1,), shift=4)
    middles = slice(_FINER // 2, None, _FINER)
    return canvas[middles, middles] > 0


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises InvalidInput where there is none."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be read ({error.strerror or error})") from None
    except ValueError as error:
        raise InvalidInput(f"{path}: not JSON ({error})") from None
    if not isinstance(data, dict):
        raise InvalidInput(f"{path}: holds a list; COCO and YTVIS files hold an object")
    return data


def _rows(data: Mapping[str, Any], key: str, path: Path) -> list[Any]:
    rows = data.get(key)
    if not isinstance(rows, list):
        raise InvalidInput(f"{path}: has no list of {key!r}; is it COCO or YTVIS JSON?")
    return rows
