"""Labelled stills and sequences, decoded once and held in memory.

Decoding costs more than training reads are worth, so images are kept as arrays: ten thousand stills
at 256 px take 2 GB, thirty sequences at 640x360 take 1.9 GB. Workers share them by fork.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ivos.errors import RecipeError
from ivos.train.recipe import Recipe
from ivos.types import Frame, Mask

_CLIP_SIZE = (360, 640)
"""(height, width) that sequences are resized to."""


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """One image (H, W, 3) and the mask (H, W) of its object."""

    image: Frame
    mask: Mask


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One labelled sequence: images (T, H, W, 3) uint8 and masks (T, H, W) boolean."""

    name: str
    images: Frame
    masks: Mask


@dataclass(frozen=True, slots=True, eq=False)
class Footage:
    """All that training draws from."""

    stills: Sequence[Still]
    clips: Sequence[Clip]


def read_footage(recipe: Recipe) -> Footage:
    """Everything that the recipe trains on. Raises RecipeError where it is not there."""
    if recipe.stills is None:
        raise RecipeError("a recipe needs stills: the objects that are pasted come from them")
    stills = read_stills(recipe.stills, hold_out=recipe.hold_out_stills)
    if recipe.clips is None:
        return Footage(stills, ())
    clips = read_clips(
        recipe.clips, recipe.clips_resolution, _CLIP_SIZE, hold_out=recipe.hold_out_clips
    )
    longest = max(phase.frames for phase in recipe.phases)
    for clip in clips:
        if len(clip.images) < longest:
            raise RecipeError(
                f"{clip.name} in {recipe.clips} has {len(clip.images)} frames, and a phase wants "
                f"{longest}: hold it out"
            )
    return Footage(stills, clips)


def read_stills(folder: Path, *, hold_out: int) -> list[Still]:
    """Pairs ``images/NAME.*``, ``masks/NAME.png`` in name order, but for the last ``hold_out``."""
    masks = sorted((folder / "masks").glob("*.png"))
    if not masks:
        raise RecipeError(f"{folder} holds no stills: expected images/NAME.* and masks/NAME.png")
    images = {path.stem: path for path in (folder / "images").glob("*")}
    if missing := [path.stem for path in masks if path.stem not in images]:
        raise RecipeError(f"{folder}/images has no image called {missing[0]}, but masks/ has")
    kept = masks[: max(0, len(masks) - hold_out)]
    if not kept:
        raise RecipeError(
            f"{folder} has {len(masks)} stills, and hold_out_stills holds {hold_out} of them out"
        )

    def read(path: Path) -> Still:
        return Still(_read_image(images[path.stem]), _read_mask(path))

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(read, kept))


def read_clips(
    root: Path, resolution: str, size: tuple[int, int], *, hold_out: Sequence[str]
) -> list[Clip]:
    """Sequences of a DAVIS tree, resized to ``size`` (height, width), but for those named."""
    folder = root / "JPEGImages" / resolution
    if not folder.is_dir():
        raise RecipeError(f"{root} has no JPEGImages/{resolution}: not a DAVIS tree")
    found = sorted(path.name for path in folder.iterdir() if path.is_dir())
    if unknown := sorted(set(hold_out) - set(found)):
        raise RecipeError(f"{folder} has no sequence called {unknown[0]}, which is held out")
    names = [name for name in found if name not in hold_out]

    def read(name: str) -> Clip:
        images = sorted(p for p in (folder / name).iterdir() if not p.name.startswith("."))
        if not images:
            raise RecipeError(f"{folder / name} holds no frames: remove it, or hold it out")
        masks = [root / "Annotations" / resolution / name / f"{p.stem}.png" for p in images]
        height, width = size
        return Clip(
            name,
            np.stack(
                [
                    cv2.resize(_read_image(p), (width, height), interpolation=cv2.INTER_AREA)
                    for p in images
                ]
            ),
            np.stack(
                [cv2.resize(_read_mask(p).astype(np.float32), (width, height)) > 0.5 for p in masks]
            ),
        )

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(read, names))


def _read_image(path: Path) -> Frame:
    with _opened(path) as image:
        return np.asarray(image.convert("RGB"))


def _read_mask(path: Path) -> Mask:
    with _opened(path) as image:
        values = np.asarray(image)
    if values.ndim != 2:
        raise RecipeError(f"{path} is no mask: it has colours; save it as an indexed or grey PNG")
    mask: Mask = values > 0
    return mask


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        with Image.open(path) as image:
            yield image
    except FileNotFoundError:
        raise RecipeError(f"{path} is not there, but its partner is") from None
    except OSError as error:
        raise RecipeError(f"{path} cannot be read: {error}") from None
