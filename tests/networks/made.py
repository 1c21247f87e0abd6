"""Crops and state dicts for tests of networks."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Crops(NamedTuple):
    """Random inputs of both networks, (B, ., S, S) each."""

    frame: Tensor
    previous: Tensor
    positive: Tensor
    negative: Tensor

    def item(self, index: int) -> Crops:
        """The crops of one item, as a batch of one."""
        return Crops(*(tensor[index : index + 1] for tensor in self))


def crops(batch: int, side: int, seed: int = 0) -> Crops:
    """Random frames, masks and strokes in 0..1."""
    source = torch.Generator().manual_seed(seed)

    def plane(channels: int) -> Tensor:
        return torch.rand(batch, channels, side, side, generator=source)

    return Crops(plane(3), plane(1), plane(1).round(), plane(1).round())


def authors_state(kind: str, prefix: str = "") -> dict[str, Tensor]:
    """A state dict with the names and shapes of the authors' checkpoint, ``I`` or ``P``.

    Each tensor has one value everywhere, which is its own; expanded, so that its file is tiny.
    """
    shapes = dict(_encoder(kind)) | dict(_decoder(kind))
    state = {}
    for number, (name, shape) in enumerate(shapes.items()):
        value = 0.5 + number / 1000
        if name.endswith("num_batches_tracked"):
            state[prefix + name] = torch.tensor(number)
        else:
            state[prefix + name] = torch.tensor(value).expand(shape)
    return state


def _encoder(kind: str):
    yield "Encoder.mean", (1, 3, 1, 1)
    yield "Encoder.std", (1, 3, 1, 1)
    yield "Encoder.conv1_m.weight", (64, 1, 7, 7)
    yield "Encoder.conv1_m.bias", (64,)
    for letter in "pn" if kind == "I" else "x":
        yield f"Encoder.conv1_{letter}.weight", (64, 1, 7, 7)
    yield "Encoder.conv1.weight", (64, 3, 7, 7)
    yield from _norm("Encoder.bn1", 64)
    inputs = 64
    for stage, blocks, width in (
        ("res2", 3, 64),
        ("res3", 4, 128),
        ("res4", 6, 256),
        ("res5", 3, 512),
    ):
        for block in range(blocks):
            name = f"Encoder.{stage}.{block}"
            convs = ((width, inputs, 1), (width, width, 3), (4 * width, width, 1))
            for n, (outputs, entering, kernel) in enumerate(convs, start=1):
                yield f"{name}.conv{n}.weight", (outputs, entering, kernel, kernel)
                yield from _norm(f"{name}.bn{n}", outputs)
            if block == 0:
                yield f"{name}.downsample.0.weight", (4 * width, inputs, 1, 1)
                yield from _norm(f"{name}.downsample.1", 4 * width)
            inputs = 4 * width


def _decoder(kind: str):
    if kind == "I":
        yield from _residual("Decoder.ResFM", 2048, 256)
    else:
        yield from _residual("Decoder.ResFM1", 4096, 1024)
        yield from _residual("Decoder.ResFM2", 1024, 256)
    for name, skip in (("RF4", 1024), ("RF3", 512), ("RF2", 256)):
        yield from _residual(f"Decoder.{name}.ResFS", skip, 256)
        yield from _residual(f"Decoder.{name}.ResMM", 256, 256)
    for name in ("pred5", "pred4", "pred3", "pred2"):
        yield from _layer(f"Decoder.{name}", (2, 256, 3, 3))
    if kind == "P":
        yield from _layer("SEFA.fc1", (2048, 4096))
        yield from _layer("SEFA.fc2", (4096, 2048))


def _norm(name: str, width: int):
    for part in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.{part}", (width,)
    yield f"{name}.num_batches_tracked", ()


def _residual(name: str, inputs: int, outputs: int):
    yield from _layer(f"{name}.conv1", (outputs, inputs, 3, 3))
    yield from _layer(f"{name}.conv2", (outputs, outputs, 3, 3))
    if inputs != outputs:
        yield from _layer(f"{name}.downsample", (outputs, inputs, 3, 3))


def _layer(name: str, shape: tuple[int, ...]):
    yield f"{name}.weight", shape
    yield f"{name}.bias", shape[:1]
