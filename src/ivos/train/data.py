"""Labelled stills and sequences, decoded once and held in memory.

Decoding costs more than training reads are worth, so images are kept as arrays: ten thousand stills
at 256 px take 2 GB, thirty sequences at 480x270 take 1 GB. Workers share them by fork.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ivos.errors import RecipeError
from ivos.types import Frame, Mask


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


def read_stills(folder: Path, *, hold_out: int) -> list[Still]:
    """Pairs ``images/NAME.*``, ``masks/NAME.png`` in name order, but for the last ``hold_out``."""
    masks = sorted((folder / "masks").glob("*.png"))
    if not masks:
        raise RecipeError(f"{folder} holds no stills: expected images/NAME.* and masks/NAME.png")
    images = {path.stem: path for path in (folder / "images").iterdir()}
    kept = masks[: len(masks) - hold_out]

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
    names = sorted(path.name for path in folder.iterdir() if path.name not in hold_out)

    def read(name: str) -> Clip:
        images = sorted((folder / name).iterdir())
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
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def _read_mask(path: Path) -> Mask:
    with Image.open(path) as image:
        mask: Mask = np.asarray(image) > 0
        return mask
