"""Masks on the wire: a small header, then the bytes of a box, deflated.

The page unpacks them in ``packets.js`` with what every browser has, exactly: no picture format
and so no colour management stands between a label and its pixel. Little-endian throughout:

    offset 0   4 bytes  b"ivm" and the form: 1 labels (object ids), 2 soft (0..255 for 0..1)
           4   u32      frame
           8   u32      the history step that it shows
          12   u16 × 2  height and width of the frame
          16   u16 × 4  the box: top, left, bottom, right (half open); all zero where it is empty
          24   ...      zlib of the box, row by row, one byte a pixel; outside it all is 0
"""

from __future__ import annotations

import struct
import zlib
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ivos.types import LabelMap, SoftMask

HEADER = struct.Struct("<3sBII6H")
FORMS: dict[Literal["labels", "soft"], int] = {"labels": 1, "soft": 2}
FAST = 1
"""zlib level: masks are flat, so a higher one costs time and saves nothing worth having."""


def pack_labels(frame: int, step: int, labels: LabelMap) -> bytes:
    """A packet of the label map (H, W) of ``frame`` as it is at history step ``step``."""
    return _pack("labels", frame, step, labels)


def pack_soft(frame: int, step: int, soft: SoftMask) -> bytes:
    """A packet of probabilities (H, W), each 0..1, rounded to 8 bits."""
    return _pack("soft", frame, step, np.rint(soft * 255).astype(np.uint8))


def _pack(
    form: Literal["labels", "soft"], frame: int, step: int, pixels: NDArray[np.uint8]
) -> bytes:
    height, width = pixels.shape
    top, left, bottom, right = _box(pixels)
    header = HEADER.pack(b"ivm", FORMS[form], frame, step, height, width, top, left, bottom, right)
    inside = np.ascontiguousarray(pixels[top:bottom, left:right])
    return header + zlib.compress(inside.tobytes(), FAST)


def _box(pixels: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """The smallest box with everything that is not 0."""
    rows = np.flatnonzero(pixels.any(axis=1))
    if rows.size == 0:
        return 0, 0, 0, 0
    columns = np.flatnonzero(pixels[rows[0] : rows[-1] + 1].any(axis=0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
