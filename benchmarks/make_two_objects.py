"""Make a set with two objects a sequence, to measure what only such a set can tell.

    python -m benchmarks.make_two_objects DAVIS OUT [--sequences a,b] [--length 40] [--seed 0]

OUT, which must lie outside this repository, gets the DAVIS layout: ``ivos evaluate OUT`` reads it.
The same arguments always make the same set. Default sequences: those of validation.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ivos.errors import IvosError
from ivos.train.data import read_clips
from ivos.train.two_objects import two_objects, write_sequence

VALIDATION = "boat,dance-jump,flamingo,horsejump-low,scooter-gray,soccerball"
REPOSITORY = Path(__file__).resolve().parents[1]


def main() -> int:
    """Read, make, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("davis", type=Path, help="a DAVIS tree with one object a sequence")
    parser.add_argument("out", type=Path)
    parser.add_argument("--sequences", default=VALIDATION)
    parser.add_argument("--resolution", default="360p")
    parser.add_argument("--size", default="640x360", help="width x height (default: 640x360)")
    parser.add_argument("--length", type=int, default=40, help="most frames of a sequence")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.out.resolve().is_relative_to(REPOSITORY):
        parser.error(f"{args.out} lies in this repository: research data is never committed")
    width, height = (int(number) for number in args.size.split("x"))
    wanted = args.sequences.split(",")
    try:
        folder = args.davis / "JPEGImages" / args.resolution
        others = [path.name for path in folder.glob("*/") if path.name not in wanted]
        clips = read_clips(args.davis, args.resolution, (height, width), hold_out=others)
        for made in two_objects(clips, length=args.length, seed=args.seed):
            write_sequence(made, args.out, args.resolution)
            print(f"{made.name}: {len(made.images)} frames", file=sys.stderr)
    except IvosError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
