"""The DAVIS interactive benchmark on sequences that the weights which ship were trained on.

    python -m benchmarks.unseen ROOT --resolution 360p --unseen A=boat,flamingo B=soccerball

Each sequence is played with weights that have not seen it: A and B are folders (``ivos weights
export``), each followed by the sequences that it has not been trained on. One report over all of
them goes into benchmarks/results/accuracy-unseen.json, for the tables of ``benchmarks.accuracy``.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from benchmarks.accuracy import RESULTS, UNSEEN
from benchmarks.sequences import chosen, parser

from ivos.evaluate import Evaluation, Protocol, evaluate
from ivos.evaluate.corrections import no_stroke_similarity
from ivos.evaluate.dataset import LabelledSequence
from ivos.evaluate.report import as_json, table, write_json, write_plot
from ivos.evaluate.session_methods import SessionMethod
from ivos.runtime.protocol import Networks


def main() -> int:
    """Play all sessions, one part after the other; write one report."""
    arguments = parser(__doc__)
    arguments.add_argument("--rounds", type=int, default=8)
    arguments.add_argument("--json", type=Path, default=RESULTS / "accuracy-unseen.json")
    arguments.add_argument("--plot", type=Path, help="draw the curve (SVG)")
    args = arguments.parse_args()
    if not args.unseen:
        arguments.error("--unseen is missing: the weights that ship have seen the sequences")
    dataset, parts = chosen(args)
    protocol, clock = Protocol(rounds=args.rounds), time.process_time
    evaluation = Evaluation(protocol)
    for networks, names in parts:
        method = SessionMethod(networks, clock=clock)
        look = partial(_without_strokes, networks)
        for _ in evaluate(dataset, names, method, protocol, evaluation, clock=clock, look=look):
            pass
    facts = {
        "dataset": dataset.root.resolve().name,
        "resolution": dataset.resolution,
        "sequences": list(evaluation.lengths),
        "clock": "processor",
        "threads": 1,
    }
    # Several weights: none is named.
    report = {**as_json(evaluation, method, facts), "method": UNSEEN, "weights": None}
    write_json(args.json, report)
    if args.plot:
        write_plot(args.plot, evaluation.summary(), f"{UNSEEN}, {facts['dataset']}")
    print(table(evaluation.summary()))
    return 0


def _without_strokes(networks: Networks, sequence: LabelledSequence) -> float | None:
    return no_stroke_similarity(networks, sequence.video, sequence.truth)


if __name__ == "__main__":
    raise SystemExit(main())
