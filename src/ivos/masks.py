"""What a mask is, at rest and in flight: label maps, soft aggregation, packed masks, PNG, RLE.

NumPy, OpenCV, Pillow and zlib. Knows nothing of networks, videos or sessions.

Two forms of one object's soft mask live here beside the plain (H, W) array. A ``Patch`` is the
part of it that is not zero, as 8-bit values: all arithmetic of a session runs on patches, so its
cost follows the object and not the frame. A ``PackedMask`` is a patch, compressed: a mask at rest.
"""

from __future__ import annotations

import contextlib
import os
import struct
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ivos.errors import InvalidInput, OutputError
from ivos.types import BACKGROUND, LabelMap, Mask, ObjectId, SoftMask

PixelBox: TypeAlias = tuple[int, int, int, int]
"""(top, left, bottom, right) in pixels; bottom and right are not included."""

Bytes2D: TypeAlias = NDArray[np.uint8]

EMPTY_BOX: PixelBox = (0, 0, 0, 0)

_CLAMP = 1e-7
_HEADER = struct.Struct("<4sB6I")  # magic, version, H, W, top, left, bottom, right
_MAGIC = b"IVOM"


def _davis_palette() -> NDArray[np.uint8]:
    # The Pascal VOC rule: the bits of the index are dealt to R, G and B, from the highest down.
    index = np.arange(256)
    palette = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            value = (index >> (3 * bit + channel)) & 1
            palette[:, channel] |= (value << (7 - bit)).astype(np.uint8)
    return palette


DAVIS_PALETTE: NDArray[np.uint8] = _davis_palette()
"""(256, 3) RGB: the colours of the label maps of Pascal VOC, DAVIS and YouTube-VOS."""


def soft_aggregate(probs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Let objects that were found one by one compete for each pixel.

    ``probs`` (N, H, W), each plane a probability of one object against everything else ->
    (1 + N, H, W) summing to one over its first axis; plane 0 is the background. The background's
    own probability is the product of (1 - p); each plane then takes its share of the odds
    p / (1 - p), clamped to 1e-7 from 0 and 1 (soft aggregation of RGMP, Oh et al., CVPR 2018).
    """
    background = np.prod(1.0 - probs, axis=0, keepdims=True, dtype=np.float64)
    alone = np.concatenate([background, probs], axis=0).clip(_CLAMP, 1.0 - _CLAMP)
    odds = alone / (1.0 - alone)
    shares: NDArray[np.float32] = (odds / odds.sum(axis=0, keepdims=True)).astype(np.float32)
    return shares


def to_labels(probs: NDArray[np.float32], object_ids: Sequence[ObjectId]) -> LabelMap:
    """(1 + N, H, W) of ``soft_aggregate`` -> (H, W): the id of the likeliest plane of each pixel.

    Plane 0 is the background, plane 1 + i belongs to ``object_ids[i]``; ties go to the lower plane.
    """
    if probs.shape[0] != 1 + len(object_ids):
        raise ValueError(f"{probs.shape[0]} planes for {len(object_ids)} objects and a background")
    planes = np.array([BACKGROUND, *object_ids], np.uint8)
    labels: LabelMap = planes[probs.argmax(axis=0)]
    return labels


def tight_box(
    values: NDArray[np.uint8] | NDArray[np.float32], threshold: float = 1
) -> PixelBox | None:
    """The smallest box that holds every pixel of (H, W) ``values`` >= ``threshold``, if any."""
    left, top, width, height = cv2.boundingRect((values >= threshold).view(np.uint8))
    return (top, left, top + height, left + width) if width else None


def _coarse_levels() -> Bytes2D:
    step = 15  # divides 255: slopes then have few different differences, and pack well
    low = np.arange(128, dtype=np.uint8) // step * step
    return np.concatenate([low, 255 - low[::-1]])


_COARSE = _coarse_levels()


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """The part of one object's soft mask that is not zero.

    ``values`` is (h, w) uint8, 255 for certain, and lies at row ``top`` and column ``left`` of a
    frame of ``size`` (H, W); everywhere else the mask is 0. Its arrays are never written to.
    """

    size: tuple[int, int]
    top: int
    left: int
    values: Bytes2D

    @classmethod
    def empty(cls, size: tuple[int, int]) -> Patch:
        """Nothing, on a frame of ``size``."""
        return cls(size, 0, 0, np.zeros((0, 0), np.uint8))

    @classmethod
    def of(cls, mask: Mask | SoftMask | Bytes2D) -> Patch:
        """The patch of a full (H, W) mask: boolean, probability, or 8-bit."""
        height, width = mask.shape
        if mask.dtype == np.bool_:
            values = mask.astype(np.uint8) * np.uint8(255)
        elif mask.dtype == np.uint8:
            values = mask.astype(np.uint8)
        else:
            values = np.rint(mask.astype(np.float32).clip(0.0, 1.0) * 255).astype(np.uint8)
        return cls((height, width), 0, 0, values).tight()

    @property
    def box(self) -> PixelBox:
        """Where the values lie."""
        height, width = self.values.shape
        return self.top, self.left, self.top + height, self.left + width

    def coarse(self) -> Patch:
        """The same mask in 18 levels of probability, as what a propagation found is kept.

        Away from one half, so that no pixel changes sides and no masks claim more together than
        before. The last digits of a network's doubt are noise, and most of a mask's size on disk.
        """
        if self.values.size == 0:
            return self
        values = np.asarray(cv2.LUT(self.values, _COARSE), np.uint8)
        return Patch(self.size, self.top, self.left, values).tight()

    def tight(self) -> Patch:
        """The same mask without its empty border."""
        box = tight_box(self.values)
        if box is None:
            return Patch.empty(self.size)
        top, left, bottom, right = box
        if (top, left) == (0, 0) and (bottom, right) == self.values.shape:
            return self
        cut = np.ascontiguousarray(self.values[top:bottom, left:right])
        return Patch(self.size, self.top + top, self.left + left, cut)

    def within(self, box: PixelBox) -> Bytes2D:
        """The (h, w) values in ``box``, which must lie inside the frame; 0 outside the patch."""
        top, left, bottom, right = box
        if box == self.box:
            return self.values
        found = np.zeros((bottom - top, right - left), np.uint8)
        own = self.box
        y0, y1 = max(top, own[0]), min(bottom, own[2])
        x0, x1 = max(left, own[1]), min(right, own[3])
        if y0 < y1 and x0 < x1:
            inner = self.values[y0 - own[0] : y1 - own[0], x0 - own[1] : x1 - own[1]]
            found[y0 - top : y1 - top, x0 - left : x1 - left] = inner
        return found

    def full(self) -> Bytes2D:
        """(H, W) uint8."""
        return self.within((0, 0, *self.size)).copy()

    def soft(self) -> SoftMask:
        """(H, W) float32 from 0 to 1."""
        top, left, bottom, right = self.box
        found = np.zeros(self.size, np.float32)
        found[top:bottom, left:right] = self.values * np.float32(1 / 255)
        return found

    def mask(self) -> Mask:
        """(H, W) boolean: 128 of 255 and more."""
        top, left, bottom, right = self.box
        found = np.zeros(self.size, np.bool_)
        found[top:bottom, left:right] = self.values >= 128
        return found


@dataclass(frozen=True, slots=True)
class PackedMask:
    """One object's soft mask on one frame at rest: cropped, 8-bit, differences, zlib.

    Equal masks pack to equal bytes on one machine.
    """

    size: tuple[int, int]
    box: PixelBox
    data: bytes

    @classmethod
    def of(cls, soft: SoftMask | Mask) -> PackedMask:
        """Pack a full (H, W) mask, probabilities from 0 to 1 or boolean."""
        return cls.of_patch(Patch.of(soft))

    @classmethod
    def of_patch(cls, patch: Patch) -> PackedMask:
        """Pack a patch, without its empty border."""
        tight = patch.tight()
        if tight.values.size == 0:
            return cls(patch.size, EMPTY_BOX, b"")
        # A soft mask is made of slopes: its second differences are mostly runs of 0, and half the
        # size. Run lengths only, since longer matches hardly occur: as fast as level 1, smaller.
        across = tight.values.copy()
        across[:, 1:] -= tight.values[:, :-1]
        both = across.copy()
        both[1:] -= across[:-1]
        packer = zlib.compressobj(1, strategy=zlib.Z_RLE)
        return cls(patch.size, tight.box, packer.compress(both.data) + packer.flush())

    def patch(self) -> Patch:
        """The values, unpacked."""
        top, left, bottom, right = self.box
        if not self.data:
            return Patch.empty(self.size)
        raw = zlib.decompress(self.data)
        both = np.frombuffer(raw, np.uint8).reshape(bottom - top, right - left)
        values = cv2.integral(both)[1:, 1:].astype(np.uint8)  # sums modulo 256 undo differences
        return Patch(self.size, top, left, values)

    def soft(self) -> SoftMask:
        """(H, W) float32 from 0 to 1, in steps of 1 / 255."""
        return self.patch().soft()

    def mask(self) -> Mask:
        """(H, W) boolean: probability 128 / 255 and more."""
        return self.patch().mask()

    def to_bytes(self) -> bytes:
        """Self-contained, with a versioned header."""
        return _HEADER.pack(_MAGIC, 1, *self.size, *self.box) + self.data

    @classmethod
    def from_bytes(cls, data: bytes) -> PackedMask:
        """What ``to_bytes`` wrote. Raises ValueError where the bytes are not such a mask."""
        if len(data) < _HEADER.size:
            raise ValueError("a packed mask is cut short")
        magic, version, height, width, *box = _HEADER.unpack_from(data)
        if magic != _MAGIC or version != 1:
            raise ValueError("these bytes are not a packed mask of version 1")
        top, left, bottom, right = box
        packed = cls((height, width), (top, left, bottom, right), data[_HEADER.size :])
        if not (top <= bottom <= height and left <= right <= width):
            raise ValueError("a packed mask lies outside its frame")
        try:
            packed.patch()
        except (zlib.error, ValueError) as error:
            raise ValueError(f"a packed mask is damaged: {error}") from None
        return packed


def read_label_map(path: str | Path) -> LabelMap:
    """(H, W) of object ids from an indexed or 8-bit grey PNG. Raises InvalidInput."""
    with _opened(path) as image:
        if image.mode not in ("P", "L", "1"):
            raise InvalidInput(
                f"{path}: a {image.mode} image is not a label map: "
                "save it as an indexed or grey PNG"
            )
        labels: LabelMap = np.array(image.convert("L") if image.mode == "1" else image, np.uint8)
    return labels


def read_binary_mask(path: str | Path) -> Mask:
    """(H, W) boolean from an image whose pixels are zero or not (0/255, 0/1); a cut-out, whose
    alpha varies, is the object where it covers at least half. Raises InvalidInput.
    """
    with _opened(path) as image:
        if "A" in image.getbands():
            alpha = np.array(image.getchannel("A"))
            if alpha.min() != alpha.max():
                covered: Mask = alpha >= 128
                return covered
        if image.mode not in ("P", "L", "1", "I;16"):
            image = image.convert("L")
        found: Mask = np.array(image) != 0
    return found


def _opened(path: str | Path) -> Image.Image:
    try:
        with Path(path).open("rb") as file:
            image = Image.open(file)
            image.load()
    except FileNotFoundError:
        raise InvalidInput(f"{path}: no such file") from None
    except Image.DecompressionBombError:
        raise InvalidInput(f"{path}: an image of that many pixels is not read") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise InvalidInput(f"{path}: not an image that can be read ({error})") from None
    return image


def write_label_map(path: str | Path, labels: LabelMap) -> None:
    """Write (H, W) object ids as an indexed PNG with the DAVIS palette: whole, or not at all.

    Raises OutputError where the folder cannot be written.
    """
    image = Image.fromarray(np.ascontiguousarray(labels, np.uint8), mode=None)
    image.putpalette(DAVIS_PALETTE.tobytes())
    target = Path(path)
    unfinished: str | None = None
    try:
        handle, unfinished = tempfile.mkstemp(prefix=".", suffix=".png", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            image.save(file, format="PNG", compress_level=3)
        Path(unfinished).chmod(0o644)  # mkstemp's files are private
        Path(unfinished).replace(target)
    except OSError as error:
        if unfinished is not None:
            with contextlib.suppress(OSError):
                Path(unfinished).unlink()
        raise OutputError(f"{target}: cannot be written ({error.strerror or error})") from None


def encode_rle(mask: Mask) -> list[int]:
    """Run lengths of an (H, W) mask, column by column, the first run counting zeros (COCO)."""
    flat = np.asarray(mask, np.bool_).ravel(order="F")
    if flat.size == 0:
        return []
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs = np.diff(np.concatenate([[0], edges, [flat.size]]))
    return [int(run) for run in ([0, *runs] if flat[0] else runs)]


def decode_rle(counts: Sequence[int], size: tuple[int, int]) -> Mask:
    """The (H, W) mask of such run lengths. Raises InvalidInput where they do not fill ``size``."""
    height, width = size
    runs = np.asarray(counts, np.int64)
    if (runs < 0).any() or int(runs.sum()) != height * width:
        raise InvalidInput(f"run lengths add up to {int(runs.sum())}, not to {height} x {width}")
    values = np.arange(len(runs)) % 2 == 1
    mask: Mask = np.repeat(values, runs).reshape((height, width), order="F")
    return mask
