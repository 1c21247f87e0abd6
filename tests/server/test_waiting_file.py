"""What waits for a run outlives a kill, and nothing of it is done twice."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ivos.errors import CannotDo
from ivos.project import Project
from ivos.server.describe import interaction_of
from ivos.server.protocol import Interact, Paint
from ivos.server.values import PromptValue
from ivos.server.waiting_file import WaitingFile
from ivos.session import Session
from tests.fakes import ColourNetworks
from tests.server.conftest import SQUARES, opened, page, serving
from tests.server.test_session import SlowNetworks, during

STROKE = Interact(7, 2, (PromptValue("scribble", 1, ((0.2, 0.3), (0.3, 0.4)), True),))
BRUSHED = Paint(8, 3, 1, False, (0, 5))


@pytest.fixture
def session() -> Session:
    return Session(SQUARES, ColourNetworks())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clip.ivos-waiting"


def do(session: Session, command: Interact) -> None:
    session.interact(interaction_of(command.frame, command.prompts))


def test_what_was_kept_is_left_in_its_order(session: Session, path: Path):
    file = WaitingFile(path, session)
    file.keep(STROKE)
    file.keep(BRUSHED)
    assert WaitingFile(path, session).left() == [STROKE, BRUSHED]
    assert WaitingFile(path, session).left() == [STROKE, BRUSHED]  # killed again at once


@pytest.mark.parametrize("done", [False, True])
def test_a_kill_while_one_is_done_neither_loses_it_nor_does_it_twice(
    session: Session, path: Path, done: bool
):
    file = WaitingFile(path, session)
    file.keep(STROKE)
    file.keep(BRUSHED)
    file.begin()
    if done:
        do(session, STROKE)
    assert WaitingFile(path, session).left() == ([BRUSHED] if done else [STROKE, BRUSHED])


def test_nothing_is_left_once_all_is_done(session: Session, path: Path):
    file = WaitingFile(path, session)
    file.keep(STROKE)
    file.clear()
    assert not path.exists()
    assert WaitingFile(path, session).left() == []


def test_a_line_that_a_power_cut_tore_is_left_out(session: Session, path: Path):
    file = WaitingFile(path, session)
    file.keep(STROKE)
    whole = path.read_bytes()
    file.keep(BRUSHED)
    path.write_bytes(path.read_bytes()[: len(whole) + 20])
    assert WaitingFile(path, session).left() == [STROKE]


def test_what_another_project_left_is_not_done_in_this_one(session: Session, path: Path):
    do(session, STROKE)
    WaitingFile(path, session).keep(BRUSHED)
    other = Session(SQUARES, ColourNetworks())
    do(other, STROKE)
    assert WaitingFile(path, other).left() == []
    assert not path.exists()


def test_a_program_that_was_taken_over_leaves_alone_what_the_other_one_keeps(
    session: Session, path: Path
):
    first = WaitingFile(path, session)
    first.keep(STROKE)
    second = WaitingFile(path, session)
    assert second.left() == [STROKE]
    with pytest.raises(CannotDo, match="took the project over"):
        first.begin()
    first.clear()
    with pytest.raises(CannotDo, match="cannot be kept"):
        first.keep(BRUSHED)
    assert WaitingFile(path, session).left() == [STROKE]


def test_what_cannot_be_done_any_more_is_told_to_the_first_page_that_comes(folder: Path):
    with serving(folder) as client, page(client, opened(client)) as one:
        one.stroke(1, frame=0)
        one.ask("lock", start=0, stop=1, object_id=None, locked=True)
    with Project.open(folder / "clip.ivos") as project:
        left = WaitingFile(folder / "clip.ivos-waiting", project.session(ColourNetworks()))
        left.keep(replace(STROKE, frame=0))
    with serving(folder) as client, page(client, opened(client)) as one:
        assert "locked" in one.until("failed")["message"]
        assert one.snapshot()["waiting"] == 0
    assert not (folder / "clip.ivos-waiting").exists()


def test_strokes_that_wait_for_a_run_survive_a_kill_of_the_server(folder: Path):
    slow, killed = SlowNetworks(), folder.parent / "killed"
    with serving(folder, networks=slow) as client, page(client, opened(client)) as one:
        one.stroke(1, frame=0)
        one.start_run()
        slow.gate.release()
        one.until("running")
        assert during(slow, one.stroke, 2, frame=8)["waiting"]
        shutil.copytree(folder, killed)  # what a power cut would leave on the disk now
        slow.gate.release(100)
    assert {entry.name for entry in folder.iterdir()} == {"clip.mkv", "clip.ivos"}
    with serving(killed) as client, page(client, opened(client, take_over=True)) as one:
        assert 8 in one.snapshot()["annotated"]
        assert one.snapshot()["undo"] == "Draw Object 2 on frame 8"
    assert {entry.name for entry in killed.iterdir()} == {"clip.mkv", "clip.ivos"}
