"""The learning curves of the shipped weights, drawn from the logs that are kept.

    python -m benchmarks.learning_curve

Reads benchmarks/results/training*.csv (overlaps in the crop on training scenes; J&F on validation
sequences, where a run has left any out), writes docs/pictures/learning-curve*.svg.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
WINDOW = 15
"""Lines of the log that a point of a training curve is the mean of."""

COLUMNS = {
    "first_strokes": ("first strokes", "#0072b2"),
    "corrections": ("corrections", "#009e73"),
    "propagation": ("propagation", "#999999"),
    "again": ("second looks", "#56b4e9"),
    "round_1": ("validation, round 1", "#d55e00"),
    "round_3": ("validation, round 3", "#e69f00"),
    "round_8": ("validation, round 8", "#cc79a7"),
}
RUNS = {
    "training": "learning-curve",
    "training-interaction": "learning-curve-interaction",
    "training-propagation": "learning-curve-propagation",
    "training-far": "learning-curve-far",
    "training-more-a": "learning-curve-more-a",
    "training-more-b": "learning-curve-more-b",
    "training-apart-a": "learning-curve-apart-a",
    "training-apart-b": "learning-curve-apart-b",
    "training-rivals-a": "learning-curve-rivals-a",
    "training-rivals-b": "learning-curve-rivals-b",
    "training-noted-a": "learning-curve-noted-a",
    "training-noted-b": "learning-curve-noted-b",
}
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 860, 420, 50, 20, 170, 40
LOW, HIGH = 0.4, 1.0

Points = Sequence[tuple[float, float]]


def main() -> int:
    """Draw."""
    for run, picture in RUNS.items():
        (PICTURES / f"{picture}.svg").write_text(_drawn(_read(run), _read(f"{run}-validation")))
    return 0


def _read(name: str) -> list[dict[str, str]]:
    path = RESULTS / f"{name}.csv"
    if not path.exists():
        return []
    with path.open() as file:
        return list(csv.DictReader(file))


def _drawn(log: list[dict[str, str]], checks: list[dict[str, str]]) -> str:
    last = max(float(line["step"]) for line in log)
    parts = [*_axes(last)]
    row = 0
    for table, checked in ((log, False), (checks, True)):
        for column, (words, colour) in COLUMNS.items():
            points = [
                (float(line["step"]), float(line[column])) for line in table if line.get(column)
            ]
            if not points:  # a network at rest learns nothing
                continue
            drawn = points if checked else _smooth(points)
            parts += [_line(drawn, last, colour, width=2.5 if checked else 1.5)]
            parts += [*_legend(row, words, colour)]
            parts += [f'<circle cx="{_x(s, last):.1f}" cy="{_y(v):.1f}" r="4" fill="{colour}"/>'
                      for s, v in points if checked]  # fmt: skip
            row += 1
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _smooth(points: Points) -> list[tuple[float, float]]:
    """Running means: single lines are means of a few scenes only."""
    means = []
    for end in range(1, len(points) + 1):
        part = points[max(0, end - WINDOW) : end]
        means.append((points[end - 1][0], sum(value for _, value in part) / len(part)))
    return means


def _x(step: float, last: float) -> float:
    return LEFT + step / last * (WIDTH - LEFT - RIGHT)


def _y(value: float) -> float:
    return TOP + (HIGH - max(value, LOW)) / (HIGH - LOW) * (HEIGHT - TOP - BOTTOM)


def _line(points: Points, last: float, colour: str, width: float = 1.5) -> str:
    path = " ".join(f"{_x(step, last):.1f},{_y(value):.1f}" for step, value in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _axes(last: float) -> Iterator[str]:
    for tenth in range(round(LOW * 10), round(HIGH * 10) + 1):
        y = _y(tenth / 10)
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tenth / 10:.1f}</text>'
    for step in range(0, int(last) + 1, 500):
        x = _x(step, last)
        yield f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{step}</text>'
    yield f'<text x="{_x(last / 2, last):.1f}" y="{HEIGHT - 6}" text-anchor="middle">steps</text>'


def _legend(row: int, words: str, colour: str) -> Iterator[str]:
    x, y = WIDTH - RIGHT + 14, TOP + 10 + 20 * row
    yield f'<path d="M{x} {y}h18" stroke="{colour}" stroke-width="3"/>'
    yield f'<text x="{x + 24}" y="{y + 4}">{words}</text>'


if __name__ == "__main__":
    raise SystemExit(main())
