"""What benchmarks on labelled sequences are told on the command line, and sessions on them."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ivos.evaluate import Dataset, Evaluation, Protocol, Turn, evaluate
from ivos.evaluate.session_methods import SessionMethod
from ivos.runtime.protocol import Networks
from ivos.runtime.weights import load

Parts: TypeAlias = Sequence[tuple[Networks, Sequence[str]]]


def parser(words: str | None) -> argparse.ArgumentParser:
    """Where the sequences are, which ones, and whose weights; ``words`` say what is measured."""
    made = argparse.ArgumentParser(description=words, formatter_class=argparse.RawTextHelpFormatter)
    made.add_argument("root", type=Path)
    made.add_argument("--resolution", default="480p")
    made.add_argument("--sequences", default="")
    made.add_argument("--weights", default="ivos-compact")
    made.add_argument(
        "--unseen",
        nargs="+",
        type=_part,
        default=[],
        metavar="FOLDER=a,b",
        help="weights, each with the sequences that they have not been trained on, in place of "
        "--weights and --sequences",
    )
    return made


def chosen(args: argparse.Namespace) -> tuple[Dataset, Parts]:
    """The dataset; and networks, each with the sequences that are to be played with them."""
    dataset = Dataset.find(args.root, args.resolution)
    parts = args.unseen or [(args.weights, args.sequences)]
    return dataset, [
        (load(weights, threads=1), dataset.names([name for name in names.split(",") if name]))
        for weights, names in parts
    ]


def each(parts: Parts) -> list[tuple[Networks, str]]:
    """Every sequence with its networks."""
    return [(networks, name) for networks, names in parts for name in names]


def _part(text: str) -> tuple[str, str]:
    folder, _, names = text.rpartition("=")
    if not folder or not names.strip(","):
        raise argparse.ArgumentTypeError(f"{text!r} does not say FOLDER=a,b")
    return folder, names


def first_and_last(
    dataset: Dataset, name: str, networks: Networks, rounds: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Labels (T, H, W) after the first and the last round of a simulated person's session."""
    protocol, clock = Protocol(rounds=rounds), time.process_time
    method, evaluation = SessionMethod(networks, clock=clock), Evaluation(protocol)
    events = evaluate(dataset, [name], method, protocol, evaluation, clock=clock)
    turns = [event for event in events if isinstance(event, Turn)]
    return turns[0].answer.labels, turns[-1].answer.labels
