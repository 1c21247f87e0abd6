"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing import get_all_start_methods
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torch.utils.tensorboard import SummaryWriter

from ivos.errors import CannotDo, InvalidInput
from ivos.networks.ipn import IPN
from ivos.train.data import Footage, read_footage
from ivos.train.game import Output, Play
from ivos.train.loss import mean_loss
from ivos.train.recipe import Phase, Recipe
from ivos.train.record import mean_overlaps, write_curves, write_pictures
from ivos.train.rounds import play
from ivos.train.scenes import Scene, SceneMix, make_rivals, make_scene
from ivos.train.state import State, begin, check_place, go_on, save

_CURVES_EVERY = 10


@dataclass(frozen=True, slots=True)
class Progress:
    """One step is done: which of how many, the loss, the overlaps by kind, and what is left."""

    step: int
    steps: int
    loss: float
    overlaps: dict[str, float]
    seconds_left: float


class _Scenes(Dataset[list[Scene]]):
    """The scenes of each step, for workers that make them ahead."""

    def __init__(self, footage: Footage, recipe: Recipe) -> None:
        self.footage, self.recipe = footage, recipe

    def __getitem__(self, step: int) -> list[Scene]:
        return scenes_of(self.recipe, self.footage, step)


def scenes_of(recipe: Recipe, footage: Footage, step: int) -> list[Scene]:
    """The scenes of a step; they follow from seed and step alone, whoever makes them."""
    phase = recipe.phase_at(step)
    rng = np.random.default_rng((recipe.seed, step, 0))
    mix = SceneMix(
        phase.frames + phase.apart,
        phase.video_share,
        twins=phase.twins,
        leaps=phase.leaps,
        apart=phase.apart,
    )
    scenes: list[Scene] = []
    while len(scenes) < phase.batch:
        # no number is drawn without rivals: recipes from before them make the scenes that they made
        if phase.rivals and len(scenes) < phase.batch - 1 and rng.random() < phase.rivals:
            scenes += make_rivals(footage, mix, rng)
        else:
            scenes.append(make_scene(footage, mix, rng))
    return scenes


def train(
    recipe: Recipe,
    folder: Path,
    *,
    resume: bool = False,
    workers: int = 1,
    until: int | None = None,
    threads: int | None = None,
    device: str = "cpu",
) -> Iterator[Progress]:
    """Train and yield after each step; stop pulling to stop training.

    Writes ``checkpoint.pt`` (to resume), ``weights.pt`` (averaged, half precision) and TensorBoard
    events into ``folder``. A resumed run is, bit for bit, the run that was not interrupted, as long
    as the recipe and the number of PyTorch's threads (all cores unless told) are the same.
    ``workers`` processes make scenes ahead (none where a process cannot be forked). ``until`` ends
    the run early, at that step. ``device`` is any that PyTorch knows.
    """
    cv2.setNumThreads(0)  # OpenCV's threads and forked workers lock each other up
    if threads is not None:
        torch.set_num_threads(threads)
    _check_device(device)
    check_place(folder, resume=resume)
    footage = read_footage(recipe)
    state = go_on(recipe, folder, device) if resume else begin(recipe, device)
    workers = workers if "fork" in get_all_start_methods() else 0
    last = min(recipe.steps, until if until is not None else recipe.steps)
    batches = DataLoader(
        _Scenes(footage, recipe),
        batch_size=None,
        sampler=range(state.step, last),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        multiprocessing_context="fork" if workers else None,
    )
    began, first = time.monotonic(), state.step
    folder.mkdir(parents=True, exist_ok=True)
    with SummaryWriter(str(folder)) as writer:
        for scenes in batches:
            loss, outputs = _step(state, recipe, scenes, device)
            overlaps = mean_overlaps(outputs)
            if state.step % _CURVES_EVERY == 0:
                write_curves(writer, state.step, loss, overlaps)
            if state.step % recipe.pictures_every == 0:
                write_pictures(writer, state.step, outputs)
            if state.step % recipe.save_every == 0 or state.step == last:
                save(state, recipe, folder)
            pace = (time.monotonic() - began) / (state.step - first)
            yield Progress(state.step, last, loss, overlaps, pace * (last - state.step))


def _check_device(device: str) -> None:
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InvalidInput(f"PyTorch cannot use the device {device!r}: {reason}") from None


def _step(
    state: State, recipe: Recipe, scenes: list[Scene], device: str
) -> tuple[float, list[Output]]:
    """Play the scenes, learn from every mask that comes out, and move the weights once."""
    how = play_of(recipe, recipe.phase_at(state.step), state.net, device)
    rng = np.random.default_rng((recipe.seed, state.step, 1))
    outputs = list(play(state.net, scenes, how, rng))
    if not outputs:
        raise CannotDo(
            f"step {state.step} has nothing to learn from: both networks are frozen, or the "
            "interaction network is and the phase has single frames"
        )
    loss = mean_loss([(output.logits, output.truth, output.strokes) for output in outputs])
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(state.net.parameters(), recipe.clip_norm)
    if not torch.isfinite(norm):
        raise CannotDo(
            f"the gradient is {norm.item()} at step {state.step}: resume with lower rates "
            "(--set rate=..., --set encoder_rate=...)"
        )
    for group in state.optimizer.param_groups:
        group["lr"] = group["highest"] * rate_at(state.step, recipe)
    state.optimizer.step()
    _average(state, recipe.averaging)
    state.step += 1
    return loss.item(), outputs


def play_of(recipe: Recipe, phase: Phase, net: IPN, device: str) -> Play:
    """How the scenes of a phase are played; a network that is frozen whole is not learnt from."""
    return Play(
        crop=replace(net.config.crop, crop_size=phase.crop),
        device=device,
        rounds=phase.rounds,
        fresh=phase.fresh,
        given=phase.given,
        slips=phase.slips,
        lost=phase.lost,
        parts=phase.parts,
        nothing=phase.nothing,
        again=phase.again,
        noted=phase.noted,
        remembered=phase.remembered,
        apart=phase.apart,
        interaction_learns=any(p.requires_grad for p in net.interaction.parameters()),
        propagation_learns=any(p.requires_grad for p in net.propagation.parameters()),
        half=recipe.half,
    )


def rate_at(step: int, recipe: Recipe) -> float:
    """Learning rate as a part of the highest: a linear start, then a cosine down."""
    if step < recipe.warm_up:
        return (step + 1) / recipe.warm_up
    done = (step - recipe.warm_up) / max(1, recipe.steps - recipe.warm_up)
    return recipe.final_rate + (1 - recipe.final_rate) * 0.5 * (1 + math.cos(math.pi * done))


def _average(state: State, decay: float) -> None:
    decay = min(decay, (1 + state.step) / (10 + state.step))
    with torch.no_grad():
        for mean, value in zip(state.averaged.parameters(), state.net.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)
