"""Masks in the trees and files that people have: PNG trees of five kinds, COCO and YTVIS JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ivos.deliver.incoming import Incoming, Masks, Matching
from ivos.deliver.rle import expand_counts
from ivos.errors import InvalidInput
from ivos.masks import decode_rle
from ivos.types import MAX_OBJECT_ID, VOID, Mask, ObjectId

_IMAGES = (".png", ".tif", ".tiff", ".bmp")


def read_masks(path: Path, matching: Matching, form: str | None = None) -> Incoming:
    """The masks in ``path``, recognised by their layout unless ``form`` names it.

    Raises InvalidInput where they are in no form of ``FORMS``, do not fit the video, or where two
    of them claim the same frame or id.
    """
    if form is not None and form not in FORMS:
        raise InvalidInput(f"no form of masks is called {form!r}; there are {', '.join(FORMS)}")
    if not path.exists():
        raise InvalidInput(f"{path}: no such file or folder")
    read = FORMS[form or recognised(path)]
    with _telling(path):
        found = read(path, matching)
    if not found.frames or not found.names:
        raise InvalidInput(f"{path}: there are no masks in it")
    return found


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Errors of a file that is not as its form says become one line."""
    try:
        yield
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be read ({error.strerror or error})") from None
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput(f"{path}: damaged or of another form ({error!r})") from None


def recognised(path: Path) -> str:
    """The form of the masks in ``path``. Raises InvalidInput where it is none that is known."""
    if path.is_file() and path.suffix.lower() == ".json":
        data = _json(path)
        return "ytvis" if "videos" in data else "coco"
    if path.is_file():
        return _form_of_pixels([path])
    if (path / "meta.json").is_file():
        return "youtube-vos"
    if (path / "Annotations").is_dir():
        return "davis"
    if (path / "instances").is_dir():
        return "mots"
    pictures = _pictures(path)
    if pictures:
        return _form_of_pixels(pictures)
    if any(_pictures(folder) for folder in _folders(path)):
        return "objects"
    raise InvalidInput(
        f"{path}: no masks there that are known; give PNGs, a folder of them for each object, "
        "a DAVIS, YouTube-VOS or MOTS tree, or COCO or YTVIS JSON"
    )


def _form_of_pixels(pictures: Sequence[Path]) -> str:
    """By the values that are in some of the pictures."""
    some = [_pixels(picture) for picture in pictures[:: -(-len(pictures) // 5)]]
    deep = any(pixels.dtype == np.uint16 for pixels in some)
    values = np.unique(np.concatenate([np.unique(pixels) for pixels in some])).astype(int)
    values = values[values > 0]
    if not deep and _is_indexed(pictures[0]):
        return "davis"
    if deep and len(values) and (values >= 1000).all() and (values % 1000 <= MAX_OBJECT_ID).all():
        return "mots"
    if len(values) <= 1 and (some[0].dtype == np.bool_ or values.max(initial=0) in (255, 65535)):
        return "binary"
    return "soft" if deep or len(values) > 64 else "davis"


def read_indexed(path: Path, matching: Matching) -> Incoming:
    """Pixels are object ids: one PNG, a folder of them, or a DAVIS tree with this sequence."""
    if (path / "Annotations").is_dir():
        path = _sequence(path / "Annotations", matching.video.name)
    return _labelled("davis", path, matching, {}, lambda pixels: pixels)


def read_youtube_vos(path: Path, matching: Matching) -> Incoming:
    """A YouTube-VOS tree; objects are called by their category."""
    folder = _sequence(path / "Annotations", matching.video.name)
    videos = _json(path / "meta.json").get("videos", {})
    objects = videos.get(folder.name, {}).get("objects", {})
    names = {int(key): str(about.get("category", "")) for key, about in objects.items()}
    return _labelled("youtube-vos", folder, matching, names, lambda pixels: pixels)


def read_mots(path: Path, matching: Matching) -> Incoming:
    """16-bit PNGs: class id times 1000 plus object id; 10000 (ignore) counts as background."""
    if (path / "instances").is_dir():
        path = _sequence(path, matching.video.name)

    def ids(pixels: NDArray[np.generic]) -> NDArray[np.generic]:
        values = pixels.astype(np.int64)
        return np.where(values // 1000 == 10, 0, values % 1000)

    return _labelled("mots", path, matching, {}, ids)


def _labelled(
    form: str,
    path: Path,
    matching: Matching,
    names: Mapping[ObjectId, str],
    ids: Callable[[NDArray[np.generic]], NDArray[np.generic]],
) -> Incoming:
    """Pictures whose pixels, once through ``ids``, are object ids."""
    pictures = [path] if path.is_file() else _pictures(path)
    frames = matching.frames_of([picture.stem for picture in pictures])

    def labels(frame: int) -> NDArray[np.generic]:
        picture = pictures[frames[frame]]
        pixels = _pixels(picture)
        if pixels.ndim != 2:
            raise InvalidInput(f"{picture} is a colour picture: save it indexed, or in grey")
        return ids(matching.fitted(pixels, str(picture)))

    present: set[int] = set()
    for frame in frames:
        present.update(np.unique(labels(frame)).tolist())
    present -= {0, VOID}
    if present and max(present) > MAX_OBJECT_ID:
        raise InvalidInput(
            f"{path}: pixels of value {max(present)} are no object ids, which end at "
            f"{MAX_OBJECT_ID}; pass --form soft or --form binary if they are something else"
        )
    called = {key: matching.call(key, names.get(key)) for key in sorted(present | names.keys())}

    def read(frame: int) -> Masks:
        found = labels(frame)
        return {key: found == key for key in called}

    return Incoming(form, called, tuple(frames), read)


def read_binary(path: Path, matching: Matching) -> Incoming:
    """One object in one PNG or a folder of them: it is where pixels are not 0."""
    return _of_one("binary", path, matching, lambda pixels: pixels > 0)


def read_soft(path: Path, matching: Matching) -> Incoming:
    """One object in one PNG or a folder of them: grey is its probability."""
    return _of_one("soft", path, matching, _probability)


def _of_one(
    form: str,
    path: Path,
    matching: Matching,
    convert: Callable[[NDArray[Any]], NDArray[Any]],
) -> Incoming:
    (object_id,) = matching.named([matching.object or "1"])
    pictures = [path] if path.is_file() else _pictures(path)
    frames = matching.frames_of([picture.stem for picture in pictures])
    called = {object_id: matching.call(object_id, matching.object)}
    return Incoming(
        form,
        called,
        tuple(frames),
        lambda frame: {object_id: _grey(pictures[frames[frame]], matching, convert)},
    )


def read_objects(path: Path, matching: Matching) -> Incoming:
    """A folder for each object, called as the object is; black and white, or soft, PNGs."""
    folders = [folder for folder in _folders(path) if _pictures(folder)]
    called = matching.named([folder.name for folder in folders])
    found = {}
    for object_id, folder in zip(called, folders, strict=True):
        pictures = _pictures(folder)
        frames = matching.frames_of([picture.stem for picture in pictures])
        found[object_id] = {frame: pictures[index] for frame, index in frames.items()}

    def read(frame: int) -> Masks:
        return {
            key: _grey(pictures[frame], matching, _probability)
            for key, pictures in found.items()
            if frame in pictures
        }

    frames_of_all = sorted({frame for pictures in found.values() for frame in pictures})
    return Incoming("objects", called, tuple(frames_of_all), read)


def _probability(pixels: NDArray[Any]) -> NDArray[Any]:
    if pixels.dtype == np.bool_:
        return pixels
    if pixels.dtype == np.uint8 and pixels.max() <= 1:
        return pixels > 0
    return (pixels.astype(np.float32) / np.iinfo(pixels.dtype).max).astype(np.float32)


def _grey(
    picture: Path, matching: Matching, convert: Callable[[NDArray[Any]], NDArray[Any]]
) -> NDArray[Any]:
    pixels = _pixels(picture)
    if pixels.ndim != 2:
        raise InvalidInput(f"{picture} is a colour picture: save it in grey")
    return convert(matching.fitted(pixels, str(picture)))


def read_coco(path: Path, matching: Matching) -> Incoming:
    """COCO instances, an image a frame; ``track_id`` says which object, else the category does."""
    data = _json(path)
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
        track: int | str = row.get("track_id", name)
        tracked.setdefault(track, name)
        at = found[frames[row["image_id"]]]
        if track in at:
            raise InvalidInput(
                f"{path}: image {row['image_id']} has two masks of {track}; "
                "give each object its own track_id"
            )
        at[track] = row["segmentation"]
    return _from_runs("coco", path, matching, tracked, found)


def read_ytvis(path: Path, matching: Matching) -> Incoming:
    """YouTube-VIS: the video of this name, or the only one; an annotation is an object."""
    data = _json(path)
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
    categories = {row["id"]: str(row["name"]) for row in data.get("categories", [])}
    tracked: dict[int | str, str] = {}
    found: dict[int, dict[int | str, Any]] = {frame: {} for frame in frames}
    for row in _rows(data, "annotations", path):
        if row["video_id"] != key:
            continue
        tracked[row["id"]] = categories.get(row["category_id"], "")
        for frame, index in frames.items():
            if row["segmentations"][index] is not None:
                found[frame][row["id"]] = row["segmentations"][index]
    return _from_runs("ytvis", path, matching, tracked, found)


def _from_runs(
    form: str,
    path: Path,
    matching: Matching,
    tracked: Mapping[int | str, str],
    found: Mapping[int, Mapping[int | str, Any]],
) -> Incoming:
    """``found``: frame -> track -> COCO segmentation; ``tracked``: what tracks are called.

    A track that is a number becomes the object of that id; one that is a name, that of this name.
    """
    ids: dict[int | str, ObjectId] = {}
    called: dict[ObjectId, str] = {}
    for track, name in tracked.items():
        fits = isinstance(track, int) and 1 <= track <= MAX_OBJECT_ID
        object_id = int(track) if fits else matching.id_of(name, called)
        ids[track] = object_id
        called[object_id] = matching.call(object_id, name)
    empty = np.zeros(matching.video.size, np.bool_)

    def read(frame: int) -> Masks:
        at = found[frame]
        with _telling(path):
            masks = {ids[track]: _segmentation(runs, matching) for track, runs in at.items()}
        fitted = {key: matching.fitted(mask, f"{path}: a mask") for key, mask in masks.items()}
        return {key: fitted.get(key, empty) for key in called}

    return Incoming(form, called, tuple(sorted(found)), read)


def _segmentation(segmentation: Any, matching: Matching) -> Mask:
    """Run lengths, compressed or not, or polygons (filled to the nearest pixel)."""
    if isinstance(segmentation, dict):
        height, width = segmentation["size"]
        return decode_rle(expand_counts(segmentation["counts"]), (height, width))
    canvas = np.zeros(matching.video.size, np.uint8)
    for polygon in segmentation:
        # Sixteenths of a pixel; OpenCV counts from the middles of pixels, COCO from their corners.
        points = (np.reshape(polygon, (-1, 2)) - 0.5) * 16
        cv2.fillPoly(canvas, [np.rint(points).astype(np.int32)], (1,), shift=4)
    return canvas > 0


FORMS: dict[str, Callable[[Path, Matching], Incoming]] = {
    "davis": read_indexed,
    "binary": read_binary,
    "soft": read_soft,
    "objects": read_objects,
    "youtube-vos": read_youtube_vos,
    "mots": read_mots,
    "coco": read_coco,
    "ytvis": read_ytvis,
}
"""By the name that ``ivos import --form`` knows them by."""


def _json(path: Path) -> dict[str, Any]:
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


def _sequence(root: Path, name: str) -> Path:
    """The folder of pictures below ``root`` that is called ``name``, or the only one."""
    folders = [path for path in sorted(root.rglob("*")) if path.is_dir() and _pictures(path)]
    chosen = [folder for folder in folders if folder.name == name]
    if not chosen and len(folders) != 1:
        raise InvalidInput(
            f"{root}: holds {len(folders)} sequences, none is called {name}; name its folder"
        )
    return (chosen or folders)[0]


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _IMAGES)


def _folders(path: Path) -> list[Path]:
    return sorted(folder for folder in path.iterdir() if folder.is_dir())


def _is_indexed(path: Path) -> bool:
    with Image.open(path) as image:
        return image.mode == "P"


def _pixels(path: Path) -> NDArray[Any]:
    try:
        with Image.open(path) as image:
            pixels = np.array(image)
    except (OSError, SyntaxError, ValueError):
        raise InvalidInput(f"{path}: not a picture that can be read") from None
    return pixels.astype(np.uint16) if pixels.dtype == np.int32 else pixels
