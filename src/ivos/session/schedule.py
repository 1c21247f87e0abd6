"""Where a round goes and how much it weighs: arithmetic of frame numbers.

Rules of IPN's test time (Oh et al., CVPR 2019, as method notes 1.8 give them): a round ends short
of the nearest frame that was annotated before, and fades towards it.
"""

from __future__ import annotations

from collections.abc import Collection

_CHANGE_FADES = 0.95


def spans(
    frame: int, settled: Collection[int], length: int, barriers: Collection[int] = ()
) -> tuple[range, range]:
    """The frames to visit forwards and backwards from ``frame`` in a video of ``length`` frames.

    Each way stops short of the nearest other frame in ``settled``, since a person has said what is
    there, and of a change of shots: ``barriers`` are frames that begin a new shot.
    """
    shot = shot_of(frame, length, barriers)
    after = min([t for t in settled if t > frame], default=length)
    before = max([t for t in settled if t < frame], default=-1)
    ahead = range(frame + 1, min(after, shot.stop))
    return ahead, range(frame - 1, max(before, shot.start - 1), -1)


def shot_of(frame: int, length: int, barriers: Collection[int]) -> range:
    """The frames of the shot that ``frame`` is in."""
    first = max([t for t in barriers if t <= frame], default=0)
    return range(first, min([t for t in barriers if t > frame], default=length))


def blend_weight(frame: int, source: int, settled: Collection[int]) -> float:
    """How much of the new mask of ``frame`` is kept when a round comes from ``source``; 0 to 1.

    1 at the source, falling linearly to 0 at the nearest other settled frame on that side; 1
    throughout where there is none.
    """
    if frame > source:
        after = min([t for t in settled if t > source], default=None)
        return 1.0 if after is None else max(0.0, 1 - (frame - source) / (after - source))
    if frame < source:
        before = max([t for t in settled if t < source], default=None)
        return 1.0 if before is None else max(0.0, 1 - (source - frame) / (source - before))
    return 1.0


def change_share(away: int) -> float:
    """How much of what a round has changed on the neighbour is changed on a frame ``away`` frames
    from the annotated one before the network sees it: all of it on the first, 5 % less on each
    further one.

    What changes near the annotated frame is what a person has said. Farther off more and more of
    it is the network's own mistakes, which would feed themselves: a mask that crumbles a little
    would crumble on until nothing is left.
    """
    return _CHANGE_FADES ** (away - 1)


def between(frames: range, start: int, stop: int) -> range:
    """The part of a span, up or down, that lies in start..stop (stop not included)."""
    if frames.step > 0:
        return range(max(frames.start, start), min(frames.stop, stop))
    return range(min(frames.start, stop - 1), max(frames.stop, start - 1), -1)
