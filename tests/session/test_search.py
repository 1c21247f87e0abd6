"""An object that goes out of sight and comes back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ivos.masks import Patch
from ivos.metrics import region_similarity
from ivos.session import Session
from ivos.session.jobs import PropagationJob
from ivos.session.search import search, vanished
from ivos.types import Interaction, LabelMap, Mask, Scribble
from tests.fakes import FAKE_SPEC, ColourNetworks, MovingSquares
from tests.session.networks import ObedientNetworks, SearchingNetworks

FOLLOWING = replace(
    FAKE_SPEC, crop_size=32, minimum_side=6.0, neutral_is_everywhere=False, follow_neighbour=True
)


class HiddenSquare(MovingSquares):
    """One square on a grey wall, out of sight in the middle of the video, then at ``after``."""

    def __init__(self, after: tuple[int, int]) -> None:
        super().__init__(length=10, size=(48, 96), count=1)
        self.after = after

    def truth(self, frame: int) -> LabelMap:
        labels = np.zeros(self.size, np.uint8)
        top, left = (12, 10) if frame < 4 else self.after
        if frame not in (4, 5):
            labels[top : top + 12, left : left + 12] = 1
        return labels


def propagated(video: HiddenSquare, networks: ColourNetworks) -> list[Mask]:
    """The masks of all frames after a stroke on the first."""
    session = Session(video, networks)
    ends = ((13 / 96, 15 / 48), (19 / 96, 21 / 48))
    session.interact(Interaction.of(0, [Scribble(1, ends)]))
    for _ in session.propagate():
        pass
    return [session.labels(t) == 1 for t in range(len(video))]


def least_found(video: HiddenSquare, networks: ColourNetworks) -> float:
    """The worst overlap with the square on the frames, after the first, that show it."""
    masks = propagated(video, networks)
    shown = [t for t in range(1, len(video)) if t not in (4, 5)]
    return min(region_similarity(video.truth(t) == 1, masks[t]) for t in shown)


def test_what_comes_out_elsewhere_is_found_again():
    assert least_found(HiddenSquare(after=(30, 78)), SearchingNetworks(FOLLOWING)) > 0.8


def test_what_comes_out_where_it_went_is_found_by_networks_that_never_look_elsewhere():
    assert least_found(HiddenSquare(after=(13, 11)), ColourNetworks(FOLLOWING)) > 0.8


def test_what_is_hidden_is_nowhere_meanwhile():
    masks = propagated(HiddenSquare(after=(13, 11)), SearchingNetworks(FOLLOWING))
    assert not masks[4].any()
    assert not masks[5].any()


def job(area: int) -> PropagationJob:
    """Of networks that say of every pixel that it is the object's."""
    size = (48, 96)
    reference = np.full((8, 2, 2), 9.0, np.float32)
    mask = np.full((1, area), 255, np.uint8)
    frame = np.zeros((*size, 3), np.uint8)
    return PropagationJob(reference, frame, Patch(size, 20, 10, mask), None)


@pytest.mark.parametrize(("largest", "stays_lost"), [(3000, True), (48 * 96, False)])
def test_what_is_far_larger_than_the_object_ever_was_is_not_it(largest, stays_lost):
    networks, asked = ObedientNetworks(spec=FOLLOWING), job(40)
    nothing = Patch.empty(asked.size)
    (patch,) = search(networks, [asked], [nothing], [largest], 32, 8)
    assert (patch is nothing) == stays_lost


def test_only_what_is_lost_is_looked_for():
    networks = SearchingNetworks(FOLLOWING)
    asked = job(40)
    kept = search(networks, [asked], [asked.neighbour], [40], 32, 8)
    assert kept == [asked.neighbour]
    assert networks.batches["propagate"] == []


def test_frames_with_a_mask_from_an_earlier_round_are_left_to_that():
    networks = SearchingNetworks(FOLLOWING)
    nothing = Patch.empty((48, 96))
    asked = replace(job(40), previous=nothing)
    assert search(networks, [asked], [nothing], [40], 32, 8) == [nothing]
    assert networks.batches["propagate"] == []


def test_networks_that_look_at_last_rounds_mask_too_are_not_asked_twice():
    networks = ColourNetworks(replace(FOLLOWING, follow_neighbour=False))
    propagated(HiddenSquare(after=(13, 11)), networks)
    assert len(networks.batches["propagate"]) == 9


@pytest.mark.parametrize(("now", "gone"), [(24, True), (25, False), (0, True), (200, False)])
def test_less_than_a_quarter_of_what_was_there_has_vanished(now, gone):
    full = job(100).neighbour
    assert vanished(Patch(full.size, 0, 0, np.full((1, now), 255, np.uint8)), full) == gone


def test_where_nothing_was_nothing_vanishes():
    empty = Patch.empty((48, 96))
    assert not vanished(empty, empty)
