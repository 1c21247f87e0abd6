"""``ivos replay PROJECT|SESSION.json``: do a session again, and say where the masks differ."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ivos.cli.numbers import check_threads
from ivos.errors import InvalidInput

if TYPE_CHECKING:
    from ivos.project import Project, Replayed, SessionLog

_SHOWN = 5


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser(
        "replay",
        help="do a session again, and compare the masks bit by bit",
        description="Do everything that a project or a session log holds again, and compare the "
        "masks bit by bit. The exit code is 0 where all are the same, 1 where some differ.",
    )
    parser.add_argument("session", type=Path, metavar="PROJECT|SESSION.json")
    parser.add_argument("--video", type=Path, metavar="PATH", help="the video, where it has moved")
    parser.add_argument("-o", "--out", type=Path, metavar="NEW.ivos", help="keep the new masks")
    parser.add_argument("--weights", metavar="NAME", help="weights by name, file or folder")
    parser.add_argument("--runtime", choices=("onnx", "torch"), default="onnx")
    parser.add_argument("--threads", type=int, metavar="N", help="threads; one a core by default")
    parser.add_argument("--json", action="store_true", help="print the report to stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Replay, and report."""
    check_threads(args.threads)
    from ivos.project import replay
    from ivos.runtime import weights

    name = args.weights or weights.DEFAULT
    networks = weights.load(name, runtime=args.runtime, threads=args.threads)
    results: list[Replayed] = []
    with _log(args.session) as log, _new(args, log) as new:
        for result in replay(log, new, networks):
            print(_words(result), file=sys.stderr)
            results.append(result)
    different = [result for result in results if result.different]
    if args.json:
        print(json.dumps(report(results), indent=2))
    else:
        masks = sum(result.masks for result in results)
        outcome = "identical" if not different else f"{len(different)} steps differ"
        print(f"{args.session}: {len(results)} steps, {masks} masks: {outcome}")
    return 1 if different else 0


def report(results: list[Replayed]) -> dict[str, object]:
    """The outcome as JSON."""
    return {
        "identical": not any(result.different for result in results),
        "same_weights": all(result.same_weights for result in results),
        "steps": [
            {
                "number": result.number,
                "kind": result.kind,
                "masks": result.masks,
                "different": [[*key] for key in result.different],
            }
            for result in results
        ],
    }


def _words(result: Replayed) -> str:
    line = f"step {result.number} ({result.kind}): "
    if not result.different:
        return line + f"{result.masks} masks, identical"
    places = [f"object {key} at frame {frame}" for key, frame in result.different[:_SHOWN]]
    if len(result.different) > _SHOWN:
        places.append("...")
    why = "" if result.same_weights else " (these are other weights than then)"
    return line + f"{len(result.different)} masks differ{why}: {', '.join(places)}"


@contextmanager
def _log(path: Path) -> Iterator[SessionLog]:
    from ivos.project import Project, read_log

    if path.suffix == ".json":
        yield read_log(path)
    else:
        with Project.open(path, read_only=True) as project:
            yield project.log()


@contextmanager
def _new(args: argparse.Namespace, log: SessionLog) -> Iterator[Project]:
    """The project to replay into: ``--out``, or one that is gone afterwards."""
    from ivos.project import Project
    from ivos.video import open_video

    source = args.video or log.video.find(args.session)
    video = open_video(source, fps=log.video.fps)
    log.video.check(video, source)
    if args.out is not None and args.out.suffix != ".ivos":
        raise InvalidInput(f"{args.out}: a project's name ends in .ivos")
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        path = args.out or Path(folder) / "replay.ivos"
        yield stack.enter_context(Project.create(path, video, source, settings=log.settings))
