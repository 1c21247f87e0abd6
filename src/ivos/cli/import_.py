"""``ivos import PROJECT MASKS``: masks made elsewhere, and scribbles, into a project."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ivos.cli.progress import watch
from ivos.errors import InvalidInput

if TYPE_CHECKING:
    from ivos.deliver import Incoming
    from ivos.project import Project
    from ivos.session import Session


_NOT_FOR_SCRIBBLES = ("object", "frame", "start_frame", "resize", "annotate")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser(
        "import",
        help="masks or scribbles from files into a project",
        description="Put masks into a project as one step, which can be undone: PNGs (indexed, "
        "black and white, soft; a folder of them for each object), DAVIS, YouTube-VOS and MOTS "
        "trees, COCO and YTVIS JSON; or DAVIS scribbles.",
    )
    parser.add_argument("project", type=Path, metavar="PROJECT", help="a .ivos file")
    parser.add_argument("masks", type=Path, metavar="MASKS", help="a file or folder")
    parser.add_argument(
        "--video", type=Path, metavar="VIDEO", help="make PROJECT on it, or: it is here now"
    )
    parser.add_argument("--form", metavar="FORM", help="what MASKS are, if not recognised")
    parser.add_argument("--object", metavar="ID|NAME", help="which object black and white ones are")
    parser.add_argument("--frame", type=int, metavar="N", help="the frame of a single mask")
    parser.add_argument(
        "--start-frame", type=int, metavar="N", help="the number that means frame 0"
    )
    parser.add_argument("--resize", action="store_true", help="stretch masks of another size")
    parser.add_argument(
        "--annotate",
        action="store_true",
        help="as if drawn: they can be propagated, and propagation never changes them",
    )
    parser.add_argument("--json", action="store_true", help="print what was done to stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Bring ``args.masks`` into ``args.project``."""
    from ivos.deliver import Matching, read_masks
    from ivos.runtime import weights

    scribbles = args.form is None and _are_scribbles(args.masks)
    if scribbles:
        _refuse(args, "scribbles", _NOT_FOR_SCRIBBLES)
    with _opened(args) as project:
        session = project.session(weights.load(weights.DEFAULT))
        if scribbles:
            result = _draw(session, args.masks)
        else:
            matching = Matching(
                video=session.video,
                known={info.object_id: info.name for info in session.objects},
                object=args.object,
                frame=args.frame,
                start_frame=args.start_frame,
                resize=args.resize,
            )
            masks = read_masks(args.masks, matching, args.form)
            if masks.form not in ("binary", "soft"):
                _refuse(args, masks.form, ("object",))
            result = _put(session, masks, args.annotate)
    if args.json:
        print(json.dumps(result, indent=2))
    print(
        f"{args.project}: {result['form']} on {result['frames']} frames, objects "
        f"{', '.join(map(str, result['objects']))}",
        file=sys.stderr,
    )
    return 0


def _refuse(args: argparse.Namespace, form: str, names: Sequence[str]) -> None:
    """Raises InvalidInput for an option that would change nothing."""
    for name in names:
        if getattr(args, name) is not None and getattr(args, name) is not False:  # 0 is given
            raise InvalidInput(
                f"--{name.replace('_', '-')} says nothing to {args.masks}, read as {form}: "
                "leave it out, or say with --form what they are"
            )


@contextmanager
def _opened(args: argparse.Namespace) -> Iterator[Project]:
    """The project; one that was made for this import goes again where the import fails."""
    from ivos.project import Project
    from ivos.video import open_video

    if args.project.exists():
        with Project.open(args.project, video=args.video) as project:
            yield project
        return
    if args.video is None:
        raise InvalidInput(f"{args.project}: no such project; pass --video VIDEO to make it")
    new = Project.create(args.project, open_video(args.video), args.video)
    try:
        with new as project:
            yield project
    except BaseException:
        args.project.unlink(missing_ok=True)
        raise


def _put(session: Session, masks: Incoming, annotate: bool) -> dict[str, Any]:
    watch("importing", session.import_masks(masks, masks.names, annotate=annotate))
    return {"form": masks.form, "frames": len(masks), "objects": [*masks.names]}


def _are_scribbles(path: Path) -> bool:
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False  # whoever reads it as masks says what is wrong
    return isinstance(data, list) or "scribbles" in data


def _draw(session: Session, path: Path) -> dict[str, Any]:
    from ivos.session.scribbles import read_scribbles

    every = read_scribbles(path, frames=len(session.video))  # all is checked before any is drawn
    drawn = [interaction for interaction in every if interaction.prompts]
    for interaction in drawn:
        session.interact(interaction)
    objects = sorted({key for interaction in drawn for key in interaction.object_ids})
    frames = len({interaction.frame for interaction in drawn})
    return {"form": "scribbles", "frames": frames, "objects": objects}
