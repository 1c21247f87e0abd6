"""What is lost from one frame to the next is looked for everywhere, and where it was last seen.

An object that goes behind something comes out again elsewhere. A network that follows the
neighbour's mask never looks there once that mask has dwindled to nothing, or to a few pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ivos.masks import Patch
from ivos.runtime.protocol import Networks
from ivos.session.inference import propagate
from ivos.session.jobs import PropagationJob
from ivos.session.merge import area

_VANISHED = 0.25
"""Nothing shrinks to less than this from one frame to the next, but by going out of sight."""
_LARGEST = 1.25
"""What is found in a whole frame may be so much larger than the object has been in this round."""


def vanished(new: Patch, near: Patch) -> bool:
    """Whether most of the object is gone from one frame to the next."""
    return area(new) < _VANISHED * area(near)


def search(
    networks: Networks,
    jobs: Sequence[PropagationJob],
    found: Sequence[Patch],
    largest: Sequence[int],
    side: int,
    max_batch: int,
) -> list[Patch]:
    """What ``propagate`` found; where that has vanished, what is found in the whole frame instead.

    Only what is remembered of the annotated frames tells there what to look for. An object that is
    not found there either, or far larger than it ever was (``largest``, in pixels), stays lost.
    """
    searched = [*found]
    lost = [
        i
        for i, job in enumerate(jobs)
        if job.previous is None and vanished(found[i], job.neighbour)
    ]
    if not lost:
        return searched
    everywhere = [
        replace(
            jobs[i],
            neighbour=Patch.empty(jobs[i].size),
            neighbour_before=None,
        )
        for i in lost
    ]
    for i, patch in zip(lost, propagate(networks, everywhere, side, max_batch), strict=True):
        if not vanished(patch, jobs[i].neighbour) and area(patch) <= _LARGEST * largest[i]:
            searched[i] = patch
    return searched
