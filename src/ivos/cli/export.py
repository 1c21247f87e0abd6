"""``ivos export PROJECT KIND -o OUT``: what people take away from a project."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import fields
from pathlib import Path

from ivos.cli.progress import watch
from ivos.errors import InvalidInput

FLAGS: dict[str, dict[str, object]] = {
    "frames": {"metavar": "A:B", "help": "only frames A up to, without, B"},
    "objects": {"metavar": "ID|NAME", "action": "append", "help": "only this one; repeatable"},
    "start_frame": {"metavar": "N", "type": int, "help": "the number of frame 0 in file names"},
    "name": {"metavar": "NAME", "help": "files inside a folder: {name}{object}{object_id}{frame}"},
    "date": {"metavar": "DATE", "help": "what {date} stands for; today if left out"},
    "overwrite": {"action": "store_true", "help": "replace OUT where it exists"},
    "edges": {"metavar": "HOW", "help": "refine (follow the picture), soft, or hard"},
    "radius": {"metavar": "PX", "type": int, "help": "how far refinement looks"},
    "grow": {"metavar": "PX", "type": float, "help": "move edges outwards"},
    "shrink": {"metavar": "PX", "type": float, "help": "move edges inwards"},
    "feather": {"metavar": "PX", "type": float, "help": "fade edges over so many pixels"},
    "audio": {"action": "store_true", "help": "carry the sound over"},
    "crf": {"metavar": "N", "type": int, "help": "quality, 0 (best) to 51, or 63 for VP9"},
    "background": {"metavar": "WHAT", "help": "#00b140, white, blur, grey, or an image file"},
    "opacity": {"metavar": "P", "type": float, "help": "of colours on the picture, 0 to 1"},
    "width": {"metavar": "PX", "type": int, "help": "of a GIF, at most"},
    "fps": {"metavar": "N", "type": float, "help": "of a GIF, at most"},
    "colour": {"action": argparse.BooleanOptionalAction, "help": "R, G, B beside EXR mattes"},
    "tree": {"action": "store_true", "help": "the whole DAVIS layout, not a flat folder"},
    "resolution": {"metavar": "NAME", "help": "the folder of that layout (480p)"},
    "images": {"action": "store_true", "help": "write the frames too, as JPEG"},
    "category": {"metavar": "NAME", "help": "one category for all objects"},
    "class_id": {"metavar": "N", "type": int, "help": "the class of MOTS"},
    "shapes": {"metavar": "HOW", "help": "of CVAT: polygon or mask"},
    "tolerance": {"metavar": "PX", "type": float, "help": "how far polygons may stray; 0 is exact"},
    "scale": {"metavar": "N", "type": float, "help": "units a pixel"},
    "unit": {"metavar": "NAME", "help": "what the unit is called"},
}
"""How each option of ``ivos.deliver`` is given; which kinds have it, ``--list`` says."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser(
        "export",
        help="masks of a project as datasets, movies with alpha, pictures, measurements",
        description="Write what a project holds as KIND. OUT may hold {name}, {kind}, {date}, "
        "{object} and {object_id}; with one of the last two, each object is written alone.",
    )
    parser.add_argument("project", type=Path, nargs="?", metavar="PROJECT", help="a .ivos file")
    parser.add_argument("kind", nargs="?", metavar="KIND", help="one of ivos export --list")
    parser.add_argument("-o", "--out", metavar="OUT", help="the file or folder to write")
    parser.add_argument("--list", action="store_true", help="all kinds and their options")
    parser.add_argument("--video", type=Path, metavar="PATH", help="where the video is now")
    parser.add_argument("--json", action="store_true", help="print what was done to stdout")
    for name, how in FLAGS.items():
        flag = "--object" if name == "objects" else f"--{name.replace('_', '-')}"
        parser.add_argument(flag, dest=name, default=None, **how)  # type: ignore[arg-type]
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Export ``args.project``, or list what can be exported."""
    if args.list:
        return _list(as_json=args.json)
    if args.project is None or args.kind is None or args.out is None:
        raise InvalidInput("say what to export: ivos export PROJECT KIND -o OUT (or --list)")
    from ivos.deliver import prepare
    from ivos.project import Project
    from ivos.session.view import SessionView

    options = {name: getattr(args, name) for name in FLAGS if getattr(args, name) is not None}
    if "objects" in options:
        options["objects"] = tuple(options["objects"])
    with Project.open(args.project, video=args.video, read_only=args.video is None) as project:
        source = SessionView(project.video, project.store)
        work = prepare(source, args.kind, args.out, kept=(args.project,), **options)
        frames = watch(args.kind, work.run())
    names = [str(target) for target in work.targets]
    if args.json:
        print(json.dumps({"kind": args.kind, "out": names, "frames": frames}, indent=2))
    print(f"{frames} frames: {', '.join(names)}", file=sys.stderr)
    return 0


def _list(*, as_json: bool) -> int:
    from ivos.deliver import KINDS

    rows = [
        {
            "kind": name,
            "about": kind.description,
            "writes": "folder" if kind.folder else " or ".join(kind.suffixes),
            "options": [field.name for field in fields(kind.options)],
        }
        for name, kind in KINDS.items()
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
        return 0
    common = set.intersection(*(set(row["options"]) for row in rows))
    for row in rows:
        print(f"{row['kind']:12} {row['writes']:22} {row['about']}")
        own = [_flag(name) for name in row["options"] if name not in common]
        if own:
            print(f"{'':36}{' '.join(own)}")
    print(f"\nAll take {' '.join(_flag(name) for name in FLAGS if name in common)}.")
    return 0


def _flag(name: str) -> str:
    return "--object" if name == "objects" else f"--{name.replace('_', '-')}"
