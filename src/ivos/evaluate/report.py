"""An evaluation on paper: JSON with everything computed, CSV with every row, SVG with the curve."""

from __future__ import annotations

import csv
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from ivos import __version__
from ivos.errors import OutputError
from ivos.evaluate.corrections import first_frame_similarity
from ivos.evaluate.method import Method
from ivos.evaluate.protocol import Row
from ivos.evaluate.run import Evaluation
from ivos.evaluate.summary import RoundMean, Summary

Tree: TypeAlias = Mapping[str, object]


def as_json(evaluation: Evaluation, method: Method, facts: Tree) -> dict[str, object]:
    """All numbers of an evaluation; ``facts`` (where, how) go in as they are.

    Raises InvalidInput where nothing was played.
    """
    summary = evaluation.summary()
    corrections = evaluation.corrections()
    weights = method.weights
    return {
        "method": method.name,
        **facts,
        "metric": summary.metric,
        "auc": summary.auc,
        "at_60s": summary.at_60s,
        "curve": {"seconds": list(summary.seconds), summary.metric: list(summary.values)},
        "per_round": [_round(mean) for mean in summary.per_round],
        "per_sequence": {name: _sequence(evaluation, name) for name in evaluation.lengths},
        **_speed(evaluation),
        "first_frame_J": first_frame_similarity(evaluation.turns),
        "correction_gain": {
            "corrections": corrections.count,
            "before": corrections.before,
            "after": corrections.after,
            "gain": corrections.gain,
        },
        "carry": corrections.carry,
        "carry_where_wrong": corrections.carry_where_wrong,
        "no_stroke_J": _mean(list(evaluation.no_stroke.values())),
        "protocol": _protocol(evaluation),
        "problems": list(evaluation.problems),
        "weights": None if weights is None else {"name": weights[0], "sha256": weights[1]},
        "version": __version__,
        "machine": machine(),
    }


def machine() -> dict[str, object]:
    """What it ran on, without names of people or places."""
    return {
        "system": platform.system(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def write_json(path: Path, report: Tree) -> None:
    """Write a report. Raises OutputError."""
    _write(path, json.dumps(report, indent=2, allow_nan=False) + "\n")


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write the benchmark's table, a line for each object, frame, round and session.

    Numbers are written in full: two runs can be compared line by line. Raises OutputError.
    """
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(Row._fields)
            table.writerows(rows)
    except OSError as error:
        raise _cannot(path, error) from None


def write_plot(path: Path, summary: Summary, title: str) -> None:
    """Draw the curve as SVG. Raises OutputError."""
    _write(path, plot(summary, title))


def plot(summary: Summary, title: str) -> str:
    """The curve as an SVG picture: seconds to the right, the metric upwards from 0 to 1."""
    width, height, left, bottom, top = 640, 400, 60, 50, 40
    # The flat end up to the time limit says nothing: show a little beyond the last round.
    end = min(summary.seconds[-1], max(summary.seconds[-2] * 1.15, 1.0)) or 1.0

    def x(seconds: float) -> float:
        return left + (width - left - 20) * min(seconds, end) / end

    def y(value: float) -> float:
        return height - bottom - (height - bottom - top) * value

    points = list(zip(summary.seconds, summary.values, strict=True))
    line = " ".join(f"{x(s):.1f},{y(v):.1f}" for s, v in points)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{left}" y="24" font-size="15">{_escaped(title)}</text>',
    ]
    for k in range(6):
        value, seconds = k / 5, end * k / 5
        parts += [
            f'<line x1="{left}" x2="{width - 20}" y1="{y(value):.1f}" y2="{y(value):.1f}" '
            'stroke="#ddd"/>',
            f'<text x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.1f}</text>',
            f'<text x="{x(seconds):.1f}" y="{height - bottom + 20}" text-anchor="middle">'
            f"{seconds:.3g}</text>",
        ]
    parts.append(f'<polyline points="{line}" fill="none" stroke="#1f5fa8" stroke-width="2"/>')
    parts += [
        f'<circle cx="{x(s):.1f}" cy="{y(v):.1f}" r="3.5" fill="#1f5fa8"/>' for s, v in points[1:-1]
    ]
    name = summary.metric.replace("_AND_", "&amp;")
    parts += [
        f'<text x="{(width + left) / 2}" y="{height - 8}" text-anchor="middle">seconds</text>',
        f'<text transform="translate(16 {height / 2}) rotate(-90)" text-anchor="middle">'
        f"{name}</text>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def table(summary: Summary) -> str:
    """The rounds as lines of text for people."""
    lines = ["round      J      F    J&F  seconds"]
    lines += [
        f"{m.round:5d}  {m.J:.3f}  {m.F:.3f}  {m.by('J_AND_F'):.3f}  {m.seconds:7.2f}"
        for m in summary.per_round
    ]
    name = summary.metric.replace("_AND_", "&")
    lines.append(f"AUC {name} {summary.auc:.3f}, {name} at 60 s {summary.at_60s:.3f}")
    return "\n".join(lines)


def _round(mean: RoundMean) -> dict[str, object]:
    return {
        "round": mean.round,
        "J": mean.J,
        "F": mean.F,
        "J_AND_F": mean.by("J_AND_F"),
        "seconds": mean.seconds,
    }


def _sequence(evaluation: Evaluation, name: str) -> dict[str, object]:
    summary = evaluation.summary([name])
    samples = [s for s in evaluation.samples if s.sequence == name]
    drawn = [
        [t.frame if t.strokes else None for t in evaluation.turns if t.sample == sample]
        for sample in samples
    ]
    last = summary.per_round[-1]
    return {
        "frames": evaluation.lengths[name],
        "objects": list(samples[0].object_ids),
        "J": last.J,
        "F": last.F,
        "J_AND_F": last.by("J_AND_F"),
        "auc": summary.auc,
        "per_round": [_round(mean) for mean in summary.per_round],
        "drawn_frames": drawn,
        "no_stroke_J": evaluation.no_stroke.get(name),
    }


def _speed(evaluation: Evaluation) -> dict[str, object]:
    answers = [turn for turn in evaluation.turns if turn.strokes]
    frames = sum(turn.answer.propagated for turn in answers)
    visits = sum(turn.answer.propagated * len(turn.sample.object_ids) for turn in answers)
    propagating = sum(turn.answer.propagating for turn in answers)
    return {
        "seconds_per_interaction": _mean([turn.answer.interacting for turn in answers]),
        "seconds_per_propagated_frame": propagating / frames if frames else None,
        "seconds_per_propagated_frame_and_object": propagating / visits if visits else None,
        "seconds_in_all": sum(turn.seconds for turn in evaluation.turns),
    }


def _protocol(evaluation: Evaluation) -> dict[str, object]:
    protocol, robot = evaluation.protocol, evaluation.protocol.robot
    limit = protocol.seconds_per_object
    return {
        "rounds": protocol.rounds,
        "max_seconds_per_object": limit if limit != float("inf") else None,
        "first": protocol.first,
        "seed": protocol.seed,
        "sessions": len(evaluation.samples),
        "robot": {
            "kernel_size": robot.kernel_size,
            "max_kernel_radius": robot.max_kernel_radius,
            "min_nb_nodes": robot.min_nb_nodes,
            "nb_points": robot.nb_points,
            "seed": robot.seed,
        },
    }


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _processor() -> str:
    if sys.platform == "linux":
        try:
            for line in Path("/proc/cpuinfo").read_text().splitlines():
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
        except OSError:
            pass
    return platform.processor() or platform.machine()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _cannot(path, error) from None


def _cannot(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path}: cannot be written ({error.strerror or error})")
