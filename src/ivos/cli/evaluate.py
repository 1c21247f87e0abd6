"""``ivos evaluate ROOT``: the DAVIS interactive benchmark with a simulated user, on any labels."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from ivos.cli.numbers import check_threads
from ivos.errors import InvalidInput

if TYPE_CHECKING:
    from ivos.evaluate import Evaluation, LabelledSequence, Method, Protocol, Turn
    from ivos.runtime.protocol import Networks

_WRITTEN = ("json", "csv", "plot")
METHODS = ("ivos", "grabcut-flow", "copy", "interaction-only")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser(
        "evaluate", help="the DAVIS interactive benchmark, with a simulated user, on labelled video"
    )
    add = parser.add_argument
    add("root", type=Path, metavar="ROOT", help="a folder with JPEGImages and Annotations")
    add("--resolution", help="subfolder of both (default: 480p, or the only one there is)")
    add("--sequences", default="", help="names, with commas (default: all)")
    add("--rounds", type=int, default=8, help="how often the user draws (default: 8)")
    add("--metric", choices=("J", "F", "J_AND_F"), default="J_AND_F", help="default: J_AND_F")
    add("--seed", type=int, default=0, help="of everything that is drawn by lot (default: 0)")
    add("--method", choices=METHODS, default="ivos", help="default: ivos")
    add("--weights", default="ivos-compact", help="name or folder (default: ivos-compact)")
    add("--runtime", choices=("onnx", "torch"), default="onnx", help="default: onnx")
    add("--threads", type=int, help="for the networks (default: all cores)")
    firsts = ("middle", "largest", "random")
    add("--first", choices=firsts, default="middle", help="frame drawn on first (default: middle)")
    add("--min-nodes", type=int, default=4, help="pixels of the shortest line drawn (default: 4)")
    add("--max-time", type=float, help="seconds for an object and all rounds; default: 30 a round")
    clocks = ("wall", "processor")
    add(
        "--clock",
        choices=clocks,
        default="wall",
        help="what time is: processor time does not "
        "run while other programs do; for busy machines (default: wall)",
    )
    add("--json", type=Path, metavar="OUT.json", help="write all numbers; - for stdout")
    add("--csv", type=Path, metavar="OUT.csv", help="write every row")
    add("--plot", type=Path, metavar="OUT.svg", help="draw the curve")
    add("--overwrite", action="store_true", help="replace these files where they exist")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Evaluate, say what comes out, and write what was asked for."""
    from ivos.evaluate import Dataset, Evaluation, Protocol, evaluate
    from ivos.evaluate.report import as_json, table, write_csv, write_json, write_plot
    from ivos.simulate import Robot

    check_threads(args.threads)
    protocol = Protocol(
        rounds=args.rounds,
        metric=args.metric,
        max_seconds=args.max_time,
        robot=Robot(seed=args.seed, min_nb_nodes=args.min_nodes),
        first=args.first,
        seed=args.seed,
    )
    dataset = Dataset.find(args.root, args.resolution or "480p")
    if dataset.resolution != (args.resolution or "480p"):
        _say(f"resolution {dataset.resolution}: the only one there is")
    names = dataset.names([name for name in args.sequences.split(",") if name])
    for name in _WRITTEN:
        _check_place(name, getattr(args, name), args)
    method, look = _method(args)
    evaluation = Evaluation(protocol)
    for event in evaluate(
        dataset, names, method, protocol, evaluation, clock=_clock(args), look=look
    ):
        _say(event if isinstance(event, str) else _line(event, protocol))
    facts = {
        "dataset": dataset.root.resolve().name,
        "resolution": dataset.resolution,
        "sequences": list(evaluation.lengths),
        "clock": args.clock,
        "threads": args.threads,
    }
    report = as_json(evaluation, method, facts)
    _say(table(evaluation.summary()))
    _say(_listening(evaluation))
    for problem in evaluation.problems:
        _say(f"left out: {problem}")
    if args.csv:
        with _place("csv", args) as part:
            write_csv(part, list(evaluation.rows))
    if args.plot:
        with _place("plot", args) as part:
            write_plot(part, evaluation.summary(), f"{method.name} on {facts['dataset']}")
    if _to_stdout(args.json):
        print(json.dumps(report, indent=2))
    elif args.json:
        with _place("json", args) as part:
            write_json(part, report)
    return 0


def _method(
    args: argparse.Namespace,
) -> tuple[Method, Callable[[LabelledSequence], float | None] | None]:
    """The method that was asked for, and how to measure J without strokes if it has a network."""
    from ivos.evaluate.grabcut import GrabCutFlow

    clock = _clock(args)
    if args.method == "grabcut-flow":
        return GrabCutFlow(clock=clock, seed=args.seed), None
    from ivos.evaluate.corrections import no_stroke_similarity
    from ivos.evaluate.session_methods import CopyMasks, InteractionOnly, SessionMethod

    networks = _networks(args)

    def look(sequence: LabelledSequence) -> float | None:
        return no_stroke_similarity(networks, sequence.video, sequence.truth)

    kinds: dict[str, Callable[..., Method]] = {
        "ivos": SessionMethod,
        "copy": CopyMasks,
        "interaction-only": InteractionOnly,
    }
    return kinds[args.method](networks, clock=clock), look


def _clock(args: argparse.Namespace) -> Callable[[], float]:
    return time.process_time if args.clock == "processor" else time.perf_counter


def _networks(args: argparse.Namespace) -> Networks:
    from ivos.runtime.weights import load

    return load(args.weights, runtime=args.runtime, threads=args.threads)


def _check_place(name: str, path: Path | None, args: argparse.Namespace) -> None:
    """Before hours of work: is there a place for the result?"""
    from ivos.deliver.files import check_free

    if path is None or (name == "json" and _to_stdout(path)):
        return
    if not path.resolve().parent.is_dir():
        raise InvalidInput(f"{path}: there is no folder {path.parent} to write into")
    check_free(path, overwrite=args.overwrite, flag=f"--{name}")


def _place(name: str, args: argparse.Namespace) -> AbstractContextManager[Path]:
    from ivos.deliver.files import new_file

    return new_file(getattr(args, name), overwrite=args.overwrite, flag=f"--{name}")


def _to_stdout(path: Path | None) -> bool:
    return path is not None and str(path) in ("-", "/dev/stdout")


def _line(turn: Turn, protocol: Protocol) -> str:
    J, F = float(turn.J.mean()), float(turn.F.mean())
    sample = turn.sample
    drawn = f"frame {turn.frame}, {turn.strokes} strokes" if turn.strokes else "nothing to draw"
    return (
        f"{sample.sequence} {sample.scribble_set}, round {turn.round}/{protocol.rounds}: {drawn}; "
        f"J {J:.3f}  F {F:.3f}  J&F {(J + F) / 2:.3f}  {turn.seconds:.2f} s"
    )


def _listening(evaluation: Evaluation) -> str:
    """The numbers that say whether strokes are listened to."""
    from ivos.evaluate.corrections import first_frame_similarity

    found = evaluation.corrections()
    first = first_frame_similarity(evaluation.turns)
    parts = ["no round was answered in time" if first is None else f"first frame: J {first:.3f}"]
    if found.count:
        parts.append(
            f"correction gain: J {found.before:.3f} -> {found.after:.3f} on the corrected frame "
            f"(medians of {found.count})"
        )
    if found.carry is not None:
        parts.append(f"carry {found.carry:.2f}")
    if found.carry_where_wrong is not None:
        parts.append(f"{found.carry_where_wrong:.2f} to frames as wrong")
    if evaluation.no_stroke:
        values = evaluation.no_stroke.values()
        parts.append(f"no-stroke J {sum(values) / len(values):.3f}")
    return "; ".join(parts)


def _say(line: str) -> None:
    print(line, file=sys.stderr)
