"""What the export dialog offers, and where exports go.

Kinds and their choices come from ``deliver.KINDS``; only choices that are named here can be made
from the page, and none of them is a path. Knows nothing of sessions.
"""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from io import RawIOBase
from pathlib import Path
from typing import Any, Literal

from ivos.deliver import KINDS
from ivos.errors import InvalidInput
from ivos.server.values import KindValue, OptionValue

OptionKind = Literal["number", "text", "flag", "choice"]

_TITLES: dict[str, dict[str, str]] = {
    "Video": {
        "prores4444": "ProRes 4444 with alpha",
        "webm": "WebM (VP9) with alpha",
        "matte": "Matte",
        "background": "On another background",
        "overlay": "Coloured overlay",
        "gif": "GIF",
    },
    "Pictures": {
        "png": "PNG with alpha",
        "exr": "EXR, a layer an object",
        "binary": "Black and white PNG",
        "soft16": "16-bit soft PNG",
    },
    "Datasets": {
        "davis": "DAVIS",
        "youtube-vos": "YouTube-VOS",
        "mots": "MOTS",
        "coco": "COCO",
        "ytvis": "YouTube-VIS",
        "cvat": "CVAT for video",
    },
    "Measurements": {"csv": "Table (CSV)"},
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A choice that the page offers where a kind has it."""

    kind: OptionKind
    title: str
    about: str
    choices: tuple[str, ...] = ()


_OFFERED: dict[str, Offer] = {
    "edges": Offer("choice", "Edges", "Refine follows the picture; soft is what the network says",
                   ("refine", "soft", "hard")),
    "grow": Offer("number", "Grow", "Pixels to move the edge outwards; below 0 inwards"),
    "feather": Offer("number", "Feather", "Pixels over which the edge fades further"),
    "background": Offer("text", "Background", "A colour like #00b140 or white, or: blur, grey"),
    "audio": Offer("flag", "Sound", "Carry the source's sound over"),
    "crf": Offer("number", "Quality (CRF)", "0 (best) to 51; empty for the usual"),
    "opacity": Offer("number", "Opacity", "Of the colour, 0 to 1"),
    "width": Offer("number", "Width", "Pixels at most"),
    "fps": Offer("number", "Frame rate", "Frames a second at most"),
    "start_frame": Offer("number", "First number", "What the first file is numbered: 1001 in film"),
    "colour": Offer("flag", "Picture too", "Write the picture beside the mattes"),
    "tree": Offer("flag", "Whole layout", "The dataset's folders, not one flat folder"),
    "images": Offer("flag", "Frames too", "Write the frames too, as JPEG"),
    "category": Offer("text", "Category", "One for all objects; empty: each name is one"),
    "class_id": Offer("number", "Class", "The class that all objects get"),
    "shapes": Offer("choice", "Shapes", "Polygons can be edited; masks are exact",
                    ("polygon", "mask")),
    "tolerance": Offer("number", "Tolerance", "Pixels that a polygon may stray"),
    "scale": Offer("number", "Scale", "Units a pixel; empty: pixels"),
    "unit": Offer("text", "Unit", "What the unit is called"),
}  # fmt: skip

_WHOLE = frozenset({"crf", "width", "start_frame", "class_id"})
_COLOUR = re.compile(r"#?[A-Za-z0-9]{1,24}")


def kinds() -> tuple[KindValue, ...]:
    """Everything that can be exported, grouped, with the choices that the page offers."""
    known = [
        (group, name, title)
        for group, titles in _TITLES.items()
        for name, title in titles.items()
        if name in KINDS
    ]
    grouped = {name for _, name, _ in known}
    known += [("Other", name, name) for name in KINDS if name not in grouped]
    return tuple(_kind(name, title, group) for group, name, title in known)


def _kind(name: str, title: str, group: str) -> KindValue:
    kind = KINDS[name]
    have = {field.name: field for field in fields(kind.options)}
    choices = tuple(_option(have[option]) for option in _OFFERED if option in have)
    about = kind.description[:1].upper() + kind.description[1:]
    return KindValue(name, title, about, group, "" if kind.folder else kind.suffixes[0], choices)


def _option(field: Field[Any]) -> OptionValue:
    offer = _OFFERED[field.name]
    default = None if field.default is MISSING else field.default
    if offer.kind == "number" and default is not None:
        default = float(default)
    return OptionValue(field.name, offer.title, offer.kind, default, offer.choices, offer.about)


def checked_options(kind: str, given: Mapping[str, str | float | bool | None]) -> dict[str, object]:
    """The page's choices as ``deliver.export`` takes them. Raises InvalidInput.

    ``frames`` (``a:b``) is taken besides what is offered. What is empty is left out.
    """
    if kind not in KINDS:
        raise InvalidInput(f"no kind of export is called {kind!r}; there are {', '.join(KINDS)}")
    out: dict[str, object] = {}
    for name, value in given.items():
        if value is None or value == "":
            continue
        if name == "frames":
            out[name] = value
        elif name in _OFFERED:
            out[name] = _checked(name, value)
        else:
            raise InvalidInput(f"{kind} has no option {name} on the page")
    background = out.get("background")
    if background is not None and not _COLOUR.fullmatch(str(background)):
        raise InvalidInput(f"background {background!r}: give a colour like #00b140, blur or grey")
    return out


def _checked(name: str, value: str | float | bool) -> object:
    """A choice of the kind that is offered. Raises InvalidInput that names the field."""
    offer = _OFFERED[name]
    if offer.kind == "number":
        return _number(offer.title, value, whole=name in _WHOLE)
    if offer.kind == "flag" and not isinstance(value, bool):
        raise InvalidInput(f"{offer.title}: {value!r} is neither yes nor no")
    if offer.kind == "choice" and value not in offer.choices:
        raise InvalidInput(f"{offer.title}: {value!r} is not one of {', '.join(offer.choices)}")
    return value


def _number(title: str, value: str | float | bool, *, whole: bool) -> float:
    """A number as people write it, with a point or a comma. Raises InvalidInput."""
    try:
        number = float(str(value).strip().replace(",", "."))
    except ValueError:
        raise InvalidInput(f"{title}: {value!r} is not a number") from None
    if not math.isfinite(number):
        raise InvalidInput(f"{title}: {value!r} is not a number")
    if not whole:
        return number
    if not number.is_integer():
        raise InvalidInput(f"{title}: give a whole number, not {value}")
    return int(number)


def free_place(folder: Path, kind: str) -> Path:
    """Where an export of ``kind`` goes below ``folder``: a name that is not taken."""
    suffix = "" if KINDS[kind].folder else KINDS[kind].suffixes[0]
    place, number = folder / f"{kind}{suffix}", 2
    while place.exists():
        place = folder / f"{kind}-{number}{suffix}"
        number += 1
    return place


def literal(place: Path) -> str:
    """A path as ``deliver.export`` takes it: braces of its own are no tokens."""
    return str(place).replace("{", "{{").replace("}", "}}")


def zipped(folder: Path) -> Iterator[bytes]:
    """A folder as a ZIP, made while it is sent: nothing is kept on the disk or in memory.

    Files are stored as they are, since pictures and movies do not shrink.
    """
    out = _Pieces()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() or not path.is_file():
                continue
            info = zipfile.ZipInfo.from_file(
                path, str(Path(folder.name) / path.relative_to(folder))
            )
            with path.open("rb") as source, archive.open(info, "w") as entry:
                while chunk := source.read(1 << 20):
                    entry.write(chunk)
                    yield from out.take()
    yield from out.take()


class _Pieces(RawIOBase):
    """A file that cannot be sought in, whose content is taken away as it grows."""

    def __init__(self) -> None:
        super().__init__()
        self._written: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._written.append(piece)
        return len(piece)

    def take(self) -> Iterator[bytes]:
        """What was written since the last time."""
        pieces, self._written = self._written, []
        yield from pieces
