"""A bounded store of decoded frames: the least recently used ones go first."""

from __future__ import annotations

from collections import OrderedDict

from ivos.types import Frame


class FrameCache:
    """Frames by number, at most ``limit`` bytes of them (but always the newest one).

    Frames are made read-only: they are handed out more than once.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._frames: OrderedDict[int, Frame] = OrderedDict()
        self._bytes = 0

    def __contains__(self, number: int) -> bool:
        return number in self._frames

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def nbytes(self) -> int:
        """How many bytes of frames are held."""
        return self._bytes

    def get(self, number: int) -> Frame | None:
        """Frame ``number`` if it is held; it counts as used."""
        frame = self._frames.get(number)
        if frame is not None:
            self._frames.move_to_end(number)
        return frame

    def put(self, number: int, frame: Frame) -> None:
        """Keep ``frame``, letting go of what was not used for longest."""
        frame.flags.writeable = False
        if (known := self._frames.pop(number, None)) is not None:
            self._bytes -= known.nbytes
        self._frames[number] = frame
        self._bytes += frame.nbytes
        while self._bytes > self.limit and len(self._frames) > 1:
            _, oldest = self._frames.popitem(last=False)
            self._bytes -= oldest.nbytes

    def clear(self) -> None:
        """Let go of everything."""
        self._frames.clear()
        self._bytes = 0
