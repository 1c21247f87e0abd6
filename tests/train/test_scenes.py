"""Scenes: several objects, one meant, the same for one seed."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from ivos.train.data import Clip, Footage, Still
from ivos.train.scenes import Scene, SceneMix, make_rivals, make_scene
from tests.train.made import clip, footage, still

SIZES = {(192, 320), (208, 272), (240, 240), (272, 208)}


def made(seed: int, video_share: float = 0.0, length: int = 2) -> Scene:
    return make_scene(footage(), SceneMix(length, video_share), np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("video_share", [0.0, 1.0])
def test_the_one_meant_is_to_be_seen_and_apart_from_the_others(seed: int, video_share: float):
    scene = made(seed, video_share)
    assert scene.images.dtype == np.uint8
    for mask in (scene.target, scene.others, scene.part):
        assert mask.dtype == np.bool_
        assert mask.shape == scene.images.shape[:3]
    assert scene.target.mean(axis=(1, 2)).max() > 0.003
    assert not (scene.target & scene.others).any()
    assert not (scene.part & ~scene.target).any()
    assert scene.target.shape[0] == 2
    assert video_share == 1 or scene.target.shape[1:] in SIZES
    assert video_share == 0 or scene.target.shape[1:] == (270, 480)


def test_a_seed_makes_one_scene_and_another_seed_another():
    one, same, other = made(3), made(3), made(4)
    for name in ("images", "target", "others", "part"):
        assert np.array_equal(getattr(one, name), getattr(same, name)), name
    assert one.images.shape != other.images.shape or not np.array_equal(one.images, other.images)


def test_most_scenes_have_others_that_could_have_been_meant():
    assert sum(made(seed, length=1).others.any() for seed in range(16)) >= 8


def test_objects_move_from_frame_to_frame():
    moved = [made(seed) for seed in range(6)]
    assert sum(not np.array_equal(s.target[0], s.target[1]) for s in moved) >= 5


def test_real_clips_are_cut_at_any_length_they_have():
    for length in (1, 5, 6):
        assert len(made(0, 1.0, length).images) == length


def test_frames_of_a_real_clip_lie_as_far_apart_as_the_mix_says():
    def change(gaps: tuple[float, ...]) -> float:
        mix = SceneMix(2, 1.0, gaps=gaps)
        scenes = [make_scene(footage(), mix, np.random.default_rng(seed)) for seed in range(8)]
        return float(np.mean([(s.target[0] ^ s.target[1]).sum() for s in scenes]))

    assert change((0.0, 0.0, 1.0)) > 1.5 * change((1.0,))


def test_objects_of_clips_are_pasted_too_with_their_own_motion():
    blank = [replace(s, mask=np.zeros_like(s.mask)) for s in footage().stills]
    given = replace(footage(), stills=blank)
    scenes = [
        make_scene(given, SceneMix(3, 0.0, clip_share=share), np.random.default_rng(seed))
        for share in (0.0, 1.0)
        for seed in range(6)
    ]
    assert not any(scene.target.any() for scene in scenes[:6])
    assert all(scene.target.any() for scene in scenes[6:])


def test_footage_without_anything_to_see_still_makes_a_scene():
    empty = replace(footage(), clips=())
    stills = [replace(s, mask=np.zeros_like(s.mask)) for s in empty.stills]
    mix = SceneMix(1, 0.0)
    scene = make_scene(replace(empty, stills=stills), mix, np.random.default_rng(0))
    assert not scene.target.any()


def test_twins_look_alike_lie_side_by_side_and_are_alone():
    plain = still(1)
    striped = still(2)
    columns = np.arange(striped.mask.shape[1]) // 4 % 2
    striped.image[striped.mask] = np.where(columns, 200, 50)[None, :, None].repeat(60, 0)[
        striped.mask
    ]
    plain.image[plain.mask] = 125
    seen = {True: 0, False: 0}
    for seed in range(30):
        scene = make_scene(
            Footage([plain, striped], []), SceneMix(2, 0.0, twins=1.0), np.random.default_rng(seed)
        )
        target, others = scene.target[0], scene.others[0]
        if min(target.sum(), others.sum()) < 200:  # one is behind the other, or out of the picture
            continue
        one, other = (float(scene.images[0][mask].mean(axis=1).std()) for mask in (target, others))
        assert (one > 20) == (other > 20)
        seen[one > 20] += 1
        away = cv2.distanceTransform((~target).astype(np.uint8), cv2.DIST_L2, 5)
        assert away[others].min() < 1.5 * np.sqrt(target.sum())
    assert min(seen.values()) >= 5


def growing(length: int, shown: int) -> Clip:
    """A bar that grows longer; from frame ``shown`` on it is not to be seen."""
    masks = np.zeros((length, 90, 160), np.bool_)
    for t in range(shown):
        masks[t, 38:52, 50 : 66 + 2 * t] = True
    images = np.full((*masks.shape, 3), 60, np.uint8)
    images[masks] = 180
    return Clip("growing", images, masks)


def aspect(mask: np.ndarray) -> float | None:
    """Length by width of a bar at any angle; None where it is cut off or not whole."""
    rim = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    if mask.sum() < 200 or rim.any():
        return None
    sides = cv2.minAreaRect(cv2.findNonZero(mask.astype(np.uint8)))[1]
    whole = mask.sum() > 0.9 * sides[0] * sides[1]
    return max(sides) / min(sides) if whole else None


def test_a_twin_in_a_clip_looks_as_the_first_did_at_another_time():
    only = Footage([still(1)], [growing(24, 24)])
    differ = []
    for seed in range(60):
        scene = make_scene(only, SceneMix(2, 1.0, twins=1.0), np.random.default_rng(seed))
        pair = aspect(scene.target[0]), aspect(scene.others[0])
        if pair[0] and pair[1]:
            differ.append(abs(np.log(pair[0] / pair[1])) > 0.2)
    assert len(differ) > 10
    assert np.mean(differ) > 0.4


def test_a_clip_that_mostly_shows_nothing_has_twins_all_the_same():
    only = Footage([still(1)], [growing(24, 3)])
    for seed in range(20):
        scene = make_scene(only, SceneMix(3, 1.0, twins=1.0), np.random.default_rng(seed))
        assert scene.images.shape == (3, 270, 480, 3)


@pytest.mark.parametrize("video_share", [0.0, 1.0])
def test_a_leap_lies_before_the_second_frame_and_nowhere_else(video_share: float):
    long_clip = replace(footage(), clips=[clip("moving", 24)])

    def changes(leaps: float) -> np.ndarray:
        mix = SceneMix(4, video_share, gaps=(1.0,), leaps=leaps)
        found = []
        for seed in range(12):
            scene = make_scene(long_clip, mix, np.random.default_rng(seed))
            assert scene.leap == bool(leaps)
            found.append((scene.target[1:] ^ scene.target[:-1]).sum(axis=(1, 2)))
        return np.mean(found, axis=0)

    steady, leapt = changes(0.0), changes(1.0)
    assert leapt[0] > 2 * steady.max()
    assert leapt[0] > 2 * leapt[1:].max()


def test_a_leap_in_a_clip_that_is_too_short_for_it_goes_to_some_frame():
    scene = make_scene(footage(), SceneMix(3, 1.0, leaps=1.0), np.random.default_rng(0))
    assert scene.leap
    assert len(scene.images) == 3


def test_sides_of_an_object_are_not_followed_across_a_leap():
    blank = [replace(s, mask=np.zeros_like(s.mask)) for s in footage().stills]
    given = replace(footage(), stills=blank)  # a clip of six frames: shorter than a leap

    def with_parts(leaps: float) -> int:
        mix = SceneMix(3, 1.0, gaps=(1.0,), leaps=leaps)
        scenes = [make_scene(given, mix, np.random.default_rng(seed)) for seed in range(8)]
        return sum(bool(scene.part.any()) for scene in scenes)

    assert with_parts(0.0) == 8
    assert with_parts(1.0) == 0


def test_a_single_frame_cannot_leap():
    scene = make_scene(footage(), SceneMix(1, 0.0, leaps=1.0), np.random.default_rng(0))
    assert not scene.leap


@pytest.mark.parametrize("video_share", [0.0, 1.0])
@pytest.mark.parametrize("leaps", [0.0, 1.0])
def test_frames_apart_come_first_and_are_not_played(video_share: float, leaps: float):
    given = replace(footage(), clips=[clip("moving", 40)])
    mix = SceneMix(5, video_share, gaps=(1.0,), leaps=leaps, apart=2)
    far, near = [], []
    for seed in range(12):
        scene = make_scene(given, mix, np.random.default_rng(seed))
        played = scene.played()
        assert (len(scene.images), len(played.images), played.apart) == (5, 3, 0)
        assert played.leap == bool(leaps)
        assert np.array_equal(scene.images[2:], played.images)
        assert np.array_equal(scene.part[2:], played.part)
        assert played.target.any()
        steps = (scene.target[1:] ^ scene.target[:-1]).sum(axis=(1, 2))
        far.append(steps[:2].mean())
        near.append(steps[-1])
    assert np.mean(far) > 2 * np.mean(near)


def test_a_mirror_image_beyond_the_edge_of_a_still_is_not_the_object():
    mask = np.zeros((60, 80), np.bool_)
    mask[20:40, 30:50] = True
    image = np.where(mask[..., None], 200, 60).astype(np.uint8).repeat(3, axis=2)
    given = Footage([Still(image, mask)], ())
    mix = SceneMix(2, 0.0, leaps=1.0)
    mirrored = 0
    for seed in range(60):
        scene = make_scene(given, mix, np.random.default_rng(seed))
        for target, others in zip(scene.target, scene.others, strict=True):
            if others.any():
                continue  # something was pasted over it
            pieces = cv2.connectedComponents(target.astype(np.uint8))[0] - 1
            assert pieces <= 1
        plain = cv2.absdiff(
            scene.images[1].max(axis=2), np.full(scene.images.shape[1:3], 60, np.uint8)
        )
        bright = (plain > 60) & ~scene.others[1]
        mirrored += int(cv2.connectedComponents(bright.astype(np.uint8))[0] - 1 > 1)
    assert mirrored > 5, "or there was nothing to be told apart"


@pytest.mark.parametrize("video_share", [0.0, 1.0])
def test_rivals_are_one_scene_with_another_object_meant_each_time(video_share: float):
    pairs = 0
    for seed in range(24):
        mix = SceneMix(3, video_share, apart=1)
        one, *rest = make_rivals(footage(), mix, np.random.default_rng(seed))
        assert one.rival == len(rest)
        for other in rest:
            pairs += 1
            assert other.rival == -1
            assert np.array_equal(one.images, other.images)
            assert not (one.target & ~other.others).any()
            assert not (other.target & ~one.others).any()
            played = one.played().target.any(axis=(1, 2)) & other.played().target.any(axis=(1, 2))
            assert played.any(), "no frame on which a person sees both"
            assert (one.played().rival, other.played().rival) == (1, -1)
    assert pairs >= 4


def test_a_scene_with_one_object_has_no_rivals():
    lone = Footage([still(0)], ())
    alone = [
        scenes
        for seed in range(20)
        if not (scenes := make_rivals(lone, SceneMix(2, 0.0), np.random.default_rng(seed)))[
            0
        ].others.any()
    ]
    assert alone
    assert all(len(scenes) == 1 and scenes[0].rival == 0 for scenes in alone)
