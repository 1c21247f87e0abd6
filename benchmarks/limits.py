"""What keeps the masks from being right? Two looks at sessions of one object.

    python -m benchmarks.limits ROOT --resolution 360p --sequences boat,dance-jump

The first: a person who draws perfectly. Round by round the frame that is worst is given its true
mask, which is propagated as in a session; J and F of all frames, and J of those that were not
given. That is about what a better interaction network could bring, with this propagation network
and frames chosen so; no strict bound, since a stroke is remembered otherwise than a mask.

The second: the usual simulated person, after the first and after the last round, and J if all
pixels up to so far from the true outline were right. What is gained there is fine outline, what is
left is whatever was taken for the object, or missed, as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from benchmarks.sequences import chosen, each, first_and_last, parser
from numpy.typing import NDArray

from ivos.evaluate import Dataset
from ivos.evaluate.dataset import LabelledSequence
from ivos.metrics import contour_accuracy, region_similarity
from ivos.runtime.protocol import Networks
from ivos.session import Session
from ivos.types import Mask

REACHES = (1.5, 2.5, 4.5)
"""Distances from the true outline, in pixels of the frame."""


def main() -> int:
    """Measure and print both tables, a line a sequence and their means."""
    arguments = parser(__doc__)
    arguments.add_argument("--rounds", type=int, default=8)
    args = arguments.parse_args()
    dataset, parts = chosen(args)
    numbers = [str(number) for number in range(1, args.rounds + 1)]
    perfect, usual = {}, {}
    for networks, name in each(parts):
        sequence = dataset.load(name)
        perfect[name] = drawn_perfectly(sequence, networks, args.rounds)
        sequence.video.close()
        usual[name] = near_outline(dataset, name, networks, args.rounds)
    for row, what in enumerate(("J and F, all frames", "J, frames that were not given")):
        _print(f"perfect masks: {what}", numbers, {name: J[row] for name, J in perfect.items()})
    columns = ["J", *(f"up to {reach}" for reach in REACHES)]
    for row, number in enumerate((1, args.rounds)):
        title = f"right near the outline, round {number}"
        _print(title, columns, {name: J[row] for name, J in usual.items()})
    return 0


def drawn_perfectly(
    sequence: LabelledSequence, networks: Networks, rounds: int
) -> NDArray[np.float64]:
    """(2, rounds): the mean of J and F over all frames, and of J over the frames not given."""
    session = Session(sequence.video, networks)
    truth = [labels == 1 for labels in sequence.truth]
    given: list[int] = []
    found = np.full((2, rounds), np.nan)
    frame = len(truth) // 2
    for number in range(min(rounds, len(truth) - 1)):
        session.set_masks(frame, {1: truth[frame]}, annotate=True)
        given.append(frame)
        for _ in session.propagate():
            pass
        masks = [session.labels(t) == 1 for t in range(len(truth))]
        J = np.array([region_similarity(*pair) for pair in zip(truth, masks, strict=True)])
        F = np.array([contour_accuracy(*pair) for pair in zip(truth, masks, strict=True)])
        others = np.delete(np.arange(len(truth)), given)
        found[:, number] = np.mean(J + F) / 2, np.mean(J[others])
        frame = int(others[np.argmin(J[others])])
    return found


def near_outline(
    dataset: Dataset, name: str, networks: Networks, rounds: int
) -> NDArray[np.float64]:
    """(2, 1 + reaches): J after the first and the last round, and with outlines put right."""
    sequence = dataset.load(name)
    truth = [labels == 1 for labels in sequence.truth]
    sequence.video.close()
    found = first_and_last(dataset, name, networks, rounds)
    return np.array([_put_right(labels, truth) for labels in found])


def _put_right(labels: NDArray[np.uint8], truth: Sequence[Mask]) -> NDArray[np.float64]:
    rows = []
    for found, real in zip(labels, truth, strict=True):
        away, mask = from_outline(real), found == 1
        righted = [np.where(away <= reach, real, mask) for reach in REACHES]
        rows.append([region_similarity(real, one) for one in (mask, *righted)])
    return np.asarray(np.mean(rows, axis=0), np.float64)


def from_outline(mask: Mask) -> NDArray[np.float32]:
    """(H, W): how far each pixel is from the nearest one on the other side of the outline."""
    inside, outside = (
        cv2.distanceTransform(side.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        for side in (mask, ~mask)
    )
    return np.asarray(np.where(mask, inside, outside), np.float32)


def _print(title: str, columns: Sequence[str], rows: dict[str, NDArray[np.float64]]) -> None:
    print(f"\n| {title} | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    means = {"mean": np.nanmean(np.stack([*rows.values()]), axis=0)}
    for name, values in {**rows, **means}.items():
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in values)} |")


if __name__ == "__main__":
    raise SystemExit(main())
