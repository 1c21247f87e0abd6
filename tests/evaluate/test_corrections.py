"""Correction gain, carry, and J without strokes."""

from __future__ import annotations

import numpy as np
import pytest
from tests.fakes import ColourNetworks, MovingSquares

from ivos.evaluate import Answer, Turn
from ivos.evaluate.corrections import (
    corrections,
    first_frame_similarity,
    no_stroke_similarity,
)
from ivos.evaluate.protocol import Sample
from ivos.runtime.protocol import Array

ONE = Sample("one", 1, (1,))


def turn(number: int, frame: int, J: list[float], strokes: int = 1, sample: Sample = ONE) -> Turn:
    similarity = np.array([J])
    answer = Answer(np.zeros((0, 0, 0), np.uint8))
    return Turn(sample, number, frame, strokes, 1.0, answer, similarity, similarity)


def test_a_correction_is_what_a_round_did_to_the_frame_it_drew_on():
    turns = [
        turn(1, 0, [0.9, 0.2, 0.4, 0.5]),
        turn(2, 1, [0.9, 0.8, 0.7, 0.5]),
        turn(3, 2, [0.9, 0.8, 0.9, 0.9]),
    ]
    found = corrections(turns)
    assert found.count == 2
    assert found.before == pytest.approx((0.2 + 0.7) / 2)
    assert found.after == pytest.approx((0.8 + 0.9) / 2)
    assert found.gain == pytest.approx((0.6 + 0.2) / 2)
    assert found.carry == pytest.approx((0.3 / 3 + 0.4 / 3) / (0.6 + 0.2))


def test_the_first_frame_is_judged_after_the_first_scribbles_alone():
    other = Sample("other", 1, (1,))
    turns = [turn(1, 1, [0.1, 0.6]), turn(2, 1, [0.9, 0.9]), turn(1, 0, [0.8, 0.2], sample=other)]
    assert first_frame_similarity(turns) == pytest.approx(0.7)
    assert first_frame_similarity([]) is None


def test_frames_that_were_right_already_do_not_hide_what_was_carried():
    before, after = [0.2, 0.3, 0.9, 0.9, 0.9], [0.8, 0.6, 0.9, 0.9, 0.9]
    found = corrections([turn(1, 4, before), turn(2, 0, after)])
    assert found.carry == pytest.approx(0.3 / 4 / 0.6)
    assert found.carry_where_wrong == pytest.approx(0.3 / 0.6)


def test_frames_further_away_than_ten_do_not_matter():
    before, after = [0.0] * 30, [0.0] * 30
    after[15], after[5], after[4] = 1.0, 0.5, 1.0
    found = corrections([turn(1, 3, before), turn(2, 15, after)])
    assert found.carry == pytest.approx(0.5 / 20)


def test_rounds_without_strokes_and_other_sessions_are_not_corrections():
    other = Sample("other", 1, (1,))
    turns = [turn(1, 0, [0.5]), turn(2, 0, [0.9], strokes=0), turn(1, 0, [0.1], sample=other)]
    found = corrections(turns)
    assert (found.count, found.before, found.after, found.carry) == (0, None, None, None)


def test_carry_is_unknown_where_corrections_made_nothing_better():
    found = corrections([turn(1, 0, [0.5, 0.5]), turn(2, 0, [0.4, 0.6])])
    assert found.gain == pytest.approx(-0.1)
    assert found.carry is None


class Saliency(ColourNetworks):
    """Finds whatever is colourful, asked or not."""

    def interact(
        self, frame: Array, previous: Array, positive: Array, negative: Array
    ) -> tuple[Array, Array]:
        _, references = super().interact(frame, previous, positive, negative)
        colourful = frame.max(axis=1, keepdims=True) - frame.min(axis=1, keepdims=True) > 0.2
        return np.where(colourful, 9, -9).astype(np.float32), references


def test_a_network_that_listens_finds_nothing_unasked():
    video = MovingSquares(6)
    truth = [video.truth(t) for t in range(6)]
    assert no_stroke_similarity(ColourNetworks(), video, truth) == 0
    seen = no_stroke_similarity(Saliency(), video, truth)
    assert seen is not None
    assert seen > 0.7


def test_frames_without_any_object_are_not_looked_at():
    video = MovingSquares(3)
    empty = np.zeros(video.size, np.uint8)
    assert no_stroke_similarity(Saliency(), video, [empty] * 3) is None
    alone = [
        no_stroke_similarity(
            Saliency(), video, [video.truth(t) if t == shown else empty for t in range(3)]
        )
        for shown in range(3)
    ]
    together = no_stroke_similarity(Saliency(), video, [video.truth(t) for t in range(3)])
    assert together == pytest.approx(np.mean(np.array(alone, np.float64)))
    assert together is not None
    assert together > 0.5
