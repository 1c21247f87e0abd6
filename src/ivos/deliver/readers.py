"""Masks in the trees and files that people have: PNG trees of six kinds, and JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ivos.deliver.incoming import Incoming, Masks, Matching, telling
from ivos.deliver.read_json import read_coco, read_json, read_ytvis
from ivos.errors import InvalidInput
from ivos.types import MAX_OBJECT_ID, VOID, ObjectId

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
    with telling(path):
        found = read(path, matching)
    if not found.frames or not found.names:
        raise InvalidInput(f"{path}: there are no masks in it")
    return found


def recognised(path: Path) -> str:
    """The form of the masks in ``path``. Raises InvalidInput where it is none that is known."""
    if path.is_file() and path.suffix.lower() == ".json":
        data = read_json(path)
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
    return _labelled("davis", path, matching, partial(_as_they_are, path, {}))


def read_youtube_vos(path: Path, matching: Matching) -> Incoming:
    """A YouTube-VOS tree; objects are called by their category."""
    folder = _sequence(path / "Annotations", matching.video.name)
    videos = read_json(path / "meta.json").get("videos", {})
    objects = videos.get(folder.name, {}).get("objects", {})
    names = {int(key): str(about.get("category", "")) for key, about in objects.items()}
    return _labelled("youtube-vos", folder, matching, partial(_as_they_are, folder, names))


def read_mots(path: Path, matching: Matching) -> Incoming:
    """16-bit PNGs: class id times 1000 plus object id; class 10 (ignore) counts as background.

    A number that no other class has is the object's id; the others get free ids.
    """
    if (path / "instances").is_dir():
        path = _sequence(path, matching.video.name)

    def objects(values: Set[int]) -> dict[int, tuple[ObjectId, str]]:
        meant = sorted(value for value in values if value and value // 1000 != 10)
        classes = Counter(value % 1000 for value in meant)
        numbers = {
            value: value % 1000
            for value in meant
            if classes[value % 1000] == 1 and 1 <= value % 1000 <= MAX_OBJECT_ID
        }
        names = {value: f"MOTS {value}" for value in meant if value not in numbers}
        ids = matching.told_apart(numbers, names)
        return {value: (ids[value], names.get(value, "")) for value in meant}

    return _labelled("mots", path, matching, objects)


def _as_they_are(
    path: Path, names: Mapping[ObjectId, str], values: Set[int]
) -> dict[int, tuple[ObjectId, str]]:
    """Pixels that are object ids. Raises InvalidInput where they cannot be."""
    present = (values | names.keys()) - {0, VOID}
    if present and max(present) > MAX_OBJECT_ID:
        raise InvalidInput(
            f"{path}: pixels of value {max(present)} are no object ids, which end at "
            f"{MAX_OBJECT_ID}; pass --form soft or --form binary if they are something else"
        )
    return {value: (value, names.get(value, "")) for value in present}


def _labelled(
    form: str,
    path: Path,
    matching: Matching,
    objects: Callable[[Set[int]], dict[int, tuple[ObjectId, str]]],
) -> Incoming:
    """Pictures of one value an object; ``objects`` says of all values there whose they are."""
    pictures = [path] if path.is_file() else _pictures(path)
    frames = matching.frames_of([picture.stem for picture in pictures])

    def values(frame: int) -> NDArray[Any]:
        picture = pictures[frames[frame]]
        pixels = _pixels(picture)
        if pixels.ndim != 2:
            raise InvalidInput(f"{picture} is a colour picture: save it indexed, or in grey")
        return matching.fitted(pixels, str(picture))

    present: set[int] = set()
    for frame in frames:
        present.update(np.unique(values(frame)).tolist())
    meant = sorted(objects(present).items(), key=lambda item: item[1])
    called = {key: matching.call(key, name) for _, (key, name) in meant}

    def read(frame: int) -> Masks:
        found = values(frame)
        return {key: found == value for value, (key, _) in meant}

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
