"""Simulated rounds: where the person draws, what they draw, and what the networks are given."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ivos.crop import CropSpec  # noqa: E402
from ivos.networks.ipn import COMPACT, PAPER  # noqa: E402
from ivos.train.game import Output, Play  # noqa: E402
from ivos.train.rounds import play  # noqa: E402
from ivos.train.scenes import Scene  # noqa: E402
from tests.train.made import ColourNetworks, frame_of, scene  # noqa: E402


def how(**changes: object) -> Play:
    settings = {
        "crop": CropSpec(crop_size=96),
        "rounds": 2,
        "fresh": 1.0,
        "given": 0.0,
        "nothing": 0.0,
        "detail": 0.0,
    }
    return Play(**settings | changes)


def played(net: ColourNetworks, play_how: Play, seed: int = 0, length: int = 3) -> list[Output]:
    rng = np.random.default_rng(seed)
    return list(play(net, [scene(length)], play_how, rng))


def widened(mask: np.ndarray, by: int = 5) -> np.ndarray:
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * by + 1, 2 * by + 1), np.uint8)) > 0


@pytest.mark.parametrize("worst", range(4))
def test_the_worst_frame_is_drawn_on_next(worst: int):
    for seed in range(4):
        net = ColourNetworks(wrong=[worst])
        outputs = played(net, how(), seed, length=4)
        drawn = [frame_of(o.image[0]) for o in outputs if o.kind == "interaction"]
        if drawn[0] != worst:
            assert drawn[1] == worst
        else:
            assert drawn[1] != worst, "a frame that was drawn on is drawn on last"


def test_each_round_visits_every_other_frame_once_after_its_neighbour():
    outputs = played(ColourNetworks(), how(rounds=1), length=5)
    start, *steps = [frame_of(o.image[0]) for o in outputs]
    assert sorted(steps) == [t for t in range(5) if t != start]
    seen = {start}
    for t in steps:
        assert {t - 1, t + 1} & seen
        seen.add(t)


def test_masks_are_detached_from_step_to_step_but_the_reference_is_not():
    net = ColourNetworks(wrong=[1])
    outputs = played(net, how(rounds=3))
    for given in net.interactions + net.propagations:
        for name, tensor in given.items():
            assert tensor.requires_grad == (name == "reference"), name
    assert all(o.logits[-1].requires_grad for o in outputs)
    # The reference of the last round holds all three, the newest first.
    assert net.propagations[-1]["reference"].shape[-1] == 3


def test_the_first_round_knows_nothing_and_the_second_knows_the_first():
    net = ColourNetworks()
    outputs = played(net, how())
    assert net.interactions[0]["previous"].max() == pytest.approx(0.5)
    assert outputs[0].fresh is not None
    assert outputs[0].fresh.all()
    assert net.propagations[0]["previous"].max() == pytest.approx(0.5)
    second = net.interactions[1]
    found, green = second["previous"][0, 0] > 0.5, second["frame"][0, 1] > 0.5
    assert (found & green).sum() / (found | green).sum() > 0.9
    later = [o for o in outputs if o.kind == "interaction"][1]
    assert later.fresh is not None
    assert not later.fresh.any()


def test_corrections_are_drawn_on_errors_only():
    drawn_on_errors = 0
    for seed in range(12):
        net = ColourNetworks(wrong=[0, 1, 2])
        outputs = played(net, how(rounds=2), seed)
        given = net.interactions[1]
        truth = [o for o in outputs if o.kind == "interaction"][1].truth[0, 0].numpy() > 0.5
        previous, positive, negative = (
            given[k][0, 0].numpy() > 0.5 for k in ("previous", "positive", "negative")
        )
        assert positive.any()
        assert negative.any()
        assert not (positive & ~widened(truth)).any()
        assert not (negative & ~widened(previous & ~truth)).any()
        drawn_on_errors += not (positive & ~widened(truth & ~previous)).any()
    assert drawn_on_errors >= 8  # now and then a person also confirms what is right


def test_first_strokes_are_drawn_on_the_object_only():
    for seed in range(8):
        net = ColourNetworks()
        truth = played(net, how(rounds=1), seed)[0].truth[0, 0].numpy() > 0.5
        positive = net.interactions[0]["positive"][0, 0].numpy() > 0.5
        negative = net.interactions[0]["negative"][0, 0].numpy() > 0.5
        assert positive.any()
        assert not (positive & ~widened(truth)).any()
        assert not (negative & truth & ~widened(~truth)).any()


def test_a_game_may_begin_with_wrong_masks_that_the_networks_are_given():
    net = ColourNetworks()
    first = played(net, how(fresh=0.0, rounds=1))[0]
    assert first.fresh is not None
    assert not first.fresh.any()
    values = net.interactions[0]["previous"]
    assert not torch.allclose(values, torch.full_like(values, 0.5))


def test_now_and_then_nothing_is_meant_and_nothing_is_to_be_found():
    for seed in range(6):
        net = ColourNetworks()
        outputs = played(net, how(nothing=1.0), seed)
        assert all(not o.truth.any() for o in outputs)
        assert all(not given["positive"].any() for given in net.interactions)


def test_a_given_mask_is_nearly_right_however_wrong_the_network_was():
    net = ColourNetworks(wrong=[0, 1, 2])
    played(net, how(given=1.0, rounds=1))
    first = net.propagations[0]
    near, green = first["neighbour"][0, 0] > 0.5, first["frame"][0, 1] > 0.5
    assert (near & green).sum() / (near | green).sum() > 0.7


def overlap_of_led(net: ColourNetworks, output: Output) -> float:
    """Of the neighbour's mask, as the first propagation was given it, with what is to be found."""
    led, truth = net.propagations[0]["neighbour"][0] > 0.5, output.truth[0] > 0.5
    return float((led & truth).sum() / (led | truth).sum())


def test_masks_that_are_given_are_mostly_exact_and_else_nearly_right():
    overlaps = []
    for seed in range(16):
        net = ColourNetworks(wrong=[0, 1, 2])
        outputs = played(net, how(given=1.0, rounds=1), seed)
        overlaps.append(overlap_of_led(net, outputs[1]))
    exact = sum(overlap > 0.999 for overlap in overlaps)
    assert 7 <= exact <= 15


ZOOMING = replace(COMPACT.crop, crop_size=96)


def share_of_object(given: dict[str, torch.Tensor]) -> float:
    return float((given["frame"][0, 1] > 0.5).float().mean())


def test_first_strokes_are_looked_at_again_closer_with_what_was_found():
    for seed in range(6):
        net = ColourNetworks()
        outputs = played(net, how(rounds=1, crop=ZOOMING, closer=1.0), seed)
        first, second = net.interactions
        assert first["previous"].max() == pytest.approx(0.5)
        assert second["previous"].max() > 0.9
        assert share_of_object(second) > 1.2 * share_of_object(first)
        assert all(given["positive"].any() for given in (first, second))
        assert [o.kind for o in outputs[:2]] == ["interaction", "interaction"]
        assert outputs[1].fresh is not None
        assert outputs[1].fresh.all()


def test_parts_are_looked_at_in_detail_and_change_nothing_else():
    for seed in range(4):
        net = ColourNetworks()
        spec = replace(ZOOMING, detail_side=30.0)
        settings = {"rounds": 1, "crop": spec, "closer": 0.0}
        outputs = played(net, how(**settings, detail=1.0), seed)
        whole, part = net.interactions
        assert part["previous"].max() > 0.9
        assert len(net.propagations) == 2
        assert [o.kind for o in outputs[:2]] == ["interaction", "interaction"]
        assert (net.propagations[0]["reference"] == net.weight).all(), "of the whole"
        side = [given["frame"].shape[-1] for given in (whole, part)]
        assert side == [96, 96]


def test_what_is_remembered_of_a_frame_is_its_last_look():
    net = ColourNetworks()
    rng = np.random.default_rng(1)
    outputs = list(play(net, [scene()] * 4, how(rounds=1, crop=ZOOMING, closer=0.5), rng))
    first, second = (len(o.truth) for o in outputs[:2])
    assert first == 4
    assert 0 < second < 4
    call = (net.propagations[0]["reference"] / net.weight)[:, 0, 0, 0].round().tolist()
    assert sorted(call) == [1.0] * (first - second) + [2.0] * second


def test_other_first_strokes_are_looked_at_closely_half_the_time_and_never_without_zoom():
    def shares(crop: CropSpec) -> list[float]:
        nets = [ColourNetworks() for _ in range(12)]
        for seed, net in enumerate(nets):
            played(net, how(rounds=1, crop=crop, closer=0.0), seed)
        assert all(len(net.interactions) == 1 for net in nets)
        return [share_of_object(net.interactions[0]) for net in nets]

    assert 2 <= sum(share > 0.25 for share in shares(ZOOMING)) <= 10
    assert not any(share > 0.25 for share in shares(replace(PAPER.crop, crop_size=96)))


def test_a_neighbours_mask_may_go_wrong_on_its_way():
    def overlaps(slips: float) -> list[float]:
        found = []
        for seed in range(10):
            net = ColourNetworks()
            played(net, how(rounds=1, slips=slips), seed)
            for given in net.propagations:
                green, led = given["frame"][0, 1] > 0.5, given["neighbour"][0, 0] > 0.5
                found.append(float((led & green).sum() / (led | green).sum()))
        return found

    assert min(overlaps(0.0)) > 0.7
    slipped = overlaps(1.0)
    assert np.median(slipped) < 0.7
    assert min(slipped) < 0.1


def test_a_neighbours_mask_may_be_lost_on_its_way_and_is_looked_for_in_the_whole_frame():
    net = ColourNetworks()
    outputs = played(net, how(rounds=1, lost=1.0, nothing=0.0))
    assert len(net.propagations) == 2
    for given in net.propagations:
        assert not given["neighbour"].any()
        meant, other = given["frame"][0, 1] > 0.5, given["frame"][0, 2] > 0.5
        assert meant.any()
        assert other.any()
    assert all(o.truth.any() for o in outputs)


def test_after_a_leap_the_neighbours_mask_is_one_that_came_a_long_way():
    def led(leap: bool) -> list[float]:
        overlaps = []
        for seed in range(12):
            # The mask of frame 0, which is drawn on, has only half of the object.
            net, scenes = ColourNetworks(wrong=[0]), [replace(scene(3), leap=leap)]
            outputs = play(net, scenes, how(rounds=1), np.random.default_rng(seed))
            if frame_of(next(outputs).image[0]) == 0:
                assert len(list(outputs)) == 2
                given = net.propagations[0]
                green, known = given["frame"][0, 1] > 0.5, given["neighbour"][0, 0] > 0.5
                overlaps.append(float((known & green).sum() / (known | green).sum()))
        return overlaps

    assert max(led(leap=False)) < 0.7
    arrived = led(leap=True)
    assert np.median(arrived) > 0.7
    assert min(arrived) < 0.7, "now and then it has gone wrong on its way"


def test_the_far_frame_is_drawn_on_first_more_often_than_each_of_the_others():
    firsts = []
    for seed in range(40):
        net, far = ColourNetworks(), replace(scene(4), leap=True)
        outputs = play(net, [far], how(rounds=1), np.random.default_rng(seed))
        firsts.append(frame_of(next(iter(outputs)).image[0]))
    assert 18 <= firsts.count(0) < 36
    assert len(set(firsts)) == 4


def test_last_rounds_mask_may_be_given_with_what_the_round_changed_beside_it():
    overlaps: dict[bool, list[float]] = {False: [], True: []}
    for seed in range(6):
        for carried, found in overlaps.items():
            net = ColourNetworks()
            crop = CropSpec(crop_size=96, carry_changes=carried)
            # All frames are wrong alike, and the one that leads has been put right.
            played(net, how(crop=crop, rounds=1, fresh=0.0, given=1.0, gross=1.0, parts=0.0), seed)
            given = net.propagations[0]
            green, known = given["frame"][0, 1] > 0.5, given["previous"][0, 0] > 0.5
            found.append(float((known & green).sum() / (known | green).sum()))
    assert min(overlaps[True]) > 0.7
    assert np.mean(overlaps[True]) > np.mean(overlaps[False]) + 0.2


def test_the_same_seed_plays_the_same_game():
    one, other = (played(ColourNetworks(wrong=[1]), how(), seed=3) for _ in range(2))
    for a, b in zip(one, other, strict=True):
        assert torch.equal(a.image, b.image)
        assert torch.equal(a.logits[-1], b.logits[-1])


def test_scenes_are_played_side_by_side():
    net = ColourNetworks()
    rng = np.random.default_rng(0)
    outputs = list(play(net, [scene(), scene(), scene()], how(), rng))
    assert {len(o.truth) for o in outputs} == {3}
    assert [o.kind for o in outputs] == ["interaction", "propagation", "propagation"] * 2


LOOKING_AGAIN = replace(ZOOMING, second_look=0.7, second_look_strokes=0.5)


def test_propagated_masks_are_looked_at_again_with_weaker_strokes_along_their_middle():
    for seed in range(4):
        net = ColourNetworks()
        settings = {"rounds": 1, "crop": LOOKING_AGAIN, "closer": 0.0, "again": 1.0}
        outputs = played(net, how(**settings), seed)
        again = [o for o in outputs if o.kind == "again"]
        assert len(again) == len(net.propagations) == 2
        for output, given in zip(again, net.interactions[1:], strict=True):
            assert torch.equal(output.image, given["frame"])
            drawn, found = given["positive"][0, 0], given["previous"][0, 0]
            assert set(drawn.unique().tolist()) == {0.0, 0.5}
            assert (found[drawn > 0] > 0.4).all()
            assert not given["negative"].any()
            assert output.logits[-1].requires_grad


@pytest.mark.parametrize(("remembered", "widths"), [(1.0, [1, 2, 2, 3]), (0.0, [1, 1, 2, 2])])
def test_second_looks_are_remembered_until_their_round_ends(remembered, widths):
    net = ColourNetworks()
    settings = {"crop": LOOKING_AGAIN, "closer": 0.0, "again": 1.0, "noted": 1.0}
    played(net, how(rounds=2, remembered=remembered, **settings))
    assert [given["reference"].shape[-1] for given in net.propagations] == widths
    for given in net.propagations:
        assert given["reference"].any() == bool(remembered)
    first, second = (given["reference"].flatten(1)[0] for given in net.propagations[:2])
    if remembered:
        assert torch.equal(second[1:2], first[:1])  # the newest comes first
        assert second.requires_grad


def test_nothing_is_remembered_of_a_scene_in_which_nothing_was_found():
    net = ColourNetworks()
    settings = {"rounds": 1, "crop": LOOKING_AGAIN, "closer": 0.0, "again": 1.0, "noted": 1.0}
    black = scene()
    black.images[:] = 0
    list(play(net, [scene(), black], how(**settings), np.random.default_rng(0)))
    looked, empty = net.propagations[1]["reference"]
    assert looked[..., 0].all()
    assert not empty[..., 0].any()


def test_what_the_second_look_finds_leads_on():
    net = ColourNetworks()
    found = net.interact
    calls = []

    def nothing_but_the_first_time(*given: torch.Tensor):
        calls.append(given)
        logits, reference = found(*given)
        return ((logits[0] if len(calls) == 1 else logits[0] - 99,), reference)

    net.interact = nothing_but_the_first_time  # type: ignore[method-assign]
    settings = {"rounds": 1, "crop": LOOKING_AGAIN, "closer": 0.0, "again": 1.0}
    for seed in range(20):
        calls.clear()
        net.propagations.clear()
        rng = np.random.default_rng(seed)
        outputs = list(play(net, [scene(3)], how(**settings), rng))
        if (
            frame_of(outputs[0].image[0]) != 1
        ):  # the last frame follows from one that was looked at again
            break
    led = net.propagations[1]["neighbour"]
    assert led.max() <= 0.31


def test_a_network_that_does_not_learn_still_leads_the_other_one():
    net = ColourNetworks()
    outputs = played(net, how(propagation_learns=False))
    assert [o.kind for o in outputs] == ["interaction"] * 2
    assert len(net.propagations) == 4


def test_an_interaction_network_that_does_not_learn_still_draws_what_is_led_on():
    settings = {"rounds": 1, "crop": LOOKING_AGAIN, "again": 1.0, "detail": 1.0, "closer": 0.0}
    net = ColourNetworks()
    outputs = played(net, how(interaction_learns=False, **settings))
    assert [o.kind for o in outputs] == ["propagation"] * 2
    assert len(net.interactions) == 1 + 2  # two frames are looked at a second time
    learning = ColourNetworks()
    played(learning, how(**settings))
    assert len(learning.interactions) == 1 + 1 + 2  # and it learns from a look in detail


def test_what_is_remembered_may_be_withheld():
    net = ColourNetworks()
    played(net, how(remembered=0.0))
    assert all(not given["reference"].any() for given in net.propagations)
    net = ColourNetworks()
    played(net, how(remembered=1.0))
    assert all(given["reference"].all() for given in net.propagations)


def test_frames_apart_are_remembered_before_the_first_round_and_not_learnt_from():
    slots = set()
    for seed in range(12):
        net, apart = ColourNetworks(), replace(scene(5), apart=2)
        outputs = list(play(net, [apart], how(apart=2, rounds=1), np.random.default_rng(seed)))
        assert sorted(frame_of(o.image[0]) for o in outputs) == [2, 3, 4]
        held = net.propagations[0]["reference"]
        slots.add(held.shape[-1])
        drawn = [frame_of(given["frame"][0]) for given in net.interactions]
        assert [t for t in drawn if t < 2] == [*range(held.shape[-1] - 1)]
        assert held.requires_grad
        last = torch.autograd.grad(held[..., -1].sum(), net.weight, allow_unused=True)[0]
        assert (last is None or float(last) == 0) == (held.shape[-1] > 1)
    assert slots == {1, 2, 3}


def test_across_a_leap_last_rounds_mask_changes_as_little_as_that_far_away_in_a_session():
    told = []
    for seed in range(20):
        net, far = ColourNetworks(), replace(scene(3), leap=True)
        crop = CropSpec(crop_size=96, carry_changes=True)
        rules = how(crop=crop, rounds=1, fresh=0.0, gross=1.0, parts=0.0)
        outputs = play(net, [far], rules, np.random.default_rng(seed))
        if frame_of(next(outputs).image[0]) == 0:
            list(outputs)
            given = net.propagations[0]
            told.append(float((given["previous"] - given["neighbour"]).abs().max()))
    assert len(told) > 3
    assert min(told) > 0.3


def rivals(length: int = 3) -> list[Scene]:
    """The green one meant, and the blue one of the same scene."""
    green = scene(length)
    blue = replace(green, target=green.others, others=green.target)
    return [replace(green, rival=1), replace(blue, rival=-1)]


def test_rivals_are_drawn_on_together_and_what_is_drawn_on_one_is_not_the_other():
    for seed in range(6):
        net = ColourNetworks()
        list(play(net, rivals(), how(), np.random.default_rng(seed)))
        for given in net.interactions:
            first, second = given["frame"]
            assert frame_of(first) == frame_of(second)
        both = net.interactions[0]
        positive, negative = (both[name][:, 0].numpy() > 0.5 for name in ("positive", "negative"))
        for own, other in ((0, 1), (1, 0)):
            assert positive[own].any()
            assert not (positive[own] & ~widened(negative[other])).any()


def middling(masks: torch.Tensor) -> float:
    """The median of what is anything of a mask."""
    return float(masks[masks > 0.2].median())


@pytest.mark.parametrize("again", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_masks_of_rivals_compete_before_they_lead_on(again: float, seed: int):
    crop = LOOKING_AGAIN if again else CropSpec(crop_size=96)
    rules, pair = how(crop=crop, again=again, rounds=1, interaction_learns=False), rivals(4)
    net = ColourNetworks()  # finds the green one for both
    list(play(net, pair, rules, np.random.default_rng(seed)))
    for given in net.propagations:
        assert middling(given["neighbour"]) == pytest.approx(0.5, abs=0.05)
    net, apart = ColourNetworks(), [replace(one, rival=0) for one in pair]
    list(play(net, apart, rules, np.random.default_rng(seed)))
    assert all(middling(given["neighbour"]) > 0.9 for given in net.propagations)


def test_nothing_competes_with_what_is_not_meant():
    net = ColourNetworks()
    list(play(net, rivals(), how(rounds=1, nothing=1.0), np.random.default_rng(0)))
    assert float(net.propagations[0]["neighbour"].max()) > 0.9


class BothColours(ColourNetworks):
    """Finds what is green for the first of a batch, and what is blue for the second."""

    def _logits(self, frame: torch.Tensor) -> tuple[torch.Tensor]:
        (green,) = super()._logits(frame)
        return (torch.cat([green[:1], self.weight * (frame[1:, 2:3] - 0.5)]),)


def test_the_frame_that_is_worst_for_rivals_together_is_drawn_on_next():
    found = 0
    for seed in range(6):
        net = BothColours(wrong=[2])  # of the two only the green one is wrong, there
        list(play(net, rivals(4), how(), np.random.default_rng(seed)))
        first, second = (frame_of(given["frame"][0]) for given in net.interactions)
        assert 2 in (first, second)
        found += second == 2
    assert found >= 3
