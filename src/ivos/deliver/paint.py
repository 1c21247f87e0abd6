"""Pictures with coloured masks on them, and pictures on other backgrounds: functions of arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageOps

from ivos.errors import InvalidInput
from ivos.types import Frame, LabelMap, ObjectId, SoftMask

Colours = NDArray[np.uint8]
"""(256, 3) RGB: the colour of each object id."""


Background = Callable[[Frame], Frame]
"""What lies behind the objects: (H, W, 3) uint8, for a picture of the video (H, W, 3)."""


def overlay(picture: Frame, labels: LabelMap, colours: Colours, opacity: float = 0.5) -> Frame:
    """``picture`` with each object tinted in its colour, and a solid line around it.

    picture (H, W, 3) uint8, labels (H, W) uint8 -> (H, W, 3) uint8.
    """
    inside = labels > 0
    if not inside.any():
        return picture
    share = np.float32(opacity)
    tinted = picture.copy()
    tint = colours[labels[inside]].astype(np.float32)
    tinted[inside] = np.rint((1 - share) * picture[inside] + share * tint).astype(np.uint8)
    kernel = np.ones((3, 3), np.uint8)
    border = inside & (cv2.erode(labels, kernel) != cv2.dilate(labels, kernel))
    tinted[border] = colours[labels[border]]
    return tinted


def colour_table(colours: Mapping[ObjectId, Sequence[int]], rest: Colours) -> Colours:
    """``rest``, with the colours of ``colours`` in their places."""
    table = rest.copy()
    for object_id, colour in colours.items():
        table[object_id] = colour
    return table


def composite(picture: Frame, alpha: SoftMask, behind: Frame) -> Frame:
    """``picture`` where ``alpha`` is 1, ``behind`` where it is 0, mixed in between."""
    share = alpha[..., None]
    mixed = behind + share * (picture.astype(np.float32) - behind)
    return np.rint(mixed).astype(np.uint8)


def background(wish: str, size: tuple[int, int]) -> Background:
    """The background that ``wish`` names: a colour, an image file, ``blur`` or ``grey``.

    ``size`` is (height, width). Raises InvalidInput for anything else.
    """
    if wish == "blur":
        return _blurred
    if wish in ("grey", "gray"):
        return _grey
    height, width = size
    if Path(wish).is_file():
        try:
            with Image.open(wish) as image:
                fitted = ImageOps.fit(
                    ImageOps.exif_transpose(image).convert("RGB"), (width, height)
                )
        except (OSError, SyntaxError, ValueError):
            raise InvalidInput(f"background {wish}: not an image that can be read") from None
        picture = np.asarray(fitted)
        return lambda _: picture
    try:
        colour = ImageColor.getrgb(wish)[:3]
    except ValueError:
        raise InvalidInput(
            f"background {wish!r}: no such file, and not a colour; "
            "give #00b140, white, blur, grey or an image file"
        ) from None
    plain = np.broadcast_to(np.array(colour, np.uint8), (height, width, 3))
    return lambda _: plain


def _blurred(picture: Frame) -> Frame:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), max(2.0, picture.shape[0] / 40)), np.uint8)


def _grey(picture: Frame) -> Frame:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return np.repeat(np.asarray(grey, np.uint8)[..., None], 3, axis=2)
