"""Does memory grow with the video? Propagates through a short and a long 1080p clip, and measures.

    python -m benchmarks.memory --frames 500 3000              networks without a model: fast
    python -m benchmarks.memory --frames 300 18000 --weights ivos-compact

Each clip is made by this script and removed again. Each is propagated in a process of its own,
into a project on disk, from a frame in its middle, both ways; the process reports its resident
memory as it goes. Prints a table, and writes benchmarks/results/memory.json.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH, SIDE = 1080, 1920, 240
RESULTS = Path(__file__).parent / "results" / "memory.json"
LIMIT_MB = 1024
GROWTH_MB = 32
"""The second half of a run may reach this much more than the first: noise, not growth."""


def main() -> int:
    """Measure, print, write; the exit code is 1 where memory passed the limit or grew."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--frames", type=int, nargs="+", default=[500, 3000])
    parser.add_argument("--objects", type=int, default=2)
    parser.add_argument("--weights", default="", help="a name or folder; by default no model")
    parser.add_argument("--keyint", type=int, default=50, help="frames from key frame to key frame")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    runs = []
    for frames in args.frames:
        run = measure(frames, args.objects, args.weights, args.keyint)
        runs.append(run)
        print(
            f"{frames:6d} frames: peak {run['peak_mb']:.0f} MB, "
            f"second half {run['growth_mb']:+.0f} MB, project {run['project_mb']:.1f} MB, "
            f"{run['frames_a_second']:.1f} frames a second",
            flush=True,
        )
    bounded = all(run["peak_mb"] < LIMIT_MB and run["growth_mb"] < GROWTH_MB for run in runs)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    report = {
        "machine": machine,
        "weights": args.weights or "none",
        "bounded": bounded,
        "runs": runs,
    }
    args.out.write_text(json.dumps(report, indent=2) + "\n")
    return 0 if bounded else 1


def measure(frames: int, objects: int, weights: str, keyint: int) -> dict[str, Any]:
    """Make a clip and propagate through it, in two processes that are gone afterwards."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        maker = context.Process(target=write_clip, args=(clip, frames, objects, keyint))
        maker.start()
        maker.join()
        hears, says = context.Pipe(duplex=False)
        worker = context.Process(target=propagate, args=(clip, objects, weights, says))
        worker.start()
        says.close()
        try:
            found: dict[str, Any] = hears.recv()
        except EOFError:
            raise SystemExit("the propagation failed: see above") from None
        worker.join()
    return {"frames": frames, "objects": objects, "growth_mb": growth(found["curve"]), **found}


def growth(curve: list[list[float]]) -> float:
    """How much higher (MB) the second half of a run of [frames done, MB] reached than the first."""
    resident = [megabytes for _, megabytes in curve]
    half = len(resident) // 2
    return max(resident[half:]) - max(resident[:half])


def squares(frame: int, objects: int) -> Iterator[tuple[int, int]]:
    """(top, left) of every object: each goes to and fro in a lane of its own."""
    for index in range(objects):
        span = WIDTH - SIDE
        place = (frame * (6 + 4 * index)) % (2 * span)
        top = (index * (HEIGHT - SIDE)) // max(1, objects - 1)
        yield top // 2 * 2, min(place, 2 * span - place) // 2 * 2


def write_clip(path: Path, frames: int, objects: int, keyint: int) -> None:
    """Coloured squares on a still ramp, drawn straight into YUV and encoded fast."""
    import av

    ramp = np.linspace(60, 160, WIDTH, dtype=np.uint8)
    still = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
    still[:HEIGHT] = ramp
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "ultrafast", "g": str(keyint), "crf": "28"}
        for number in range(frames):
            picture = draw(still.copy(), squares(number, objects))
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="yuv420p")))
        output.mux(stream.encode(None))


def draw(picture: NDArray[np.uint8], corners: Iterator[tuple[int, int]]) -> NDArray[np.uint8]:
    """Put a square at each corner, in planes of Y, U and V (all planes are WIDTH wide, stacked)."""
    chroma = picture[HEIGHT:].reshape(2, HEIGHT // 2, WIDTH // 2)
    for index, (top, left) in enumerate(corners):
        picture[top : top + SIDE, left : left + SIDE] = 110
        area = (slice(top // 2, (top + SIDE) // 2), slice(left // 2, (left + SIDE) // 2))
        chroma[0][area] = 60 if index % 2 else 200
        chroma[1][area] = 200 if index % 2 == 0 else 80
    return picture


def propagate(clip: Path, objects: int, weights: str, says: Connection) -> None:
    """One round through the whole clip into a project; tells what it took."""
    from ivos.project import Project
    from ivos.types import Click, Interaction
    from ivos.video import open_video

    networks = _networks(weights)
    path = clip.with_suffix(".ivos")
    with Project.create(path, open_video(clip), clip) as project:
        session = project.session(networks)
        middle = len(project.video) // 2
        clicks = [
            Click(index + 1, ((left + SIDE / 2) / WIDTH, (top + SIDE / 2) / HEIGHT))
            for index, (top, left) in enumerate(squares(middle, objects))
        ]
        session.interact(Interaction.of(middle, clicks))
        curve, began = [], time.monotonic()
        for progress in session.propagate():
            if progress.done % max(1, progress.total // 20) == 0:
                curve.append([progress.done, round(_resident_mb(), 1)])
        seconds = time.monotonic() - began
        right = sum(bool(session.has_mask(1, t)) for t in range(len(project.video)))
        said = {
            "frames_a_second": len(project.video) / seconds,
            "masks_of_object_1": right,
            "curve": curve,
        }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    said["peak_mb"] = peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    said["project_mb"] = path.stat().st_size / (1 << 20)
    says.send(said)


def _networks(weights: str) -> Any:
    if weights:
        from ivos.runtime.weights import load

        return load(weights)
    from tests.fakes import ColourNetworks

    return ColourNetworks()


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


if __name__ == "__main__":
    raise SystemExit(main())
