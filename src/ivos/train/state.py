"""Where a training run stands: its weights, its optimiser and its step, in memory and on disk.

Everything else that a run depends on (scenes, strokes, learning rates) follows from the recipe and
the number of the step, so a checkpoint is complete without data order or random state.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ivos.errors import OutputError, RecipeError, WeightsError
from ivos.networks.efficientnet import freeze_filters
from ivos.networks.ipn import IPN
from ivos.networks.weights import (
    begin_alike,
    fresh_network,
    load_weights,
    read_checkpoint,
    save_weights,
    soften_memory,
    take_parts,
)
from ivos.train.recipe import Recipe

_CHECKPOINT = "checkpoint.pt"
_WEIGHTS = "weights.pt"


@dataclass(slots=True)
class State:
    """A run as it stands after ``step`` steps."""

    net: IPN
    averaged: IPN
    """The running mean of the weights, which is what is saved and shipped."""
    optimizer: torch.optim.Optimizer
    step: int


def check_place(folder: Path, *, resume: bool) -> None:
    """Raise RecipeError where a run cannot begin or go on in ``folder``."""
    checkpoint = folder / _CHECKPOINT
    if resume and not checkpoint.is_file():
        raise RecipeError(f"nothing to resume: {checkpoint} is not there")
    if not resume and checkpoint.exists():
        raise RecipeError(f"{checkpoint} is there already: --resume it, or give --runs another")


def begin(recipe: Recipe, device: str = "cpu") -> State:
    """The state before the first step."""
    torch.manual_seed(recipe.seed)
    imagenet = recipe.start == "imagenet" or bool(recipe.taken)
    net = fresh_network(recipe.network, imagenet=imagenet)
    if recipe.start not in ("imagenet", "random"):
        if recipe.taken:
            take_parts(net, Path(recipe.start), recipe.taken)
        else:
            load_weights(net, Path(recipe.start))
    if recipe.alike:
        begin_alike(net)
    if recipe.soften != 1:
        soften_memory(net, recipe.soften)
    return _state(net, recipe, device)


def go_on(recipe: Recipe, folder: Path, device: str = "cpu") -> State:
    """The state that ``save`` wrote to ``folder``; the rates are those of ``recipe``."""
    path = folder / _CHECKPOINT
    saved = read_checkpoint(path)
    state = _state(fresh_network(recipe.network), recipe, device)
    rates = [(group["highest"], group["weight_decay"]) for group in state.optimizer.param_groups]
    try:
        state.net.load_state_dict(saved["net"])
        state.averaged.load_state_dict(saved["averaged"])
        state.optimizer.load_state_dict(saved["optimizer"])
        state.step = int(saved["step"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        raise WeightsError(
            f"{path} is no checkpoint of a {recipe.network} network: {first}"
        ) from None
    for group, (highest, decay) in zip(state.optimizer.param_groups, rates, strict=True):
        group["highest"], group["weight_decay"] = highest, decay
    return state


def save(state: State, recipe: Recipe, folder: Path) -> None:
    """Checkpoint and weights, each written beside its place and moved there whole.

    Raises OutputError where they cannot be written; what was there before stays as it was.
    """
    saved = {
        "net": state.net.state_dict(),
        "averaged": state.averaged.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "step": state.step,
    }
    facts = {"recipe": recipe.as_json(), "steps": state.step}
    beside = folder / f"{_CHECKPOINT}.tmp"
    try:
        torch.save(saved, beside)
        beside.replace(folder / _CHECKPOINT)
        save_weights(state.averaged, folder / _WEIGHTS, facts)
    except (OSError, RuntimeError) as error:  # PyTorch's writer raises the latter on a full disk
        reason = str(error).splitlines()[0]
        raise OutputError(
            f"{folder} cannot be written to ({reason}): free some space, then --resume"
        ) from None


def _state(net: IPN, recipe: Recipe, device: str) -> State:
    net = net.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    _freeze(net, recipe.frozen)
    if recipe.frozen_filters:
        freeze_filters(net)
    encoders = [p for name, p in net.named_parameters() if ".encoder." in name]
    rest = [p for name, p in net.named_parameters() if ".encoder." not in name]
    optimizer = torch.optim.AdamW(
        [
            {"params": encoders, "highest": recipe.encoder_rate},
            {"params": rest, "highest": recipe.rate},
        ],
        weight_decay=recipe.weight_decay,
    )
    return State(net, copy.deepcopy(net), optimizer, 0)


def _freeze(net: IPN, beginnings: Sequence[str]) -> None:
    for beginning in beginnings:
        parts = [p for name, p in net.named_parameters() if f"{name}.".startswith(f"{beginning}.")]
        if not parts:
            raise RecipeError(f"frozen: the network has no part called {beginning!r}")
        for part in parts:
            part.requires_grad_(False)
