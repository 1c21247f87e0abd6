"""A small labelled set with two objects a sequence, made of sequences with one, fixed by seed.

Each sequence keeps its own object as number 1. The object of another sequence is cut out frame by
frame, with its own motion, and crosses the first one as number 2, in front of it or behind. Soft
aggregation and strokes of other objects as negatives can be measured on nothing else here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ivos.errors import InvalidInput, OutputError
from ivos.masks import write_label_map
from ivos.train.data import Clip
from ivos.types import Frame, LabelMap, Mask

_JPEG_QUALITY = 95
_FEATHER = 0.7
"""Pixels over which the pasted object's edge is blended."""


@dataclass(frozen=True, slots=True, eq=False)
class TwoObjects:
    """images (T, H, W, 3) and labels (T, H, W) of 0, 1 and 2."""

    name: str
    images: Frame
    labels: LabelMap


def two_objects(clips: Sequence[Clip], *, length: int, seed: int) -> Iterator[TwoObjects]:
    """One sequence for each clip, at most ``length`` frames, every second one with 2 in front.

    All clips must have one size. Raises InvalidInput where there are fewer than two, or one never
    shows its object.
    """
    if len(clips) < 2:
        raise InvalidInput("two-object sequences are made of two sequences or more")
    for clip in clips:
        if not clip.masks[:length].any():
            raise InvalidInput(f"{clip.name} does not show its object in its first {length} frames")
    for number, clip in enumerate(clips):
        other = clips[(number + 1) % len(clips)]
        rng = np.random.default_rng((seed, number))
        count = min(length, len(clip.images), len(other.images))
        name = f"{clip.name}-and-{other.name}"
        yield _crossing(name, clip, other, count, rng, in_front=number % 2 == 0)


def _crossing(
    name: str, clip: Clip, other: Clip, count: int, rng: np.random.Generator, *, in_front: bool
) -> TwoObjects:
    images = clip.images[:count].copy()
    labels = clip.masks[:count].astype(np.uint8)
    size = images.shape[1:3]
    middles = _middles(clip.masks[:count])
    middles_of_other = _middles(other.masks[:count])
    area, area_of_other = (
        float(masks[masks.any(axis=(1, 2))].mean()) for masks in (clip.masks, other.masks)
    )
    scale = float(np.clip(np.sqrt(area / area_of_other) * rng.uniform(0.7, 1.1), 0.3, 1.5))
    reach = np.sqrt(area * size[0] * size[1]) + 0.15 * size[1]
    direction = rng.choice([-1.0, 1.0])
    lift = rng.uniform(-0.1, 0.1) * size[0]
    for t in range(count):
        along = direction * reach * (1 - 2 * t / max(1, count - 1))
        place = middles[t] + (along, lift)
        moved = np.array([[scale, 0, 0], [0, scale, 0]])
        moved[:, 2] = place - scale * middles_of_other[t]
        _paste(images[t], labels[t], other.images[t], other.masks[t], moved, in_front=in_front)
    return TwoObjects(name, images, labels)


def _middles(masks: Mask) -> NDArray[np.float64]:
    """(T, 2): the middle (x, y) of each frame's object; where there is none, the last one known."""
    middles = np.full((len(masks), 2), np.nan)
    for t, mask in enumerate(masks):
        ys, xs = np.nonzero(mask)
        if len(ys):
            middles[t] = xs.mean(), ys.mean()
    known = np.flatnonzero(~np.isnan(middles[:, 0]))
    nearest = np.clip(np.searchsorted(known, np.arange(len(masks)), side="right") - 1, 0, None)
    return middles[known[nearest]]


def _paste(
    image: Frame,
    labels: LabelMap,
    source: Frame,
    mask: Mask,
    matrix: NDArray[np.float64],
    *,
    in_front: bool,
) -> None:
    """Lay the object of ``source`` over (or under object 1 of) ``image``, in place, as number 2."""
    size = image.shape[1], image.shape[0]
    alpha = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), _FEATHER)
    cover = np.asarray(cv2.warpAffine(alpha, matrix, size), np.float32)
    if not in_front:
        cover = cover * (labels != 1)
    moved = cv2.warpAffine(source, matrix, size).astype(np.float32)
    image[:] = np.rint(image + (moved - image) * cover[..., None]).astype(np.uint8)
    labels[cover > 0.5] = 2


def write_sequence(made: TwoObjects, root: Path, resolution: str) -> None:
    """Write JPEG images and indexed masks in the DAVIS layout. Raises OutputError."""
    images = root / "JPEGImages" / resolution / made.name
    masks = root / "Annotations" / resolution / made.name
    try:
        for folder in (images, masks):
            folder.mkdir(parents=True)
        for t, (image, labels) in enumerate(zip(made.images, made.labels, strict=True)):
            Image.fromarray(image).save(images / f"{t:05d}.jpg", quality=_JPEG_QUALITY)
            write_label_map(masks / f"{t:05d}.png", labels)
    except FileExistsError:
        raise OutputError(f"{images} is there already: choose another folder") from None
    except OSError as error:
        raise OutputError(f"{root} cannot be written: {error.strerror or error}") from None
