"""Where shots begin, in made clips with cuts, flashes, fades, swings and changes of light."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from ivos.cuts import Shots, cuts, find_cuts
from ivos.session.schedule import spans
from ivos.types import Frame

SIZE = (90, 160)


@dataclass
class Clip:
    """Frames in memory, as a Video; ``seen`` says which were asked for."""

    frames: list[Frame]
    name = "clip"
    size = SIZE
    fps = 25.0

    def __post_init__(self) -> None:
        self.seen: list[int] = []

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, frame: int) -> Frame:
        self.seen.append(frame)
        return self.frames[frame]

    def timestamp(self, frame: int) -> float:
        return frame / self.fps

    def frame_name(self, frame: int) -> str:
        return f"{frame:05d}"

    def close(self) -> None:
        pass


def shot(seed: int, length: int = 20, speed: float = 1.5) -> list[Frame]:
    """A window that moves by ``speed`` pixels a frame over a made landscape, with noise."""
    rng = np.random.default_rng(seed)
    tint = rng.uniform(0.3, 1, 3)
    coarse = rng.random((9, 40, 1)) * tint + 0.3 * rng.random((9, 40, 3))
    land = cv2.resize((200 * coarse).clip(0, 255).astype(np.uint8), (1600, 90))
    found = []
    for t in range(length):
        x = round(700 + 600 * np.sin(t * speed / 600))
        noise = rng.normal(0, 3, (*SIZE, 3))
        found.append((land[:, x : x + SIZE[1]] + noise).clip(0, 255).astype(np.uint8))
    return found


def lit(frame: Frame, gain: float, white: float = 0.0) -> Frame:
    return np.clip(frame * gain + 255 * white, 0, 255).astype(np.uint8)


def test_hard_cuts_are_found_at_the_first_frame_of_each_shot():
    clip = Clip(shot(1) + shot(2, 15) + shot(3, 30) + shot(4, 6) + shot(5))
    assert cuts(clip) == [20, 35, 65, 71]


@pytest.mark.parametrize("speed", [0.0, 8.0, 30.0])
def test_no_motion_of_one_shot_is_a_cut(speed: float):
    assert cuts(Clip(shot(1, 40, speed))) == []


def test_cuts_between_fast_shots_are_found():
    assert cuts(Clip(shot(1, speed=25) + shot(2, speed=30) + shot(3, speed=20))) == [20, 40]


@pytest.mark.parametrize("length", [1, 2, 3])
@pytest.mark.parametrize("strength", [0.6, 1.0])
def test_a_flash_is_no_cut(length: int, strength: float):
    frames = shot(1, 30)
    for t in range(12, 12 + length):
        frames[t] = lit(frames[t], 1 - strength, strength)
    assert cuts(Clip(frames)) == []


def test_a_lamp_that_goes_on_is_no_cut():
    frames = [lit(frame, 0.5 if t < 15 else 1.2) for t, frame in enumerate(shot(1, 30))]
    assert cuts(Clip(frames)) == []


def test_a_fade_through_black_begins_a_shot_where_the_picture_comes_back():
    ramp = [min(1.0, t / 8, (29 - t) / 8) for t in range(30)]
    one, two = ([lit(f, g) for f, g in zip(shot(s, 30), ramp, strict=True)] for s in (1, 2))
    (found,) = cuts(Clip(one + two))
    assert 30 <= found <= 33


@pytest.mark.parametrize("length", range(1, 14))
def test_a_cut_is_found_near_either_end_and_in_short_clips(length: int):
    assert cuts(Clip(shot(1, length) + shot(2, 12))) == [length]
    assert cuts(Clip(shot(1, 12) + shot(2, length))) == [12]
    assert cuts(Clip(shot(1, length))) == []


def test_only_the_frames_that_are_asked_for_are_read_and_in_order():
    clip = Clip(shot(1) + shot(2) + shot(3))
    assert cuts(clip, range(10, 30)) == [20]
    assert clip.seen == list(range(10, 30))


def test_cuts_are_given_out_soon_after_they_were_seen():
    clip = Clip(shot(1) + shot(2, 200))
    assert next(find_cuts(clip)) == 20
    assert len(clip.seen) < 30


def test_black_and_single_frames_hold_no_cut():
    black = [np.zeros((*SIZE, 3), np.uint8)] * 12
    assert cuts(Clip(black)) == []
    assert cuts(Clip(black[:1])) == []


def test_the_shot_around_a_frame_is_found_without_looking_far_past_its_ends():
    clip = Clip(shot(1, 60) + shot(2, 25) + shot(3, 60))
    shots = Shots(clip)
    assert [shots.around(frame) for frame in (60, 70, 84)] == [range(60, 85)] * 3
    assert min(clip.seen) >= 50
    assert max(clip.seen) < 95
    seen = len(clip.seen)
    assert shots.barriers([70, 65]) == (60, 85)
    assert len(clip.seen) == seen  # what is known is not looked for again
    assert shots.barriers([3]) == (60,)
    assert list(shots.search(75)) == []
    assert next(Shots(clip).search(75)) == 75
    assert shots.barriers([70, 144]) == (60, 85)


def test_propagation_stays_in_the_shot_by_these_barriers():
    clip = Clip(shot(1) + shot(2) + shot(3))
    for frame in (20, 30, 39):
        forward, backward = spans(frame, (), len(clip), Shots(clip).barriers([frame]))
        assert {*forward, frame, *backward} == set(range(20, 40))
