"""``ivos project NAME.ivos``: what a project holds; make one, move it on, take its log along."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ivos.errors import InvalidInput

if TYPE_CHECKING:
    from ivos.project import Project


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser(
        "project",
        help="what a project holds; make one, undo, redo, write its log",
        description="Show what a project holds, having done first what the options ask for.",
    )
    parser.add_argument("project", type=Path, metavar="PROJECT", help="a .ivos file")
    parser.add_argument("--create", type=Path, metavar="VIDEO", help="make it, on this video")
    parser.add_argument("--fps", type=float, metavar="N", help="with --create: the rate of images")
    parser.add_argument("--video", type=Path, metavar="PATH", help="its video is here now")
    parser.add_argument("--undo", type=int, nargs="?", const=1, metavar="N", help="undo N steps")
    parser.add_argument("--redo", type=int, nargs="?", const=1, metavar="N", help="redo N steps")
    parser.add_argument(
        "--log", type=Path, metavar="OUT.json", help="write what ivos replay reads; - for stdout"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace OUT.json if it exists")
    parser.add_argument("--take-over", action="store_true", help="though another process has it")
    parser.add_argument("--json", action="store_true", help="print JSON to stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do what is asked for, and show the project."""
    if args.json and _to_stdout(args.log):
        raise InvalidInput("--json and --log - both write to stdout: name a file for the log")
    with _opened(args) as project:
        by = (args.redo or 0) - (args.undo or 0)
        if by:
            _move(project, by)
        if args.log:
            _write_log(project, args.log, overwrite=args.overwrite)
        facts = describe(project)
    if _to_stdout(args.log):
        return 0
    if args.json:
        print(json.dumps(facts, indent=2))
        return 0
    print(
        f"{args.project}: step {facts['head']} of {facts['steps']}, {facts['rounds']} rounds, "
        f"{facts['bytes'] / 1e6:.1f} MB\n"
        f"video: {facts['video']}, {facts['frames']} frames of {facts['width']}x{facts['height']}"
    )
    for item in facts["objects"]:
        print(f"object {item['id']}: {item['name']}, masks on {item['masks']} frames")
    return 0


def describe(project: Project) -> dict[str, Any]:
    """What ``project`` holds; its video need not be there."""
    store, identity = project.store, project.video_identity
    height, width = identity.size
    return {
        "project": str(project.path),
        "bytes": project.path.stat().st_size,
        "head": store.head,
        "steps": len(store.steps()),
        "rounds": store.state().rounds,
        "objects": [
            {
                "id": info.object_id,
                "name": info.name,
                "masks": len(store.frames(info.object_id)),
                "annotated": [*store.state().annotated.get(info.object_id, ())],
            }
            for info in store.state().objects
        ],
        "video": identity.path,
        "frames": identity.frames,
        "width": width,
        "height": height,
        "fps": identity.fps,
    }


def _opened(args: argparse.Namespace) -> Project:
    from ivos.project import Project
    from ivos.video import open_video

    if args.create is not None:
        return Project.create(args.project, open_video(args.create, fps=args.fps), args.create)
    writes = args.undo or args.redo or args.video or args.take_over
    return Project.open(
        args.project, video=args.video, read_only=not writes, take_over=args.take_over
    )


def _move(project: Project, by: int) -> None:
    steps, head = project.store.steps(), project.store.head + by
    if not 0 <= head <= len(steps):
        raise InvalidInput(
            f"{project.path}: at step {project.store.head} of {len(steps)}: "
            f"there are not {abs(by)} steps to {'redo' if by > 0 else 'undo'}"
        )
    project.store.move(head)
    print(f"now at step {head} of {len(steps)}", file=sys.stderr)


def _to_stdout(out: Path | None) -> bool:
    return out is not None and str(out) in ("-", "/dev/stdout")


def _write_log(project: Project, out: Path, *, overwrite: bool) -> None:
    from ivos.deliver.files import check_apart, new_file

    text = json.dumps(project.export_session())
    if _to_stdout(out):
        print(text)
        return
    identity = project.video_identity
    kept = [project.path, Path(identity.path)]
    if identity.relative:
        kept.append(project.path.resolve().parent / identity.relative)
    check_apart(out, kept, "--log")
    with new_file(out, overwrite=overwrite, flag="--log") as part:
        part.write_text(text, encoding="utf-8")
    print(f"{out}: written; do it again with: ivos replay {out}", file=sys.stderr)
