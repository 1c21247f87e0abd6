"""What an encoder is: an image and a few single-channel maps in, features at several strides out.

Batch norm is frozen in IPN (method.md 1.4), and a frozen norm is an affine map of each channel.
Encoders therefore have none: ``fold_norm`` puts it into the convolution before it when weights are
loaded, which changes nothing but the time that it takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor, nn


class Encoder(Protocol):
    """The part of an encoder that the networks rely on."""

    channels: tuple[int, ...]
    """Of the features, from fine to coarse; the last is at stride 32, each twice the one before."""

    def __call__(self, frame: Tensor, extra: Tensor) -> tuple[Tensor, ...]:
        """frame (B, 3, S, S) RGB in 0..1, extra (B, E, S, S) in 0..1 -> the features."""
        ...


def fold_norm(
    conv: nn.Conv2d,
    state: Mapping[str, Tensor],
    weight: str,
    norm: str,
    *,
    eps: float,
    extra: nn.Conv2d | None = None,
) -> None:
    """Make ``conv`` equal to the stored convolution ``weight`` followed by the stored norm.

    ``extra`` is a convolution whose output is summed with ``conv``'s before the norm: it is scaled
    alike. Raises KeyError where ``state`` lacks a key.
    """
    scale = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + eps).sqrt()
    assert conv.bias is not None
    with torch.no_grad():
        conv.weight.copy_(state[f"{weight}.weight"] * scale[:, None, None, None])
        conv.bias.copy_(state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale)
        if extra is not None:
            assert extra.bias is not None
            extra.weight.mul_(scale[:, None, None, None])
            extra.bias.mul_(scale)
