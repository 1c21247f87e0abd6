"""How long do scoring and the simulated user take? One object on one 480p frame, one core.

    python -m benchmarks.metrics

J and F must stay under 5 ms, or scoring would dominate an evaluation. Processor time is measured,
so that other work on the machine does not count. Writes benchmarks/results/metrics.json.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ivos.evaluate.report import machine
from ivos.metrics import score
from ivos.simulate import Robot

RESULTS = Path(__file__).parent / "results" / "metrics.json"
LIMIT_MS = 5.0
SIZE = (480, 854)


def main() -> int:
    """Measure, print, write; the exit code is 1 where scoring passes the limit."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    times: dict[str, float] = {}
    for name, share in (("small", 0.1), ("large", 0.6)):
        truth, prediction = made(share)
        times[f"J and F, {name} object"] = milliseconds(
            lambda t=truth, p=prediction: score(t, p, 1), args.repeats
        )
        times[f"robot, {name} object"] = milliseconds(
            lambda t=truth, p=prediction: Robot().correct(t, p, (1,)), max(args.repeats // 10, 1)
        )
    for name, value in times.items():
        print(f"{name}: {value:.2f} ms")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    report = {"size": SIZE, "milliseconds": times, "limit": LIMIT_MS, "machine": machine()}
    args.out.write_text(json.dumps(report, indent=2) + "\n")
    return int(any(value > LIMIT_MS for name, value in times.items() if name.startswith("J")))


def made(share: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A ragged object that spans ``share`` of the frame each way, and a prediction beside it."""
    height, width = SIZE
    turn = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    both = []
    for shift, waves in ((0, 9), (6, 11)):
        reach = share / 2 * (1 + 0.15 * np.sin(waves * turn))
        x = width / 2 + shift + reach * width * np.cos(turn)
        y = height / 2 + shift + reach * height * np.sin(turn)
        labels = np.zeros(SIZE, np.uint8)
        cv2.fillPoly(labels, [np.rint(np.stack([x, y], axis=1)).astype(np.int32)], 1)
        both.append(labels)
    return both[0], both[1]


def milliseconds(work: Callable[[], object], repeats: int) -> float:
    """Processor time of one call: the best of three means, after a first call that is left out."""
    work()
    means = []
    for _ in range(3):
        began = time.process_time()
        for _ in range(repeats):
            work()
        means.append((time.process_time() - began) / repeats * 1000)
    return min(means)


if __name__ == "__main__":
    raise SystemExit(main())
