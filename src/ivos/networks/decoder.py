"""Decoders: from features at many strides to logits (method.md 1.5).

Every part is a plain module that takes widths, so that the published decoder and the light one are
two ways to put the same parts together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderConfig:
    """Widths and kinds of the parts of a decoder, deepest first."""

    top: tuple[int, ...]
    """Widths of the residual blocks on the stride-32 features."""
    widths: tuple[int, ...]
    """Widths of the refine steps, at strides 16, 8, 4 and so on."""
    depthwise: tuple[bool, ...]
    """For each refine step: filter channel by channel with 5x5 kernels, in place of full 3x3."""
    light: bool
    """1x1 skips in place of residual blocks, no deep shortcut, and the masks again at each step."""
    classes: int
    """2 for the published pair of background and object, 1 for a single logit. Either way the
    decoder returns one logit, object less background: its sigmoid is the pair's softmax."""
    heads: int
    """How many of the last steps carry an output head; all but the last one serve training."""


class ResidualBlock(nn.Module):
    """Pre-activation residual block of two 3x3 convolutions, without normalisation."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = None if inputs == outputs else nn.Conv2d(inputs, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H, W)."""
        y: Tensor = self.second(F.relu(self.first(F.relu(x))))
        return y + (x if self.shortcut is None else self.shortcut(x))


class DepthwiseBlock(nn.Module):
    """Residual block that filters channel by channel (5x5), then mixes channels (1x1), twice."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 5, padding=2, groups=width),
            nn.Conv2d(width, width, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 5, padding=2, groups=width),
            nn.Conv2d(width, width, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) -> the same."""
        change: Tensor = self.layers(x)
        return x + change


class RefineBlock(nn.Module):
    """One step up: the skip features and the upsampled deeper ones, added and refined."""

    def __init__(self, deeper: int, skip: int, width: int, *, light: bool, depthwise: bool) -> None:
        super().__init__()
        self.skip: nn.Module = nn.Conv2d(skip, width, 1) if light else ResidualBlock(skip, width)
        self.project = nn.Conv2d(deeper, width, 1) if deeper != width else nn.Identity()
        self.merge: nn.Module = DepthwiseBlock(width) if depthwise else ResidualBlock(width, width)

    def forward(self, deeper: Tensor, skip: Tensor) -> Tensor:
        """deeper (B, deeper, H, W), skip (B, skip, 2H, 2W) -> (B, width, 2H, 2W)."""
        up = F.interpolate(
            self.project(deeper), scale_factor=2, mode="bilinear", align_corners=False
        )
        refined: Tensor = self.merge(self.skip(skip) + up)
        return refined


class _Head(nn.Conv2d):
    """3x3 convolution to logits. Where one channel comes out, what is exported filters channel by
    channel and sums: ONNX Runtime makes channels in blocks, most of which would be for nothing.
    """

    def __init__(self, width: int, classes: int) -> None:
        super().__init__(width, classes, 3, padding=1)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - its name in PyTorch
        """(B, width, H, W) -> (B, classes, H, W)."""
        if self.out_channels > 1 or not torch.onnx.is_in_onnx_export():
            return super().forward(input)
        kernels = self.weight.transpose(0, 1)
        each = F.conv2d(input, kernels, padding=1, groups=self.in_channels)
        assert self.bias is not None
        return each.sum(dim=1, keepdim=True) + self.bias


class Decoder(nn.Module):
    """Features -> logits at the crop's size, and in training those of the coarser heads too."""

    def __init__(self, config: DecoderConfig, channels: Sequence[int], hints: int) -> None:
        """``channels``: of the features, from fine to coarse, the last at stride 32.

        ``hints``: single-channel inputs (masks, strokes) that a light decoder sees again.
        """
        super().__init__()
        self.config = config
        self.hints = hints if config.light else 0
        *skips, deep = channels
        widths = [deep, *config.top]
        top: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            if config.light:
                top.append(nn.Conv2d(inputs, outputs, 1))
                top.append(ResidualBlock(outputs, outputs))
            else:
                top.append(ResidualBlock(inputs, outputs))
        self.top = nn.Sequential(*top)
        steps = [config.top[-1], *config.widths]
        self.steps = nn.ModuleList(
            RefineBlock(deeper, skip + self.hints, width, light=config.light, depthwise=depthwise)
            for deeper, width, skip, depthwise in zip(
                steps[:-1], config.widths, skips[::-1], config.depthwise, strict=True
            )
        )
        self.heads = nn.ModuleList(_Head(width, config.classes) for width in steps[-config.heads :])

    def forward(
        self, features: tuple[Tensor, ...], hints: Tensor
    ) -> tuple[tuple[Tensor, ...], Tensor]:
        """features from fine to coarse, the last at stride 32; hints (B, hints, S, S).

        Returns the heads' logits, finest last and that one at the crop's size, each
        (B, 1, h, w); and what the first step made, (B, widths[0], S/16, S/16).
        """
        *skips, deep = features
        decoded = [self.top(deep)]
        stride = 32
        for step, skip in zip(self.steps, skips[::-1], strict=True):
            stride //= 2
            if self.hints:
                skip = torch.cat([skip, F.avg_pool2d(hints, stride)], dim=1)
            decoded.append(step(decoded[-1], skip))
        logits = [
            head(F.relu(feature))
            for head, feature in zip(self.heads, decoded[-len(self.heads) :], strict=True)
        ]
        if self.config.classes == 2:
            logits = [pair[:, 1:] - pair[:, :1] for pair in logits]
        finest = 32 >> len(self.steps)
        logits[-1] = F.interpolate(
            logits[-1], scale_factor=finest, mode="bilinear", align_corners=False
        )
        return tuple(logits), decoded[1]
