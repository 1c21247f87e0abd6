"""Undo, redo, replay, and everything that a session changes without drawing."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ivos.errors import CannotDo, InvalidInteraction
from ivos.session import MemoryStore, Session, SessionView, State
from ivos.session.journal import Action
from ivos.types import Box, Click, Interaction, PaintedMask, Scribble
from tests.fakes import ColourNetworks, MovingSquares
from tests.session.networks import ObedientNetworks


def masks_of(session: Session) -> dict[tuple[int, int], bytes]:
    found = {}
    for object_id in session.object_ids:
        for frame in range(len(session.video)):
            soft = session.soft(object_id, frame)
            if soft is not None:
                found[object_id, frame] = soft.tobytes()
    return found


def snapshot(session: Session) -> tuple[object, ...]:
    return session.state.to_json(), masks_of(session)


def busy(session: Session) -> None:
    """One step of every kind."""
    video = session.video
    assert isinstance(video, MovingSquares)
    session.interact(video.drawn(3, [1]))
    for _ in session.propagate():
        pass
    session.add_object(2, name="the other", colour=(1, 2, 3))
    session.interact(video.drawn(5, [2]))
    going = session.propagate(backward=False)
    next(going), next(going)
    going.close()
    session.set_masks(0, {2: video.mask(2, 0), 9: video.mask(1, 0)}, annotate=False)
    session.set_masks(6, {1: video.mask(1, 6).astype(np.float32) * 0.7}, annotate=True)
    session.interact(Interaction.of(6, [PaintedMask(2, video.mask(2, 6)), Click(0, (0.9, 0.9))]))
    session.lock([1, 2])
    session.unlock([1], 1)
    for _ in session.propagate(barriers=[2]):
        pass
    session.reject(session.head, [4, 5])
    session.change_object(9, hidden=True, locked=True)
    session.remove_object(9)
    session.interact(Interaction.of(7, [Box(1, (0.1, 0.1), (0.6, 0.6))]))


def test_everything_can_be_undone_and_done_again():
    session = Session(MovingSquares(length=8), ColourNetworks())
    seen = [snapshot(session)]
    busy(session)
    total = session.head
    for _ in range(total):
        session.undo()
    assert not session.can_undo
    assert snapshot(session) == seen[0]
    for _ in range(total):
        session.redo()
        seen.append(snapshot(session))
    assert not session.can_redo
    for number in range(total, 0, -1):
        assert snapshot(session) == seen[number]
        assert session.undo().number == number
    assert snapshot(session) == seen[0]


def test_nothing_to_undo_or_redo_is_said():
    session = Session(MovingSquares(), ColourNetworks())
    with pytest.raises(CannotDo, match="nothing to undo"):
        session.undo()
    with pytest.raises(CannotDo, match="nothing to redo"):
        session.redo()


def test_a_new_step_drops_what_was_undone():
    video = MovingSquares()
    session = Session(video, ColourNetworks())
    session.interact(video.drawn(1))
    session.interact(video.drawn(2))
    session.undo()
    session.interact(video.drawn(3))
    assert not session.can_redo
    assert [step.action.frame for step in session.steps] == [1, 3]
    assert not session.has_mask(1, 2)


def test_strokes_after_an_undo_start_from_the_right_masks():
    video = MovingSquares(count=1)
    once = Session(video, ColourNetworks())
    once.interact(video.drawn(3))
    again = Session(video, ColourNetworks())
    again.interact(Interaction.of(3, [Click(1, (0.9, 0.9))]))
    again.undo()
    again.interact(video.drawn(3))
    assert masks_of(once) == masks_of(again)


def test_the_same_actions_give_the_same_bits():
    sessions = [Session(MovingSquares(length=8), ColourNetworks()) for _ in range(2)]
    for session in sessions:
        busy(session)
    assert snapshot(sessions[0]) == snapshot(sessions[1])
    actions = [[step.action.to_json() for step in session.steps] for session in sessions]
    assert actions[0] == actions[1]


def test_a_state_survives_json_exactly():
    session = Session(MovingSquares(length=8), ColourNetworks())
    busy(session)
    written = json.loads(json.dumps(session.state.to_json()))
    state = State.from_json(written)
    assert state.to_json() == session.state.to_json()
    for object_id, reference in session.state.references.items():
        assert state.references[object_id].dtype == np.float16
        np.testing.assert_array_equal(state.references[object_id], reference)
    assert State.from_json(State().to_json()).to_json() == State().to_json()


@pytest.mark.parametrize("damage", [{}, {"objects": 3}, [], {"open": [{}]}])
def test_json_that_is_no_state_is_refused(damage):
    data = {**State().to_json(), **damage} if damage and isinstance(damage, dict) else damage
    with pytest.raises(ValueError, match="not a session's state"):
        State.from_json(data)


def test_actions_survive_json_exactly():
    third = 1 / 3
    prompts = (
        Scribble(0, ((third, 0.1), (0.2, 0.7))),
        Scribble(3, ((0.0, 1.0),), positive=False),
        Click(254, (third, third)),
        Box(1, (0.1, third), (0.9, 0.95)),
    )
    action = Action("interact", 7, Interaction(7, prompts), {"a": [1, None]})
    assert Action.from_json(json.loads(json.dumps(action.to_json()))) == action
    mask = np.random.default_rng(0).random((5, 7)) > 0.5
    painted = Action("interact", 0, Interaction(0, (PaintedMask(2, mask),)))
    back = Action.from_json(json.loads(json.dumps(painted.to_json()))).interaction
    assert back is not None
    prompt = back.prompts[0]
    assert isinstance(prompt, PaintedMask)
    np.testing.assert_array_equal(prompt.mask, mask)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"kind": "dance", "frame": 0, "prompts": None, "details": {}},
        {"kind": "interact", "frame": 0, "prompts": [{}], "details": {}},
        {"kind": "interact", "frame": 0, "prompts": [{"kind": "wish", "object": 1}], "details": {}},
        {"kind": "interact", "frame": 0, "prompts": 3, "details": {}},
    ],
)
def test_json_that_is_no_action_is_refused(data):
    with pytest.raises(ValueError, match="action|prompt"):
        Action.from_json(data)


def test_a_store_puts_everything_back_when_a_step_is_given_up():
    video = MovingSquares()
    store = MemoryStore()
    session = Session(video, ColourNetworks(), store=store)
    session.interact(video.drawn(1))
    session.interact(video.drawn(2))
    session.undo()
    before = snapshot(session)
    store.begin(Action("remove"))
    store.put(1, 1, None)
    assert store.mask(1, 1) is None
    assert store.mask_before(2, 1, 1) is not None
    store.abort()
    assert snapshot(session) == before
    assert session.can_redo


def test_a_store_tells_what_a_mask_was_before_each_step():
    video = MovingSquares(count=1, length=2)
    store = MemoryStore()
    session = Session(video, ObedientNetworks(), store=store)
    for value in (1, 2, 3):
        session.set_masks(0, {1: np.full(video.size, value / 10, np.float32)}, annotate=False)
    found = [store.mask_before(step, 1, 0) for step in (1, 2, 3, 4)]
    assert found[0] is None
    levels = [float(packed.soft().max()) for packed in found if packed is not None]
    assert levels == pytest.approx([0.1, 0.2, 0.3], abs=0.01)
    assert store.changes(2) == [(1, 0)]


def test_misuse_of_a_store_is_our_own_mistake():
    store = MemoryStore()
    with pytest.raises(RuntimeError, match="no step is open"):
        store.put(1, 1, None)
    store.begin(Action("lock"))
    with pytest.raises(RuntimeError, match="open already"):
        store.begin(Action("lock"))
    with pytest.raises(RuntimeError, match="a step is open"):
        store.move(0)
    store.abort()
    with pytest.raises(ValueError, match="no step 7"):
        store.move(7)


# Objects


def test_objects_have_names_and_the_palettes_colours_until_changed():
    session = Session(MovingSquares(), ColourNetworks())
    assert session.add_object() == 1
    assert session.add_object(7, name="seven") == 7
    assert session.add_object() == 2
    session.change_object(2, name="two", colour=(9, 8, 7), hidden=True)
    assert [(o.object_id, o.name, o.colour, o.hidden) for o in session.objects] == [
        (1, "Object 1", (128, 0, 0), False),
        (2, "two", (9, 8, 7), True),
        (7, "seven", (128, 128, 128), False),
    ]
    session.change_object(2, hidden=False)
    assert not session.objects[1].hidden


@pytest.mark.parametrize("object_id", [0, -1, 255, 1])
def test_ids_that_are_taken_or_impossible_are_refused(object_id):
    session = Session(MovingSquares(), ColourNetworks())
    session.add_object(1)
    with pytest.raises(InvalidInteraction, match=f"object (id )?{object_id}"):
        session.add_object(object_id)


def test_254_objects_are_the_most():
    session = Session(MovingSquares(), ColourNetworks())
    for expected in range(1, 255):
        assert session.add_object() == expected
    with pytest.raises(InvalidInteraction, match="254 objects already"):
        session.add_object()


def test_a_removed_object_is_gone_from_every_frame():
    video = MovingSquares(length=5)
    session = Session(video, ColourNetworks())
    session.interact(video.drawn(2))
    for _ in session.propagate():
        pass
    session.remove_object(1)
    assert session.object_ids == (2,)
    assert set(np.unique(session.labels(1))) == {0, 2}
    assert 1 not in session.state.annotated
    with pytest.raises(InvalidInteraction, match="no object 1; objects: 2"):
        session.remove_object(1)
    list(session.propagate())
    session.undo()
    session.undo()
    assert set(np.unique(session.labels(1))) == {0, 1, 2}


# Masks from elsewhere


def test_imported_masks_are_kept_as_they_are_and_not_annotated():
    video = MovingSquares()
    session = Session(video, ColourNetworks())
    session.set_masks(2, {1: video.mask(1, 2), 2: video.mask(2, 2)}, annotate=False)
    np.testing.assert_array_equal(session.labels(2), video.truth(2))
    assert session.annotated_frames == ()
    with pytest.raises(InvalidInteraction, match="nothing to propagate"):
        session.propagate()


def test_annotated_masks_are_propagated():
    video = MovingSquares(length=6)
    session = Session(video, ColourNetworks())
    session.set_masks(2, {i: video.mask(i, 2) for i in (1, 2)}, annotate=True)
    assert session.annotated_frames == (2,)
    list(session.propagate())
    assert (session.labels(5) == video.truth(5)).mean() > 0.98
    np.testing.assert_array_equal(session.labels(2), video.truth(2))


def test_strokes_after_an_import_start_from_it():
    video = MovingSquares(count=1)
    session = Session(video, ObedientNetworks(0.0))
    session.interact(Interaction.of(2, [Click(1, (0.5, 0.5))]))
    session.set_masks(2, {1: video.mask(1, 2)}, annotate=False)
    session.networks = ColourNetworks()
    session.interact(Interaction.of(2, [Click(1, (0.99, 0.99), positive=False)]))
    assert (session.labels(2) == video.truth(2)).mean() > 0.97


def test_masks_that_cannot_be_used_are_refused():
    video = MovingSquares()
    session = Session(video, ColourNetworks())
    good = video.mask(1, 0)
    nan = np.full(video.size, np.nan, np.float32)
    for frame, masks, words in [
        (0, {}, "no mask to set"),
        (99, {1: good}, "frame 99 is not in moving-squares: it has frames 0..11"),
        (0, {1: good.T}, r"shape \(64, 48\), but the video has \(48, 64\)"),
        (0, {255: good}, "object id 255 is outside 1..254"),
        (0, {1: nan}, "no numbers"),
    ]:
        with pytest.raises(InvalidInteraction, match=words):
            session.set_masks(frame, masks, annotate=False)
    assert session.steps == []
    painted = Interaction.of(0, [PaintedMask(1, good.T.copy())])
    with pytest.raises(InvalidInteraction, match="shape"):
        session.interact(painted)
    with pytest.raises(InvalidInteraction, match="frame 12 is not in"):
        session.interact(video.drawn(0).__class__(12, video.drawn(0).prompts))


# Looking


def test_rejecting_puts_the_masks_from_before_back():
    video = MovingSquares(length=6, count=1)
    networks = ObedientNetworks(1.0)
    session = Session(video, networks)
    session.interact(video.drawn(0))
    list(session.propagate())
    networks.answer = 0.7
    session.interact(video.drawn(0))
    list(session.propagate())
    session.lock([5])
    session.reject(4, [2, 3, 5])
    shown = [round(float(session.soft(1, t).max()), 1) for t in (1, 2, 3, 4, 5)]
    assert shown == [0.7, 1, 1, 0.7, 0.7]
    session.undo()
    assert session.soft(1, 2).max() < 0.8
    with pytest.raises(InvalidInteraction, match="no step 9"):
        session.reject(9, [1])


def test_change_tells_how_much_the_last_round_moved():
    video = MovingSquares(length=4, count=1)
    networks = ObedientNetworks(1.0)
    session = Session(video, networks)
    assert session.change(1, 0) is None
    session.interact(video.drawn(0))
    list(session.propagate())
    assert session.change(1, 2) == 1
    half = np.zeros(video.size, np.bool_)
    half[:24] = True
    session.set_masks(2, {1: half}, annotate=False)
    assert session.change(1, 2, session.head) == pytest.approx(0.5)
    assert session.change(1, 3, session.head) == 0
    with pytest.raises(InvalidInteraction, match="no step 8"):
        session.change(1, 2, 8)


def test_confidence_falls_with_doubt():
    video = MovingSquares(count=1)
    session = Session(video, ColourNetworks())
    found = []
    for frame, value in enumerate((1.0, 0.8, 0.55, 0.45)):
        session.set_masks(frame, {1: np.full(video.size, value, np.float32)}, annotate=False)
        found.append(session.confidence(1, frame))
    assert found[0] == 1
    assert found[1] == pytest.approx(0.8, abs=0.01)
    assert found == sorted(found, reverse=True)
    session.set_masks(5, {1: np.zeros(video.size, np.bool_)}, annotate=False)
    assert session.confidence(1, 5) == 1
    assert session.confidence(1, 6) is None


def test_labels_of_a_frame_outside_the_video_are_refused():
    session = Session(MovingSquares(), ColourNetworks())
    with pytest.raises(InvalidInteraction, match="frame 12 is not in"):
        session.labels(12)


def test_a_view_shows_the_same_without_any_network():
    video = MovingSquares(length=5)
    store = MemoryStore()
    session = Session(video, ColourNetworks(), store=store)
    session.interact(video.drawn(2))
    list(session.propagate())
    view = SessionView(video, store)
    np.testing.assert_array_equal(view.labels(4), session.labels(4))
    assert view.objects == session.objects
    assert view.annotated_frames == (2,)
