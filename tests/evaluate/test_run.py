"""Whole evaluations: what goes on, what is left out and said, what is written."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from tests.evaluate.made import Ticking, write_scribbles, write_sequence
from tests.fakes import ColourNetworks

from ivos.errors import InvalidInput, OutputError
from ivos.evaluate import Dataset, Evaluation, Protocol, Row, Turn, evaluate
from ivos.evaluate.report import as_json, plot, table, write_csv, write_json
from ivos.evaluate.session_methods import SessionMethod


def run(root: Path, rounds: int = 3, **rules: object) -> tuple[Evaluation, list[Turn | str]]:
    dataset = Dataset.find(root)
    clock = Ticking()
    evaluation = Evaluation(Protocol(rounds=rounds, **rules))  # type: ignore[arg-type]
    method = SessionMethod(ColourNetworks(), clock=clock)
    look = lambda sequence: 0.25  # noqa: E731
    events = evaluate(
        dataset, dataset.names(), method, evaluation.protocol, evaluation, clock=clock, look=look
    )
    return evaluation, list(events)


def test_every_sequence_is_played_and_scored_from_simulated_scribbles(tmp_path: Path):
    for name in ("a", "b"):
        write_sequence(tmp_path, name)
    evaluation, events = run(tmp_path)
    assert [(t.sample.sequence, t.round) for t in events if isinstance(t, Turn)] == [
        (name, k) for name in ("a", "b") for k in (1, 2, 3)
    ]
    summary = evaluation.summary()
    assert summary.per_round[0].J > 0.6
    assert summary.per_round[-1].J >= summary.per_round[0].J - 0.02
    assert len(list(evaluation.rows)) == 2 * 3 * 2 * 5


def test_each_set_of_a_persons_scribbles_is_a_session(tmp_path: Path):
    video = write_sequence(tmp_path, "a")
    for number, frame in ((1, 4), (2, 0)):
        write_scribbles(tmp_path, "a", video, frame, number)
    evaluation, events = run(tmp_path, rounds=1)
    assert [(t.sample.scribble_set, t.frame) for t in events if isinstance(t, Turn)] == [
        (1, 4),
        (2, 0),
    ]
    assert len(evaluation.samples) == 2


def test_a_sequence_that_cannot_be_played_is_said_and_the_others_go_on(tmp_path: Path):
    for name in ("a", "b", "c"):
        write_sequence(tmp_path, name, length=2)
    (tmp_path / "Annotations/480p/b/00001.png").unlink()
    (tmp_path / "JPEGImages/480p/c/00001.png").write_bytes(b"broken")
    evaluation, events = run(tmp_path, rounds=1)
    assert len(evaluation.problems) == 2
    assert evaluation.problems[0].startswith("b: no mask for frame 00001")
    assert evaluation.problems[1].startswith("c: ")
    assert set(evaluation.problems) <= {e for e in events if isinstance(e, str)}
    assert list(evaluation.lengths) == ["a"]


def test_a_frame_that_breaks_in_the_middle_leaves_its_sequence_out(tmp_path: Path):
    for name in ("a", "b"):
        write_sequence(tmp_path, name, suffix="jpg", size=(96, 128))
    image = tmp_path / "JPEGImages/480p/a/00004.jpg"
    image.write_bytes(image.read_bytes()[:700])
    evaluation, _ = run(tmp_path, rounds=1)
    assert len(evaluation.problems) == 1
    assert evaluation.problems[0].startswith("a: ")
    assert {sample.sequence for sample in evaluation.samples} == {"b"}
    assert {turn.sample.sequence for turn in evaluation.turns} == {"b"}
    assert list(evaluation.lengths) == list(evaluation.no_stroke) == ["b"]


def test_a_broken_set_of_scribbles_is_said_and_the_others_go_on(tmp_path: Path):
    video = write_sequence(tmp_path, "a")
    write_scribbles(tmp_path, "a", video, 1, 1).write_text("{")
    write_scribbles(tmp_path, "a", video, 1, 2)
    evaluation, _ = run(tmp_path, rounds=1)
    assert [s.scribble_set for s in evaluation.samples] == [2]
    assert evaluation.problems[0].startswith("a: ")
    assert "001.json" in evaluation.problems[0]


def test_without_any_sequence_left_there_is_no_summary_but_the_reasons(tmp_path: Path):
    write_sequence(tmp_path, "a", masks=[np.zeros((48, 64))] * 5)
    evaluation, _ = run(tmp_path)
    with pytest.raises(InvalidInput, match="could be evaluated: a: all its masks are empty"):
        evaluation.summary()


def test_the_same_seed_gives_the_same_rows(tmp_path: Path):
    write_sequence(tmp_path, "a", length=7, count=3)
    one, two = (run(tmp_path, first="random", seed=5)[0] for _ in range(2))
    assert list(one.rows) == list(two.rows)


def test_the_json_holds_the_curve_the_rounds_the_sequences_and_the_speed(tmp_path: Path):
    write_sequence(tmp_path, "a")
    evaluation, _ = run(tmp_path)
    method = SessionMethod(ColourNetworks(), clock=Ticking())
    report = as_json(evaluation, method, {"dataset": "made"})
    target = tmp_path / "out.json"
    write_json(target, report)
    read = json.loads(target.read_text())
    assert read["curve"].keys() == {"seconds", "J_AND_F"}
    assert [r.keys() for r in read["per_round"]] == [{"round", "J", "F", "J_AND_F", "seconds"}] * 3
    assert (
        read["per_round"][-1]["J_AND_F"] == read["at_60s"] == read["per_sequence"]["a"]["J_AND_F"]
    )
    assert 0 < read["auc"] <= 1
    assert read["no_stroke_J"] == 0.25
    assert read["correction_gain"].keys() == {"corrections", "before", "after", "gain"}
    assert {"carry", "seconds_per_interaction", "seconds_per_propagated_frame"} <= read.keys()
    assert read["weights"] == {"name": "colour", "sha256": "0" * 64}
    assert read["machine"]["cores"] >= 1
    assert read["version"]
    assert read["protocol"]["robot"]["kernel_size"] == 0.2


def test_the_csv_holds_every_row_in_full(tmp_path: Path):
    write_sequence(tmp_path, "a")
    evaluation, _ = run(tmp_path, rounds=2)
    rows = list(evaluation.rows)
    write_csv(tmp_path / "out.csv", rows)
    with (tmp_path / "out.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert tuple(read[0]) == Row._fields
    assert [float(r["J"]) for r in read] == [row.J for row in rows]


def test_a_result_that_cannot_be_written_is_said(tmp_path: Path):
    with pytest.raises(OutputError, match="cannot be written"):
        write_json(tmp_path / "missing" / "out.json", {})
    with pytest.raises(OutputError, match="cannot be written"):
        write_csv(tmp_path / "missing" / "out.csv", [])


def test_the_plot_is_a_picture_with_a_point_for_each_round(tmp_path: Path):
    write_sequence(tmp_path, "a")
    summary = run(tmp_path, rounds=4)[0].summary()
    picture = ElementTree.fromstring(plot(summary, "made & <easy>"))
    kinds = [element.tag.rpartition("}")[2] for element in picture.iter()]
    assert kinds.count("circle") == 4
    assert kinds.count("polyline") == 1
    assert "made & <easy>" in [element.text for element in picture.iter()]


def test_the_table_has_a_line_for_each_round(tmp_path: Path):
    write_sequence(tmp_path, "a")
    lines = table(run(tmp_path)[0].summary()).splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["1", "2", "3"]
    assert lines[-1].startswith("AUC J&F")
