"""Objects beside each other on one frame: who gives way to whom, and what comes back."""

from __future__ import annotations

import numpy as np
import pytest

from ivos.errors import InvalidInteraction
from ivos.runtime.protocol import Array
from ivos.session import Session
from ivos.types import Click, Interaction, Mask, Scribble
from tests.fakes import ColourNetworks, MovingSquares
from tests.session.networks import ObedientNetworks

SIZE = (48, 64)


class TakingNetworks(ColourNetworks):
    """Take everything around positive strokes, and less of it once something is negative."""

    def interact(
        self, frame: Array, previous: Array, positive: Array, negative: Array
    ) -> tuple[Array, Array]:
        logits, references = super().interact(frame, previous, positive, negative)
        height, width = frame.shape[2:]
        for b in range(len(frame)):
            ys, xs = np.nonzero(positive[b, 0] > 0.5)
            reach = 1 if (negative[b, 0] > 0.5).any() else height // 4
            rows, columns = np.mgrid[:height, :width]
            inside = (abs(rows - ys.mean()) < reach) & (abs(columns - xs.mean()) < reach)
            logits[b, 0] = np.where(inside, 9.0, -12.0)
        return logits, references


def block(top: int, left: int, bottom: int, right: int) -> Mask:
    mask = np.zeros(SIZE, np.bool_)
    mask[top:bottom, left:right] = True
    return mask


def pixels(session: Session, object_id: int, frame: int) -> int:
    return int((session.soft(object_id, frame) >= 0.5).sum())


TAKE = Scribble(1, ((0.28, 0.5), (0.33, 0.5)))
LEAVE = Scribble(1, ((0.6, 0.3), (0.61, 0.3)), positive=False)


def test_what_an_object_gave_up_to_a_stroke_comes_back_when_the_stroke_is_corrected():
    calls: list[list[Scribble]] = [[TAKE, LEAVE], [TAKE], [LEAVE]]
    sessions = []
    for parts in (calls[:1], calls[1:]):
        session = Session(MovingSquares(size=SIZE), TakingNetworks())
        session.set_masks(0, {2: block(18, 24, 40, 56)}, annotate=False)
        for prompts in parts:
            session.interact(Interaction.of(0, prompts))
        sessions.append(session)
    together, one_by_one = sessions
    np.testing.assert_array_equal(together.labels(0), one_by_one.labels(0))
    session = Session(MovingSquares(size=SIZE), TakingNetworks())
    session.set_masks(0, {2: block(18, 24, 40, 56)}, annotate=False)
    session.interact(Interaction.of(0, [TAKE]))
    assert pixels(session, 2, 0) < pixels(together, 2, 0)


def test_what_an_object_gave_up_to_a_mask_from_elsewhere_stays_given_up():
    session = Session(MovingSquares(size=SIZE), TakingNetworks())
    session.set_masks(0, {2: block(18, 24, 40, 56)}, annotate=False)
    session.interact(Interaction.of(0, [TAKE]))
    session.set_masks(0, {3: block(30, 40, 48, 64)}, annotate=False)
    left = pixels(session, 2, 0)
    session.interact(Interaction.of(0, [TAKE]))
    assert pixels(session, 2, 0) == left
    assert (session.labels(0)[30:48, 40:64] == 3).all()


def test_what_a_round_found_of_another_object_is_not_taken_back_by_strokes_that_wait():
    video = MovingSquares(length=4, size=SIZE)
    session = Session(video, ColourNetworks())
    session.set_masks(1, {2: block(0, 0, 4, 4)}, annotate=False)
    session.interact(video.drawn(1, [1]))
    session.change_object(1, locked=True)
    session.interact(video.drawn(0, [2]))
    list(session.propagate())
    found = session.soft(2, 1)
    session.change_object(1, locked=False)
    session.interact(video.drawn(1, [1]))
    np.testing.assert_array_equal(session.soft(2, 1), found)


def test_strokes_that_are_honoured_leave_no_pixel_that_is_claimed_twice():
    video = MovingSquares(size=SIZE)
    session = Session(video, ObedientNetworks(0.45))
    paths = [((0.2, y), (0.8, y)) for y in (0.3, 0.5, 0.7)]
    session.interact(
        Interaction.of(0, [Scribble(i, path) for i, path in enumerate(paths, start=1)])
    )
    claimed = np.sum([session.soft(i, 0) for i in (1, 2, 3)], axis=0)
    assert claimed.max() <= 1 + 1e-6
    for object_id, path in enumerate(paths, start=1):
        row = int(path[0][1] * SIZE[0])
        assert (session.labels(0)[row, 16:48] == object_id).all()


def test_an_object_that_was_removed_does_not_come_back_in_one_of_the_same_id():
    video = MovingSquares(size=SIZE)
    session = Session(video, ColourNetworks())
    session.interact(video.drawn(0))
    list(session.propagate())
    session.set_masks(3, {1: video.mask(1, 2)}, annotate=False)
    session.interact(video.drawn(5, [2]))
    session.remove_object(1)
    assert session.add_object() == 1
    session.interact(Interaction.of(5, [Click(1, video.point(2, 5), positive=False)]))
    assert pixels(session, 1, 5) == 0
    session.reject(3, [3])
    assert not session.has_mask(1, 3)


def test_rejecting_takes_nothing_from_a_locked_object_and_leaves_nothing_claimed_twice():
    session = Session(MovingSquares(3, SIZE), ColourNetworks())
    old, other = block(5, 5, 25, 25), block(15, 15, 40, 40)
    for locked in (True, False):
        session.set_masks(0, {1: old}, annotate=False)
        session.set_masks(0, {1: block(0, 0, 0, 0)}, annotate=False)
        emptied = session.head
        session.set_masks(0, {2: other}, annotate=False)
        if locked:
            session.lock([0], 2)
        session.reject(emptied, [0], 1)
        first, second = session.soft(1, 0), session.soft(2, 0)
        assert (first + second).max() <= 1
        np.testing.assert_array_equal(second > 0.5, other if locked else other & ~old)
        np.testing.assert_array_equal(first > 0.5, old & ~other if locked else old)
        if locked:
            session.unlock([0], 2)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_masks_of_whole_numbers_are_refused_since_one_may_mean_all_or_nothing(dtype):
    video = MovingSquares(size=SIZE)
    session = Session(video, ColourNetworks())
    with pytest.raises(InvalidInteraction, match=r"give booleans \(mask > 0\) or probabilities"):
        session.set_masks(0, {1: video.mask(1, 0).astype(dtype)}, annotate=False)
    assert session.steps == []
