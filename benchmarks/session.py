"""What a session costs beside its networks: CPU milliseconds per propagated frame.

    python benchmarks/session.py [--frames 60]

The networks do nothing but hand the neighbour's mask on; what they take is not counted. CPU time of
one thread, so that a busy machine does not change the figures much.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np

from ivos.runtime.protocol import Array, NetworkSpec
from ivos.runtime.weights import find, read_card, spec_of
from ivos.session import Session
from ivos.types import Frame, Interaction, Scribble

_RESULTS = Path(__file__).parent / "results"


class Still:
    """One frame of soft noise, over and over."""

    name, fps = "still", 25.0

    def __init__(self, size: tuple[int, int], length: int) -> None:
        self.size, self._length = size, length
        noise = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
        self._frame: Frame = cv2.GaussianBlur(noise, (9, 9), 0)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, frame: int) -> Frame:
        return self._frame

    def timestamp(self, frame: int) -> float:
        """Seconds from the first frame."""
        return frame / self.fps

    def frame_name(self, frame: int) -> str:
        """Five digits."""
        return f"{frame:05d}"

    def close(self) -> None:
        """Nothing to let go of."""


class IdleNetworks:
    """A blob around the strokes, handed on from frame to frame. ``spent`` is its own CPU time."""

    def __init__(self, spec: NetworkSpec) -> None:
        self.spec = spec
        self.spent = 0.0

    def interact(
        self,
        frame: Array,
        previous: Array,  # noqa: ARG002
        positive: Array,
        negative: Array,  # noqa: ARG002
    ) -> tuple[Array, Array]:
        """Everything near a positive stroke."""
        spread = [cv2.blur(plane[0], (61, 61)) > 0.001 for plane in positive]
        cells = frame.shape[-1] // self.spec.reference_stride
        shape = (len(frame), self.spec.reference_channels, cells, cells)
        return np.where(spread, 6, -6).astype(np.float32)[:, None], np.zeros(shape, np.float32)

    def aggregate(self, reference: Array, previous_reference: Array) -> Array:
        """Side by side."""
        return np.concatenate([reference, previous_reference], axis=3)

    def propagate(
        self,
        reference: Array,  # noqa: ARG002
        frame: Array,  # noqa: ARG002
        neighbour: Array,
        previous: Array,  # noqa: ARG002
    ) -> Array:
        """The neighbour's mask, with soft edges."""
        began = time.process_time()
        soft = np.stack([cv2.GaussianBlur(plane[0], (5, 5), 0)[None] for plane in neighbour])
        logits = np.clip((soft - 0.5) * 20, -8, 8)
        self.spent += time.process_time() - began
        return logits


def measured(size: tuple[int, int], objects: int, frames: int, spec: NetworkSpec) -> list[float]:
    """Milliseconds per propagated frame in the first and in the second round."""
    networks = IdleNetworks(spec)
    session = Session(Still(size, frames), networks)
    columns = [0.2 + 0.5 * n / objects for n in range(objects)]
    strokes = [Scribble(n + 1, ((x, 0.35), (x + 0.12, 0.65))) for n, x in enumerate(columns)]
    found = []
    for frame in (frames // 2, 0):
        session.interact(Interaction.of(frame, strokes))
        networks.spent, began = 0.0, time.process_time()
        done = sum(1 for _ in session.propagate())
        found.append(1000 * (time.process_time() - began - networks.spent) / done)
    return found


def main() -> None:
    """Measure, print a table, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=60)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    folder = find()
    spec = spec_of(read_card(folder), folder)
    rows = []
    for size in ((480, 854), (1080, 1920)):
        for objects in (1, 3):
            first, second = measured(size, objects, args.frames, spec)
            name = f"{size[1]}x{size[0]}"
            rows.append({"size": name, "objects": objects, "first": first, "second": second})
            print(f"| {name} | {objects} | {first:.1f} ms | {second:.1f} ms |")
    _RESULTS.mkdir(exist_ok=True)
    path = _RESULTS / "session.json"
    path.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
