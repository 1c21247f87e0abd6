"""Frames by index from a file or a folder; index <-> timestamp <-> name.

Knows nothing of masks, networks or projects. Whatever the source, ``video[t]`` is exactly the
picture that a player shows as its ``t``-th, however it was reached.
"""

from __future__ import annotations

from pathlib import Path

from ivos.errors import VideoError
from ivos.video.file import VideoFile
from ivos.video.images import IMAGE_SUFFIXES, ImageFolder

__all__ = ["IMAGE_SUFFIXES", "ImageFolder", "VideoFile", "open_video"]

CACHE_BYTES = 256 << 20
"""How many bytes of decoded frames a video keeps, unless told otherwise."""


def open_video(
    source: str | Path, *, fps: float | None = None, cache_bytes: int = CACHE_BYTES
) -> VideoFile | ImageFolder:
    """Open a file that FFmpeg reads, a folder of images, or an image (also a stack of pages).

    ``fps`` is the rate at which images are shown (24 where it is not given); files have their
    own. ``cache_bytes`` bounds the decoded frames that are kept. Raises VideoError.
    """
    path = Path(source)
    try:
        if not path.exists():
            raise VideoError(f"{path}: no such file or folder")
        if path.is_dir() or path.suffix.lower() in IMAGE_SUFFIXES:
            return ImageFolder(path, fps=fps, cache_bytes=cache_bytes)
        if path.stat().st_size == 0:
            raise VideoError(f"{path}: the file is empty; copy or download it again")
        return VideoFile(path, cache_bytes=cache_bytes)
    except OSError as error:
        raise VideoError(f"{path}: cannot be read: {error.strerror or error}") from None
