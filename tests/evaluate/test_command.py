"""``ivos evaluate`` from the outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.evaluate.made import write_sequence

from ivos.cli import main

pytest.importorskip("skimage")


def call(*arguments: object) -> int:
    return main(["evaluate", *map(str, arguments)])


def test_a_folder_is_evaluated_and_all_is_written(tmp_path: Path, capsys: pytest.CaptureFixture):
    write_sequence(tmp_path, "a", length=3)
    out = {kind: tmp_path / f"out.{kind}" for kind in ("json", "csv", "svg")}
    code = call(
        tmp_path, "--method", "grabcut-flow", "--rounds", 2, "--metric", "J",
        "--resolution", "1080p",
        "--json", out["json"], "--csv", out["csv"], "--plot", out["svg"],
    )  # fmt: skip
    said = capsys.readouterr()
    assert code == 0
    assert said.out == ""
    assert "resolution 480p: the only one there is" in said.err
    assert "a 1, round 2/2: frame" in said.err
    assert "AUC J " in said.err
    report = json.loads(out["json"].read_text())
    assert report["method"] == "grabcut-flow"
    assert report["sequences"] == ["a"]
    assert report["weights"] is None
    assert len(report["per_round"]) == 2
    assert len(out["csv"].read_text().splitlines()) == 1 + 2 * 3 * 2
    assert out["svg"].read_text().startswith("<svg")


def test_json_may_go_to_stdout(tmp_path: Path, capsys: pytest.CaptureFixture):
    write_sequence(tmp_path, "a", length=1)
    arguments = ("--method", "grabcut-flow", "--rounds", 1, "--clock", "processor")
    assert call(tmp_path, *arguments, "--json", "-") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["per_sequence"]["a"]["frames"] == 1
    assert report["clock"] == "processor"


def test_a_method_that_is_never_in_time_scores_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture
):
    write_sequence(tmp_path, "a", length=2)
    code = call(tmp_path, "--method", "grabcut-flow", "--max-time", 1e-9, "--json", "-")
    said = capsys.readouterr()
    assert code == 0
    assert "the time limit of 2e-09 s was over in round 1" in said.err
    assert "no round was answered in time" in said.err
    assert json.loads(said.out)["auc"] == 0


def test_two_runs_write_the_same_rows_except_for_seconds(tmp_path: Path):
    write_sequence(tmp_path, "a", length=3)
    tables = []
    for name in ("one.csv", "two.csv"):
        call(tmp_path, "--method", "grabcut-flow", "--rounds", 2, "--csv", tmp_path / name)
        lines = (tmp_path / name).read_text().splitlines()
        tables.append([line.rpartition(",")[0] for line in lines])
    assert tables[0] == tables[1]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ((), "no folder Annotations"),
        (("--rounds", 0), "at least 1"),
        (("--max-time", -1), "more than 0"),
        (("--min-nodes", 0), "at least 1"),
    ],
)
def test_mistakes_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture, arguments: tuple[object, ...], what: str
):
    assert call(tmp_path, *arguments) == 2
    error = capsys.readouterr().err
    assert what in error
    assert error.count("\n") == 1


def test_a_result_without_a_folder_is_refused_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture
):
    write_sequence(tmp_path, "a", length=1)
    assert call(tmp_path, "--json", tmp_path / "missing" / "out.json") == 2
    assert "there is no folder" in capsys.readouterr().err


def test_what_was_left_out_is_said_again_at_the_end(tmp_path: Path, capsys: pytest.CaptureFixture):
    for name in ("a", "b"):
        write_sequence(tmp_path, name, length=1)
    (tmp_path / "Annotations/480p/a/00000.png").unlink()
    assert call(tmp_path, "--method", "grabcut-flow", "--rounds", 1) == 0
    assert capsys.readouterr().err.splitlines()[-1].startswith("left out: a: no mask for frame")


def test_when_nothing_can_be_evaluated_the_reason_is_the_error(
    tmp_path: Path, capsys: pytest.CaptureFixture
):
    write_sequence(tmp_path, "a", length=2)
    (tmp_path / "Annotations/480p/a/00000.png").unlink()
    assert call(tmp_path, "--method", "grabcut-flow") == 2
    assert "nothing could be evaluated: a: no mask for frame 00000" in capsys.readouterr().err
