"""Milliseconds an interaction and a propagated frame take, by ONNX Runtime and by PyTorch.

    python benchmarks/speed.py [--size 480x854] [--objects 1] [--frames 40] [--torch WEIGHTS.pt]

A made clip is drawn on in the middle and propagated, in turn by each runtime, several times over.
Timings on shared machines are noisy: the medians and the ratio of one run are what counts.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ivos import __version__
from ivos.runtime.protocol import Networks
from ivos.runtime.weights import load
from ivos.session.session import Session
from ivos.types import Frame, Interaction, Scribble

_RESULTS = Path(__file__).parent / "results"


class Discs:
    """A video in memory: textured discs that drift over a textured ground."""

    name, fps = "discs", 24.0

    def __init__(self, size: tuple[int, int], length: int, count: int) -> None:
        self.size = size
        rng = np.random.default_rng(0)
        height, width = size
        ground = cv2.resize(rng.integers(0, 255, (12, 20, 3), dtype=np.uint8), (width, height))
        self._frames = []
        for t in range(length):
            frame = ground.copy()
            for n in range(count):
                x, y = self.place(n, t)
                centre = int(x * width), int(y * height)
                cv2.circle(frame, centre, height // 6, (40 + 60 * n, 200 - 50 * n, 90), -1)
                cv2.circle(frame, centre, height // 12, (220, 30 + 40 * n, 60), -1)
            self._frames.append(frame)

    @staticmethod
    def place(disc: int, frame: int) -> tuple[float, float]:
        """Where a disc's middle is on a frame, as fractions."""
        return 0.25 + 0.2 * disc + 0.004 * frame, 0.3 + 0.15 * disc + 0.002 * frame

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, frame: int) -> Frame:
        return self._frames[frame]

    def timestamp(self, frame: int) -> float:
        """Seconds from the first frame."""
        return frame / self.fps

    def frame_name(self, frame: int) -> str:
        """Five digits."""
        return f"{frame:05d}"

    def close(self) -> None:
        """Nothing to let go of."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds, all of one run."""

    interactions: list[float]
    frames: list[float]


def timed(video: Discs, networks: Networks, objects: int) -> Timing:
    """One session: a stroke on each object in the middle, then propagation both ways."""
    session = Session(video, networks)
    middle = len(video) // 2
    strokes = []
    for n in range(objects):
        x, y = video.place(n, middle)
        strokes.append(Scribble(n + 1, ((x - 0.03, y), (x, y + 0.02), (x + 0.03, y))))
    began = time.perf_counter()
    session.interact(Interaction.of(middle, strokes))
    interaction = 1000 * (time.perf_counter() - began)
    return Timing([interaction], [1000 * t for t in _between(session.propagate())])


def _between(steps: Iterator[object]) -> Iterator[float]:
    last, waiting = time.perf_counter(), 0
    for _ in steps:
        now = time.perf_counter()
        waiting += 1
        if now - last > 1e-4:  # frames of both directions come out of one batch, two by two
            yield from [(now - last) / waiting] * waiting
            waiting = 0
        last = time.perf_counter()


def main() -> None:
    """Measure, print a line a runtime, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="480x854", help="height x width")
    parser.add_argument("--objects", type=int, default=1)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--weights", default="ivos-compact")
    parser.add_argument("--torch", type=Path, help="the same weights as training wrote them")
    args = parser.parse_args()
    height, width = map(int, args.size.split("x"))
    video = Discs((height, width), args.frames, args.objects)
    runtimes = {"onnx": load(args.weights, threads=args.threads)}
    if args.torch:
        runtimes["torch"] = load(args.torch, runtime="torch", threads=args.threads)
    timings = {name: Timing([], []) for name in runtimes}
    for repeat in range(args.repeats + 1):
        for name, networks in runtimes.items():
            timing = timed(video, networks, args.objects)
            if repeat:  # the first session warms caches and clocks
                timings[name].interactions.extend(timing.interactions)
                timings[name].frames.extend(timing.frames)
    report = {
        "ivos": __version__,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "size": args.size,
        "objects": args.objects,
        "threads": args.threads,
        "milliseconds": {
            name: {
                "interaction": statistics.median(timing.interactions),
                "propagated frame": statistics.median(timing.frames),
            }
            for name, timing in timings.items()
        },
    }
    for name, medians in report["milliseconds"].items():
        print(name, ", ".join(f"{what} {value:.1f} ms" for what, value in medians.items()))
    _RESULTS.mkdir(exist_ok=True)
    path = _RESULTS / f"speed-{args.size}-{args.objects}.json"
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
