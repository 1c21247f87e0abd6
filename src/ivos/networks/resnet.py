"""ResNet-50, the published network's encoder (method.md 1.4).

He et al., *Deep Residual Learning for Image Recognition* (2016); the stride of a stage sits in its
first 3x3 convolution, as in the weights that everybody uses.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ivos.networks.encoders import fold_norm

_STAGES = ((3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2))  # blocks, width, stride
_EXPANSION = 4
_STEM = 64
_NORM_EPS = 1e-5
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1, and a shortcut."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = width * _EXPANSION
        self.conv1 = nn.Conv2d(inputs, width, 1)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1)
        self.conv3 = nn.Conv2d(width, outputs, 1)
        same = inputs == outputs and stride == 1
        self.shortcut = None if same else nn.Conv2d(inputs, outputs, 1, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, 4 * width, H / stride, W / stride)."""
        y = self.conv3(F.relu(self.conv2(F.relu(self.conv1(x)))))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class ResNet50(nn.Module):
    """Image and extra single-channel inputs -> features at strides 4, 8, 16 and 32.

    The extra inputs enter by 7x7 convolutions summed with the first one's output.
    """

    channels = (256, 512, 1024, 2048)
    mean: Tensor
    std: Tensor

    def __init__(self, extra_inputs: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, _STEM, 7, stride=2, padding=3)
        self.extra = nn.Conv2d(extra_inputs, _STEM, 7, stride=2, padding=3)
        nn.init.normal_(self.extra.weight, 0, (2 / (7 * 7 * _STEM)) ** 0.5)
        stages: list[nn.Module] = []
        inputs = _STEM
        for blocks, width, stride in _STAGES:
            stage = []
            for i in range(blocks):
                stage.append(Bottleneck(inputs, width, stride if i == 0 else 1))
                inputs = width * _EXPANSION
            stages.append(nn.Sequential(*stage))
        self.stages = nn.ModuleList(stages)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, frame: Tensor, extra: Tensor) -> tuple[Tensor, ...]:
        """frame (B, 3, S, S) RGB in 0..1, extra (B, E, S, S) in 0..1 -> four feature maps."""
        x = self.stem((frame - self.mean) / self.std) + self.extra(extra)
        x = F.max_pool2d(F.relu(x), 3, stride=2, padding=1)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return tuple(features)

    def load_imagenet(
        self, state: Mapping[str, Tensor], stages: tuple[str, ...] | None = None
    ) -> None:
        """Take over stored weights with their norms: ``conv1``, ``bn1`` and the four stages.

        ``stages``: what the stages are called there, ``layer1`` to ``layer4`` unless told.
        """
        names = stages or ("layer1", "layer2", "layer3", "layer4")
        fold_norm(self.stem, state, "conv1", "bn1", eps=_NORM_EPS, extra=self.extra)
        for stage, name in zip(self.stages, names, strict=True):
            assert isinstance(stage, nn.Sequential)
            for i, block in enumerate(stage):
                assert isinstance(block, Bottleneck)
                prefix = f"{name}.{i}."
                for n, conv in enumerate((block.conv1, block.conv2, block.conv3), start=1):
                    fold_norm(conv, state, f"{prefix}conv{n}", f"{prefix}bn{n}", eps=_NORM_EPS)
                if block.shortcut is not None:
                    down = f"{prefix}downsample"
                    fold_norm(block.shortcut, state, f"{down}.0", f"{down}.1", eps=_NORM_EPS)
