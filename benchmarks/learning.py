"""How long does the propagation network take to learn from a crop?

    python -m benchmarks.learning

Forward and backward passes of random crops, with a recipe's ``half`` and ``frozen_filters`` off and
on, in turn; medians, on all cores.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import torch

from ivos.networks.efficientnet import freeze_filters
from ivos.networks.ipn import IPN
from ivos.networks.weights import fresh_network
from ivos.train.memory import keep_freed_memory

WAYS = {
    "float32": (False, False),
    "float32, filters stay": (False, True),
    "bfloat16": (True, False),
    "bfloat16, filters stay": (True, True),
}


def main() -> int:
    """Print one line for each way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args()
    keep_freed_memory()
    nets: dict[str, IPN] = {}
    for name, (_, stay) in WAYS.items():
        nets[name] = fresh_network("compact").to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if stay:
            freeze_filters(nets[name])
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(args.repeats + 1):  # the first time is not counted
        for name, net in nets.items():
            seconds[name].append(_learn(net, args.batch, args.side, half=WAYS[name][0]))
    first = median(seconds["float32"][1:])
    for name, taken in seconds.items():
        middle = median(taken[1:])
        print(f"{name}: {1000 * middle / args.batch:.1f} ms a crop, {middle / first:.2f}")
    return 0


def _learn(net: IPN, batch: int, side: int, *, half: bool) -> float:
    frame = torch.rand(batch, 3, side, side).contiguous(memory_format=torch.channels_last)
    mask = torch.rand(batch, 1, side, side)
    reference = torch.rand(batch, net.propagation.reference.channels, side // 16, side // 16)
    began = time.perf_counter()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
        logits = net.propagate(reference, frame, mask, mask)
    sum(head.float().mean() for head in logits).backward()  # type: ignore[union-attr]
    net.zero_grad(set_to_none=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    raise SystemExit(main())
