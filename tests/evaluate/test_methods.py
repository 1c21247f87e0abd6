"""The methods that can be evaluated, on videos that are easy for each."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from tests.fakes import ColourNetworks, MovingSquares

from ivos.evaluate import Method
from ivos.evaluate.grabcut import GrabCutFlow
from ivos.evaluate.session_methods import CopyMasks, InteractionOnly, SessionMethod
from ivos.types import Interaction, Scribble


def iou(truth: np.ndarray, labels: np.ndarray, key: int) -> float:
    a, b = truth == key, labels == key
    return float((a & b).sum() / max((a | b).sum(), 1))


def drawn(video: MovingSquares, frame: int) -> Interaction:
    """Strokes from corner to corner, as the simulated user draws: GrabCut needs to see the size."""
    return Interaction.of(
        frame,
        [
            Scribble(key, tuple(video.point(key, frame, at) for at in (0.05, 0.5, 0.95)))
            for key in video.object_ids
        ],
    )


def ours(kind: Callable[..., Method]) -> Method:
    return kind(ColourNetworks(), clock=time.monotonic)


ALL = [
    lambda: ours(SessionMethod),
    lambda: ours(CopyMasks),
    lambda: ours(InteractionOnly),
    lambda: GrabCutFlow(clock=time.monotonic),
]


@pytest.mark.parametrize("make", ALL)
def test_the_drawn_frame_is_right_and_the_answer_covers_the_video(make: Callable[[], Method]):
    video, method = MovingSquares(5, (60, 80)), make()
    method.start(video, (1, 2))
    answer = method.interact(drawn(video, 2))
    assert answer.labels.shape == (5, 60, 80)
    assert answer.labels.dtype == np.uint8
    assert min(iou(video.truth(2), answer.labels[2], key) for key in (1, 2)) > 0.6


@pytest.mark.parametrize("make", ALL)
def test_a_new_start_forgets_everything(make: Callable[[], Method]):
    video, method = MovingSquares(4, (60, 80)), make()
    method.start(video, (1, 2))
    once = method.interact(drawn(video, 1)).labels
    method.interact(drawn(video, 3))
    method.start(video, (1, 2))
    np.testing.assert_array_equal(method.interact(drawn(video, 1)).labels, once)


def test_ivos_carries_the_masks_to_all_frames_and_says_how_many():
    video, method = MovingSquares(6), ours(SessionMethod)
    method.start(video, (1, 2))
    answer = method.interact(drawn(video, 2))
    assert answer.propagated == 5
    assert answer.interacting > 0
    assert answer.propagating > 0
    assert min(iou(video.truth(t), answer.labels[t], 1) for t in range(6)) > 0.5


def test_ivos_names_its_weights():
    assert ours(SessionMethod).weights == ("colour", "0" * 64)
    assert GrabCutFlow(clock=time.monotonic).weights is None


def test_the_interaction_network_alone_leaves_other_frames_empty():
    video, method = MovingSquares(5), ours(InteractionOnly)
    method.start(video, (1, 2))
    method.interact(drawn(video, 1))
    answer = method.interact(drawn(video, 3))
    assert [bool(labels.any()) for labels in answer.labels] == [False, True, False, True, False]
    assert answer.propagated == 0


def test_copied_masks_are_those_of_the_nearest_drawn_frame():
    video, method = MovingSquares(6), ours(CopyMasks)
    method.start(video, (1, 2))
    method.interact(drawn(video, 0))
    labels = method.interact(drawn(video, 4)).labels
    for t, source in ((1, 0), (2, 0), (3, 4), (5, 4)):
        np.testing.assert_array_equal(labels[t], labels[source])
    assert (labels[0] != labels[4]).any()


def test_flow_carries_a_cut_and_drawn_frames_stay():
    video, method = MovingSquares(5, (90, 120), 1), GrabCutFlow(clock=time.monotonic)
    method.start(video, (1,))
    first = method.interact(drawn(video, 0))
    assert first.propagated == 4
    assert iou(video.truth(1), first.labels[1], 1) > 0.5
    second = method.interact(drawn(video, 4))
    assert second.propagated == 3
    np.testing.assert_array_equal(second.labels[0], first.labels[0])


def test_grabcut_takes_negative_strokes_away():
    video, method = MovingSquares(2, (60, 80), 1), GrabCutFlow(clock=time.monotonic)
    method.start(video, (1,))
    method.interact(drawn(video, 0))
    height, width = video.size
    top, left = video.corner(1, 0)
    path = tuple(((left + 2 + k) / width, (top + 2) / height) for k in range(10))
    away = Interaction.of(0, [Scribble(0, path)])
    labels = method.interact(away).labels[0]
    assert not labels[top + 2, left + 4 : left + 10].any()


def test_grabcut_repeats_exactly():
    video = MovingSquares(3, (60, 80))
    found = []
    for _ in range(2):
        method = GrabCutFlow(clock=time.monotonic, seed=3)
        method.start(video, (1, 2))
        found.append(method.interact(drawn(video, 1)).labels)
    np.testing.assert_array_equal(*found)
