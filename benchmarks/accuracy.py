"""How good are the methods? The DAVIS interactive benchmark, all methods, on any labelled folder.

    python -m benchmarks.accuracy ROOT --sequences boat,dance-jump [--methods ivos,grabcut-flow]

Runs ``ivos evaluate`` for each method, keeps each report as
benchmarks/results/accuracy-<method>.json, and prints the table of docs/evaluation.md. Further
arguments go to ``ivos evaluate`` as they are.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ivos.cli import main as ivos
from ivos.cli.evaluate import METHODS

RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Evaluate, print the table; the exit code is that of the first method that fails."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("root", type=Path)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--table", action="store_true", help="only print what was measured before")
    args, further = parser.parse_known_args()
    args.out.mkdir(parents=True, exist_ok=True)
    reports = {}
    for method in args.methods.split(","):
        path = args.out / f"accuracy-{method}.json"
        if not args.table:
            code = ivos(
                ["evaluate", str(args.root), "--method", method, "--json", str(path), *further]
            )
            if code:
                return code
        if path.exists():
            reports[method] = json.loads(path.read_text())
    print(table(reports))
    return 0


def table(reports: Mapping[str, Mapping[str, Any]]) -> str:
    """Markdown: a line for each method; J&F after each round."""
    rounds = max((len(report["per_round"]) for report in reports.values()), default=0)
    numbers = "".join(f" {k} |" for k in range(1, rounds + 1))
    lines = [
        f"| method |{numbers} J at the end | AUC | @60 s | s a round | corrected frame | carry |",
        "|---|" + "---|" * (rounds + 6),
    ]
    for method, report in reports.items():
        means = report["per_round"]
        gain = report["correction_gain"]
        cells = [f"{mean['J_AND_F']:.3f}" for mean in means]
        cells += [f"{means[-1]['J']:.3f}", f"{report['auc']:.3f}", f"{report['at_60s']:.3f}"]
        cells.append(f"{sum(mean['seconds'] for mean in means) / len(means):.2f}")
        cells.append(f"{_two(gain['before'])} → {_two(gain['after'])}")
        cells.append(_two(report["carry"]))
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _two(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


if __name__ == "__main__":
    raise SystemExit(main())
