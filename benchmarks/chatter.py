"""How much do masks chatter: change from one frame to the next without anything having moved so?

    python -m benchmarks.chatter ROOT --resolution 360p --sequences boat,dance-jump

One less the overlap of each mask with the next frame's, brought back along the optical flow (DIS,
medium, whole frames: finer than what sessions use), in percent; means over pairs of frames, then
over sequences. The truth chatters too, where flow errs or something is hidden; steadied masks can
lie below it. A session of a simulated person, as it ships and without steadying.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from benchmarks.ablations import Wrapped
from benchmarks.sequences import chosen, each, first_and_last, parser
from numpy.typing import NDArray

from ivos.evaluate import Dataset
from ivos.metrics import region_similarity
from ivos.runtime.protocol import Networks
from ivos.session.flow import grey, moved
from ivos.types import Mask, Video


def main() -> int:
    """Measure and print the table, a line a sequence and their means."""
    arguments = parser(__doc__)
    arguments.add_argument("--rounds", type=int, default=8)
    args = arguments.parse_args()
    dataset, parts = chosen(args)
    columns = ["truth"]
    for way in ("not steadied", "as it ships"):
        columns += [f"{way}, round {number}" for number in (1, args.rounds)]
    rows = {name: measured(dataset, name, networks, args.rounds) for networks, name in each(parts)}
    rows["mean"] = np.mean(np.stack([*rows.values()]), axis=0)
    print(f"| percent | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name, values in rows.items():
        print(f"| {name} | {' | '.join(f'{100 * value:.1f}' for value in values)} |")
    return 0


def measured(dataset: Dataset, name: str, networks: Networks, rounds: int) -> NDArray[np.float64]:
    """(5,): of the truth, and after the first and the last round of both sessions."""
    sequence = dataset.load(name)
    along = flows(sequence.video)
    found = [chatter([labels == 1 for labels in sequence.truth], along)]
    sequence.video.close()
    for one in (Wrapped(networks, steady=0.0), networks):
        for labels in first_and_last(dataset, name, one, rounds):
            found.append(chatter([frame == 1 for frame in labels], along))
    return np.array(found)


def flows(video: Video) -> list[NDArray[np.float32]]:
    """(H, W, 2) each: how far a frame's pixels are from where they are on the next one."""
    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    greys = [grey(video[t]) for t in range(len(video))]
    return [
        np.asarray(estimator.calc(here, there, None), np.float32)  # type: ignore[call-overload]
        for here, there in pairwise(greys)
    ]


def chatter(masks: Sequence[Mask], along: Sequence[NDArray[np.float32]]) -> float:
    """Mean of one less J over pairs of frames of which either shows anything."""
    found = []
    for (here, there), flow in zip(pairwise(masks), along, strict=True):
        brought = moved(there.astype(np.float32), flow) > 0.5
        if here.any() or brought.any():
            found.append(1 - region_similarity(here, brought))
    return float(np.mean(found))


if __name__ == "__main__":
    raise SystemExit(main())
