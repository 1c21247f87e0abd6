"""Where shots begin: hard cuts, and fades through black, found on thumbnails in one pass.

A cut changes both which colours there are and where light and dark lie, far more than the frames
around it do, and for good: motion keeps the colours, a change of light keeps the structure, and
after a flash the old picture returns. Dissolves are not found.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ivos.types import Frame, Video

FLOOR = 0.15
"""A cut differs at least so much; see ``_difference``. Chosen with RATIO by benchmarks/cuts.py."""
RATIO = 3.0
"""And at least so many times as much as the frames around it differ on average."""
LASTING = 0.5
"""And the frames a little before and after it differ at least this share of that."""
REACH = 4
"""How many frames on either side are "around", and how long a flash may last."""
BLACK = 12.0
"""Mean brightness, of 255, below which a frame is black."""

_SIZE = (48, 32)
_BINS = 8


def cuts(video: Video, frames: range | None = None) -> list[int]:
    """The frames that begin a new shot, ascending; never the first of those looked at.

    Looks at ``frames``, by default all.
    """
    return list(find_cuts(video, frames))


class Shots:
    """The shots of a video, each found when a frame of it is asked for, and remembered."""

    def __init__(self, video: Video) -> None:
        self._video = video
        self._known: list[range] = []

    def around(self, frame: int) -> range:
        """The shot that ``frame`` belongs to. Reads frames both ways up to the next cut."""
        for _ in self.search(frame):
            pass
        return next(shot for shot in self._known if frame in shot)

    def search(self, frame: int) -> Iterator[int]:
        """``around``, a step at a time: yields the number of each frame that is looked at."""
        if any(frame in shot for shot in self._known):
            return
        length = len(self._video)
        stop = yield from self._first_cut(range(frame, length), length)
        # Backwards, the first frame of "another shot" is the last one of the shot before.
        before = yield from self._first_cut(range(frame, -1, -1), -1)
        self._known.append(range(before + 1, stop))

    def _first_cut(self, frames: range, otherwise: int) -> Generator[int, None, int]:
        for number, cut in _looked_through(self._video, frames):
            if cut is not None:
                return cut
            yield number
        return otherwise

    def barriers(self, frames: Iterable[int]) -> tuple[int, ...]:
        """What ``Session.propagate(barriers=...)`` needs to stay in the shots of ``frames``."""
        shots = [self.around(frame) for frame in frames]
        ends = {end for shot in shots for end in (shot.start, shot.stop)}
        return tuple(sorted(ends - {0, len(self._video)}))


def find_cuts(video: Video, frames: range | None = None) -> Iterator[int]:
    """``cuts``, one by one as they are found; holds a few thumbnails, whatever the length.

    ``frames`` may also run backwards: then the first frame met of each other shot is given.
    """
    for _, cut in _looked_through(video, range(len(video)) if frames is None else frames):
        if cut is not None:
            yield cut


def _looked_through(video: Video, frames: range) -> Iterator[tuple[int, int | None]]:
    """Each frame's number when it was looked at, and a cut where one became certain."""
    looks: list[_Look] = []
    shown = False  # a video that fades in has no shot before that

    def verdict(at: int) -> int | None:
        nonlocal shown
        shown = shown or looks[at - 1].brightness >= BLACK
        return looks[at].number if shown and _is_cut(looks, at) else None

    for number in frames:
        looks.append(_look(number, video[number]))
        if len(looks) > 2 * REACH + 1:
            looks.pop(0)
        at = len(looks) - 1 - REACH
        yield number, verdict(at) if at >= 1 else None
    for at in range(max(len(looks) - REACH, 1), len(looks)):
        yield looks[at].number, verdict(at)


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """What is remembered of a frame."""

    number: int
    colours: NDArray[np.float32]
    """(512,): the share of each colour; sums to one."""
    structure: NDArray[np.float32]
    """(1536,): brightness less its mean, of length one; zeros on an even frame."""
    brightness: float


def _look(number: int, frame: Frame) -> _Look:
    small = np.asarray(cv2.resize(frame, _SIZE, interpolation=cv2.INTER_AREA), np.uint8)
    levels = (small // (256 // _BINS)).astype(np.int64)
    index = (levels[..., 0] * _BINS + levels[..., 1]) * _BINS + levels[..., 2]
    counts = np.bincount(index.ravel(), minlength=_BINS**3)
    colours = (counts / index.size).astype(np.float32)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    blurred = cv2.GaussianBlur(grey, (5, 5), 0).ravel()
    bare = (blurred - blurred.mean()).astype(np.float32)
    length = float(np.linalg.norm(bare))
    even = length < 2 * bare.size**0.5  # a deviation of two grey levels is noise
    structure = np.zeros_like(bare) if even else bare / np.float32(length)
    return _Look(number, colours, structure, float(grey.mean()))


def _difference(one: _Look, other: _Look) -> float:
    """From 0 to 1: the lesser of how far their colours and their structures differ."""
    colours = 0.5 * float(np.abs(one.colours - other.colours).sum())
    structure = 1.0 - float(one.structure @ other.structure)
    return min(colours, structure, 1.0)


def _is_cut(looks: Sequence[_Look], at: int) -> bool:
    """Whether ``looks[at]`` begins a shot, by up to REACH looks on either side of it."""
    before, here = looks[at - 1], looks[at]
    if before.brightness < BLACK or here.brightness < BLACK:
        return before.brightness < BLACK <= here.brightness
    step = _difference(before, here)
    if step < FLOOR:
        return False
    first, last = max(at - REACH, 1), min(at + REACH, len(looks) - 1)
    around = [_difference(looks[i - 1], looks[i]) for i in range(first, last + 1) if i != at]
    if around and step < RATIO * sum(around) / len(around):
        return False
    later = [_difference(before, look) for look in looks[at + 1 : last + 1]]
    earlier = [_difference(look, here) for look in looks[max(at - 1 - REACH, 0) : at - 1]]
    return all(difference >= LASTING * step for difference in [*later, *earlier])
