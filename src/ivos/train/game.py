"""What a play with the networks is made of: its rules, a scene as it is being played, crops of it
for the networks, and what they put out.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ivos.crop import CropSpec, Region, neutral_crop, unwarp, warp
from ivos.masks import soft_aggregate
from ivos.train.scenes import Scene
from ivos.types import Mask, SoftMask

NEUTRAL = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """How a batch is played."""

    crop: CropSpec
    """The networks' crops, as in a session."""
    device: str = "cpu"
    """Where the networks are."""
    rounds: int
    fresh: float
    """Share of scenes that begin without masks; the others begin with wrong ones."""
    given: float
    """Share of rounds that propagate a right or nearly right mask in place of the network's own."""
    slips: float = 0.0
    """Share of steps in which the neighbour's mask has gone grossly wrong on its way: only what is
    remembered of the annotated frame can tell."""
    lost: float = 0.0
    """Share of steps in which nothing is left of it, as where something has hidden the object."""
    gross: float = 0.65
    """Share of wrong masks that are grossly wrong."""
    parts: float = 0.5
    """Share of wrong starts in which a piece of the object is wrongly in or out."""
    closer: float = 0.7
    """Share of first strokes that are looked at again, closer, with what was found, as a session
    does; as for the others, half are looked at closely at once."""
    detail: float = 0.35
    """Share of interactions after which a part of the object is looked at in detail, as a session
    does with all parts."""
    again: float = 0.0
    """Share of steps whose masks are looked at a second time, as a session does."""
    noted: float = 0.0
    """Share of these after which what was seen is remembered for the rest of the round."""
    remembered: float = 1.0
    """Share of rounds in which the propagation network is given what is remembered."""
    apart: int = 0
    """How many frames far away may be in the memory before the first round; up to so many are."""
    interaction_learns: bool = True
    """Whether its masks are learnt from; else they only serve the propagation network."""
    propagation_learns: bool = True
    """The same the other way round."""
    nothing: float = 0.05
    """Share of scenes in which nothing is meant: no positive stroke, nothing to be found."""
    half: bool = False
    """Whether the networks compute in bfloat16 where that is precise enough."""


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a network with what it should have been."""

    kind: str
    logits: tuple[Tensor, ...]
    truth: Tensor
    image: Tensor
    strokes: Tensor | None = None
    fresh: Tensor | None = None
    """(B,): which interactions began without a mask."""


@dataclass(slots=True)
class Game:
    """One scene as it is being played."""

    scene: Scene
    truth: Mask
    masks: list[SoftMask | None]
    nothing: bool
    wrong: bool
    annotated: list[int] = field(default_factory=list)

    def played(self) -> Game:
        """The game without the frames of its scene that are only there to be remembered."""
        scene, first = self.scene.played(), self.scene.apart
        return Game(scene, self.truth[first:], self.masks[first:], self.nothing, self.wrong)

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the frames."""
        return self.truth.shape[1], self.truth.shape[2]


def warped(game: Game, mask: SoftMask | None, region: Region, spec: CropSpec) -> SoftMask:
    """A mask's crop (S, S); the neutral value where there is no mask."""
    if mask is None:
        return neutral_crop(NEUTRAL, region, game.size, spec.crop_size)
    crop: SoftMask = warp(mask, region, spec.crop_size, antialias=spec.antialias)  # type: ignore[assignment]
    return crop


def crop_planes(
    game: Game, frame: int, region: Region, spec: CropSpec, *maps: SoftMask
) -> NDArray[np.float32]:
    """(3 + maps + 1, S, S): the image in 0..1, the maps, and the truth as 0 or 1."""
    side = spec.crop_size
    planes = np.empty((4 + len(maps), side, side), np.float32)
    image = warp(game.scene.images[frame], region, side, antialias=spec.antialias)
    planes[:3] = image.transpose(2, 0, 1).astype(np.float32) / 255
    for plane, values in zip(planes[3:], maps, strict=False):
        plane[:] = values
    planes[-1] = (
        warp(game.truth[frame].astype(np.float32), region, side, antialias=spec.antialias) > 0.5
    )
    return planes


def put_back(
    games: Sequence[Game], frames: Sequence[int], regions: Sequence[Region], probs: Tensor
) -> None:
    """Make what was found in the regions, (B, 1, S, S) in 0..1, the masks of the frames."""
    crops = probs.detach()[:, 0].cpu().numpy()
    for game, frame, region, crop in zip(games, frames, regions, crops, strict=True):
        game.masks[frame] = unwarp(crop, region, game.size)


def rival_of(games: Sequence[Game], index: int) -> Game | None:
    """The game that this one competes with, if any: not where nothing is meant in one of them."""
    game = games[index]
    if not game.scene.rival:
        return None
    rival = games[index + game.scene.rival]
    return None if game.nothing or rival.nothing else rival


def compete(games: Sequence[Game], frames: Sequence[int]) -> None:
    """Let what was found of rivals on a frame compete for its pixels (``soft_aggregate``)."""
    for index, frame in enumerate(frames):
        game, rival = games[index], rival_of(games, index)
        if rival is None or game.scene.rival < 0:
            continue
        own, theirs = game.masks[frame], rival.masks[frame]
        if own is not None and theirs is not None:
            _, game.masks[frame], rival.masks[frame] = soft_aggregate(np.stack([own, theirs]))


def jittered(region: Region, rng: np.random.Generator) -> Region:
    """``region`` moved by up to 8 % and scaled by up to a quarter, each way on its own."""
    height, width = region.y1 - region.y0, region.x1 - region.x0
    y = (region.y0 + region.y1) / 2 + rng.uniform(-0.08, 0.08) * height
    x = (region.x0 + region.x1) / 2 + rng.uniform(-0.08, 0.08) * width
    height *= float(np.exp(rng.uniform(-0.2, 0.25))) / 2
    width *= float(np.exp(rng.uniform(-0.2, 0.25))) / 2
    return Region(y - height, x - width, y + height, x + width)


def precision(how: Play) -> AbstractContextManager[None]:
    """The context in which the networks compute."""
    return torch.autocast(torch.device(how.device).type, dtype=torch.bfloat16, enabled=how.half)


def channels_last(image: Tensor) -> Tensor:
    """The same values, laid out as the networks compute fastest."""
    return image.contiguous(memory_format=torch.channels_last)
