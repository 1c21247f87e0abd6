"""A log makes the same masks again, and a replay says where it does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ivos.errors import InvalidInput
from ivos.project import Project, read_log, replay
from ivos.runtime.protocol import Array
from ivos.session import Action
from ivos.video import open_video
from tests.fakes import ColourNetworks, MovingSquares
from tests.project.conftest import work

EMPTY_RUN = Action(
    "propagate",
    details={"start": None, "stop": None, "forward": True, "backward": True, "barriers": []},
)


class Blinking(ColourNetworks):
    """Networks that see nothing at their third frame, as other weights would."""

    def propagate(self, reference: Array, frame: Array, neighbour: Array, previous: Array) -> Array:
        logits = super().propagate(reference, frame, neighbour, previous)
        return np.full_like(logits, -9.0) if len(self.batches["propagate"]) == 3 else logits


@pytest.fixture
def fresh(folder: Path, source: Path) -> Iterator[Project]:
    with Project.create(folder / "again.ivos", open_video(source), source) as created:
        yield created


def test_a_project_replays_bit_by_bit(
    project: Project, fresh: Project, squares: MovingSquares
) -> None:
    work(project, squares)
    results = list(replay(project.log(), fresh, ColourNetworks()))
    assert len(results) == project.store.head
    assert [result.number for result in results if result.different] == []
    assert all(result.same_weights for result in results)
    assert {result.kind for result in results} == {
        "object", "interact", "propagate", "lock", "unlock", "paint", "reject", "import", "remove",
    }  # fmt: skip
    for frame in range(len(squares)):
        for object_id in (1, 2, 3):
            assert fresh.store.mask(object_id, frame) == project.store.mask(object_id, frame)
    assert fresh.store.state().to_json() == project.store.state().to_json()


def test_an_exported_session_replays_like_its_project(
    project: Project, fresh: Project, squares: MovingSquares, folder: Path
) -> None:
    work(project, squares)
    path = folder / "session.json"
    path.write_text(json.dumps(project.export_session()))
    log = read_log(path)
    assert log.video == project.video_identity
    assert log.settings == project.settings
    assert all(not result.different for result in replay(log, fresh, ColourNetworks()))


def test_a_propagation_that_once_found_only_locked_objects_replays_as_the_step_it_was(
    project: Project, fresh: Project, squares: MovingSquares
) -> None:
    session = project.session(ColourNetworks())
    session.interact(squares.drawn(1, [1]))
    session.change_object(1, locked=True)
    steps = [*project.log().steps]
    nothing = replace(steps[0], action=EMPTY_RUN, masks={})
    log = replace(project.log(), steps=[*steps, nothing, steps[1]])
    results = list(replay(log, fresh, ColourNetworks()))
    assert [result.number for result in results] == [1, 2, 3, 4]
    assert not any(result.different for result in results)


def test_undone_steps_are_not_replayed(
    project: Project, fresh: Project, squares: MovingSquares
) -> None:
    session = project.session(ColourNetworks())
    session.interact(squares.drawn(1))
    session.add_object(9)
    session.undo()
    assert [result.kind for result in replay(project.log(), fresh, ColourNetworks())] == [
        "interact"
    ]


def test_a_replay_says_where_the_masks_differ(
    project: Project, fresh: Project, squares: MovingSquares
) -> None:
    session = project.session(ColourNetworks())
    session.interact(squares.drawn(0, [1]))
    for _ in session.propagate():
        pass
    first, second = replay(project.log(), fresh, Blinking())
    assert first.different == ()
    assert second.different[0] == (1, 3)
    assert second.masks == 7


def test_other_weights_are_said_to_be_other(
    project: Project, fresh: Project, squares: MovingSquares
) -> None:
    session = project.session(ColourNetworks())
    session.interact(squares.drawn(0, [1]))
    from dataclasses import replace

    from tests.fakes import FAKE_SPEC

    other = ColourNetworks(replace(FAKE_SPEC, weights_hash="1" * 64))
    (result,) = replay(project.log(), fresh, other)
    assert not result.same_weights


def test_a_replay_needs_an_empty_project(project: Project, squares: MovingSquares) -> None:
    work(project, squares)
    with pytest.raises(InvalidInput, match="not empty"):
        next(replay(project.log(), project, ColourNetworks()))


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"format": "ivos-session", "version": 99}', "\x00"]
)
def test_another_file_is_not_a_log(folder: Path, content: str) -> None:
    path = folder / "session.json"
    path.write_text(content)
    with pytest.raises(InvalidInput, match="not a session log") as error:
        read_log(path)
    assert "\n" not in str(error.value)


def test_a_log_that_asks_for_the_impossible_names_its_step(
    project: Project, fresh: Project, squares: MovingSquares, folder: Path
) -> None:
    session = project.session(ColourNetworks())
    session.interact(squares.drawn(1))
    data = project.export_session()
    steps = data["steps"]
    assert isinstance(steps, list)
    action = steps[0]["action"]  # type: ignore[call-overload, index]
    action["frame"] = 99
    path = folder / "session.json"
    path.write_text(json.dumps(data))
    with ExitStack() as stack:
        error = stack.enter_context(pytest.raises(InvalidInput, match="step 1 of the log"))
        list(replay(read_log(path), fresh, ColourNetworks()))
    assert "\n" not in str(error.value)
