"""Simulated rounds of a person and the two networks, played with a batch of scenes.

One round: strokes on one frame, the interaction network's mask of it, the reference aggregated, and
the propagation network outwards from that frame (method.md 1.8, 1.10). The person draws on a random
frame first, on the worst one after that, and corrects what is wrong there. Masks are detached from
one step to the next; the reference is not, so that both networks learn what to remember.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import cv2
import numpy as np
import torch
from torch import Tensor

from ivos.crop import (
    CropSpec,
    Region,
    draw_paths,
    region_for_interaction,
    region_for_propagation,
    with_change,
)
from ivos.networks.ipn import IPN
from ivos.session.schedule import change_share
from ivos.train.again import look_again
from ivos.train.corrupt import corrupt
from ivos.train.game import (
    Game,
    Output,
    Play,
    channels_last,
    compete,
    crop_planes,
    jittered,
    precision,
    put_back,
    rival_of,
    warped,
)
from ivos.train.scenes import Scene
from ivos.train.strokes import Stroke, draw_strokes
from ivos.types import Mask, Point, SoftMask

_Path: TypeAlias = tuple[list[Point], bool]

_ARRIVED_WRONG = 0.35
"""Of the masks that stand for a long way, those that are grossly wrong."""
_LONG_WAY = (10, 41)
"""How many frames that way may be, from and up to."""
_EXACT = 0.7
"""Of the masks that are given, those that are exactly right."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a person has drawn on one frame of a game."""

    game: Game
    frame: int
    paths: Sequence[_Path]


def play(
    net: IPN, scenes: Sequence[Scene], how: Play, rng: np.random.Generator
) -> Iterator[Output]:
    """Play all rounds; yields every mask that either network puts out, to be learnt from."""
    whole = [_begin(scene, how, rng) for scene in scenes]
    reference = _remembered(net, whole, how, rng)
    games = [game.played() for game in whole]
    for _ in range(how.rounds):
        frames = _frames_to_draw_on(games, rng)
        previous = [list(game.masks) for game in games]
        newest, found = _interact(net, games, frames, how, rng)
        if how.interaction_learns:
            yield from found
        reference = newest if reference is None else net.aggregate(newest, reference)
        known, withheld = reference, rng.random() >= how.remembered
        if withheld:
            known = torch.zeros_like(reference)
        for game, frame in zip(games, frames, strict=True):
            if rng.random() < how.given:
                game.masks[frame] = _given(game.truth[frame], rng)
            game.annotated.append(frame)
        compete(games, frames)
        routes = [
            _outwards(frame, len(game.masks)) for game, frame in zip(games, frames, strict=True)
        ]
        for steps in zip(*routes, strict=True):
            output = _propagate(net, games, steps, previous, known, how, rng)
            reached = [frame for frame, _ in steps]
            if how.propagation_learns:
                yield output
            if how.crop.second_look and rng.random() < how.again:
                looked = look_again(net, games, reached, how, rng)
                if looked is not None:
                    seen, noted = looked
                    if how.interaction_learns:
                        yield seen
                    if not withheld and how.noted and rng.random() < how.noted:
                        known = torch.cat([noted, known], dim=3)  # until the round ends
            compete(games, reached)


def _remembered(
    net: IPN, games: Sequence[Game], how: Play, rng: np.random.Generator
) -> Tensor | None:
    """What is in the memory before the first round: as many of the frames apart as chance says, as
    if they had been drawn on in earlier rounds. Nothing is learnt from them.
    """
    reference: Tensor | None = None
    most = min([how.apart, *(game.scene.apart for game in games)])
    looking = replace(how, interaction_learns=False)
    with torch.no_grad():
        for frame in range(int(rng.integers(most + 1)) if most else 0):
            newest, _ = _interact(net, games, [frame] * len(games), looking, rng)
            reference = newest if reference is None else net.aggregate(newest, reference)
    return reference


def _begin(scene: Scene, how: Play, rng: np.random.Generator) -> Game:
    nothing = bool(rng.random() < how.nothing)
    truth = np.zeros_like(scene.target) if nothing else scene.target
    masks: list[SoftMask | None] = [None] * len(truth)
    wrong = not nothing and bool(rng.random() >= how.fresh)
    if wrong and scene.part.any() and rng.random() < how.parts:
        truth, believed = _piecewise(scene, rng)
        masks = list(corrupt(believed, believed, rng, gross=0.0))
    elif wrong:
        masks = list(corrupt(scene.target, scene.others, rng, gross=how.gross))
    return Game(scene, truth, masks, nothing, wrong)


def _piecewise(scene: Scene, rng: np.random.Generator) -> tuple[Mask, Mask]:
    """What is meant and what is believed, one of them the whole object and one only a piece.

    Nothing but the person's word tells that the piece is (or is not) meant, and only the frame
    beside can tell it on the next one.
    """
    rest = scene.target & ~scene.part
    style = rng.random()
    if style < 0.55:
        return rest, scene.target
    if style < 0.8:
        return scene.target, rest
    return scene.part, scene.target


def _given(truth: Mask, rng: np.random.Generator) -> SoftMask:
    """The truth itself, from which fine outlines are learnt to be kept, or nearly."""
    if rng.random() < _EXACT:
        exact: SoftMask = truth.astype(np.float32)
        return exact
    nearly: SoftMask = corrupt(truth[None], truth[None], rng, gross=0.0)[0]
    return nearly


def _frames_to_draw_on(games: Sequence[Game], rng: np.random.Generator) -> list[int]:
    """One for each game, the same one for rivals: a person sees both there."""
    frames: list[int] = []
    for index, game in enumerate(games):
        rival = rival_of(games, index)
        if rival is not None and game.scene.rival < 0:
            frames.append(frames[-1])
        else:
            frames.append(_frame_to_draw_on([game, rival] if rival else [game], rng))
    return frames


def _frame_to_draw_on(games: Sequence[Game], rng: np.random.Generator) -> int:
    """The worst frame not drawn on yet; a random one that shows the objects if one has no mask,
    where there is one far from the others that one half of the time.
    """
    if any(game.masks[0] is None for game in games):
        targets = np.stack([game.scene.target.any(axis=(1, 2)) for game in games])
        shown = np.flatnonzero(targets.all(axis=0))
        if games[0].scene.leap and 0 in shown and rng.random() < 0.5:
            return 0
        return int(rng.choice(shown)) if len(shown) else 0
    scores = [
        sum(_iou(game.masks[t], game.truth[t]) + 2 * (t in game.annotated) for game in games)
        for t in range(len(games[0].masks))
    ]
    return int(np.argmin(scores))


def _iou(mask: SoftMask | None, truth: Mask) -> float:
    found = np.zeros_like(truth) if mask is None else mask > 0.5
    union = (found | truth).sum()
    return float((found & truth).sum() / union) if union else 1.0


def _outwards(frame: int, length: int) -> list[tuple[int, int]]:
    """(frame, neighbour) pairs, nearest to ``frame`` first, each after its neighbour."""
    pairs = [(t, t - 1) for t in range(frame + 1, length)]
    pairs += [(t, t + 1) for t in range(frame - 1, -1, -1)]
    return sorted(pairs, key=lambda pair: abs(pair[0] - frame))


def _interact(
    net: IPN, games: Sequence[Game], frames: Sequence[int], how: Play, rng: np.random.Generator
) -> tuple[Tensor, list[Output]]:
    """The references (method.md 1.8, 1), and what the interaction network has found."""
    drawn = [_strokes(game, frame, rng) for game, frame in zip(games, frames, strict=True)]
    asked = [
        _Asked(game, frame, drawn[i] + _on_rival(games, drawn, i))
        for i, (game, frame) in enumerate(zip(games, frames, strict=True))
    ]
    first = [one.game.masks[one.frame] is None for one in asked]
    again = [i for i, one in enumerate(asked) if first[i] and rng.random() < how.closer]
    regions = [
        _interaction_region(one, how.crop, rng, at_once=i not in again)
        for i, one in enumerate(asked)
    ]
    output, reference = _look(net, asked, regions, how)
    outputs = [output]
    again = [i for i in again if asked[i].paths]
    if again and how.crop.zoom_first_round:
        closer = [asked[i] for i in again]
        regions = [_interaction_region(one, how.crop, rng, at_once=False) for one in closer]
        output, newest = _look(net, closer, regions, how)
        outputs.append(output)
        reference = reference.index_copy(0, torch.tensor(again, device=how.device), newest)
    detailed = [one for one in asked if one.paths and rng.random() < how.detail]
    if detailed and how.crop.detail_side and how.interaction_learns:
        regions = [_some_part(one, how.crop, rng) for one in detailed]
        outputs.append(_look(net, detailed, regions, how, keep=False)[0])
    return reference, outputs


def _look(
    net: IPN, asked: Sequence[_Asked], regions: Sequence[Region], how: Play, *, keep: bool = True
) -> tuple[Output, Tensor]:
    """One look of the interaction network; the masks become the games' if they are to be kept."""
    planes = []
    for one, region in zip(asked, regions, strict=True):
        drawn = draw_paths(one.paths, region, one.game.size, how.crop)
        known = warped(one.game, one.game.masks[one.frame], region, how.crop)
        planes.append(crop_planes(one.game, one.frame, region, how.crop, known, *drawn))
    batch = torch.from_numpy(np.stack(planes)).to(how.device)
    image, previous, positive, negative, truth = torch.split(batch, [3, 1, 1, 1, 1], dim=1)
    with precision(how):
        heads, reference = net.interact(channels_last(image), previous, positive, negative)
    logits, reference = tuple(head.float() for head in heads), reference.float()
    games = [one.game for one in asked]
    if keep:
        put_back(games, [one.frame for one in asked], regions, logits[-1].sigmoid())
    fresh = torch.tensor([len(game.annotated) == 0 and not game.wrong for game in games])
    return Output("interaction", logits, truth, image, positive + negative, fresh), reference


def _propagate(
    net: IPN,
    games: Sequence[Game],
    steps: Sequence[tuple[int, int]],
    previous: Sequence[list[SoftMask | None]],
    reference: Tensor,
    how: Play,
    rng: np.random.Generator,
) -> Output:
    planes, regions = [], []
    for game, (frame, near), before in zip(games, steps, previous, strict=True):
        neighbour, old, earlier = game.masks[near], before[frame], before[near]
        assert neighbour is not None
        share = 1.0
        if game.scene.leap and 0 in (frame, near):
            neighbour, earlier = _arrived(game, frame, rng), old
            share = change_share(int(rng.integers(*_LONG_WAY)))
        if rng.random() < how.slips:
            others = game.scene.others[near : near + 1]
            neighbour = corrupt((neighbour > 0.5)[None], others, rng, gross=1.0)[0]
        if rng.random() < how.lost:
            neighbour = np.zeros_like(neighbour)
        region = jittered(region_for_propagation(old, neighbour, how.crop), rng)
        beside = warped(game, neighbour, region, how.crop)
        known = warped(game, old, region, how.crop)
        if how.crop.carry_changes and old is not None:
            known = with_change(known, beside, warped(game, earlier, region, how.crop), share)
        regions.append(region)
        planes.append(crop_planes(game, frame, region, how.crop, beside, known))
    batch = torch.from_numpy(np.stack(planes)).to(how.device)
    image, neighbours, known_, truth = torch.split(batch, [3, 1, 1, 1], dim=1)
    with precision(how), torch.set_grad_enabled(how.propagation_learns):
        heads = net.propagate(reference, channels_last(image), neighbours, known_)
    logits = tuple(head.float() for head in heads)
    put_back(games, [frame for frame, _ in steps], regions, logits[-1].sigmoid())
    return Output("propagation", logits, truth, image)


def _arrived(game: Game, frame: int, rng: np.random.Generator) -> SoftMask:
    """What stands for the mask beside ``frame`` where the way there is not in the scene."""
    truth, others = game.truth[frame : frame + 1], game.scene.others[frame : frame + 1]
    mask: SoftMask = corrupt(truth, others, rng, gross=_ARRIVED_WRONG)[0]
    return mask


def _interaction_region(
    asked: _Asked, spec: CropSpec, rng: np.random.Generator, *, at_once: bool
) -> Region:
    """As in a session; with ``at_once`` first strokes are looked at closely half the time, as where
    a person has drawn a box.
    """
    game, frame, paths = asked.game, asked.frame, asked.paths
    previous = game.masks[frame]
    strokes = draw_paths(paths, Region(0, 0, game.size[0] - 1, game.size[1] - 1), game.size, spec)
    covered = [
        np.asarray(cv2.resize(plane, game.size[::-1], interpolation=cv2.INTER_NEAREST), np.float32)
        for plane in strokes
    ]
    if previous is None:
        around = game.truth[frame].astype(np.float32)
        one_look = not (spec.zoom_first_round and at_once)
        if one_look or rng.random() < 0.5 or not (paths and around.any()):
            return region_for_interaction(None, covered[0], covered[1], spec)
        previous = around
    return jittered(region_for_interaction(previous, covered[0], covered[1], spec), rng)


def _some_part(asked: _Asked, spec: CropSpec, rng: np.random.Generator) -> Region:
    """Some part of what is looked at, 0.4 to 0.75 of each side of it."""
    whole = _interaction_region(asked, spec, rng, at_once=False)
    height, width = rng.uniform(0.4, 0.75, 2) * (whole.y1 - whole.y0, whole.x1 - whole.x0)
    y0 = rng.uniform(whole.y0, whole.y1 - height)
    x0 = rng.uniform(whole.x0, whole.x1 - width)
    return Region(y0, x0, y0 + height, x0 + width)


def _strokes(game: Game, frame: int, rng: np.random.Generator) -> list[_Path]:
    """This round's strokes: on the object where there is no mask yet, else on what is wrong."""
    truth, previous = game.truth[frame], game.masks[frame]
    positive: list[Stroke] = []
    negative: list[Stroke] = []
    if game.nothing:
        if rng.random() < 0.3:
            negative = draw_strokes(game.scene.others[frame] | game.scene.target[frame], rng)
    elif previous is None:
        positive = draw_strokes(truth, rng)
        if rng.random() < 0.2:
            negative = draw_strokes(game.scene.others[frame], rng)
    else:
        found = previous > 0.5
        positive = draw_strokes(_opened(truth & ~found), rng)
        negative = draw_strokes(_opened(found & ~truth), rng)
        if rng.random() < 0.2:
            positive += draw_strokes(truth, rng, most=1)
    size = np.array(game.size[::-1])
    paths = [(stroke, True) for stroke in positive] + [(stroke, False) for stroke in negative]
    return [([tuple(p) for p in ((stroke + 0.5) / size).tolist()], good) for stroke, good in paths]


def _on_rival(games: Sequence[Game], drawn: Sequence[list[_Path]], index: int) -> list[_Path]:
    """What is drawn on the rival is not this one's, as in a session."""
    if rival_of(games, index) is None:
        return []
    return [(path, False) for path, good in drawn[index + games[index].scene.rival] if good]


def _opened(error: Mask) -> Mask:
    """The error without its thin parts, as the robot sees it (davis-interactive.md 2.5)."""
    radius = int(min(0.1 * np.sqrt(error.sum()), 16))
    if radius < 1:
        return error
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    opened: Mask = cv2.morphologyEx(error.astype(np.uint8), cv2.MORPH_OPEN, disk) > 0
    return opened if opened.any() else error
