"""Rounds: drawing, propagating, correcting; none of the known defects of the published demo."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from ivos.errors import CannotDo, InvalidInteraction
from ivos.metrics import region_similarity
from ivos.runtime.protocol import Array
from ivos.session import MemoryStore, Session, Settings
from ivos.types import Box, Click, Interaction, PaintedMask, Scribble
from tests.fakes import FAKE_SPEC, ColourNetworks, MovingSquares
from tests.session.networks import (
    BrokenNetworks,
    ObedientNetworks,
    RecordingNetworks,
)

LEVEL = 15 / 255
"""How far a propagated mask is from what was found, at most: it is kept in 18 levels."""

ODD_SIZES = [(17, 31), (31, 17), (48, 64), (90, 50)]


class FoundAndLost(ColourNetworks):
    """Finds everything at the first look, and nothing at all where it looks closer."""

    looks = 0

    def interact(
        self, frame: Array, previous: Array, positive: Array, negative: Array
    ) -> tuple[Array, Array]:
        logits, references = super().interact(frame, previous, positive, negative)
        self.looks += len(frame)
        return np.full_like(logits, 9.0 if self.looks <= 1 else -9.0), references


def drawn(video: MovingSquares, frame: int, *object_ids: int, **how: object) -> Session:
    """A session in which objects were pointed out on a frame, not yet propagated."""
    session = Session(video, ColourNetworks(), **how)  # type: ignore[arg-type]
    session.interact(video.drawn(frame, object_ids or None))
    return session


def run(session: Session, **where: object) -> list[int]:
    """Propagate to the end; the frames that were visited."""
    return [progress.frame for progress in session.propagate(**where)]  # type: ignore[arg-type]


def everything(session: Session) -> np.ndarray:
    return np.stack([session.labels(t) for t in range(len(session.video))])


def score(session: Session, video: MovingSquares, frame: int) -> float:
    labels, truth = session.labels(frame), video.truth(frame)
    return float(np.mean([region_similarity(truth == i, labels == i) for i in video.object_ids]))


def whole(size: tuple[int, int], value: bool = True) -> np.ndarray:
    return np.full(size, value, np.bool_)


# The first round


def test_a_stroke_becomes_a_mask_of_its_frame_at_once():
    video = MovingSquares()
    session = drawn(video, 4)
    assert score(session, video, 4) > 0.9
    assert not session.labels(5).any()
    assert session.soft(1, 5) is None


@pytest.mark.parametrize("size", ODD_SIZES)
def test_one_stroke_finds_the_objects_in_every_frame(size):
    video = MovingSquares(length=7, size=size)
    session = drawn(video, 3)
    assert sorted(run(session)) == [0, 1, 2, 4, 5, 6]
    for frame in range(7):
        assert session.labels(frame).shape == size
        assert score(session, video, frame) > 0.8


def test_a_video_of_one_frame_has_nowhere_to_go():
    video = MovingSquares(length=1)
    session = drawn(video, 0)
    assert run(session) == []
    assert session.rounds == 1
    assert score(session, video, 0) > 0.9


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 1)])
def test_a_video_may_be_a_pixel_high_or_wide(size):
    video = MovingSquares(length=2, size=size, count=1)
    session = Session(video, ColourNetworks())
    session.interact(video.drawn(0))
    assert run(session) == [1]
    assert (session.labels(0) == video.truth(0)).all()


def test_many_objects_are_found_together_and_share_each_call():
    video = MovingSquares(length=3, size=(84, 84), count=6)
    session = drawn(video, 1)
    run(session)
    assert session.networks.batches["interact"] == [6]
    assert session.networks.batches["propagate"] == [12]
    assert min(score(session, video, t) for t in range(3)) > 0.8


def test_both_directions_go_through_the_network_as_one_batch():
    session = drawn(MovingSquares(length=6), 2)
    assert run(session) == [3, 1, 4, 0, 5]
    assert session.networks.batches["propagate"] == [4, 4, 2]


def test_a_batch_comes_to_the_same_as_its_items_one_by_one():
    video = MovingSquares(length=5, size=(60, 80), count=4)
    together = drawn(video, 2)
    singly = drawn(video, 2, settings=Settings(max_batch=1))
    run(together), run(singly)
    np.testing.assert_array_equal(everything(together), everything(singly))
    assert set(singly.networks.batches["propagate"]) == {1}


def test_the_first_previous_mask_is_neutral_and_seen_in_the_whole_frame():
    video = MovingSquares(length=3)
    networks = RecordingNetworks()
    session = Session(video, networks)
    session.interact(video.drawn(1))
    run(session)
    assert (networks.interactions[0]["previous"] == 0.5).all()
    assert (networks.propagations[0]["previous"] == 0.5).all()
    top_left = networks.interactions[0]["frame"][0, :, 0, 0] * 255
    np.testing.assert_allclose(top_left, video[1][0, 0], atol=1)


def test_the_first_round_may_look_again_around_what_it_found():
    video = MovingSquares(length=1, size=(120, 160), count=1)
    networks = RecordingNetworks(replace(FAKE_SPEC, zoom_first_round=True))
    Session(video, networks).interact(video.drawn(0))
    first, second = (call["positive"].sum() for call in networks.interactions)
    assert second > 2 * first
    assert (networks.interactions[1]["previous"] == 0.5).all()


@pytest.mark.parametrize("looks", [0, 1, 2])
def test_closer_looks_are_as_many_as_the_network_wants_and_may_know_what_was_found(looks):
    video = MovingSquares(length=1, size=(120, 160), count=1)
    spec = replace(FAKE_SPEC, zoom_first_round=True, zoom_looks=looks, zoom_with_found=True)
    networks = RecordingNetworks(spec)
    session = Session(video, networks)
    session.interact(video.drawn(0))
    assert len(networks.interactions) == 1 + looks
    for closer in networks.interactions[1:]:
        assert closer["previous"].max() == 1
        assert closer["previous"].min() == 0


class Comb(MovingSquares):
    """A large object of bars and gaps that are finer than a crop of the whole."""

    def truth(self, frame: int) -> np.ndarray:
        labels = np.zeros(self.size, np.uint8)
        labels[40:200, 40:280] = 1
        labels[50:200, 40:280:6] = labels[50:200, 41:280:6] = labels[50:200, 42:280:6] = 0
        return labels


class RedNetworks(RecordingNetworks):
    """Find what is red, as far as a crop shows it."""

    def interact(self, frame, previous, positive, negative):
        _, reference = super().interact(frame, previous, positive, negative)
        return (frame[:, :1] - frame[:, 1:2] - 0.3) * 40, reference


def test_what_is_drawn_on_is_looked_at_in_detail_and_remembered_as_a_whole():
    video = Comb(length=2, size=(240, 320), count=1)
    found: dict[float, float] = {}
    remembered = []
    for side in (0.0, 60.0):
        networks = RedNetworks(replace(FAKE_SPEC, detail_side=side))
        session = Session(video, networks)
        session.interact(video.drawn(0))
        found[side] = score(session, video, 0)
        run(session)
        remembered.append(networks.propagations[0]["reference"])
    assert found[60.0] > found[0.0] + 0.2
    np.testing.assert_array_equal(*remembered)


def test_what_was_found_is_told_early_before_it_is_looked_at_in_detail():
    video = Comb(length=1, size=(240, 320), count=1)
    networks = RedNetworks(replace(FAKE_SPEC, detail_side=60.0))
    plain = Session(video, RedNetworks(FAKE_SPEC))
    plain.interact(video.drawn(0))
    session = Session(video, networks)
    early = []
    looks = []

    def told(masks):
        early.append(masks)
        looks.append(len(networks.interactions))
        assert not session.has_mask(1, 0)

    session.interact(video.drawn(0), early=told)
    assert looks == [1]
    assert len(networks.interactions) > 1
    np.testing.assert_array_equal(early[0][1].mask(), plain.labels(0) == 1)
    assert (early[0][1].mask() != (session.labels(0) == 1)).any()


def test_nothing_is_told_early_where_the_first_answer_is_the_last():
    video = MovingSquares(length=1, size=(120, 160), count=1)
    session = Session(video, RecordingNetworks(replace(FAKE_SPEC, detail_side=60.0)))
    early = []
    session.interact(video.drawn(0), early=early.append)
    assert early == []
    assert session.has_mask(1, 0)


def test_painted_masks_are_remembered_without_a_look_in_detail():
    video = Comb(length=1, size=(240, 320), count=1)
    networks = RedNetworks(replace(FAKE_SPEC, detail_side=60.0))
    session = Session(video, networks)
    session.set_masks(0, {1: video.mask(1, 0)}, annotate=True)
    assert len(networks.interactions) == 1
    np.testing.assert_array_equal(session.labels(0) == 1, video.mask(1, 0))


def test_what_the_look_in_detail_does_not_find_at_all_is_gone():
    video = MovingSquares(length=1, size=(200, 200), count=1)
    networks = FoundAndLost(replace(FAKE_SPEC, detail_side=50))
    session = Session(video, networks)
    session.interact(video.drawn(0))
    assert networks.looks > 2
    assert not session.labels(0)[:, 150:].any()


def test_small_objects_have_no_parts():
    video = MovingSquares(length=1, size=(120, 160), count=1)
    networks = RecordingNetworks(replace(FAKE_SPEC, detail_side=60.0))
    Session(video, networks).interact(video.drawn(0))
    assert len(networks.interactions) == 1


def test_drawing_on_an_object_that_was_lost_looks_everywhere_again():
    video = MovingSquares(length=1, size=(120, 160), count=1)
    networks = RecordingNetworks(replace(FAKE_SPEC, zoom_first_round=True))
    session = Session(video, networks)
    session.set_masks(0, {1: whole(video.size, False)}, annotate=False)
    session.interact(video.drawn(0))
    fresh = RecordingNetworks(replace(FAKE_SPEC, zoom_first_round=True))
    Session(video, fresh).interact(video.drawn(0))
    assert len(networks.interactions) == 2
    for ours, theirs in zip(networks.interactions, fresh.interactions, strict=True):
        np.testing.assert_array_equal(ours["frame"], theirs["frame"])
        np.testing.assert_array_equal(ours["previous"], theirs["previous"])


# Corrections


@pytest.mark.parametrize("looks", [0, 1, 2])
def test_what_the_edge_of_a_crop_cuts_off_is_looked_at_in_a_wider_one(looks):
    video = MovingSquares(length=1, size=(120, 160), count=1)
    spec = replace(FAKE_SPEC, minimum_side=0, margin=0.05, wider_looks=looks)
    networks = RecordingNetworks(spec)
    session = Session(video, networks)
    top, left = video.corner(1, 0)
    wrong = np.zeros(video.size, np.bool_)
    wrong[top + 12 : top + 20, left + 60 : left + 90] = True
    session.set_masks(0, {1: wrong}, annotate=False)
    y, x = (top + 15) / 120, (left + 20) / 160
    session.interact(Interaction.of(0, [Scribble(1, ((x, y), (x + 0.03, y)))]))
    found = session.labels(0) == 1
    assert (region_similarity(video.mask(1, 0), found & video.mask(1, 0)) > 0.9) == (looks > 0)
    assert len(networks.interactions) == 1 + min(looks, 1)  # where nothing is cut off, it is done


def test_strokes_on_one_frame_add_up_and_start_from_the_masks_before():
    video = MovingSquares()
    both = drawn(video, 4)
    steps = Session(video, ColourNetworks())
    steps.interact(video.drawn(4, [1]))
    steps.interact(Interaction.of(4, [Click(1, (0.99, 0.99), positive=False)]))
    steps.interact(video.drawn(4, [2]))
    assert len(steps.state.prompts[1, 4]) == 2
    np.testing.assert_array_equal(both.labels(4), steps.labels(4))


def test_a_second_call_corrects_the_mask_from_before_the_round_not_that_of_the_first_call():
    video = MovingSquares(count=1)
    networks = RecordingNetworks()
    session = Session(video, networks)
    session.interact(video.drawn(4))
    session.interact(video.drawn(4))
    assert (networks.interactions[1]["previous"] == 0.5).all()


def test_a_correction_is_given_last_rounds_mask():
    video = MovingSquares(count=1)
    networks = RecordingNetworks()
    session = Session(video, networks)
    session.interact(video.drawn(4))
    run(session)
    session.interact(video.drawn(8))
    previous = networks.interactions[1]["previous"]
    assert previous.max() == 1
    assert previous.min() == 0


@pytest.mark.parametrize("carried", [False, True])
def test_last_rounds_mask_is_given_with_or_without_what_the_round_changed_beside_it(carried):
    video = MovingSquares(length=5, count=1)
    networks = RecordingNetworks(replace(FAKE_SPEC, carry_changes=carried))
    session = Session(video, networks)
    left = whole(video.size)
    left[:, video.size[1] // 2 :] = False
    for frame in range(5):
        session.set_masks(frame, {1: left}, annotate=False)
    session.set_masks(0, {1: whole(video.size)}, annotate=True)
    run(session)
    first = networks.propagations[0]
    share = first["previous"].sum() / first["neighbour"].sum()
    assert share == pytest.approx(1.0 if carried else 0.5, abs=0.05)
    # What led on was the square that the network found: what it took away is taken away further.
    last = networks.propagations[-1]
    assert ((last["previous"] > 0.5) <= (last["neighbour"] > 0.3)).all() == carried


def test_nothing_is_carried_by_a_propagation_that_no_correction_came_before():
    video = MovingSquares(length=5, count=1)
    networks = RecordingNetworks(replace(FAKE_SPEC, carry_changes=True))
    session = Session(video, networks)
    session.interact(video.drawn(0))
    run(session)
    run(session)
    again = networks.propagations[len(networks.propagations) // 2]
    box = np.argwhere(again["previous"][0, 0] > 0.5), np.argwhere(again["neighbour"][0, 0] > 0.5)
    assert (box[0].min(axis=0) != box[1].min(axis=0)).any()  # it has moved, as it had before


def test_a_corrected_frame_is_never_changed_by_a_later_round():
    video = MovingSquares(length=10, size=(20, 30))
    networks = ObedientNetworks(1.0)
    session = Session(video, networks)
    kept = {}
    for frame, answer in [(5, 1.0), (2, 0.0), (8, 1.0), (4, 0.0), (9, 0.3)]:
        networks.answer = answer
        session.interact(video.drawn(frame, [1]))
        kept[frame] = session.soft(1, frame)
        run(session)
        for annotated, mask in kept.items():
            np.testing.assert_array_equal(session.soft(1, annotated), mask)


def test_a_round_stops_short_of_the_frames_annotated_before():
    session = drawn(MovingSquares(length=12), 2)
    run(session)
    session.interact(session.video.drawn(9))
    run(session)
    session.interact(session.video.drawn(5))
    assert sorted(run(session)) == [3, 4, 6, 7, 8]


def test_drawing_again_on_a_frame_does_not_stop_at_itself():
    session = drawn(MovingSquares(length=6), 2)
    run(session)
    session.interact(session.video.drawn(2))
    assert sorted(run(session)) == [0, 1, 3, 4, 5]
    assert session.state.annotated[1] == (2,)


@pytest.mark.parametrize("size", [(6, 40), (40, 6)])
def test_a_round_fades_linearly_into_the_round_before(size):
    """Along time, whatever the frame's height: the demo faded along its rows, or not at all."""
    video = MovingSquares(length=21, size=size, count=1)
    networks = ObedientNetworks(1.0)
    session = Session(video, networks)
    session.interact(video.drawn(0))
    run(session)
    networks.answer = 0.6
    session.interact(video.drawn(10))
    run(session)
    for frame in range(21):
        if frame == 0:
            continue  # annotated
        before = max(0.0, (10 - frame) / 10)  # of the round before; all new after frame 10
        soft = session.soft(1, frame)
        if frame != 10:  # its stroke is honoured
            np.testing.assert_allclose(soft, before + 0.6 * (1 - before), atol=LEVEL + 1 / 255)


def test_masks_stay_soft_on_their_way_through_the_video():
    video = MovingSquares(length=3, count=1)
    networks = ObedientNetworks(0.7)
    session = Session(video, networks)
    session.interact(video.drawn(0))
    run(session)
    np.testing.assert_allclose(session.soft(1, 2), 0.7, atol=LEVEL)


def test_the_networks_are_led_by_the_new_mask_not_by_the_blend():
    video = MovingSquares(length=9, count=1)
    networks = RecordingNetworks()
    session = Session(video, networks)
    session.set_masks(0, {1: whole(video.size)}, annotate=True)
    for frame in range(1, 9):
        session.set_masks(frame, {1: whole(video.size)}, annotate=False)
    session.propagate().close()  # frame 0 counts as annotated from here on
    run(session, stop=1)
    session.interact(video.drawn(8))
    run(session, backward=True, start=6)
    neighbour = networks.propagations[-1]["neighbour"]
    assert (neighbour > 0.5).mean() < 0.5  # the blend with the full mask would be full


def test_the_reference_of_the_rounds_is_aggregated():
    video = MovingSquares(length=9)
    session = drawn(video, 4)
    run(session)
    assert session.networks.batches["aggregate"] == []
    session.interact(video.drawn(8))
    run(session)
    assert session.networks.batches["aggregate"] == [1, 1]
    assert session.state.references[1].shape == (8, 2, 4)


def test_a_frame_drawn_on_again_is_remembered_anew():
    video = MovingSquares(length=9, count=1)
    networks = ObedientNetworks()
    networks.aggregate = ColourNetworks().aggregate  # type: ignore[method-assign]
    session = Session(video, networks)
    for frame, answer in [(2, 0.9), (6, 0.8), (2, 0.3), (4, 0.6), (6, 0.2)]:
        networks.answer = answer
        session.interact(video.drawn(frame))
        run(session)
    remembered = 1 / (1 + np.exp(-session.state.references[1][0, 0, ::2].astype(float)))
    np.testing.assert_allclose(remembered, [0.2, 0.6, 0.3], atol=1e-3)
    assert session.state.annotated[1] == (2, 4, 6)


def test_the_published_reference_is_aggregated_even_over_one_frame():
    video = MovingSquares(length=4, count=1)
    networks = ColourNetworks(replace(FAKE_SPEC, memory_slots=1))
    session = Session(video, networks)
    for _ in range(3):
        session.interact(video.drawn(2))
        run(session)
    assert networks.batches["aggregate"] == [1, 1]


def test_references_of_different_widths_share_a_batch():
    video = MovingSquares(length=9)
    session = drawn(video, 4, 1)
    run(session)
    session.interact(video.drawn(6, [1, 2]))
    run(session)
    assert session.state.references[1].shape[-1] > session.state.references[2].shape[-1]
    assert score(session, video, 8) > 0.8


def test_frames_drawn_on_before_propagating_are_several_passes():
    video = MovingSquares(length=12)
    session = drawn(video, 2)
    session.interact(video.drawn(9))
    kept = session.labels(9)
    frames = run(session)
    assert sorted(frames) == sorted([0, 1, *range(3, 9), *range(3, 9), 10, 11])
    assert session.rounds == 2
    np.testing.assert_array_equal(session.labels(9), kept)
    assert session.annotated_frames == (2, 9)


# Several objects


def test_an_object_may_be_added_on_any_frame_at_any_time():
    video = MovingSquares(length=10, size=(48, 64))
    session = drawn(video, 2, 1)
    run(session)
    before = [session.soft(1, t) for t in range(10)]
    session.interact(video.drawn(7, [2]))
    assert sorted(run(session)) == [0, 1, 2, 3, 4, 5, 6, 8, 9]
    assert min(score(session, video, t) for t in range(10)) > 0.8
    assert session.networks.batches["propagate"][-1] == 1
    for frame in (0, 1, 9):  # where nothing overlaps, the first object keeps every bit
        np.testing.assert_array_equal(session.soft(1, frame), before[frame])


def test_no_pixel_belongs_to_two_objects():
    video = MovingSquares(length=4, count=3)
    session = Session(video, ObedientNetworks(0.9))
    session.interact(video.drawn(1))
    run(session)
    for frame in (0, 2, 3):
        total = sum(session.soft(i, frame) for i in (1, 2, 3))
        assert total.max() <= 1 + 2 / 255
        assert session.soft(1, frame).max() == pytest.approx(1 / 3, abs=LEVEL)


def test_an_object_that_is_not_spoken_of_gives_way_but_is_not_propagated():
    video = MovingSquares(length=4)
    session = Session(video, ObedientNetworks(1.0), settings=Settings(negatives="background"))
    session.interact(video.drawn(0, [1]))
    run(session)
    session.interact(video.drawn(3, [2]))
    run(session)
    assert (session.soft(1, 2) + session.soft(2, 2)).max() <= 1.0
    assert session.soft(2, 2).min() == pytest.approx(0.5, abs=LEVEL + 1 / 255)
    assert session.state.annotated == {1: (0,), 2: (3,)}


def test_objects_that_fade_at_different_rates_still_share_each_pixel():
    video = MovingSquares(length=4)
    session = Session(video, ObedientNetworks(1.0))
    session.interact(video.drawn(0, [1]))
    run(session)
    session.interact(video.drawn(3, [2]))  # drawn over the first object, which fades towards 0
    run(session)
    assert (session.soft(1, 2) + session.soft(2, 2)).max() <= 1.0
    assert session.soft(1, 2).min() > session.soft(2, 2).max() > 0.4


def test_an_annotated_frame_of_one_object_is_kept_when_another_passes_through():
    video = MovingSquares(length=5)
    networks = ObedientNetworks(1.0)
    session = Session(video, networks)
    session.interact(video.drawn(2, [1]))
    kept = session.soft(1, 2)
    run(session)
    session.interact(video.drawn(4, [2]))
    run(session)
    np.testing.assert_array_equal(session.soft(1, 2), kept)
    assert session.soft(2, 2).max() == 0


def test_without_soft_aggregation_each_object_leads_itself_on():
    video = MovingSquares(length=3)
    led = {}
    for together in (True, False):
        networks = RecordingNetworks()
        session = Session(video, networks, settings=Settings(soft_aggregation=together))
        session.set_masks(
            0, {i: np.full(video.size, 0.45, np.float32) for i in (1, 2)}, annotate=True
        )
        networks_answer = ObedientNetworks(0.9)
        networks.propagate = networks_answer.propagate  # type: ignore[method-assign]
        seen = []
        original = networks.propagate

        def watched(reference, frame, neighbour, previous, seen=seen, original=original):
            seen.append(neighbour.mean())
            return np.full_like(neighbour, 2.2)

        networks.propagate = watched  # type: ignore[method-assign]
        run(session)
        led[together] = seen[1]
    assert led[True] == pytest.approx(0.5, abs=0.02)
    assert led[False] == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize(("rule", "told"), [("others", True), ("background", False)])
def test_strokes_on_other_objects_are_negative_if_the_rule_says_so(rule, told):
    video = MovingSquares()
    networks = RecordingNetworks()
    Session(video, networks, settings=Settings(negatives=rule)).interact(video.drawn(3))
    assert networks.interactions[0]["negative"].any() == told


def test_strokes_on_the_background_are_negative_for_every_object():
    video = MovingSquares()
    networks = RecordingNetworks()
    session = Session(video, networks, settings=Settings(negatives="background"))
    prompts = [*video.drawn(3).prompts, Scribble(0, ((0.9, 0.9), (0.95, 0.95)))]
    session.interact(Interaction.of(3, prompts))
    assert networks.interactions[0]["negative"].reshape(2, -1).any(axis=1).all()


def test_a_stroke_on_the_background_corrects_the_object_below_it():
    video = MovingSquares()
    session = drawn(video, 3)
    run(session)
    assert session.interact(Interaction.of(5, [Click(0, video.point(2, 5))])) == (2,)
    y, x = (int(v) for v in np.array(video.point(2, 5))[::-1] * video.size)
    assert session.labels(5)[y, x] == 0
    assert session.interact(Interaction.of(6, [Click(0, (0.99, 0.99))])) == ()


def test_a_stroke_of_one_object_corrects_the_object_below_it():
    video = MovingSquares()
    session = drawn(video, 3)
    run(session)
    stolen = Scribble(2, video.stroke(1, 5).path)
    assert session.interact(Interaction.of(5, [stolen])) == (1, 2)


# What strokes promise


@pytest.mark.parametrize("answer", [0.0, 1.0])
def test_strokes_are_honoured_even_if_the_network_disagrees(answer):
    video = MovingSquares(size=(60, 80))
    session = Session(video, ObedientNetworks(answer))
    yes, no = ((0.2, 0.3), (0.6, 0.3)), ((0.2, 0.7), (0.6, 0.7))
    session.interact(Interaction.of(0, [Scribble(1, yes), Scribble(1, no, positive=False)]))
    labels = session.labels(0)
    assert (labels[18, 16:49] == 1).all()
    assert (labels[42, 16:49] == 0).all()


def test_where_strokes_cross_the_later_one_holds():
    video = MovingSquares(size=(60, 80))
    session = Session(video, ObedientNetworks(0.0))
    first, second = Scribble(1, ((0.1, 0.5), (0.9, 0.5))), Scribble(2, ((0.5, 0.1), (0.5, 0.9)))
    session.interact(Interaction.of(0, [first, second]))
    assert session.labels(0)[30, 40] == 2
    session.interact(Interaction.of(0, [first]))
    assert session.labels(0)[30, 40] == 1


def test_painted_pixels_are_exactly_what_was_painted():
    video = MovingSquares()
    mask = (np.random.default_rng(0).random(video.size) > 0.5) & (video.truth(3) != 2)
    session = drawn(video, 3)
    session.interact(Interaction.of(3, [PaintedMask(1, mask)]))
    np.testing.assert_array_equal(session.labels(3) == 1, mask)
    session.interact(video.drawn(3, [2]))
    np.testing.assert_array_equal(session.labels(3) == 1, mask)


def test_a_painted_mask_can_be_propagated():
    video = MovingSquares(count=1)
    session = Session(video, ColourNetworks())
    session.interact(Interaction.of(3, [PaintedMask(1, video.mask(1, 3))]))
    run(session)
    assert score(session, video, 11) > 0.9


def test_a_stroke_after_painting_goes_on_from_the_painted_mask():
    video = MovingSquares(count=1)
    networks = RecordingNetworks()
    session = Session(video, networks)
    session.interact(Interaction.of(3, [PaintedMask(1, whole(video.size))]))
    session.interact(Interaction.of(3, [Click(0, (0.99, 0.99)), *video.drawn(3).prompts]))
    assert networks.interactions[-1]["previous"].min() == 1
    assert score(session, video, 3) > 0.9


def test_a_box_finds_what_is_inside():
    video = MovingSquares(size=(60, 80), count=1)
    networks = RecordingNetworks()
    session = Session(video, networks)
    session.interact(Interaction.of(0, [Box(1, (0.25, 0.25), (0.75, 0.75))]))
    previous = networks.interactions[0]["previous"][0, 0]
    assert previous[32, 32] == pytest.approx(0.5, abs=0.01)
    assert previous[0, 0] == 0


def test_an_object_without_any_claim_to_a_frame_is_not_on_it():
    video = MovingSquares()
    session = Session(video, ObedientNetworks(1.0))
    session.interact(Interaction.of(2, [Click(1, (0.5, 0.5), positive=False)]))
    assert not session.labels(2).any()
    assert session.has_mask(1, 2)


def test_no_strokes_change_nothing():
    video = MovingSquares()
    session = Session(video, ColourNetworks())
    assert session.interact(Interaction(3, ())) == ()
    assert session.steps == []
    with pytest.raises(InvalidInteraction, match="draw on a frame first"):
        session.propagate()


# Locks


def test_locked_frames_never_change_but_lead_on():
    video = MovingSquares(length=8, count=1)
    networks = ObedientNetworks(1.0)
    session = Session(video, networks)
    session.interact(video.drawn(0))
    run(session)
    session.lock([3, 4])
    networks.answer = 0.7
    session.interact(video.drawn(0))
    assert sorted(run(session)) == [1, 2, 3, 4, 5, 6, 7]
    shown = [round(float(session.soft(1, t).max()), 1) for t in range(1, 8)]
    assert shown == [0.7, 0.7, 1, 1, 0.7, 0.7, 0.7]
    session.unlock([3], 1)
    run(session)
    assert session.soft(1, 3).max() < 0.8
    assert session.soft(1, 4).max() == 1


def test_a_new_object_takes_no_pixel_from_a_locked_frame():
    video = MovingSquares(length=4)
    session = Session(video, ObedientNetworks(1.0))
    session.interact(video.drawn(0, [1]))
    run(session)
    session.lock([2])
    session.interact(video.drawn(3, [2]))
    run(session)
    assert session.soft(1, 2).min() == 1
    assert session.soft(2, 2).max() == 0
    session.interact(video.drawn(2, [2]))
    assert session.soft(1, 2).min() == 1


def test_drawing_on_what_is_locked_is_refused():
    video = MovingSquares(length=4)
    session = drawn(video, 0)
    session.lock([0], 1)
    with pytest.raises(InvalidInteraction, match="object 1 is locked on frame 0: unlock it"):
        session.interact(video.drawn(0, [1]))
    session.interact(video.drawn(0, [2]))
    session.change_object(2, locked=True)
    with pytest.raises(InvalidInteraction, match="object 2 is locked"):
        session.set_masks(3, {2: whole(video.size)}, annotate=False)


def test_a_locked_object_is_left_out_of_rounds():
    video = MovingSquares(length=4)
    session = drawn(video, 0)
    session.change_object(1, locked=True)
    run(session)
    assert not session.has_mask(1, 2)
    assert session.has_mask(2, 2)


def test_strokes_on_an_object_that_is_locked_wait_until_it_is_unlocked():
    video = MovingSquares(length=8)
    session = drawn(video, 3, 1)
    session.change_object(1, locked=True)
    session.interact(video.drawn(3, [2]))
    run(session, backward=False)
    assert session.rounds == 1
    assert run(session, forward=False) == [
        2,
        1,
        0,
    ]  # the last one, the other way
    session.change_object(1, locked=False)
    assert sorted(run(session)) == [0, 1, 2, 4, 5, 6, 7]
    assert session.rounds == 2
    assert session.state.open == {}
    assert min(score(session, video, t) for t in range(8)) > 0.9


def test_an_object_that_was_propagated_beside_a_locked_one_is_corrected_from_its_mask():
    video = MovingSquares(length=4)
    networks = RecordingNetworks()
    session = Session(video, networks)
    session.interact(video.drawn(1, [1]))
    session.change_object(1, locked=True)
    session.interact(video.drawn(1, [2]))
    run(session)
    assert [prompt.object_id for prompt in session.state.open[1].prompts] == [1]
    mask = session.soft(2, 1)
    session.interact(Interaction.of(1, [Click(2, (0.99, 0.99), positive=False)]))
    assert networks.interactions[-1]["previous"].max() == 1  # its mask, and not nothing
    assert region_similarity(mask > 0.5, session.soft(2, 1) > 0.5) > 0.9


@pytest.mark.parametrize("how", ["locked", "removed"])
def test_a_round_without_any_object_is_no_step(how):
    session = drawn(MovingSquares(length=4), 0, 1)
    if how == "locked":
        session.change_object(1, locked=True)
    else:
        run(session)
        session.remove_object(1)
    steps = len(session.steps)
    words = {"locked": "is locked: unlock", "removed": "draw on a frame first"}
    with pytest.raises(InvalidInteraction, match=words[how]):
        run(session)
    assert len(session.steps) == steps


class FaintNetworks(ObedientNetworks):
    """Obedient ones that keep what they were told of last round's mask: its middle, frame by frame.

    Propagations find ``carried``, whatever was drawn.
    """

    carried = 1.0

    def __init__(self, spec=FAKE_SPEC):
        super().__init__(1.0, spec)
        self.told: list[float] = []

    def propagate(self, reference, frame, neighbour, previous):
        self.told += [float(plane[0, 16, 16]) for plane in previous]
        p = np.clip(self.carried, 1e-4, 1 - 1e-4)
        return np.full_like(neighbour, np.log(p / (1 - p)))


def test_what_a_round_changes_is_changed_less_and_less_farther_off():
    video = MovingSquares(length=12)
    networks = FaintNetworks(replace(FAKE_SPEC, carry_changes=True))
    session = Session(video, networks)
    session.interact(video.drawn(0, (1,)))
    run(session)
    networks.told.clear()
    networks.carried = networks.answer = 0.6
    session.interact(video.drawn(0, (1,)))
    run(session)
    assert networks.told[0] == pytest.approx(0.6, abs=0.05)
    assert all(a < b for a, b in itertools.pairwise(networks.told))
    assert networks.told[-1] == pytest.approx(1 - 0.4 * 0.95**10, abs=0.05)


def about_to_lose(video: MovingSquares) -> Session:
    """A session whose networks have found an object everywhere and will not find it again."""
    networks = FaintNetworks()
    session = Session(video, networks)
    session.interact(video.drawn(2, (1,)))
    run(session)
    networks.carried = 0.0
    return session


def test_an_object_that_a_later_round_loses_stays_where_it_was():
    video = MovingSquares(length=12)
    session = about_to_lose(video)
    before = [session.labels(frame).copy() for frame in range(12)]
    assert all((labels == 1).any() for labels in before)
    session.interact(video.drawn(8, (1,)))
    run(session)
    for frame in (5, 7, 9, 11):
        np.testing.assert_array_equal(session.labels(frame), before[frame])


def test_an_object_that_a_person_takes_away_may_go():
    video = MovingSquares(length=12)
    session = about_to_lose(video)
    session.set_masks(8, {1: np.zeros(video.size, np.bool_)}, annotate=True)
    run(session)
    assert not any((session.labels(frame) == 1).any() for frame in (8, 9, 11))


def test_what_is_as_large_as_a_person_made_it_is_not_lost_however_large_it_was_before():
    video = MovingSquares(length=6, size=(96, 96), count=1)
    session = Session(video, ColourNetworks())
    for frame in range(1, 6):
        session.set_masks(frame, {1: whole(video.size)}, annotate=False)
    session.set_masks(0, {1: video.mask(1, 0)}, annotate=True)
    assert video.mask(1, 5).mean() < 0.1
    run(session)
    assert score(session, video, 5) > 0.9


def test_an_object_that_is_lost_in_its_first_round_is_lost():
    video = MovingSquares(length=12)
    networks = FaintNetworks()
    networks.carried = 0.0
    session = Session(video, networks)
    session.interact(video.drawn(2, (1,)))
    run(session)
    assert not (session.labels(3) == 1).any()


# Where to, and how far


def test_only_the_frames_asked_for_change():
    session = drawn(MovingSquares(length=12), 4)
    assert sorted(run(session, start=2, stop=7)) == [2, 3, 5, 6]
    assert sorted(run(session, start=7)) == [7, 8, 9, 10, 11]
    assert sorted(run(session, stop=2)) == [0, 1]
    np.testing.assert_array_equal(everything(session), everything(finished(4)))


def finished(frame: int) -> Session:
    session = drawn(MovingSquares(length=12), frame)
    run(session)
    return session


def test_one_direction_can_follow_the_other():
    session = drawn(MovingSquares(length=12), 4)
    assert run(session, backward=False) == [5, 6, 7, 8, 9, 10, 11]
    assert run(session, forward=False) == [3, 2, 1, 0]
    assert session.rounds == 1
    np.testing.assert_array_equal(everything(session), everything(finished(4)))


def test_a_round_does_not_cross_a_cut():
    session = drawn(MovingSquares(length=12), 5)
    assert sorted(run(session, barriers=[3, 8, 10])) == [3, 4, 6, 7]
    assert sorted(run(session, barriers=[5])) == [6, 7, 8, 9, 10, 11]


@pytest.mark.parametrize("beyond", [10, 3])
def test_a_round_does_not_fade_towards_what_was_drawn_in_another_shot(beyond):
    video = MovingSquares(length=20, count=1)
    session = Session(video, ColourNetworks())
    cuts = [4, 10]
    for t in range(20):
        session.set_masks(t, {1: np.zeros(video.size, np.bool_)}, annotate=False)
    for frame in (beyond, 6):
        session.interact(video.drawn(frame))
        run(session, barriers=cuts)
    assert min(score(session, video, t) for t in range(4, 10)) > 0.9


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (3, 3), (5, 2), (0, 13)])
def test_a_range_outside_the_video_is_refused(start, stop):
    session = drawn(MovingSquares(length=12), 5)
    with pytest.raises(InvalidInteraction, match="0:12"):
        session.propagate(start=start, stop=stop)


def test_a_range_that_no_mask_leads_to_is_refused():
    session = drawn(MovingSquares(length=12), 2)
    with pytest.raises(InvalidInteraction, match="frame 7 has no mask"):
        session.propagate(start=8)


def test_progress_counts_frames_and_tells_the_time_left():
    clock = itertools.count().__next__
    video = MovingSquares(length=6, count=1)
    session = Session(video, ColourNetworks(), clock=clock, store=MemoryStore())
    session.interact(video.drawn(0))
    progress = list(session.propagate())
    assert [p.done for p in progress] == [1, 2, 3, 4, 5]
    assert {p.total for p in progress} == {5}
    assert progress[-1].seconds_left == 0
    assert progress[0].seconds_left == pytest.approx(4)


def test_in_steps_a_propagation_pauses_after_each_frame_that_it_visits():
    video = MovingSquares(length=30, count=1)
    clock = itertools.count().__next__
    networks = RecordingNetworks(replace(FAKE_SPEC, steady=0.9))
    session = Session(video, networks, clock=clock, store=MemoryStore())
    session.interact(video.drawn(0))
    seen, done = [], []
    for progress in session.propagate_in_steps():
        seen.append(len(networks.propagations))
        if progress is not None:
            done.append(progress)
    assert seen[:10] == [*range(1, 11)]  # nothing is done yet, but it can be stopped
    assert [p.done for p in done] == [*range(1, 30)]
    # The first frame is done once a dozen have been visited, and the time left knows of them all.
    assert done[0].seconds_left < 29


def test_cancelling_keeps_the_frames_that_are_done():
    video = MovingSquares(length=12, count=1)
    session = drawn(video, 0)
    going = session.propagate()
    for _ in range(3):
        next(going)
    going.close()
    assert [session.has_mask(1, t) for t in range(6)] == [True] * 4 + [False] * 2
    assert session.state.frames_done == 3
    assert session.rounds == 1
    run(session, start=4)
    assert all(session.has_mask(1, t) for t in range(12))


def test_a_network_that_fails_on_the_way_loses_no_finished_frame():
    video = MovingSquares(length=6, count=1)
    session = Session(video, BrokenNetworks(good=3))
    session.interact(video.drawn(0))
    with pytest.raises(MemoryError):
        run(session)
    assert [session.has_mask(1, t) for t in range(6)] == [True] * 3 + [False] * 3
    session.undo()
    assert not session.has_mask(1, 1)


def test_a_network_that_fails_on_a_stroke_leaves_everything_as_it_was():
    video = MovingSquares(length=3)
    session = Session(video, BrokenNetworks(good=1))
    session.interact(video.drawn(0))
    before = session.state.to_json()
    session.undo()
    session.redo()
    session.undo()
    with pytest.raises(MemoryError):
        session.interact(video.drawn(1))
    assert session.can_redo
    session.redo()
    assert session.state.to_json() == before


def test_looking_is_allowed_while_a_propagation_runs_and_writing_is_not():
    video = MovingSquares(length=6)
    session = drawn(video, 0)
    going = session.propagate()
    next(going)
    assert session.labels(1).any()
    assert set(session.preview(video.drawn(4))) == {1, 2}
    for attempt in (
        lambda: session.interact(video.drawn(4)),
        lambda: next(session.propagate()),
        session.undo,
        lambda: session.lock([1]),
        session.add_object,
    ):
        with pytest.raises(CannotDo, match="a propagation is running"):
            attempt()
    assert len(list(going)) == 4
    session.interact(video.drawn(4))


def test_a_preview_is_what_drawing_would_give_and_keeps_nothing():
    video = MovingSquares()
    session = Session(video, ColourNetworks())
    seen = session.preview(video.drawn(3))
    assert session.steps == []
    assert session.object_ids == ()
    session.interact(video.drawn(3))
    for object_id, packed in seen.items():
        np.testing.assert_array_equal(packed.soft(), session.soft(object_id, 3))


def test_frames_are_decoded_once_a_visit():
    video = MovingSquares(length=5, count=3)
    session = drawn(video, 2)
    video.reads.clear()
    run(session)
    assert sorted(video.reads) == [0, 1, 3, 4]


# The second look


LOOKING = replace(FAKE_SPEC, second_look=0.7, second_look_strokes=0.5)


class AnsweringNetworks(RecordingNetworks):
    """Give one answer to every question of the interaction network, once there is one."""

    answer: float | None = None

    def interact(self, frame, previous, positive, negative):
        logits, reference = super().interact(frame, previous, positive, negative)
        return (logits if self.answer is None else np.full_like(logits, self.answer)), reference


def test_every_propagated_mask_is_looked_at_again_with_strokes_along_its_middle():
    video = MovingSquares(length=5, count=1)
    networks = RecordingNetworks(LOOKING)
    session = Session(video, networks)
    session.interact(video.drawn(2))
    networks.interactions.clear()
    run(session)
    looks = [
        {name: planes[item] for name, planes in given.items()}
        for given in networks.interactions
        for item in range(len(given["frame"]))
    ]
    assert len(looks) == 4
    for look in looks:
        drawn, found = look["positive"][0] > 0, look["previous"][0] > 0.5
        assert set(np.unique(look["positive"])) == {0.0, 0.5}
        assert found[drawn].all()
        assert not look["negative"].any()
    assert score(session, video, 1) > 0.9


@pytest.mark.parametrize("spec", [LOOKING, FAKE_SPEC])
def test_a_mask_that_was_given_is_remembered_as_if_a_person_had_drawn_on_it(spec):
    video = MovingSquares(length=3, count=1)
    networks = RecordingNetworks(spec)
    session = Session(video, networks)
    session.set_masks(1, {1: video.mask(1, 1)}, annotate=True)
    (given,) = networks.interactions
    drawn, mask = given["positive"][0, 0], given["previous"][0, 0]
    assert not given["negative"].any()
    if spec.second_look:  # the network knows such strokes
        assert set(np.unique(drawn)) == {0.0, 1.0}
        assert (mask[drawn > 0] > 0.5).all()
    else:
        assert not drawn.any()
    session.interact(Interaction.of(1, [Scribble(1, ((0.1, 0.1), (0.2, 0.1)), positive=False)]))
    assert set(np.unique(networks.interactions[-1]["positive"])) == {0.0}


@pytest.mark.parametrize(("share", "grows"), [(0.3, False), (0.7, True)])
def test_a_second_look_counts_as_much_as_the_network_says(share, grows):
    video = MovingSquares(length=4)
    networks = AnsweringNetworks(replace(FAKE_SPEC, second_look=share))
    session = Session(video, networks)
    session.interact(video.drawn(0, (1,)))
    networks.answer = 20.0
    run(session)
    assert ((session.labels(1) == 1).sum() > 1.2 * video.mask(1, 1).sum()) == grows


def test_a_second_look_that_loses_most_of_what_was_found_does_not_count():
    video = MovingSquares(length=4, count=1)
    networks = AnsweringNetworks(replace(FAKE_SPEC, second_look=1.0))
    session = Session(video, networks)
    session.interact(video.drawn(0, (1,)))
    networks.answer = -20.0
    run(session)
    assert score(session, video, 1) > 0.9


@pytest.mark.parametrize("later", [True, False])
def test_later_rounds_are_looked_at_again_only_where_the_network_says_so(later):
    video = MovingSquares(length=5, count=2)
    networks = RecordingNetworks(replace(LOOKING, second_look_later=later))
    session = Session(video, networks)
    session.interact(video.drawn(0, (1,)))
    networks.interactions.clear()
    run(session)
    assert sum(len(given["frame"]) for given in networks.interactions) == 4
    session.interact(video.drawn(4, (1, 2)))  # 2 is new, and a first round for it
    networks.interactions.clear()
    run(session)
    looked = sum(len(given["frame"]) for given in networks.interactions)
    ones = 3 if later else 0  # between the two frames that were drawn on
    assert looked == ones + 4


def test_second_looks_are_remembered_on_the_way_and_only_there():
    video = MovingSquares(length=9, count=1)
    networks = RecordingNetworks(
        replace(LOOKING, noted_every=2, noted_frames=2, second_look_later=False)
    )
    session = Session(video, networks)
    slot = networks.spec.crop_size // networks.spec.reference_stride

    def remembered() -> list[int]:
        networks.propagations.clear()
        run(session)
        return [given["reference"].shape[-1] // slot for given in networks.propagations]

    session.interact(video.drawn(0, (1,)))
    assert remembered() == [1, 1, 2, 2, 3, 3, 3, 3]  # two of frames 2, 4 and 6
    session.interact(video.drawn(8, (1,)))
    assert set(remembered()) == {2}  # what a person has drawn on


def test_a_second_look_that_does_not_count_is_not_remembered():
    video = MovingSquares(length=4, count=1)
    networks = AnsweringNetworks(replace(LOOKING, noted_every=1))
    session = Session(video, networks)
    session.interact(video.drawn(0, (1,)))
    networks.answer = -20.0
    run(session)
    assert len({given["reference"].shape[-1] for given in networks.propagations}) == 1


def test_each_object_remembers_its_own_second_looks():
    video = MovingSquares(length=5, count=2)
    networks = RecordingNetworks(replace(LOOKING, noted_every=1))
    session = Session(video, networks)
    session.interact(video.drawn(2))
    run(session)
    memories = networks.propagations[-1]["reference"]
    assert len(memories) == 4
    colours = memories[:, :3].reshape(4, 3, -1)
    assert np.ptp(colours, axis=2).max() < 0.1  # what is remembered of one object looks like it
    assert np.ptp(colours.mean(axis=2), axis=0).max() > 0.3


def test_each_network_and_the_second_look_have_crops_of_their_own():
    video = MovingSquares(length=3, count=1)
    sides = replace(FAKE_SPEC, crop_size=64, propagation_crop=96, second_look_crop=32)
    for settings, wanted in ((Settings(), [64, 96, 32]), (Settings(crop_size=128), [128] * 3)):
        networks = RecordingNetworks(replace(sides, second_look=0.7))
        session = Session(video, networks, settings=settings)
        session.interact(video.drawn(0))
        drawn = networks.interactions[-1]["frame"].shape[-1]
        run(session)
        led = networks.propagations[-1]["frame"].shape[-1]
        assert [drawn, led, networks.interactions[-1]["frame"].shape[-1]] == wanted


def test_frames_that_a_person_has_settled_and_empty_masks_are_not_looked_at_again():
    video = MovingSquares(length=4)
    networks = AnsweringNetworks(LOOKING)
    session = Session(video, networks)
    session.interact(video.drawn(0, (1,)))
    session.set_masks(2, {1: video.mask(1, 2)}, annotate=True)
    networks.answer = 20.0
    networks.interactions.clear()
    run(session)
    frames = sum(len(given["frame"]) for given in networks.interactions)
    assert frames == 3  # frame 1 from either side, and 3
    assert np.array_equal(session.labels(2) == 1, video.mask(1, 2))
    networks.interactions.clear()
    nothing = Session(video, ObedientNetworks(0.0, LOOKING))
    nothing.interact(video.drawn(0, (1,)))
    run(nothing)
    assert not (nothing.labels(2) == 1).any()
