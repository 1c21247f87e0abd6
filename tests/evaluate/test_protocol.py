"""The rules of the game, played with methods whose answers are known."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np
import pytest
from tests.evaluate.made import Scripted, Ticking
from tests.fakes import MovingSquares

from ivos.errors import InvalidInput
from ivos.evaluate import Protocol, Turn, play
from ivos.evaluate.protocol import Sample
from ivos.types import Interaction, Scribble

VIDEO = MovingSquares(5, (48, 64), 2)
TRUTH = [VIDEO.truth(t) for t in range(5)]
BOTH = Sample("squares", 1, (1, 2))


def without(frames: dict[int, int]) -> np.ndarray:
    """The truth, but an object is missing on some frames: {frame: object}."""
    labels = np.stack(TRUTH)
    for t, key in frames.items():
        labels[t][labels[t] == key] = 0
    return labels


def played(
    answers: Sequence[np.ndarray],
    seconds: Sequence[float] = (),
    rounds: int = 4,
    first: Interaction | None = None,
    **rules: object,
) -> tuple[list[Turn], Scripted]:
    clock = Ticking()
    method = Scripted(clock, answers, seconds)
    protocol = Protocol(rounds=rounds, **rules)  # type: ignore[arg-type]
    begin = [first or VIDEO.drawn(2)]
    return list(play(method, BOTH, VIDEO, TRUTH, begin, protocol, clock)), method


def test_the_user_goes_to_the_worst_frame_that_is_new_to_it():
    answers = [without({0: 1, 3: 1, 4: 2})] * 4
    turns, method = played(answers)
    assert [turn.frame for turn in turns] == [2, 0, 3, 4]
    assert [i.frame for i in method.asked] == [2, 0, 3, 4]
    assert all(turn.strokes for turn in turns)


def test_the_first_frame_may_be_drawn_on_again():
    turns, _ = played([without({2: 1})] * 2, rounds=2)
    assert [turn.frame for turn in turns] == [2, 2]


def test_the_strokes_lie_on_what_is_missing_in_the_last_answer():
    _, method = played([without({3: 2})], rounds=2)
    (stroke,) = method.asked[1].prompts
    assert isinstance(stroke, Scribble)
    assert stroke.object_id == 2
    x, y = np.rint(np.array(stroke.path) * (64, 48)).astype(int).T
    # Most of it: the robot's opening moves small regions by a pixel or two.
    assert (TRUTH[3][y, x] == 2).mean() > 0.6


def test_without_anything_to_draw_the_method_is_not_asked_and_its_masks_stand():
    turns, method = played([np.stack(TRUTH)], rounds=3)
    assert len(method.asked) == 1
    assert [turn.round for turn in turns] == [1, 2, 3]
    assert [turn.strokes for turn in turns] == [2, 0, 0]
    assert [turn.seconds for turn in turns] == [1, 0, 0]
    assert all((turn.J == 1).all() for turn in turns)


def test_the_first_frame_with_no_error_may_still_be_followed_by_others():
    # All frames are equally right, so the user looks at one after the other.
    turns, _ = played([np.stack(TRUTH)], rounds=4)
    assert [turn.frame for turn in turns] == [2, 0, 1, 2]


def test_an_answer_after_the_time_limit_is_not_scored_and_ends_the_session():
    wrong = without({0: 1, 1: 1, 3: 1})
    turns, method = played([wrong] * 3, seconds=[10, 10, 30], max_seconds=20)
    assert [turn.round for turn in turns] == [1, 2]  # 2 objects: 40 s, over at 50
    assert len(method.asked) == 3
    turns, _ = played([without({0: 1})] * 3, seconds=[41, 1, 1], max_seconds=20)
    assert turns == []


def test_without_a_limit_all_rounds_are_played():
    turns, _ = played([without({0: 1})] * 3, seconds=[1e6], rounds=1, max_seconds=inf)
    assert [turn.seconds for turn in turns] == [1e6]


def test_the_time_to_start_counts_as_part_of_the_first_round():
    clock = Ticking()

    class Slow(Scripted):
        def start(self, *args: object) -> None:
            clock.now += 5

    method = Slow(clock, [without({})])
    (turn,) = play(method, BOTH, VIDEO, TRUTH, [VIDEO.drawn(2)], Protocol(rounds=1), clock)
    assert turn.seconds == 6


def test_the_metric_decides_which_frame_is_worst():
    # Frame 1: half of object 1 is missing. Frame 3: its outline is eaten away.
    labels = np.stack(TRUTH)
    top, left = VIDEO.corner(1, 1)
    labels[1][top : top + 6, left : left + 12] = 0
    top, left = VIDEO.corner(1, 3)
    inner = labels[3][top + 3 : top + 9, left + 3 : left + 9].copy()
    labels[3][labels[3] == 1] = 0
    labels[3][top + 3 : top + 9, left + 3 : left + 9] = inner
    by = {m: played([labels], rounds=2, metric=m)[0][1].frame for m in ("J", "F", "J_AND_F")}
    turns, _ = played([labels], rounds=1)
    assert by["J"] == int(turns[0].J.mean(axis=0).argmin())
    assert by["F"] == int(turns[0].F.mean(axis=0).argmin())
    assert by["J_AND_F"] == int((turns[0].J + turns[0].F).mean(axis=0).argmin())


def test_rows_hold_every_object_on_every_frame():
    (turn,) = played([without({3: 2})], rounds=1)[0]
    rows = list(turn.rows())
    assert len(rows) == 10
    assert [(r.sequence, r.scribble_set, r.round, r.seconds) for r in rows] == [
        ("squares", 1, 1, 1.0)
    ] * 10
    assert [(r.frame, r.object) for r in rows[6:8]] == [(3, 1), (3, 2)]
    assert [r.J for r in rows[6:8]] == [1, 0]


def test_masks_of_another_shape_are_refused():
    with pytest.raises(InvalidInput, match=r"shape \(4, 48, 64\), not \(5, 48, 64\)"):
        played([np.zeros((4, 48, 64))])


@pytest.mark.parametrize(
    ("rules", "what"),
    [
        ({"rounds": 0}, "at least 1"),
        ({"metric": "IoU"}, "J, F, J_AND_F"),
        ({"max_seconds": 0}, "more than 0"),
    ],
)
def test_impossible_rules_are_refused(rules: dict[str, object], what: str):
    with pytest.raises(InvalidInput, match=what):
        Protocol(**rules)  # type: ignore[arg-type]
