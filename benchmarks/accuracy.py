"""How good are the methods? The DAVIS interactive benchmark, all methods, on any labelled folder.

    python -m benchmarks.accuracy ROOT --sequences boat,dance-jump [--methods ivos,grabcut-flow]

Runs ``ivos evaluate`` for each method, keeps each report as
benchmarks/results/accuracy-<method>.json, and prints the tables of docs/evaluation.md, where
``--write`` puts them. Further arguments go to ``ivos evaluate`` as they are. What
``benchmarks.unseen`` has measured comes first.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ivos.cli import main as ivos
from ivos.cli.evaluate import METHODS

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parent.parent / "docs" / "evaluation.md"
UNSEEN = "ivos, sequence not seen"
BEGIN, END = "<!-- tables: benchmarks/accuracy.py --write -->", "<!-- end of tables -->"

Report = Mapping[str, Any]


def main() -> int:
    """Evaluate, print the table; the exit code is that of the first method that fails."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("root", type=Path)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--table", action="store_true", help="only print what was measured before")
    parser.add_argument("--write", action="store_true", help="put the tables into the page")
    args, further = parser.parse_known_args()
    args.out.mkdir(parents=True, exist_ok=True)
    reports = {}
    unseen = args.out / "accuracy-unseen.json"
    if unseen.exists():
        reports[UNSEEN] = json.loads(unseen.read_text())
    for method in args.methods.split(","):
        path = args.out / f"accuracy-{method}.json"
        if not args.table:
            asked = ["evaluate", str(args.root), "--method", method, "--json", str(path)]
            code = ivos([*asked, "--overwrite", *further])
            if code:
                return code
        if path.exists():
            reports[method] = json.loads(path.read_text())
    tables = "\n\n".join(
        part for part in (after_each_round(reports), by_sequence(reports), how(reports)) if part
    )
    print(tables)
    if args.write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}")
    return 0


def after_each_round(reports: Mapping[str, Report]) -> str:
    """Markdown: J&F of each method after each round, and what is made of it; then J and F."""
    rounds = range(max(len(report["per_round"]) for report in reports.values()))
    head = ["method", *(str(k + 1) for k in rounds)]
    further = ["AUC", "@60 s", "s a round", "corrected frame", "carry", "to frames as wrong"]
    lines = []
    for method, report in reports.items():
        means, gain = report["per_round"], report["correction_gain"]
        seconds = sum(mean["seconds"] for mean in means) / len(means)
        lines.append(
            [
                method,
                *_values(means, "J_AND_F"),
                f"{report['auc']:.3f}",
                f"{report['at_60s']:.3f}",
                f"{seconds:.2f}",
                f"{_two(gain['before'])} → {_two(gain['after'])}",
                _two(report["carry"]),
                _two(report["carry_where_wrong"]),
            ]
        )
    parts = ["J&F after each round:", _table([*head, *further], lines)]
    for metric in ("J", "F"):
        lines = [[m, *_values(report["per_round"], metric)] for m, report in reports.items()]
        parts += [f"{metric} after each round:", _table(head, lines)]
    return "\n\n".join(parts)


def by_sequence(reports: Mapping[str, Report]) -> str:
    """Markdown: J of each sequence, ivos after each round and the others after the last."""
    own = UNSEEN if UNSEEN in reports else "ivos"
    ours = reports.get(own)
    if ours is None:
        return ""
    others = [method for method in reports if method != own]
    rounds = range(1, len(ours["per_round"]) + 1)
    lines = [
        [name, *_values(found["per_round"], "J")]
        + [f"{reports[method]['per_sequence'][name]['J']:.3f}" for method in others]
        for name, found in ours["per_sequence"].items()
    ]
    head = ["sequence", *map(str, rounds), *(f"{method}, last" for method in others)]
    return f"J by sequence ({own}):\n\n" + _table(head, lines)


def how(reports: Mapping[str, Report]) -> str:
    """What was run, on what, and how fast."""
    lines = []
    for method, report in reports.items():
        weights = report["weights"]
        named = f", weights {weights['name']} {weights['sha256'][:12]}" if weights else ""
        frame = report["seconds_per_propagated_frame"]
        carried = f", {1000 * frame:.0f} ms a propagated frame" if frame else ""
        unasked = report["no_stroke_J"]
        nothing = "" if unasked is None else f", J without strokes {unasked:.3f}"
        lines.append(
            f"- {method}{named}: {1000 * report['seconds_per_interaction']:.0f} ms an "
            f"interaction{carried} ({report['clock']} time, {report['threads'] or 'all'} threads, "
            f"{report['machine']['processor']}){nothing}"
        )
    return "\n".join(lines)


def _values(means: Sequence[Report], metric: str) -> list[str]:
    return [f"{mean[metric]:.3f}" for mean in means]


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _two(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


if __name__ == "__main__":
    raise SystemExit(main())
