"""The second look of a session (``session.inference.look_again``), to be learnt from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ivos.crop import Region, region_for_interaction
from ivos.networks.ipn import IPN
from ivos.session.middle import along_middle
from ivos.train.corrupt import corrupt
from ivos.train.game import (
    Game,
    Output,
    Play,
    channels_last,
    crop_planes,
    jittered,
    precision,
    put_back,
    warped,
)

_GONE_WRONG = 0.25
"""Share of masks that are made wrong before they are looked at, half of them grossly: the
propagation network errs less on what it was trained on than elsewhere."""


def look_again(
    net: IPN, games: Sequence[Game], frames: Sequence[int], how: Play, rng: np.random.Generator
) -> tuple[Output, Tensor] | None:
    """What the interaction network makes of masks that were propagated to ``frames``, and what
    there is to remember of them (B, C, S/16, S/16), zeros for games that were not looked at.

    Joined with them, it becomes the games' masks; where nothing was found nothing is looked at.
    """
    spec = how.crop
    looked: list[tuple[Game, int, Region]] = []
    places: list[int] = []
    planes = []
    for place, (game, frame) in enumerate(zip(games, frames, strict=True)):
        found = game.masks[frame]
        assert found is not None
        if how.interaction_learns and not game.nothing and rng.random() < _GONE_WRONG:
            truth, others = game.truth[frame : frame + 1], game.scene.others[frame : frame + 1]
            found = corrupt(truth, others, rng, gross=0.5)[0]
            game.masks[frame] = found
        if not (found >= spec.threshold).any():
            continue
        unmarked = np.zeros_like(found)
        region = jittered(region_for_interaction(found, unmarked, unmarked, spec), rng)
        known = warped(game, found, region, spec)
        positive = spec.second_look_strokes * along_middle(known)
        planes.append(crop_planes(game, frame, region, spec, known, positive))
        looked.append((game, frame, region))
        places.append(place)
    if not looked:
        return None
    batch = torch.from_numpy(np.stack(planes)).to(how.device)
    image, previous, positives, truths = torch.split(batch, [3, 1, 1, 1], dim=1)
    with precision(how):
        heads, reference = net.interact(
            channels_last(image), previous, positives, torch.zeros_like(positives)
        )
    logits = tuple(head.float() for head in heads)
    joined = torch.lerp(previous, logits[-1].detach().sigmoid(), spec.second_look)
    empty = torch.zeros((len(games), *reference.shape[1:]), device=how.device)
    remembered = empty.index_copy(0, torch.tensor(places, device=how.device), reference.float())
    seen, reached, regions = zip(*looked, strict=True)
    put_back(seen, reached, regions, joined)
    return Output("again", logits, truths, image), remembered
