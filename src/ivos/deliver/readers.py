"""Masks in the trees and files that people have: PNG trees of six kinds, and JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
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
_SAMPLES = 5
"""Pictures that are looked at to tell what all are."""
_MOST_LABELS = 64
"""More values than so many objects have are shades."""


def read_masks(path: Path, matching: Matching, form: str | None = None) -> Incoming:
    """The masks in ``path``, recognised by their layout unless ``form`` names it.

    Raises InvalidInput where they are in no form of ``FORMS``, do not fit the video, or where two
    of them claim the same frame or id.
    """
    if form is not None and form not in FORMS:
        raise InvalidInput(f"no form of masks is called {form!r}; there are {', '.join(FORMS)}")
    if not path.exists():
        raise InvalidInput(f"{path}: no such file or folder")
    with telling(path):
        form = form or recognised(path)
        found = FORMS[form](path, matching)
    if not found.frames or not found.names:
        raise InvalidInput(
            f"{path}: there are no masks in it, read as {form}; if it is something else, say so "
            f"with --form ({', '.join(FORMS)})"
        )

    def read(frame: int) -> Masks:
        with telling(path):
            return found.read(frame)

    return replace(found, read=read)


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
    """By the values that are in some of the pictures: in more, where these are all empty."""
    if _is_indexed(pictures[0]):
        return "davis"
    step = -(-len(pictures) // _SAMPLES)
    some = [_pixels(picture) for picture in pictures[::step]]
    if not any(pixels.any() for pixels in some):
        others = (_pixels(picture) for at, picture in enumerate(pictures) if at % step)
        some += islice((pixels for pixels in others if pixels.any()), _SAMPLES)
    return _form_of_values(some, pictures[0])


def _form_of_values(some: Sequence[NDArray[Any]], path: Path) -> str:
    if any((pixels % 1).any() for pixels in some if pixels.dtype == np.float32):
        return "soft"
    deep = any(pixels.dtype == np.uint16 for pixels in some)
    counts: Counter[int] = Counter()
    for pixels in some:
        for value, count in zip(*np.unique(pixels, return_counts=True), strict=True):
            counts[int(value)] += int(count)
    del counts[0]
    values, largest = counts.keys(), max(counts, default=0)
    if deep and largest > VOID:
        if all(value >= 1000 and value % 1000 <= MAX_OBJECT_ID for value in values):
            return "mots"
        return "binary" if len(values) == 1 and largest == 65535 else "soft"
    if values == {VOID} or (values and all(pixels.dtype == np.bool_ for pixels in some)):
        return "binary"
    # A border that counts as void is thin: where most is 255, it is the object, its edge grey.
    if largest == VOID and counts.most_common(1)[0][0] == VOID:
        if deep:
            raise InvalidInput(
                f"{path}: 16 bits with values up to 255 may be object ids or grey; "
                "pass --form davis, or save it in 8 bits"
            )
        return "soft"
    return "soft" if len(values) > _MOST_LABELS and not deep else "davis"


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
    if not all(matching.is_name(picture.stem) for picture in _all(path)):
        matching = replace(matching, by_name=False)  # they are times, of which some look like names

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
    pictures = _all(path)
    frames = matching.frames_of([picture.stem for picture in pictures])

    def values(frame: int) -> NDArray[Any]:
        picture = pictures[frames[frame]]
        pixels = _pixels(picture)
        if pixels.ndim != 2:
            raise InvalidInput(f"{picture} is a colour picture: save it indexed, or in grey")
        if pixels.dtype == np.float32:
            if (pixels % 1).any():
                raise InvalidInput(f"{picture}: fractions are no object ids; pass --form soft")
            pixels = pixels.astype(np.uint16)
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
    pictures = _all(path)
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
    if pixels.dtype in (np.bool_, np.float32):
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


def _all(path: Path) -> list[Path]:
    return [path] if path.is_file() else _pictures(path)


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _IMAGES)


def _folders(path: Path) -> list[Path]:
    return sorted(folder for folder in path.iterdir() if folder.is_dir())


def _is_indexed(path: Path) -> bool:
    with _image(path) as image:
        return image.mode == "P"


@contextmanager
def _image(path: Path) -> Iterator[Image.Image]:
    try:
        with Image.open(path) as image:
            yield image
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise InvalidInput(f"{path}: not a picture that can be read") from None


def _pixels(path: Path) -> NDArray[Any]:
    with _image(path) as image:
        pixels = np.array(image)
    if pixels.dtype in (np.bool_, np.uint8, np.uint16):
        return pixels
    low, high = (pixels.min(), pixels.max()) if pixels.size else (0, 0)
    if pixels.dtype.kind == "f" and low >= 0 and high <= 1:
        return pixels.astype(np.float32)
    whole = pixels.dtype.kind in "iu" or bool(np.isfinite(pixels).all() and not (pixels % 1).any())
    if not (whole and low >= 0 and high <= 65535):  # nor is nan
        raise InvalidInput(
            f"{path}: pixels from {low:g} to {high:g} are no masks; save fractions from 0 to 1, or "
            "whole numbers from 0 to 65535"
        )
    return pixels.astype(np.uint16)
