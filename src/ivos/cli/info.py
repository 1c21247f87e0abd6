"""``ivos info VIDEO``: what a video is, as ivos sees it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ivos.types import Video


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("info", help="what a video is: frames, size, rate, length")
    parser.add_argument("video", type=Path, metavar="VIDEO", help="a video file or image folder")
    parser.add_argument("--json", action="store_true", help="print JSON to stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the facts of ``args.video``."""
    from ivos.video import open_video

    video = open_video(args.video)
    try:
        facts = describe(video)
    finally:
        video.close()
    if args.json:
        print(json.dumps(facts, indent=2))
        return 0
    print(
        f"{facts['name']}: {facts['frames']} frames of {facts['width']}x{facts['height']}, "
        f"{facts['fps']:.3f} frames a second, {facts['seconds']:.2f} s"
    )
    return 0


def describe(video: Video) -> dict[str, object]:
    """The facts of ``video`` that hold for files and folders alike."""
    height, width = video.size
    last = len(video) - 1
    return {
        "name": video.name,
        "frames": len(video),
        "width": width,
        "height": height,
        "fps": video.fps,
        "seconds": video.timestamp(last) + 1 / video.fps,
        "first_name": video.frame_name(0),
        "last_name": video.frame_name(last),
        "codec": getattr(video, "codec", None),
        "rotation": getattr(video, "rotation", 0),
    }
