"""How well is a mask carried? J by the distance from the frame that was given, one object.

    python -m benchmarks.distances ROOT --resolution 360p --sequences boat,dance-jump

From a quarter and from three quarters of each sequence, both ways: a perfect mask carried by the
networks, the same moved along the optical flow alone, and the mask of one simulated stroke carried
by the networks. The first says what propagation loses, whatever the interaction network finds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from benchmarks.sequences import chosen, each, parser
from numpy.typing import NDArray

from ivos.evaluate.dataset import LabelledSequence
from ivos.metrics import region_similarity
from ivos.runtime.protocol import Networks
from ivos.session import Session
from ivos.session.flow import flow_from, grey, moved
from ivos.simulate.robot import Robot
from ivos.types import Interaction, Mask

EDGES = (0, 1, 2, 3, 8, 16, 10_000)
"""Distances in frames; a column goes from one of them up to the next."""
Carry: TypeAlias = Callable[[LabelledSequence, int], Sequence[Mask]]
"""All masks of a sequence, from what is known of one frame."""


def main() -> int:
    """Measure and print the table, a line a sequence and their mean."""
    args = parser(__doc__).parse_args()
    dataset, parts = chosen(args)
    columns = [f"{a}" if b == a + 1 else f"{a} to {b - 1}" for a, b in pairwise(EDGES[:-1])]
    columns += [f"{EDGES[-2]} on", "all"]
    rows: dict[str, list[NDArray[np.float64]]] = {}
    for networks, name in each(parts):
        ways: dict[str, Carry] = {
            "perfect mask, networks": partial(carried, networks=networks, perfect=True),
            "perfect mask, flow alone": flown,
            "one stroke, networks": partial(carried, networks=networks, perfect=False),
        }
        sequence = dataset.load(name)
        for way, carry in ways.items():
            rows.setdefault(way, []).append(by_distance(sequence, carry))
            print(name, way, " ".join(f"{J:.3f}" for J in rows[way][-1]), flush=True)
        sequence.video.close()
    print(f"\n| frames away | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for way, found in rows.items():
        means = np.nanmean(found, axis=0)
        print(f"| {way} | {' | '.join(f'{J:.3f}' for J in means)} |")
    return 0


def by_distance(sequence: LabelledSequence, carry: Carry) -> NDArray[np.float64]:
    """Mean J of the frames at each distance, then of all frames; NaN where there are none."""
    found = []
    for at in (len(sequence.video) // 4, 3 * len(sequence.video) // 4):
        masks = carry(sequence, at)
        scores = [
            region_similarity(truth == 1, mask)
            for mask, truth in zip(masks, sequence.truth, strict=True)
        ]
        J, away = np.array(scores), np.abs(np.arange(len(scores)) - at)
        bins = [J[(low <= away) & (away < high)] for low, high in pairwise(EDGES)]
        found.append([np.mean(part) if len(part) else np.nan for part in (*bins, J)])
    return np.asarray(np.nanmean(found, axis=0), np.float64)


def carried(
    sequence: LabelledSequence, at: int, networks: Networks, perfect: bool
) -> Sequence[Mask]:
    """All masks of object 1 after one round from the frame ``at``."""
    session = Session(sequence.video, networks)
    truth = sequence.truth[at]
    strokes = Robot().correct(truth, np.zeros_like(truth), [1])
    session.interact(Interaction.of(at, [stroke for stroke in strokes if stroke.object_id == 1]))
    if perfect:
        session.set_masks(at, {1: truth == 1}, annotate=True)
    for _ in session.propagate():
        pass
    return [session.labels(frame) == 1 for frame in range(len(sequence.video))]


def flown(sequence: LabelledSequence, at: int) -> Sequence[Mask]:
    """The mask of the frame ``at`` moved on from frame to frame, by whole frames."""
    video = sequence.video
    masks = {at: (sequence.truth[at] == 1).astype(np.float32)}
    for step, end in ((1, len(video)), (-1, -1)):
        for frame in range(at + step, end, step):
            near = frame - step
            flow = flow_from(grey(video[near]), grey(video[frame]))
            masks[frame] = moved(masks[near], flow)
    return [masks[frame] > 0.5 for frame in range(len(video))]


if __name__ == "__main__":
    raise SystemExit(main())
