"""Which rules for several objects are best? Settings of a session, on a set with two objects.

    python -m benchmarks.make_two_objects DAVIS SET
    python -m benchmarks.rules_for_many SET [--weights NAME|FOLDER] [--rounds 4]

Prints J&F after each round and how corrections took, for each rule; docs/decisions/ has the table.
"""

from __future__ import annotations

import argparse
import time
from collections import deque
from pathlib import Path

from ivos.evaluate.dataset import Dataset
from ivos.evaluate.protocol import Protocol
from ivos.evaluate.run import Evaluation, evaluate
from ivos.evaluate.session_methods import SessionMethod
from ivos.runtime import weights
from ivos.session import Settings

RULES = {
    "as it is": Settings(),
    "background strokes only": Settings(negatives="background"),
    "competing at the end only": Settings(soft_aggregation=False),
}


def main() -> None:
    """Play the whole set once for each rule."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("root", type=Path)
    parser.add_argument("--weights", default=weights.DEFAULT)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    networks = weights.load(args.weights, threads=args.threads)
    dataset = Dataset.find(args.root)
    folder = dataset.root / "Annotations" / dataset.resolution
    names = sorted(path.name for path in folder.iterdir())
    protocol = Protocol(rounds=args.rounds, max_seconds=float("inf"))
    for rule, settings in RULES.items():
        method = SessionMethod(networks, clock=time.process_time, settings=settings)
        done = Evaluation(protocol)
        events = evaluate(dataset, names, method, protocol, done, clock=time.process_time)
        deque(events, maxlen=0)
        rounds = [mean.by("J_AND_F") for mean in done.summary().per_round]
        shown = ", ".join(f"{value:.3f}" for value in rounds)
        print(f"{rule}: J&F by round {shown}; {done.corrections()}", flush=True)


if __name__ == "__main__":
    main()
