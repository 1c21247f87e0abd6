"""One contract for every store: the same tests run on the one in memory and the one on disk."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from ivos.masks import PackedMask
from ivos.project.check import check
from ivos.project.file import ProjectFile
from ivos.project.store import ProjectStore
from ivos.session.journal import Action
from ivos.session.state import ObjectInfo, OpenFrame, State
from ivos.session.store import MemoryStore, Store
from ivos.types import Interaction, PaintedMask, Scribble

SIZE = (12, 16)


def mask(*pixels: int) -> PackedMask:
    soft = np.zeros(SIZE, np.float32)
    soft.reshape(-1)[list(pixels)] = 0.75
    return PackedMask.of(soft)


def act(store: Store, *masks: tuple[int, int, PackedMask | None], rounds: int = 0) -> None:
    """One step that puts masks: (object, frame, mask)."""
    store.begin(Action("propagate"))
    for object_id, frame, packed in masks:
        store.put(object_id, frame, packed)
    store.commit(State(rounds=rounds))


@pytest.fixture
def file(folder: Path) -> Iterator[ProjectFile]:
    path = folder / "cat.ivos"
    ProjectFile.create(path)
    with closing(ProjectFile.open(path)) as opened:
        yield opened


@pytest.fixture(params=["memory", "project"])
def store(request: pytest.FixtureRequest, file: ProjectFile) -> Store:
    clock: Callable[[], float] = map(float, itertools.count()).__next__
    if request.param == "memory":
        return MemoryStore(clock)
    return ProjectStore(file, clock)


def test_both_stores_are_stores(store: Store) -> None:
    assert isinstance(store, Store)


def test_a_new_store_is_empty(store: Store) -> None:
    assert store.head == 0
    assert list(store.steps()) == []
    assert store.state().to_json() == State().to_json()
    assert store.mask(1, 0) is None
    assert list(store.frames(1)) == []
    assert store.mask_before(1, 1, 0) is None


def test_a_step_keeps_its_masks_its_action_and_its_time(store: Store) -> None:
    store.begin(Action("propagate", 3, details={"start": 0}))
    store.put(2, 5, mask(7))
    store.put(1, 4, mask(8))
    store.put(2, 5, mask(9))
    step = store.commit(State(rounds=1))
    assert (step.number, step.changed, step.seconds) == (1, 2, 1.0)
    assert step.action == Action("propagate", 3, details={"start": 0})
    assert list(store.steps()) == [step]
    assert store.head == 1
    assert store.state().rounds == 1
    assert store.mask(2, 5) == mask(9)
    assert store.mask(1, 4) == mask(8)
    assert list(store.changes(1)) == [(2, 5), (1, 4)]


def test_the_open_step_is_seen_before_it_is_committed(store: Store) -> None:
    act(store, (1, 0, mask(1)), (1, 2, mask(2)))
    store.begin(Action("paint"))
    store.put(1, 0, mask(3))
    store.put(1, 2, None)
    store.put(1, 1, mask(4))
    assert store.mask(1, 0) == mask(3)
    assert store.mask(1, 2) is None
    assert list(store.frames(1)) == [0, 1]
    assert store.mask_before(2, 1, 0) == mask(1)
    assert store.mask_before(2, 1, 1) is None
    assert store.head == 1


def test_an_aborted_step_leaves_nothing(store: Store) -> None:
    act(store, (1, 0, mask(1)))
    store.begin(Action("paint"))
    store.put(1, 0, mask(2))
    store.put(1, 9, mask(3))
    store.abort()
    assert store.head == 1
    assert store.mask(1, 0) == mask(1)
    assert list(store.frames(1)) == [0]
    act(store, (1, 9, mask(4)))
    assert store.mask(1, 9) == mask(4)


def test_a_removed_mask_is_gone_until_its_step_is_undone(store: Store) -> None:
    act(store, (1, 0, mask(1)), (2, 0, mask(2)))
    act(store, (1, 0, None))
    assert store.mask(1, 0) is None
    assert list(store.frames(1)) == []
    assert store.mask(2, 0) == mask(2)
    store.move(1)
    assert store.mask(1, 0) == mask(1)
    assert list(store.frames(1)) == [0]


def test_undo_and_redo_go_to_any_step(store: Store) -> None:
    for number in range(1, 7):
        act(store, (1, number % 2, mask(number)), rounds=number)
    for head in (0, 6, 3, 2, 5, 1):
        assert store.move(head).rounds == head
        assert store.head == head
        assert store.state().rounds == head
        assert len(store.steps()) == 6
        for frame in (0, 1):
            newest = max((n for n in range(1, head + 1) if n % 2 == frame), default=None)
            assert store.mask(1, frame) == (mask(newest) if newest else None)
        assert list(store.frames(1)) == [[], [1], [0, 1]][min(head, 2)]


def test_a_step_after_an_undo_drops_the_undone_ones(store: Store) -> None:
    for number in (1, 2, 3):
        act(store, (1, number, mask(number)), rounds=number)
    store.move(1)
    act(store, (1, 7, mask(7)), rounds=9)
    assert [step.number for step in store.steps()] == [1, 2]
    assert list(store.frames(1)) == [1, 7]
    assert store.mask(1, 2) is None
    assert list(store.changes(2)) == [(1, 7)]
    with pytest.raises(ValueError, match="no step 3"):
        store.move(3)


def test_the_mask_before_any_done_step_is_known(store: Store) -> None:
    act(store, (1, 0, mask(1)))
    act(store, (1, 1, mask(2)))
    act(store, (1, 0, mask(3)))
    assert store.mask_before(1, 1, 0) is None
    assert store.mask_before(2, 1, 0) == mask(1)
    assert store.mask_before(3, 1, 0) == mask(1)
    assert store.mask_before(2, 1, 1) is None
    assert store.mask_before(3, 1, 1) == mask(2)


def test_only_one_step_is_open_at_a_time(store: Store) -> None:
    with pytest.raises(RuntimeError):
        store.put(1, 0, mask(1))
    with pytest.raises(RuntimeError):
        store.commit(State())
    with pytest.raises(RuntimeError):
        store.abort()
    store.begin(Action("paint"))
    with pytest.raises(RuntimeError):
        store.begin(Action("paint"))
    with pytest.raises(RuntimeError):
        store.move(0)


def rich_state(scale: float) -> State:
    """A state with everything in it, and numbers that do not survive carelessness."""
    rng = np.random.default_rng(1)
    reference = (rng.normal(size=(8, 4, 4)) * scale).astype(np.float16)
    stroke = Scribble(1, ((0.1, 1 / 3), (0.7, 2e-17)), positive=False)
    painted = PaintedMask(2, np.eye(*SIZE, dtype=np.bool_))
    return State(
        objects=(ObjectInfo(1, "Katze – 猫", (1, 2, 3), hidden=True), ObjectInfo(7, "", (0, 0, 0))),
        annotated={7: (9, 3, 5), 1: (0,)},
        references={1: reference, 7: reference * np.float16(-1)},
        locked=frozenset((1, frame) for frame in range(500)),
        open={8: OpenFrame(3, (stroke, painted), {1: reference}, {7: 2}), 2: OpenFrame(4)},
        rounds=4,
        last=((3, (1, 7)),),
        frames_done=12,
    )


def test_a_state_comes_back_exactly(store: Store) -> None:
    state = rich_state(1.0)
    store.begin(Action("interact", 8, Interaction(8, (Scribble(1, ((0.1, 0.2),)),))))
    store.commit(state)
    act(store)
    found = store.move(1)
    assert found.to_json() == state.to_json()
    assert list(found.open) == [8, 2]
    assert found.references[7].dtype == np.float16
    np.testing.assert_array_equal(found.references[7], state.references[7])


@pytest.fixture
def keep_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ivos.project.store.KEEP_SECONDS", 0.0)


@pytest.mark.usefixtures("keep_always")
def test_keeping_an_open_step_changes_nothing_that_can_be_seen(store: Store) -> None:
    act(store, (1, 0, mask(1)))
    store.begin(Action("propagate"))
    store.put(1, 0, mask(2))
    store.keep(State(rounds=1, frames_done=1))
    assert (store.head, len(store.steps()), store.state().rounds) == (1, 1, 0)
    assert store.mask(1, 0) == mask(2)
    assert store.mask_before(2, 1, 0) == mask(1)
    store.put(1, 0, mask(3))
    store.put(1, 1, mask(4))
    store.keep(State(rounds=1, frames_done=2))
    step = store.commit(State(rounds=1, frames_done=3))
    assert (step.number, step.changed) == (2, 2)
    assert (store.head, store.state().frames_done) == (2, 3)
    assert store.mask(1, 0) == mask(3)
    assert store.move(1).rounds == 0
    assert store.mask(1, 0) == mask(1)


@pytest.mark.usefixtures("keep_always")
def test_a_kept_step_can_still_be_aborted(store: Store) -> None:
    for number in (1, 2):
        act(store, (1, 0, mask(number)), rounds=number)
    store.move(1)
    store.begin(Action("propagate"))
    store.put(1, 0, mask(5))
    store.keep(rich_state(1.0))
    store.put(1, 1, mask(6))
    store.abort()
    assert (store.head, store.state().rounds) == (1, 1)
    assert store.mask(1, 0) == mask(1)
    assert list(store.frames(1)) == [0]
    act(store, (1, 1, mask(7)), rounds=3)
    assert [step.number for step in store.steps()] == [1, 2]
    assert store.mask(1, 0) == mask(1)


# What only the store on disk has to keep


def test_everything_survives_closing_even_what_is_undone(file: ProjectFile) -> None:
    store = ProjectStore(file)
    store.begin(Action("interact", 8, Interaction(8, (Scribble(1, ((0.1, 1 / 3),)),))))
    store.put(1, 8, mask(1))
    store.commit(rich_state(3.0))
    act(store, (1, 8, mask(2)), rounds=2)
    act(store, (1, 8, mask(3)), rounds=3)
    store.move(1)
    steps = store.steps()
    file.close()

    with closing(ProjectFile.open(file.path)) as again:
        store = ProjectStore(again)
        assert store.head == 1
        assert store.steps() == steps
        assert store.state().to_json() == rich_state(3.0).to_json()
        assert store.mask(1, 8) == mask(1)
        assert store.move(3).rounds == 3
        assert store.mask(1, 8) == mask(3)
        assert check(again) == ["entry 'video' is missing", "entry 'frames' is missing",
                                "entry 'settings' is missing"]  # fmt: skip


def test_a_step_that_was_not_committed_is_gone_when_the_project_is_opened(
    file: ProjectFile,
) -> None:
    store = ProjectStore(file)
    act(store, (1, 0, mask(1)))
    store.begin(Action("propagate"))
    store.put(1, 0, mask(2))
    file.close()
    with closing(ProjectFile.open(file.path)) as again:
        assert ProjectStore(again).mask(1, 0) == mask(1)


@pytest.mark.usefixtures("keep_always")
def test_a_kept_step_counts_as_cancelled_there_when_the_process_dies(file: ProjectFile) -> None:
    store = ProjectStore(file)
    act(store, (1, 0, mask(1)))
    act(store, (1, 0, mask(2)))
    store.move(1)
    store.begin(Action("propagate"))
    store.put(1, 0, mask(3))
    store.keep(rich_state(1.0))
    store.put(1, 0, mask(4))
    store.put(1, 1, mask(5))
    file.close()
    with closing(ProjectFile.open(file.path)) as again:
        store = ProjectStore(again)
        assert (store.head, len(store.steps())) == (2, 2)
        assert store.state().to_json() == rich_state(1.0).to_json()
        assert store.mask(1, 0) == mask(3)
        assert store.mask(1, 1) is None
        assert store.move(1).rounds == 0
        assert store.mask(1, 0) == mask(1)


@pytest.mark.usefixtures("keep_always")
def test_an_aborted_step_that_was_kept_leaves_nothing_in_the_file(file: ProjectFile) -> None:
    store = ProjectStore(file)
    act(store, (1, 0, mask(1)))
    store.begin(Action("propagate"))
    store.put(1, 0, mask(3))
    store.keep(rich_state(1.0))
    store.abort()
    file.close()
    with closing(ProjectFile.open(file.path)) as again:
        store = ProjectStore(again)
        assert (store.head, len(store.steps())) == (1, 1)
        assert store.mask(1, 0) == mask(1)
        assert again.rows("SELECT count(*) FROM parts") == [(0,)]


def test_a_step_is_kept_now_and_then_only(file: ProjectFile) -> None:
    now = [0.0]
    store = ProjectStore(file, lambda: now[0])
    store.begin(Action("propagate"))
    kept = []
    for rounds, now[0] in enumerate([19.0, 21.0, 40.0, 42.0], start=1):
        store.keep(State(rounds=rounds))
        with closing(ProjectFile.open(file.path, read_only=True)) as other:
            kept.append(ProjectStore(other).state().rounds)
    assert kept == [0, 2, 2, 4]


def test_large_pieces_that_steps_share_are_kept_once(file: ProjectFile) -> None:
    store = ProjectStore(file)
    for _ in range(5):
        store.begin(Action("lock"))
        store.commit(rich_state(1.0))
    once = file.rows("SELECT count(*) FROM parts")
    store.begin(Action("lock"))
    store.commit(rich_state(1.0))
    assert file.rows("SELECT count(*) FROM parts") == once
    store.begin(Action("lock"))
    store.commit(rich_state(2.0))
    assert file.rows("SELECT count(*) FROM parts") > once
    store.move(6)
    act(store)
    assert file.rows("SELECT count(*) FROM parts") == once


def test_every_mask_says_where_it_comes_from(file: ProjectFile) -> None:
    store = ProjectStore(file)
    act(store, (1, 0, mask(1)))
    store.provenance = {"network": "ivos-compact", "weights": "abc"}
    act(store, (1, 1, mask(2)), rounds=3)
    act(store, (1, 1, mask(2)), (1, 0, None), rounds=4)
    store.move(2)
    assert store.provenance_of(1, 0) == (store.steps()[0], {"round": 0})
    assert store.provenance_of(1, 1) == (
        store.steps()[1],
        {"round": 3, "network": "ivos-compact", "weights": "abc"},
    )
    store.move(3)
    assert store.provenance_of(1, 0) is None
