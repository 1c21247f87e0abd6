"""Labelled sequences on disk, in the layout of DAVIS.

    ROOT/JPEGImages/<resolution>/<sequence>/00000.jpg ...   images of any kind
    ROOT/Annotations/<resolution>/<sequence>/00000.png ...  indexed, or grey with 0 and 255
    ROOT/Scribbles/<sequence>/001.json ...                  a person's first scribbles, optional

What is wrong with one sequence raises InvalidInput when that one is loaded, not before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ivos.errors import InvalidInput
from ivos.masks import read_label_map
from ivos.session.scribbles import read_scribbles
from ivos.types import BACKGROUND, VOID, Interaction, LabelMap, ObjectId, Video
from ivos.video import open_video

LAYOUT = "JPEGImages/<resolution>/<sequence>/ and Annotations/<resolution>/<sequence>/"


@dataclass(frozen=True, slots=True, eq=False)
class LabelledSequence:
    """A video with the truth about it."""

    name: str
    video: Video
    truth: tuple[LabelMap, ...]
    """(H, W) for each frame."""
    object_ids: tuple[ObjectId, ...]
    """The objects that are seen on any frame, ascending."""
    scribbles: tuple[Path, ...] = ()
    """Files of a person's first scribbles."""

    def first_interactions(self, file: Path) -> tuple[Interaction, ...]:
        """What a person drew first, on objects that exist. Raises InvalidInput."""
        found = tuple(i for i in read_scribbles(file) if i.prompts)
        if not found:
            raise InvalidInput(f"{file}: holds no scribble")
        for interaction in found:
            if interaction.frame >= len(self.truth):
                raise InvalidInput(
                    f"{file}: draws on frame {interaction.frame}, but {self.name} has frames "
                    f"0..{len(self.truth) - 1}"
                )
            if unknown := set(interaction.object_ids) - set(self.object_ids):
                raise InvalidInput(
                    f"{file}: draws object {min(unknown)}, which no mask of {self.name} shows"
                )
        return found


@dataclass(frozen=True, slots=True)
class Dataset:
    """A folder in the DAVIS layout, at one resolution."""

    root: Path
    resolution: str

    @classmethod
    def find(cls, root: str | Path, resolution: str | None = None) -> Dataset:
        """The dataset in ``root`` or its subfolder ``DAVIS``.

        Without ``resolution``, or where that one is missing, the only one there is. Raises
        InvalidInput where the layout is another.
        """
        given = Path(root)
        places = [p for p in (given, given / "DAVIS") if (p / "Annotations").is_dir()]
        if not places:
            missing = "is not a folder" if not given.is_dir() else "has no folder Annotations"
            raise InvalidInput(f"{given}: {missing}; a dataset needs {LAYOUT}")
        there = _folders(places[0] / "Annotations")
        if resolution in there:
            return cls(places[0], resolution)
        if len(there) == 1:
            return cls(places[0], there[0])
        choice = ", ".join(there) or f"none (a dataset needs {LAYOUT})"
        wanted = f"no resolution {resolution}" if resolution else "several resolutions, name one"
        raise InvalidInput(f"{places[0] / 'Annotations'}: {wanted}; there is: {choice}")

    def names(self, chosen: Sequence[str] = ()) -> tuple[str, ...]:
        """All sequences in alphabetical order, or those ``chosen``. Raises InvalidInput."""
        folder = self.root / "Annotations" / self.resolution
        there = _folders(folder)
        if unknown := [name for name in chosen if name not in there]:
            raise InvalidInput(
                f"{folder}: no sequence {', '.join(unknown)}; there is: {', '.join(there)}"
            )
        if not there:
            raise InvalidInput(f"{folder}: holds no sequence; a dataset needs {LAYOUT}")
        return tuple(dict.fromkeys(chosen)) or tuple(there)

    def load(self, name: str) -> LabelledSequence:
        """One sequence, checked from end to end. Raises InvalidInput with what is wrong."""
        images = self.root / "JPEGImages" / self.resolution / name
        if not images.is_dir():
            raise InvalidInput(f"{name}: no images: {images} is not a folder")
        video = open_video(images)
        try:
            files = self._mask_files(name, [video.frame_name(t) for t in range(len(video))])
            truth = _truth(name, files, video.size)
        except InvalidInput:
            video.close()
            raise
        ids = sorted({int(n) for labels in truth for n in np.unique(labels)} - {BACKGROUND, VOID})
        if not ids:
            video.close()
            raise InvalidInput(f"{name}: {_nothing(truth)}: there is nothing to score")
        scribbles = tuple(sorted((self.root / "Scribbles" / name).glob("*.json")))
        return LabelledSequence(name, video, truth, tuple(ids), scribbles)

    def _mask_files(self, name: str, frames: Sequence[str]) -> list[Path]:
        folder = self.root / "Annotations" / self.resolution / name
        files = [folder / f"{frame}.png" for frame in frames]
        if missing := [file.stem for file in files if not file.is_file()]:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise InvalidInput(f"{name}: no mask for frame {missing[0]}{more} in {folder}")
        if extra := sorted({file.stem for file in folder.glob("*.png")} - set(frames)):
            raise InvalidInput(
                f"{name}: mask {extra[0]}.png has no image; every mask in {folder} needs one"
            )
        return files


def _folders(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(f.name for f in folder.iterdir() if f.is_dir() and not f.name.startswith("."))


def _truth(name: str, files: Sequence[Path], size: tuple[int, int]) -> tuple[LabelMap, ...]:
    """All label maps; where a sequence knows only 0 and 255 in grey, 255 is object 1."""
    truth = []
    for file in files:
        labels = read_label_map(file)
        if labels.shape != size:
            raise InvalidInput(
                f"{name}: mask {file.name} is {labels.shape[1]}x{labels.shape[0]}, but its image "
                f"is {size[1]}x{size[0]}"
            )
        truth.append(labels)
    values: set[int] = {int(n) for labels in truth for n in np.unique(labels)}
    if values <= {BACKGROUND, VOID} and not _is_indexed(files[0]):
        return tuple((labels == VOID).astype(np.uint8) for labels in truth)
    return tuple(truth)


def _is_indexed(file: Path) -> bool:
    with Image.open(file) as image:
        return image.mode == "P"


def _nothing(truth: Sequence[NDArray[np.uint8]]) -> str:
    if any((labels == VOID).any() for labels in truth):
        return "all that its masks show is void (255 in an indexed image)"
    return "all its masks are empty"
