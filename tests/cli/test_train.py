"""``ivos train``: from a recipe to weights, stopped and resumed; mistakes in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("tensorboard")

from ivos.cli import main
from tests.train.made import write_clips, write_recipe, write_stills


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    write_stills(tmp_path / "stills", 4)
    write_clips(tmp_path / "clips", ("first", "second"), 4)
    return write_recipe(tmp_path, tmp_path)


def arguments(recipe: Path, *more: str) -> list[str]:
    runs = str(recipe.parent / "runs")
    return ["train", str(recipe), "--runs", runs, "--threads", "1", "--workers", "0", *more]


def test_a_run_is_stopped_resumed_and_ends_with_weights(
    recipe_file: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(arguments(recipe_file, "--until", "1", "--json")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1]
    assert main(arguments(recipe_file, "--resume")) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "step 3 of 3" in said.err
    weights = recipe_file.parent / "runs" / "tiny" / "weights.pt"
    assert said.err.splitlines()[-1] == f"weights: {weights}"
    assert weights.is_file()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--set", "speed=3"), "unknown setting speed"),
        (("--set", "rate"), "write it as KEY=VALUE"),
        (("--set", "phases.0.crop=33"), "multiple of 32"),
        (("--set", "stills='/nowhere'"), "holds no stills"),
        (("--set", "hold_out_clips=['third']"), "no sequence called third"),
        (("--resume",), "nothing to resume"),
        (("--device", "warp"), "cannot use the device 'warp'"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing_behind(
    recipe_file: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], said: str
):
    assert main(arguments(recipe_file, *more)) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.startswith("error: ")
    assert len(captured.err.splitlines()) == 1
    assert captured.out == ""
    assert not (recipe_file.parent / "runs").exists()


def test_a_run_is_not_overwritten(recipe_file: Path, capsys: pytest.CaptureFixture[str]):
    (recipe_file.parent / "runs" / "tiny").mkdir(parents=True)
    checkpoint = recipe_file.parent / "runs" / "tiny" / "checkpoint.pt"
    checkpoint.write_bytes(b"precious")
    assert main(arguments(recipe_file)) == 2
    assert "--resume it" in capsys.readouterr().err
    assert checkpoint.read_bytes() == b"precious"
