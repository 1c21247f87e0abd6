"""``ivos segment VIDEO -s SCRIBBLES.json -o OUT``: scribbles in, masks and an overlay out."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ivos.cli.numbers import check_threads
from ivos.cli.progress import seconds, watch
from ivos.errors import InvalidInput, OutputError

if TYPE_CHECKING:
    from ivos.cuts import Shots
    from ivos.session import Session
    from ivos.types import Interaction, Video

_MASKS, _OVERLAY = "masks", "overlay.mp4"
"""What an output folder holds; one with anything else in it is never overwritten."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser(
        "segment",
        help="scribbles on a video -> masks for every frame",
        description="Cut the scribbled objects out of a video: OUT/masks/00000.png ... "
        "(indexed PNG, DAVIS palette, one a frame) and OUT/overlay.mp4.",
    )
    parser.add_argument("video", type=Path, metavar="VIDEO", help="a video file or image folder")
    parser.add_argument(
        "-s",
        "--scribbles",
        type=Path,
        action="append",
        required=True,
        metavar="SCRIBBLES.json",
        help="DAVIS scribbles; several annotated frames, or several -s, are rounds in that order",
    )
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="OUT", help="a new folder")
    parser.add_argument("--frames", metavar="A:B", help="only frames A up to, without, B")
    parser.add_argument(
        "--across-cuts", action="store_true", help="carry masks on where another shot begins"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace OUT where it exists")
    parser.add_argument("--weights", metavar="NAME", help="weights by name, file or folder")
    parser.add_argument("--runtime", choices=("onnx", "torch"), default="onnx")
    parser.add_argument("--threads", type=int, metavar="N", help="threads; one a core by default")
    parser.add_argument("--json", action="store_true", help="print what was done to stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Segment ``args.video`` and write the result as a whole, or not at all."""
    from ivos.cuts import Shots
    from ivos.deliver.files import check_apart, new_folder
    from ivos.deliver.movies import draw_overlay
    from ivos.masks import write_label_map
    from ivos.runtime import weights
    from ivos.session import Session
    from ivos.video import open_video

    began = time.monotonic()
    check_threads(args.threads)
    with open_video(args.video) as video:
        frames = _frames(args.frames, len(video))
        interactions = _interactions(args.scribbles, video, frames)
        _check_out(args.out)
        check_apart(args.out, [args.video])
        with new_folder(
            args.out,
            overwrite=args.overwrite,
            suffixes=frozenset({".png", ".mp4"}),
            ffmpeg_hint="check that VIDEO plays to its end and has at most 16384 pixels a side",
        ) as folder:
            networks = weights.load(
                args.weights or weights.DEFAULT, runtime=args.runtime, threads=args.threads
            )
            session = Session(video, networks)
            shots = None if args.across_cuts else Shots(video)
            _draw_and_propagate(session, interactions, frames, shots)
            (folder / _MASKS).mkdir()
            for frame in frames:
                name = f"{video.frame_name(frame)}.png"
                write_label_map(folder / _MASKS / name, session.labels(frame))
            overlay = draw_overlay(folder / _OVERLAY, video, session.labels, frames)
            watch("writing", overlay)
        result = {
            "out": str(args.out),
            "video": video.name,
            "frames": len(frames),
            "first_frame": frames.start,
            "size": list(video.size),
            "objects": list(session.object_ids),
            "rounds": session.rounds,
            "weights": networks.spec.name,
            "weights_hash": networks.spec.weights_hash,
            "seconds": round(time.monotonic() - began, 3),
        }
    if args.json:
        print(json.dumps(result, indent=2))
    objects = ", ".join(map(str, session.object_ids))
    print(
        f"{len(frames)} frames, objects {objects}, {seconds(time.monotonic() - began)}: "
        f"{args.out / _MASKS}, {args.out / _OVERLAY}",
        file=sys.stderr,
    )
    return 0


def _check_out(out: Path) -> None:
    """A folder of somebody's clips or pictures is not to vanish by ``--overwrite``."""
    try:
        other = sorted({entry.name for entry in out.iterdir()} - {_MASKS, _OVERLAY})
    except OSError:  # not there yet, or not to be read: said when it is written
        return
    if other:
        raise OutputError(
            f"{out} holds {other[0]}, which is no result of ivos segment; choose another -o"
        )


def _draw_and_propagate(
    session: Session, interactions: Sequence[Interaction], frames: range, shots: Shots | None
) -> None:
    for number, interaction in enumerate(interactions, start=1):
        if not session.interact(interaction):
            continue  # strokes on the background that touch no object: nothing to carry on
        barriers = () if shots is None else shots.barriers([interaction.frame])
        progress = session.propagate(start=frames.start, stop=frames.stop, barriers=barriers)
        watch(f"round {number} of {len(interactions)}", progress)


def _interactions(files: Sequence[Path], video: Video, frames: range) -> list[Interaction]:
    """The rounds in their order; says what cannot work before anything is computed."""
    from ivos.session.scribbles import read_scribbles

    found = [one for file in files for one in read_scribbles(file, frames=len(video))]
    if not any(interaction.object_ids for interaction in found):
        names = ", ".join(map(str, files))
        raise InvalidInput(f"{names}: no strokes on any object; draw at least one")
    for interaction in found:
        if interaction.frame not in frames:
            raise InvalidInput(
                f"there are strokes on frame {interaction.frame}, which --frames leaves out; "
                "widen --frames"
            )
    return found


def _frames(wanted: str | None, length: int) -> range:
    """``a:b`` as a range of frames, either end left out."""
    first, colon, last = (wanted or ":").partition(":")
    try:
        if not colon:
            raise ValueError
        frames = range(int(first or 0), int(last or length))
    except ValueError:
        raise InvalidInput(f"--frames {wanted}: write A:B, for example 0:{length}") from None
    if not 0 <= frames.start < frames.stop <= length:
        raise InvalidInput(f"--frames {wanted}: the video has frames 0:{length}; give a part of it")
    return frames
