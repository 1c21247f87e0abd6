"""A folder of images, one image, or a stack of pages, read as a video.

Folders of DAVIS and YouTube-VOS sequences are such folders; their trees are not, and the error
says which sequences they hold. Files are ordered as people count: ``2.png`` before ``10.png``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from operator import index as as_index
from pathlib import Path
from typing import Self, TypeAlias

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ivos.errors import VideoError
from ivos.types import Frame
from ivos.video.cache import FrameCache

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"})
"""What counts as an image, in lower case."""
DEFAULT_FPS = 24.0
"""DAVIS sequences are shown at 24 frames a second."""

_SLOWEST, _FASTEST = 1e-3, 1e5
_EXIF_ORIENTATION = 0x0112
_DEPTHS = (8, 10, 12, 14, 16)
"""Bits that cameras and microscopes store in 16."""
_MOST_FOLDERS = 2000
"""So many folders are looked into to tell somebody which one they meant."""
_SAMPLES = 9
"""Frames, from the first to the last, of which deep grey takes its scale."""
Grey: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[np.generic]]"
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)
"""What Pillow raises for files that are damaged (PNG: SyntaxError) or far too large."""


@dataclass(frozen=True, slots=True)
class _Page:
    file: Path
    page: int
    name: str


@dataclass(frozen=True, slots=True)
class _Depth:
    """How deep grey values become 8 bits: the same way on all frames."""

    low: float
    high: float

    @classmethod
    def of(cls, frames: Iterable[Grey]) -> _Depth:
        """Of frames from all over the video: whole numbers by their bits, others by their range."""
        lows, highs, whole = [], [], True
        for values in frames:
            finite = values[np.isfinite(values)]
            if finite.size:
                lows.append(float(finite.min()))
                highs.append(float(finite.max()))
            whole &= np.issubdtype(values.dtype, np.integer)
        low, high = min(lows, default=0.0), max(highs, default=1.0)
        if whole:
            bits = next((bits for bits in _DEPTHS if high < 2**bits), 16)
            return cls(0.0, float(2**bits - 1))
        return cls(low, high if high > low else low + 1)

    def to_rgb(self, values: Grey) -> Frame:
        """(H, W) of any number type -> (H, W, 3) uint8."""
        scaled = (values.astype(np.float64) - self.low) * (255 / (self.high - self.low))
        grey = np.nan_to_num(scaled).clip(0, 255).round().astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)


class ImageFolder:
    """Images as a video. Pictures come upright (EXIF), as RGB; deep ones are scaled to 8 bits.

    Frames are read-only arrays, kept in a bounded cache. One thread at a time may read.
    """

    def __init__(self, source: Path, *, fps: float | None, cache_bytes: int) -> None:
        if fps is not None and not _SLOWEST <= fps <= _FASTEST:
            raise VideoError(
                f"{fps:g} frames a second is not possible; give {_SLOWEST:g} to {_FASTEST:g}"
            )
        self._source = source
        self._fps = DEFAULT_FPS if fps is None else float(fps)
        self._cache = FrameCache(cache_bytes)
        self._depth: _Depth | None = None
        self._closed = False
        files = _images_in(source) if source.is_dir() else [source]
        sizes = {}
        pages: list[_Page] = []
        for file in files:
            count, sizes[file] = _measure(file)
            if len(files) == 1 and count > 1:
                pages = [_Page(file, page, f"{page:05d}") for page in range(count)]
            else:
                pages.append(_Page(file, 0, file.stem))
        self._pages = tuple(pages)
        self._size = sizes[files[0]]
        for file, size in sizes.items():
            if size != self._size:
                raise VideoError(
                    f"{file}: is {size[1]}x{size[0]}, but {files[0].name} is "
                    f"{self._size[1]}x{self._size[0]}; all images must have one size"
                )
        self._numbers = {page.name: number for number, page in enumerate(pages)}
        if len(self._numbers) < len(pages):
            twice, _ = Counter(page.name for page in pages).most_common(1)[0]
            raise VideoError(f"{source}: two images are called {twice}; keep one of them")

    @property
    def source(self) -> Path:
        """The folder or file."""
        return self._source

    @property
    def name(self) -> str:
        """The folder's name, or the file's without its suffix."""
        resolved = self._source.resolve()
        return resolved.name if resolved.is_dir() else resolved.stem

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels, upright."""
        return self._size

    @property
    def fps(self) -> float:
        """Frames a second, as asked for."""
        return self._fps

    @property
    def rotation(self) -> int:
        """0: each image carries its own orientation, which is applied."""
        return 0

    def __len__(self) -> int:
        return len(self._pages)

    def __getitem__(self, frame: int) -> Frame:
        number = as_index(frame)
        if not 0 <= number < len(self):
            raise IndexError(f"frame {number} is outside 0..{len(self) - 1}")
        if self._closed:
            raise VideoError(f"{self._source}: was closed; open it again")
        known = self._cache.get(number)
        if known is None:
            known = self._load(self._pages[number])
            self._cache.put(number, known)
        return known

    def timestamp(self, frame: int) -> float:
        """When ``frame`` is shown, in seconds from the first frame."""
        return frame / self._fps

    def frame_at(self, seconds: float) -> int:
        """The frame that is shown ``seconds`` after the first, kept inside the video."""
        return min(max(int(seconds * self._fps + 1e-6), 0), len(self) - 1)

    def frame_name(self, frame: int) -> str:
        """The image's file name without its suffix; pages of a stack have five-digit numbers."""
        return self._pages[frame].name

    def frame_named(self, name: str) -> int | None:
        """The frame whose ``frame_name`` is ``name``."""
        return self._numbers.get(name)

    @property
    def cached_bytes(self) -> int:
        """How many bytes of decoded frames are kept."""
        return self._cache.nbytes

    def close(self) -> None:
        """Let go of all frames. Harmless when called twice."""
        self._closed = True
        self._cache.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _load(self, page: _Page) -> Frame:
        pixels = _read(page)
        if pixels.shape[:2] != self._size:
            height, width = self._size
            raise VideoError(
                f"{page.file}: page {page.page} is {pixels.shape[1]}x{pixels.shape[0]}, but the "
                f"first is {width}x{height}; all must have one size"
            )
        if pixels.ndim == 2:
            self._depth = self._depth or self._common_depth()
            return self._depth.to_rgb(pixels)
        return np.array(pixels, np.uint8)

    def _common_depth(self) -> _Depth:
        """One scale for all, whichever frame is asked for first: a dark one does not say it."""
        last = len(self._pages) - 1
        some = sorted({round(last * part / (_SAMPLES - 1)) for part in range(_SAMPLES)})
        return _Depth.of(_deep(self._pages[frame] for frame in some))


def _deep(pages: Iterable[_Page]) -> Iterator[Grey]:
    """Those that are deep grey; damaged ones are told when they are asked for."""
    for page in pages:
        with suppress(VideoError):
            pixels = _read(page)
            if pixels.ndim == 2:
                yield pixels


def _read(page: _Page) -> Grey:
    """(H, W) of any number type where the image is deep grey, else (H, W, 3) uint8."""
    try:
        with Image.open(page.file) as image:
            image.seek(page.page)
            upright = ImageOps.exif_transpose(image)
            deep = upright.mode == "F" or upright.mode.startswith("I")
            return np.asarray(upright if deep else upright.convert("RGB"))
    except _BROKEN:
        raise VideoError(f"{page.file}: the image is cut off or damaged; copy it again") from None


def _measure(file: Path) -> tuple[int, tuple[int, int]]:
    """How many pages, and (height, width) upright, from the file's header."""
    try:
        with Image.open(file) as image:
            width, height = image.size
            turned = image.format != "PNG" and image.getexif().get(_EXIF_ORIENTATION, 1) >= 5
            pages = getattr(image, "n_frames", 1)
    except PermissionError:
        raise VideoError(f"{file}: not allowed to read it; check its permissions") from None
    except (UnidentifiedImageError, *_BROKEN):
        raise VideoError(f"{file}: not an image, or damaged; remove it or copy it again") from None
    return pages, (width, height) if turned else (height, width)


def _images_in(folder: Path) -> list[Path]:
    """The images of ``folder`` in the order of their numbers. Raises VideoError."""
    try:
        entries = sorted(folder.iterdir(), key=_counting)
    except PermissionError:
        raise VideoError(f"{folder}: not allowed to read it; check its permissions") from None
    images = [
        entry
        for entry in entries
        if entry.suffix.lower() in IMAGE_SUFFIXES and entry.name[0] != "." and entry.is_file()
    ]
    if images:
        return images
    sequences = _sequences_in(folder)
    if not sequences:
        raise VideoError(f"{folder}: holds no images (JPEG, PNG, WebP, TIFF or BMP)")
    raise VideoError(
        f"{folder}: holds no images itself, but folders of images; "
        f"name one, for example {sequences[0]}"
    )


def _sequences_in(folder: Path) -> list[Path]:
    """Folders of images down to ROOT/JPEGImages/480p/bear, masks last."""
    inside = (entry for depth in ("*/", "*/*/", "*/*/*/") for entry in folder.glob(depth))
    found = [entry for entry in islice(inside, _MOST_FOLDERS) if _holds_images(entry)]
    return sorted(found, key=lambda entry: ("Annotations" in entry.parts, entry))


def _holds_images(folder: Path) -> bool:
    return any(entry.suffix.lower() in IMAGE_SUFFIXES for entry in folder.iterdir())


def _counting(path: Path) -> tuple[tuple[int, int | str], ...]:
    """A key that sorts names as people count: digits by value, the rest by letters."""
    parts = re.split(r"(\d+)", path.name)
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts)
