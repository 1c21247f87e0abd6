"""Fit a new interaction network to the memory that an old propagation network reads.

    python -m benchmarks.fit_memory NEW.pt OLD.pt CONFIG.toml OUT.pt [--smaller]

A propagation network that stays as it is knows the keys and values of the interaction network that
it was trained with. The two maps that make keys and values of the new one's features are fitted to
them by least squares, on crops of the scenes of a recipe. ``--smaller``: OLD.pt is of a network
whose interaction network has EfficientNet-Lite0, too.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ivos.networks.ipn import COMPACT, IPN
from ivos.networks.reference import MemoryReference
from ivos.networks.weights import read_facts, read_network, save_weights, take_parts
from ivos.train.data import read_footage
from ivos.train.game import Play
from ivos.train.recipe import Recipe
from ivos.train.rounds import play
from ivos.train.scenes import Scene, SceneMix, make_scene

_RIDGE = 1e-5


class _LeastSquares:
    """A linear map with an offset from rows of ``x`` to rows of ``y``, from sums alone."""

    def __init__(self, inputs: int, outputs: int) -> None:
        self.xx = torch.zeros(inputs + 1, inputs + 1, dtype=torch.float64)
        self.xy = torch.zeros(inputs + 1, outputs, dtype=torch.float64)

    def add(self, x: Tensor, y: Tensor) -> None:
        """Maps (B, inputs, h, w) and (B, outputs, h, w): a row for every position."""
        rows = torch.cat([x, torch.ones_like(x[:, :1])], dim=1).transpose(0, 1).flatten(1).double()
        self.xx += rows @ rows.T
        self.xy += rows @ y.transpose(0, 1).flatten(1).double().T

    def put_into(self, conv: nn.Conv2d) -> None:
        """Make ``conv``, of 1x1 kernels, the map."""
        ridge = _RIDGE * self.xx.diagonal().mean() * torch.eye(len(self.xx), dtype=torch.float64)
        solved = torch.linalg.solve(self.xx + ridge, self.xy).float()
        assert conv.bias is not None
        with torch.no_grad():
            conv.weight.copy_(solved[:-1].T[:, :, None, None])
            conv.bias.copy_(solved[-1])


class _Both:
    """The new network plays; both are shown its crops."""

    def __init__(self, new: IPN, old: IPN, memory: MemoryReference) -> None:
        self.new, self.old = new, old
        self.memory = memory
        self.keys = _LeastSquares(memory.write_key.in_channels, memory.key_width)
        self.values = _LeastSquares(memory.value.in_channels, memory.value_width)

    @torch.no_grad()
    def interact(self, *given: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """As ``IPN.interact``."""
        _, wanted = self.old.interact(*given)
        logits, features, decoded = self.new.interaction(*given)
        _, key, value = torch.split(wanted, [1, self.memory.key_width, self.memory.value_width], 1)
        coarse = F.avg_pool2d(logits[-1].sigmoid(), self.memory.stride)
        self.keys.add(features[-2], key)
        self.values.add(torch.cat([F.relu(decoded), coarse], dim=1), value)
        return logits, wanted

    def aggregate(self, reference: Tensor, previous_reference: Tensor) -> Tensor:  # noqa: ARG002
        """As ``IPN.aggregate``; nothing is propagated, so nothing is kept."""
        return reference


def main() -> int:
    """Fit, and write the new network's weights with it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for name in ("new", "old", "recipe", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--smaller", action="store_true")
    parser.add_argument("--scenes", type=int, default=240)
    args = parser.parse_args()
    new = read_network(args.new)
    memory = new.propagation.reference
    assert isinstance(memory, MemoryReference)
    both = _Both(new, _old(args.old, smaller=args.smaller), memory)
    how = Play(crop=new.config.crop, rounds=2, fresh=0.6, given=0.0)
    rng = np.random.default_rng(0)
    for scenes in _scenes(Recipe.from_toml(args.recipe), args.scenes, rng):
        for _ in play(both, scenes, how, rng):  # type: ignore[arg-type]
            pass
    both.keys.put_into(memory.write_key)
    both.values.put_into(memory.value)
    save_weights(new, args.out, read_facts(args.new))
    return 0


def _old(path: Path, *, smaller: bool) -> IPN:
    if not smaller:
        return read_network(path)
    net = IPN(replace(COMPACT, interaction_encoder="efficientnet-lite0"))
    take_parts(net, path, ["interaction", "propagation"])
    return net


def _scenes(recipe: Recipe, count: int, rng: np.random.Generator) -> Iterator[list[Scene]]:
    footage, mix = read_footage(recipe), SceneMix(1, 0.4)
    for _ in range(0, count, 8):
        yield [make_scene(footage, mix, rng) for _ in range(8)]


if __name__ == "__main__":
    raise SystemExit(main())
