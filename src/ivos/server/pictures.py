"""Frames as pictures for the page: decoded when asked for, kept for a while, in bounded memory.

Has a ``Video`` of its own, so that looking never waits for the network's work. Knows nothing of
masks.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from ivos.errors import InvalidInput
from ivos.types import Video

QUALITY = 92
CACHE_BYTES = 192 << 20
HEIGHTS = (96, 360, 540, 720, 1080)
"""Heights that a smaller picture may have; every other one is sent at the video's own."""


class Pictures:
    """JPEGs of the frames of one video, by number and height."""

    def __init__(self, open_video: Callable[[], Video], *, cache_bytes: int = CACHE_BYTES) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ivos-pictures")
        self._video = self._thread.submit(open_video).result()
        self._room = cache_bytes
        self._cache: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._held = 0

    async def jpeg(self, frame: int, height: int | None = None) -> bytes:
        """Frame ``frame`` as a JPEG, at most ``height`` pixels high. Raises InvalidInput."""
        if not 0 <= frame < len(self._video):
            raise InvalidInput(f"frame {frame} is outside the video, which has {len(self._video)}")
        own = self._video.size[0]
        wanted = height if height in HEIGHTS and height < own else own
        key = (frame, wanted)
        if (kept := self._cache.get(key)) is not None:
            self._cache.move_to_end(key)
            return kept
        loop = asyncio.get_running_loop()
        picture = await loop.run_in_executor(self._thread, self._make, frame, wanted)
        self._keep(key, picture)
        return picture

    def close(self) -> None:
        """Let go of the video. Pictures that are being made are still made."""
        self._thread.submit(self._video.close)
        self._thread.shutdown(wait=True)

    def _make(self, frame: int, height: int) -> bytes:
        pixels = self._video[frame]
        own_height, own_width = pixels.shape[:2]
        if height != own_height:
            width = max(1, round(own_width * height / own_height))
            pixels = np.asarray(
                cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8
            )
        options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
        if height == own_height:  # full colour resolution, for working close up
            sampling = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
            options += sampling
        done, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
        if not done:
            raise InvalidInput(f"frame {frame} could not be made into a picture")
        return data.tobytes()

    def _keep(self, key: tuple[int, int], picture: bytes) -> None:
        if key not in self._cache:
            self._cache[key] = picture
            self._held += len(picture)
        while self._held > self._room and len(self._cache) > 1:
            _, oldest = self._cache.popitem(last=False)
            self._held -= len(oldest)
