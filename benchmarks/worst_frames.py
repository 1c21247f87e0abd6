"""Where does it fail? Pictures of the worst frames after the last round, to be looked at.

    python -m benchmarks.worst_frames ROOT OUT.jpg --resolution 360p --sequences boat,dance-jump

Green is found rightly, red wrongly, blue is missed. Frames of one sequence are at least 8
apart. The picture is cut from the dataset, whose licence says whether it may be shown.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from benchmarks.sequences import chosen, parser
from numpy.typing import NDArray
from PIL import Image

from ivos.evaluate import Evaluation, Protocol, Turn, evaluate
from ivos.evaluate.session_methods import SessionMethod

APART = 8
RIGHT, WRONG, MISSED = (0, 200, 0), (220, 0, 0), (40, 60, 255)


def main() -> int:
    """Play all sessions, find the worst frames, draw them, and say which they are."""
    arguments = parser(__doc__)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--rounds", type=int, default=8)
    arguments.add_argument("--count", type=int, default=10)
    args = arguments.parse_args()
    dataset, parts = chosen(args)
    protocol, clock = Protocol(rounds=args.rounds), time.process_time
    last: dict[str, Turn] = {}
    for networks, names in parts:
        method = SessionMethod(networks, clock=clock)
        for event in evaluate(dataset, names, method, protocol, Evaluation(protocol), clock=clock):
            if isinstance(event, Turn):
                last[event.sample.sequence] = event
            else:
                print(event)
    tiles = []
    for J, name, frame in worst(last, args.count):
        print(f"{name} frame {frame}: J {J:.2f}")
        sequence = dataset.load(name)
        found, truth = last[name].answer.labels[frame], sequence.truth[frame]
        tiles.append(_drawn(sequence.video[frame], found, truth, f"{name} {frame}  J {J:.2f}"))
        sequence.video.close()
    rows = [np.hstack(_even(tiles[k : k + 2])) for k in range(0, len(tiles), 2)]
    Image.fromarray(np.vstack(rows)).save(args.out)
    return 0


def worst(last: Mapping[str, Turn], count: int) -> list[tuple[float, str, int]]:
    """(J, sequence, frame) of the worst frames, the worst first, neighbours left out."""
    frames = sorted(
        (float(J), name, frame)
        for name, turn in last.items()
        for frame, J in enumerate(turn.J.mean(axis=0))
    )
    chosen: list[tuple[float, str, int]] = []
    for J, name, frame in frames:
        near = (abs(frame - other) < APART for _, same, other in chosen if same == name)
        if len(chosen) < count and not any(near):
            chosen.append((J, name, frame))
    return chosen


def _drawn(
    image: NDArray[np.uint8], found: NDArray[np.uint8], truth: NDArray[np.uint8], words: str
) -> NDArray[np.uint8]:
    tile = cv2.resize(image, (640, 640 * image.shape[0] // image.shape[1]))
    size = (tile.shape[1], tile.shape[0])
    here, there = (cv2.resize(m, size, interpolation=cv2.INTER_NEAREST) for m in (found, truth))
    for where, colour in (
        ((here == there) & (there > 0), RIGHT),
        ((here != there) & (here > 0), WRONG),
        ((here != there) & (here == 0), MISSED),
    ):
        tile[where] = tile[where] // 2 + np.array(colour, np.uint8) // 2
    cv2.putText(tile, words, (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 255, 255), 2)
    return np.asarray(tile, np.uint8)


def _even(tiles: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """Two tiles of one height: the last one gets a black neighbour, lower ones black below."""
    height = max(tile.shape[0] for tile in tiles)
    padded = [np.pad(t, ((0, height - t.shape[0]), (0, 0), (0, 0))) for t in tiles]
    return padded if len(padded) == 2 else [padded[0], np.zeros_like(padded[0])]


if __name__ == "__main__":
    raise SystemExit(main())
