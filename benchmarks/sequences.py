"""What benchmarks on labelled sequences are told on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ivos.evaluate import Dataset


def parser(words: str | None) -> argparse.ArgumentParser:
    """Where the sequences are, which ones, and whose weights; ``words`` say what is measured."""
    made = argparse.ArgumentParser(description=words, formatter_class=argparse.RawTextHelpFormatter)
    made.add_argument("root", type=Path)
    made.add_argument("--resolution", default="480p")
    made.add_argument("--sequences", default="")
    made.add_argument("--weights", default="ivos-compact")
    return made


def chosen(args: argparse.Namespace) -> tuple[Dataset, Sequence[str]]:
    """The dataset, and the names of the sequences that were asked for; by default all."""
    dataset = Dataset.find(args.root, args.resolution)
    return dataset, dataset.names([name for name in args.sequences.split(",") if name])
