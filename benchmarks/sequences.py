"""What benchmarks on labelled sequences are told on the command line, and sessions on them."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ivos.evaluate import Dataset, Evaluation, Protocol, Turn, evaluate
from ivos.evaluate.session_methods import SessionMethod
from ivos.runtime.protocol import Networks
from ivos.runtime.weights import load


def parser(words: str | None) -> argparse.ArgumentParser:
    """Where the sequences are, which ones, and whose weights; ``words`` say what is measured."""
    made = argparse.ArgumentParser(description=words, formatter_class=argparse.RawTextHelpFormatter)
    made.add_argument("root", type=Path)
    made.add_argument("--resolution", default="480p")
    made.add_argument("--sequences", default="")
    made.add_argument("--weights", default="ivos-compact")
    return made


def add_unseen(made: argparse.ArgumentParser) -> None:
    """For what the weights that ship were trained on: weights that have not seen it."""
    made.add_argument(
        "--unseen",
        nargs="+",
        default=[],
        metavar="FOLDER=a,b",
        help="weights, each with the sequences that they have not been trained on",
    )


def chosen(args: argparse.Namespace) -> tuple[Dataset, Sequence[str]]:
    """The dataset, and the names of the sequences that were asked for; by default all."""
    dataset = Dataset.find(args.root, args.resolution)
    return dataset, dataset.names([name for name in args.sequences.split(",") if name])


def parts(args: argparse.Namespace, dataset: Dataset) -> list[tuple[Networks, Sequence[str]]]:
    """Networks and the sequences to play with them: with ``--unseen`` several, else one of all."""
    if not args.unseen:
        return [(load(args.weights, threads=1), chosen(args)[1])]
    split = [part.partition("=") for part in args.unseen]
    return [
        (load(folder, threads=1), dataset.names(names.split(","))) for folder, _, names in split
    ]


def first_and_last(
    dataset: Dataset, name: str, networks: Networks, rounds: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Labels (T, H, W) after the first and the last round of a simulated person's session."""
    protocol, clock = Protocol(rounds=rounds), time.process_time
    method, evaluation = SessionMethod(networks, clock=clock), Evaluation(protocol)
    events = evaluate(dataset, [name], method, protocol, evaluation, clock=clock)
    turns = [event for event in events if isinstance(event, Turn)]
    return turns[0].answer.labels, turns[-1].answer.labels
