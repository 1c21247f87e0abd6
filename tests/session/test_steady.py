"""Masks that agree with those of the frames beside them, along what moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest

from ivos.crop import CropSpec
from ivos.masks import Patch
from ivos.metrics import region_similarity
from ivos.session import Session
from ivos.session.steady import Steadying
from ivos.types import Frame, Interaction, LabelMap, Mask, Scribble
from tests.fakes import FAKE_SPEC, ColourNetworks, MovingSquares
from tests.session.networks import ObedientNetworks, RecordingNetworks

STEADY = CropSpec(steady=0.9, minimum_side=0, minimum_fraction=0.25)
SIZE = (64, 96)


def drifting(frame: int) -> Frame:
    """A textured world that drifts to the right, three pixels a frame."""
    rng = np.random.default_rng(5)
    height, width = SIZE
    coarse = rng.integers(0, 255, (height // 4, width // 4 + 20, 3)).astype(np.uint8)
    world = cv2.resize(coarse, (width + 80, height), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(np.roll(world, 3 * frame, axis=1)[:, :width])


def truth(frame: int) -> Mask:
    """A square that drifts with it."""
    mask = np.zeros(SIZE, np.bool_)
    mask[20:44, 4 + 3 * frame : 28 + 3 * frame] = True
    return mask


def bitten(frame: int) -> Mask:
    """The square, with bites missing that are elsewhere on each frame."""
    rng = np.random.default_rng(frame)
    mask = truth(frame)
    for _ in range(6):
        y, x = int(rng.integers(20, 40)), int(rng.integers(4, 24)) + 3 * frame
        mask[y : y + 5, x : x + 5] = False
    return mask


def steadied(
    frames: Sequence[Frame], masks: Sequence[Mask], spec: CropSpec = STEADY
) -> list[tuple[int, Patch]]:
    """One object's masks, all found, one frame after the other."""
    way = Steadying(spec)
    out = []
    for t, (image, mask) in enumerate(zip(frames, masks, strict=True)):
        out += way.put(t, image, {1: Patch.of(mask)}, {1})
    return [(t, found[1]) for t, found in [*out, *way.rest()]]


def test_what_is_missed_on_single_frames_is_filled_in_from_those_beside_them():
    frames = range(20)
    found = steadied([drifting(t) for t in frames], [bitten(t) for t in frames])
    before = [region_similarity(truth(t), bitten(t)) for t in frames]
    after = [region_similarity(truth(t), patch.mask()) for t, patch in found]
    assert np.mean(before) < 0.8
    assert np.mean(after) > 0.93
    assert all(b > a for a, b in zip(before, after, strict=True))


def test_frames_whose_pictures_do_not_agree_say_nothing_to_each_other():
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (*SIZE, 3)).astype(np.uint8) for _ in range(8)]
    masks = [truth(t if t % 2 else 16 - t) for t in range(8)]
    for t, patch in steadied(noise, masks):
        assert region_similarity(masks[t], patch.mask()) > 0.97


def test_masks_that_agree_stay_exactly_as_they_are():
    still, mask = drifting(0), truth(3)
    found = steadied([still] * 30, [mask] * 30)
    assert all(np.array_equal(patch.full(), mask * np.uint8(255)) for _, patch in found)


def test_what_is_faint_and_far_from_the_object_stays_as_it_was():
    soft = truth(0).astype(np.float32)
    soft[2:5, 80:90] = 0.3
    way, out = Steadying(STEADY), []
    for t in range(15):
        out += way.put(t, drifting(0), {1: Patch.of(soft)}, {1})
    for _, found in [*out, *way.rest()]:
        assert np.array_equal(found[1].full(), Patch.of(soft).full())


@pytest.mark.parametrize("count", [0, 1, 2, 11, 12, 13, 40])
@pytest.mark.parametrize("steady", [0.0, 0.9])
def test_every_frame_comes_out_once_and_in_order(count, steady):
    spec = replace(STEADY, steady=steady)
    found = steadied([drifting(0)] * count, [truth(0)] * count, spec)
    assert [t for t, _ in found] == [*range(count)]


def test_never_more_than_a_dozen_frames_are_held_back():
    way = Steadying(STEADY)
    done = 0
    for t in range(50):
        done += len(way.put(t, drifting(0), {1: Patch.of(truth(0))}, {1}))
        assert t + 1 - done <= 12


@pytest.mark.parametrize(("objects", "held"), [(30, 12), (60, 6), (100, 4), (254, 2)])
def test_with_many_objects_fewer_frames_are_held_back_and_all_come_out(objects, held):
    masks = {i: Patch.of(np.eye(*SIZE, i % 20, dtype=np.bool_)) for i in range(1, objects + 1)}
    way, out, most = Steadying(STEADY), [], 0
    for t in range(14):
        out += way.put(t, drifting(0), masks, masks.keys())
        most = max(most, t + 1 - len(out))
    assert most == held - 1
    out += way.rest()
    assert [t for t, _ in out] == [*range(14)]
    assert all(found.keys() == masks.keys() for _, found in out)


def test_without_steadying_masks_come_out_at_once_as_they_went_in():
    way = Steadying(replace(STEADY, steady=0.0))
    patch = Patch.of(bitten(2))
    assert way.put(7, drifting(2), {1: patch, 2: patch}, {1}) == [(7, {1: patch})]


def test_fixed_masks_are_not_given_out_and_pull_those_beside_them():
    whole, half = truth(0), truth(0)
    half[:32] = False
    pulled = {}
    for fixed in (True, False):
        way = Steadying(STEADY)
        out = []
        for t in range(5):
            mask = Patch.of(whole if t == 2 else half)
            out += way.put(t, drifting(0), {1: mask}, () if fixed and t == 2 else {1})
        found = dict([*out, *way.rest()])
        assert (1 in found[2]) is not fixed
        pulled[fixed] = region_similarity(whole, found[3][1].mask())
    assert pulled[True] > 0.9 > 0.7 > pulled[False]


def test_what_leads_into_a_way_counts_as_fixed():
    half = truth(0)
    half[:32] = False
    way = Steadying(STEADY)
    way.lead_in(drifting(0), {1: Patch.of(truth(0))})
    assert way.put(1, drifting(0), {1: Patch.of(half)}, {1}) == []
    ((frame, found),) = way.rest()
    assert frame == 1
    assert region_similarity(truth(0), found[1].mask()) > 0.95


def test_where_nothing_was_found_nothing_is_filled_in_and_nothing_is_carried_across():
    gone = np.zeros(SIZE, np.bool_)
    masks = [truth(0), gone, gone, bitten(0), bitten(0)]
    found = steadied([drifting(0)] * 5, masks)
    for t, patch in found:
        assert np.array_equal(patch.mask(), masks[t])


def test_objects_are_steadied_as_if_each_were_alone():
    frames = range(15)
    other = [np.roll(bitten(t + 50), (12, -3 * 50), (0, 1)) for t in frames]
    way, out = Steadying(STEADY), []
    for t in frames:
        masks = {1: Patch.of(bitten(t)), 2: Patch.of(other[t])}
        out += way.put(t, drifting(t), masks, {1, 2})
    together = [*out, *way.rest()]
    images = [drifting(t) for t in frames]
    for key, masks in ((1, [bitten(t) for t in frames]), (2, other)):
        for (t, alone), (at, both) in zip(steadied(images, masks), together, strict=True):
            assert t == at
            assert np.array_equal(alone.full(), both[key].full())


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 3), (33, 61)])
def test_any_frame_size_will_do(size):
    image, mask = np.full((*size, 3), 90, np.uint8), np.ones(size, np.bool_)
    found = steadied([image] * 14, [mask] * 14)
    assert all(np.array_equal(patch.mask(), mask) for _, patch in found)


# In a session

SESSION_SPEC = replace(FAKE_SPEC, steady=0.9)


class World(MovingSquares):
    """The drifting world, with its square for object 1."""

    def __init__(self) -> None:
        super().__init__(length=14, size=SIZE, count=1)

    def __getitem__(self, frame: int) -> Frame:
        self.reads.append(frame)
        return drifting(frame)

    def truth(self, frame: int) -> LabelMap:
        return truth(frame).astype(np.uint8)


class BitingNetworks(ColourNetworks):
    """Find the neighbour's mask, moved as the world moves, and bite a piece off at random."""

    def __init__(self) -> None:
        super().__init__(replace(SESSION_SPEC, crop_size=96))
        self.rng = np.random.default_rng(1)

    def propagate(self, reference, frame, neighbour, previous):
        logits = np.where(neighbour > 0.5, 6.0, -6.0).astype(np.float32)
        for plane in logits:
            ys, xs = np.nonzero(plane[0] > 0)
            if len(ys):
                y, x = self.rng.integers(ys.min(), ys.max()), self.rng.integers(xs.min(), xs.max())
                plane[0, y : y + 12, x : x + 12] = -6.0
        return logits


def run(session: Session, **how: int) -> None:
    for _ in session.propagate(**how):
        pass


def test_a_session_keeps_steadied_masks_and_leads_on_with_those_that_were_found():
    kept, led = {}, {}
    for steady in (0.0, 0.9):
        video = World()
        networks = RecordingNetworks(replace(SESSION_SPEC, steady=steady))
        session = Session(video, networks)
        session.set_masks(0, {1: truth(0)}, annotate=True)
        run(session)
        kept[steady] = [session.soft(1, t) for t in range(1, 14)]
        led[steady] = [given["neighbour"] for given in networks.propagations]
    assert all(np.array_equal(a, b) for a, b in zip(led[0.0], led[0.9], strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(kept[0.0], kept[0.9], strict=True))


def test_annotated_and_locked_frames_stay_as_they_are():
    video = World()
    session = Session(video, BitingNetworks())
    session.set_masks(0, {1: truth(0)}, annotate=True)
    session.set_masks(5, {1: truth(5)}, annotate=False)
    session.lock([5])
    run(session)
    assert np.array_equal(session.labels(0) == 1, truth(0))
    assert np.array_equal(session.labels(5) == 1, truth(5))


def test_a_range_changes_nothing_outside_it():
    session = Session(World(), BitingNetworks())
    session.set_masks(0, {1: truth(0)}, annotate=True)
    run(session, start=0, stop=6)
    assert [t for t in range(14) if session.soft(1, t) is not None] == [*range(6)]


def test_frames_that_were_given_out_stay_when_a_propagation_is_stopped():
    session = Session(World(), BitingNetworks())
    session.set_masks(0, {1: truth(0)}, annotate=True)
    progress = session.propagate()
    seen = [next(progress).frame for _ in range(3)]
    progress.close()
    assert seen == [1, 2, 3]
    assert session.soft(1, 3) is not None
    assert session.soft(1, 4) is None


def test_the_same_session_twice_has_identical_masks():
    found = []
    for _ in range(2):
        session = Session(World(), BitingNetworks())
        session.set_masks(6, {1: truth(6)}, annotate=True)
        run(session)
        found.append(np.stack([session.labels(t) for t in range(14)]))
    assert np.array_equal(*found)


def test_objects_never_claim_a_pixel_twice():
    video = MovingSquares(length=14, size=(64, 96), count=2)
    session = Session(video, ObedientNetworks(0.9, SESSION_SPEC))
    session.interact(video.drawn(0, (1, 2)))
    run(session)
    for frame in range(1, 14):
        claimed = sum(session.soft(key, frame) for key in (1, 2))
        assert claimed.max() <= 1 + 1e-6


def test_what_comes_from_frames_beside_gives_way_to_a_locked_object():
    session = Session(World(), ObedientNetworks(0.9, SESSION_SPEC))
    session.set_masks(5, {2: truth(5)}, annotate=False)
    session.lock([5], 2)
    session.interact(World().drawn(0, (1,)))
    run(session)
    assert (session.labels(4) == 1).all()
    assert np.array_equal(session.labels(5) == 2, truth(5))
    assert session.soft(1, 5)[truth(5)].max() == 0


def test_no_frame_is_read_twice():
    video = MovingSquares(length=12)
    session = Session(video, RecordingNetworks(SESSION_SPEC))
    session.interact(video.drawn(5))
    video.reads.clear()
    run(session)
    assert sorted(video.reads) == [*range(12)]


def test_a_video_of_one_frame_is_drawn_on_as_ever():
    video = MovingSquares(length=1)
    session = Session(video, RecordingNetworks(SESSION_SPEC))
    session.interact(Interaction.of(0, [Scribble(1, ((0.2, 0.2), (0.4, 0.4)))]))
    run(session)
    assert session.soft(1, 0) is not None
