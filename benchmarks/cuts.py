"""How well cuts are found, on clips made from real sequences: python benchmarks/cuts.py ROOT

ROOT holds a folder of images for each sequence (DAVIS: JPEGImages/480p). Writes results/cuts.json:
for each kind of clip the cuts found, the false ones and those missed; beside PySceneDetect's two
detectors, where it is installed (pip install scenedetect), with its own defaults.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from ivos.cuts import cuts
from ivos.types import Frame
from ivos.video import open_video

HEIGHT, WIDTH = 180, 320
KINDS = ("hard", "motion", "flash", "light", "fade", "dissolve")
SHOTS = 6
FADE_TOLERANCE = 6


class Clip:
    """Frames in memory, as a Video."""

    name, fps, size = "clip", 25.0, (HEIGHT, WIDTH)

    def __init__(self, frames: list[Frame]) -> None:
        self._frames = frames

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, frame: int) -> Frame:
        return self._frames[frame]

    def timestamp(self, frame: int) -> float:
        """Seconds from the first frame."""
        return frame / self.fps

    def frame_name(self, frame: int) -> str:
        """The number."""
        return f"{frame:05d}"

    def close(self) -> None:
        """Nothing to let go of."""


def made(kind: str, sequences: dict[str, list[Frame]], seed: int) -> tuple[list[Frame], list[int]]:
    """A clip of six shots, and where the shots begin."""
    rng = random.Random(seed)
    frames: list[Frame] = []
    truth: list[int] = []
    for name in rng.sample(sorted(sequences), SHOTS):
        whole = sequences[name]
        length = min(rng.randint(12, 40), len(whole))
        first = rng.randint(0, len(whole) - length)
        shot = CHANGES[kind](whole[first : first + length], rng)
        if kind == "dissolve" and frames:
            mixed = zip(frames[-8:], shot[:8], np.linspace(0.1, 0.9, 8), strict=True)
            frames[-8:] = [lit(a, 1 - w) + lit(b, w) for a, b, w in mixed]
            shot = shot[8:]
            truth.append(len(frames) - 4)
        elif frames:
            truth.append(len(frames))
        frames += shot
    return frames, truth


def lit(frame: Frame, gain: float, white: float = 0.0) -> Frame:
    """The frame times ``gain``, with a share of white on top."""
    return np.clip(frame * gain + 255 * white, 0, 255).astype(np.uint8)


def whipped(shot: list[Frame], rng: random.Random) -> list[Frame]:
    """A camera that swings by up to a fifth of the width a frame, with its blur."""
    speed, phase, out = rng.uniform(8, 30), rng.uniform(0, 6), []
    for t, frame in enumerate(shot):
        big = cv2.blur(cv2.resize(frame, (2 * WIDTH, 2 * HEIGHT)), (max(1, int(speed)), 1))
        x = int(WIDTH / 2 * (1 + np.sin(phase + t * speed / 80)))
        y = int(HEIGHT / 2 * (1 + np.sin(2 * phase + t * speed / 130)))
        out.append(big[y : y + HEIGHT, x : x + WIDTH])
    return out


def flashed(shot: list[Frame], rng: random.Random) -> list[Frame]:
    """One to three frames almost white, at up to two places."""
    out = list(shot)
    for _ in range(rng.randint(1, 2)):
        at, strength = rng.randrange(2, len(out) - 4), rng.uniform(0.5, 1)
        for t in range(at, at + rng.randint(1, 3)):
            out[t] = lit(out[t], 1 - strength, strength)
    return out


def switched(shot: list[Frame], rng: random.Random) -> list[Frame]:
    """Lamps that go on and off."""
    gain, out = 1.0, []
    for frame in shot:
        gain = rng.uniform(0.4, 1.6) if rng.random() < 0.06 else gain
        out.append(lit(frame, gain))
    return out


def faded(shot: list[Frame], rng: random.Random) -> list[Frame]:
    """Out of black and into it."""
    steps = min(rng.randint(5, 12), len(shot) // 2 - 1)
    ramp = [min(1.0, t / steps, (len(shot) - 1 - t) / steps) for t in range(len(shot))]
    return [lit(frame, gain) for frame, gain in zip(shot, ramp, strict=True)]


def plain(shot: list[Frame], _: random.Random) -> list[Frame]:
    """As it is."""
    return list(shot)


CHANGES: dict[str, Callable[[list[Frame], random.Random], list[Frame]]] = {
    "hard": plain,
    "motion": whipped,
    "flash": flashed,
    "light": switched,
    "fade": faded,
    "dissolve": plain,
}


def detectors() -> dict[str, Callable[[list[Frame]], list[int]]]:
    """By name: frames -> where shots begin."""
    found: dict[str, Callable[[list[Frame]], list[int]]] = {"ivos": lambda f: cuts(Clip(f))}
    try:
        from scenedetect import AdaptiveDetector, ContentDetector, FrameTimecode
    except ImportError:
        return found

    def by(detector: type) -> Callable[[list[Frame]], list[int]]:
        def run(frames: list[Frame]) -> list[int]:
            each, out, now = detector(min_scene_len=4), [], FrameTimecode(0, 25.0)
            for number, frame in enumerate(frames):
                now = FrameTimecode(number, 25.0)
                out += each.process_frame(now, np.ascontiguousarray(frame[..., ::-1]))
            out += each.post_process(now)
            return [cut.frame_num for cut in out]

        return run

    return found | {
        "AdaptiveDetector": by(AdaptiveDetector),
        "ContentDetector": by(ContentDetector),
    }


def score(found: list[int], truth: list[int], tolerance: int) -> tuple[int, int, int]:
    """Right, false, missed; a cut answers for one true one at most."""
    left, right = sorted(found), 0
    for cut in truth:
        near = min(left, key=lambda at: abs(at - cut), default=None)
        if near is not None and abs(near - cut) <= tolerance:
            left.remove(near)
            right += 1
    return right, len(left), len(truth) - right


def load(root: Path) -> dict[str, list[Frame]]:
    """The sequences below ``root``, small, by name."""
    sequences = {}
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        with open_video(folder, cache_bytes=1) as video:
            sequences[folder.name] = [
                np.asarray(cv2.resize(video[t], (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA))
                for t in range(len(video))
            ]
    return sequences


def main() -> None:
    """Make the clips, look for cuts, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--clips", type=int, default=16, help="of each kind")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results/cuts.json")
    args = parser.parse_args()
    sequences = load(args.root)
    table: dict[str, dict[str, object]] = {}
    for name, detect in detectors().items():
        rows: dict[str, object] = {}
        seconds, count = 0.0, 0
        for kind in KINDS:
            total = np.zeros(3, int)
            for seed in range(args.clips):
                frames, truth = made(kind, sequences, 1000 * KINDS.index(kind) + seed)
                began = time.process_time()
                found = detect(frames)
                seconds, count = seconds + time.process_time() - began, count + len(frames)
                total += score(found, truth, FADE_TOLERANCE if kind in ("fade", "dissolve") else 0)
            rows[kind] = dict(zip(("right", "false", "missed"), total.tolist(), strict=True))
        rows["milliseconds_a_frame"] = round(1000 * seconds / count, 3)
        table[name] = rows
        print(name, json.dumps(rows))
    args.out.parent.mkdir(exist_ok=True)
    args.out.write_text(
        json.dumps({"clips_of_each_kind": args.clips, "detectors": table}, indent=2)
    )


if __name__ == "__main__":
    main()
