"""ivos project, ivos replay, and what ivos doctor does with a project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ivos.cli import main
from ivos.project import Project
from ivos.runtime import weights
from tests.fakes import ColourNetworks, MovingSquares
from tests.project.conftest import work


@pytest.fixture
def path(folder: Path, source: Path, squares: MovingSquares) -> Path:
    """A project made on the command line, and worked on."""
    target = folder / "squares.ivos"
    assert main(["project", str(target), "--create", str(source), "--fps", "12"]) == 0
    with Project.open(target) as project:
        work(project, squares)
    return target


@pytest.fixture(autouse=True)
def _no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "load", lambda *_, **__: ColourNetworks())


def test_project_says_what_it_holds(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["project", str(path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["steps"], facts["head"], facts["fps"]) == (15, 14, 12)
    assert [item["name"] for item in facts["objects"]] == ["red", "green"]
    assert facts["objects"][0]["masks"] == 8
    assert main(["project", str(path)]) == 0
    assert "step 14 of 15" in capsys.readouterr().out


def test_undo_and_redo_on_the_command_line(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["project", str(path), "--undo", "3"]) == 0
    assert "step 11 of 15" in capsys.readouterr().out
    assert main(["project", str(path), "--redo"]) == 0
    assert "step 12 of 15" in capsys.readouterr().out
    assert main(["project", str(path), "--redo", "9"]) == 2
    assert "not 9 steps to redo" in capsys.readouterr().err


def test_replay_of_a_project_and_of_its_log(
    path: Path,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    log, new = folder / "session.json", folder / "new.ivos"
    assert main(["project", str(path), "--log", str(log)]) == 0
    assert main(["replay", str(path)]) == 0
    assert capsys.readouterr().out.endswith("identical\n")
    assert main(["replay", str(log), "--out", str(new), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["identical"]
    assert report["same_weights"]
    assert len(report["steps"]) == 14
    with Project.open(new) as again:
        assert again.store.head == 14


def test_replay_says_where_masks_differ(
    path: Path,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = folder / "session.json"
    main(["project", str(path), "--log", str(log)])
    data = json.loads(log.read_text())
    data["steps"][1]["masks"]["1"]["1"] = "0" * 16
    log.write_text(json.dumps(data))
    assert main(["replay", str(log)]) == 1
    captured = capsys.readouterr()
    assert "step 2 (interact): 1 masks differ: object 1 at frame 1" in captured.err
    assert "1 steps differ" in captured.out


def test_replay_without_its_video_asks_for_it(
    path: Path,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = folder / "session.json"
    main(["project", str(path), "--log", str(log)])
    (folder / "a" / "b" / "c").mkdir(parents=True)
    moved = folder / "a" / "b" / "c" / "other"
    (folder / "squares").rename(moved)
    capsys.readouterr()
    assert main(["replay", str(log)]) == 1
    error = capsys.readouterr().err
    assert f"ivos replay {log} --video PATH" in error
    assert error.count("\n") == 1
    assert main(["replay", str(log), "--video", str(moved)]) == 0


def test_doctor_finds_damage_and_saves_the_rest(
    path: Path,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["doctor", str(path)]) == 0
    with Project.open(path, read_only=True) as project:
        packed = project.store.mask(1, 1)
    assert packed is not None
    content = bytearray(path.read_bytes())
    content[content.index(packed.to_bytes()) + 40] ^= 1
    path.write_bytes(content)
    assert main(["doctor", str(path)]) == 1
    assert "mask of object 1 at frame 1" in capsys.readouterr().out
    saved = folder / "saved.ivos"
    assert main(["doctor", str(path), "--recover", str(saved), "--json"]) == 1
    first, *lost = json.loads(capsys.readouterr().out)
    assert "15 steps" in first["details"]
    assert [finding["what"] for finding in lost] == ["lost"]
    assert main(["doctor", str(saved)]) == 0
