"""The training loop, its checkpoints and its log."""

from __future__ import annotations

import copy
import math
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset
from torch.utils.tensorboard import SummaryWriter

from ivos.errors import RecipeError
from ivos.networks.ipn import IPN
from ivos.networks.weights import fresh_network, load_weights, save_weights
from ivos.train.data import Footage, read_clips, read_stills
from ivos.train.loss import batch_iou, mask_loss
from ivos.train.recipe import Recipe
from ivos.train.rounds import Output, Play, play
from ivos.train.scenes import Scene, SceneMix, make_scene

_CLIP_SIZE = (270, 480)
_LOG_EVERY = 10


@dataclass(frozen=True, slots=True)
class Progress:
    """One step is done: which of how many, the loss, the overlaps by kind, and what is left."""

    step: int
    steps: int
    loss: float
    overlaps: dict[str, float]
    seconds_left: float


@dataclass(slots=True)
class _State:
    net: IPN
    averaged: IPN
    optimizer: torch.optim.Optimizer
    step: int


class _Scenes(IterableDataset[list[Scene]]):
    """The scenes of each step from ``start`` on; they follow from seed and step alone."""

    def __init__(self, footage: Footage, recipe: Recipe, start: int) -> None:
        self.footage, self.recipe, self.start = footage, recipe, start

    def __iter__(self) -> Iterator[list[Scene]]:
        for step in range(self.start, self.recipe.steps):
            phase = self.recipe.phase_at(step)
            rng = np.random.default_rng((self.recipe.seed, step, 0))
            mix = SceneMix(phase.frames, phase.video_share)
            yield [make_scene(self.footage, mix, rng) for _ in range(phase.batch)]


def read_footage(recipe: Recipe) -> Footage:
    """Everything that the recipe trains on."""
    stills = read_stills(recipe.stills, hold_out=recipe.hold_out_stills) if recipe.stills else []
    clips = (
        read_clips(
            recipe.clips, recipe.clips_resolution, _CLIP_SIZE, hold_out=recipe.hold_out_clips
        )
        if recipe.clips
        else []
    )
    if not stills:
        raise RecipeError("a recipe needs stills: objects to paste come from them")
    return Footage(stills, clips)


def train(
    recipe: Recipe,
    folder: Path,
    *,
    resume: bool = False,
    workers: int = 1,
    until: int | None = None,
    threads: int | None = None,
) -> Iterator[Progress]:
    """Train and yield after each step; stop pulling to stop training.

    Writes ``checkpoint.pt`` (to resume), ``weights.pt`` (averaged, half precision) and TensorBoard
    events into ``folder``. A resumed run is, bit for bit, the run that was not interrupted, as long
    as the number of threads (of PyTorch, all cores unless told) is the same. ``until`` ends the run
    early, at that step.
    """
    cv2.setNumThreads(0)  # OpenCV's threads and forked workers lock each other up
    if threads is not None:
        torch.set_num_threads(threads)
    footage = read_footage(recipe)
    state = _start(recipe, folder, resume)
    last = min(recipe.steps, until if until is not None else recipe.steps)
    batches = DataLoader(
        _Scenes(footage, recipe, state.step),
        batch_size=None,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        multiprocessing_context="fork" if workers else None,
    )
    began, first = time.monotonic(), state.step
    with SummaryWriter(str(folder)) as writer:
        for scenes in batches:
            if state.step >= last:
                break
            loss, overlaps = _step(state, recipe, scenes)
            state.step += 1
            if state.step % _LOG_EVERY == 0:
                _log(writer, state, loss, overlaps)
            if state.step % recipe.save_every == 0 or state.step == last:
                _save(state, folder)
            pace = (time.monotonic() - began) / (state.step - first)
            yield Progress(state.step, last, loss, overlaps, pace * (last - state.step))


def _step(state: _State, recipe: Recipe, scenes: list[Scene]) -> tuple[float, dict[str, float]]:
    """Play the scenes, learn from every mask that comes out, and move the weights once."""
    phase = recipe.phase_at(state.step)
    how = Play(
        crop=replace(state.net.config.crop, crop_size=phase.crop),
        rounds=phase.rounds,
        fresh=phase.fresh,
        given=phase.given,
    )
    rng = np.random.default_rng((recipe.seed, state.step, 1))
    losses, overlaps = [], defaultdict(list)
    for output in play(state.net, scenes, how, rng):
        losses.append(mask_loss(output.logits, output.truth, output.strokes))
        for kind, values in _overlaps(output):
            overlaps[kind].extend(values)
    loss = torch.stack(losses).mean()
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(state.net.parameters(), recipe.clip_norm)
    if not torch.isfinite(norm):
        raise FloatingPointError(f"the gradient is {norm.item()} at step {state.step}")
    for group in state.optimizer.param_groups:
        group["lr"] = group["highest"] * rate_at(state.step, recipe)
    state.optimizer.step()
    _average(state, recipe.averaging)
    return loss.item(), {kind: float(np.mean(values)) for kind, values in overlaps.items()}


def rate_at(step: int, recipe: Recipe) -> float:
    """Learning rate as a part of the highest: a linear start, then a cosine down."""
    if step < recipe.warm_up:
        return (step + 1) / recipe.warm_up
    done = (step - recipe.warm_up) / max(1, recipe.steps - recipe.warm_up)
    return recipe.final_rate + (1 - recipe.final_rate) * 0.5 * (1 + math.cos(math.pi * done))


def _overlaps(output: Output) -> Iterator[tuple[str, list[float]]]:
    iou = batch_iou(output.logits[-1], output.truth)
    if output.fresh is None:
        yield output.kind, iou.tolist()
    else:
        yield "first strokes", iou[output.fresh].tolist()
        yield "corrections", iou[~output.fresh].tolist()


def _average(state: _State, decay: float) -> None:
    decay = min(decay, (1 + state.step) / (10 + state.step))
    with torch.no_grad():
        for mean, value in zip(state.averaged.parameters(), state.net.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)


def _start(recipe: Recipe, folder: Path, resume: bool) -> _State:
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    net = fresh_network(recipe.network, imagenet=recipe.start == "imagenet")
    if recipe.start != "imagenet":
        load_weights(net, Path(recipe.start))
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    encoders = [p for name, p in net.named_parameters() if ".encoder." in name]
    rest = [p for name, p in net.named_parameters() if ".encoder." not in name]
    optimizer = torch.optim.AdamW(
        [
            {"params": encoders, "highest": recipe.encoder_rate},
            {"params": rest, "highest": recipe.rate},
        ],
        weight_decay=recipe.weight_decay,
    )
    state = _State(net, copy.deepcopy(net), optimizer, 0)
    checkpoint = folder / "checkpoint.pt"
    if resume:
        if not checkpoint.is_file():
            raise RecipeError(f"nothing to resume: {checkpoint} is not there")
        saved = torch.load(checkpoint, weights_only=True)
        net.load_state_dict(saved["net"])
        state.averaged.load_state_dict(saved["averaged"])
        optimizer.load_state_dict(saved["optimizer"])
        state.step = saved["step"]
    elif checkpoint.exists():
        raise RecipeError(f"{checkpoint} is there already: --resume it, or choose another folder")
    return state


def _save(state: _State, folder: Path) -> None:
    """Checkpoint and weights, each written beside its place and moved there whole."""
    saved = {
        "net": state.net.state_dict(),
        "averaged": state.averaged.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "step": state.step,
    }
    torch.save(saved, folder / "checkpoint.tmp")
    (folder / "checkpoint.tmp").replace(folder / "checkpoint.pt")
    save_weights(state.averaged, folder / "weights.pt")


def _log(writer: SummaryWriter, state: _State, loss: float, overlaps: dict[str, float]) -> None:
    writer.add_scalar("loss", loss, state.step)
    for kind, value in overlaps.items():
        writer.add_scalar(f"overlap/{kind}", value, state.step)
