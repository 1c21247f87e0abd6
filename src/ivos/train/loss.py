"""What a mask is worth: the loss of one output of a network, inside its crop."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

_HARDEST = 0.25
_COARSE_WEIGHT = 0.3
_STROKE_WEIGHT = 0.3


def mean_loss(outputs: Sequence[tuple[Sequence[Tensor], Tensor, Tensor | None]]) -> Tensor:
    """``mask_loss`` of several outputs, (logits, truth, strokes) each: the mean over their crops.

    Not over outputs: a look at one object would count as much as one at all of a batch.
    """
    crops = sum(len(truth) for _, truth, _ in outputs)
    return torch.stack([mask_loss(*one) * (len(one[1]) / crops) for one in outputs]).sum()


def mask_loss(logits: Sequence[Tensor], truth: Tensor, strokes: Tensor | None = None) -> Tensor:
    """Loss of all heads, finest last.

    logits (B, 1, h, w) each, the last at the size of ``truth`` (B, 1, S, S) in 0..1; ``strokes``
    (B, 1, S, S) is 1 where a person drew, and what they said there counts on its own: it is the
    only certain knowledge in a crop.
    """
    *coarse, finest = logits
    pixels = F.binary_cross_entropy_with_logits(finest, truth, reduction="none").flatten(1)
    hardest = pixels.topk(int(_HARDEST * pixels.shape[1]), dim=1, sorted=False).values
    total = hardest.mean() + soft_dice(finest, truth)
    for head in coarse:
        shrunk = F.avg_pool2d(truth, truth.shape[-1] // head.shape[-1])
        total = total + _COARSE_WEIGHT * F.binary_cross_entropy_with_logits(head, shrunk)
    if strokes is not None:
        drawn = strokes.flatten(1)
        spoken = (pixels * drawn).sum(1) / drawn.sum(1).clamp(min=1)
        total = total + _STROKE_WEIGHT * spoken.mean()
    return total


def soft_dice(logits: Tensor, truth: Tensor) -> Tensor:
    """One less the soft Dice overlap, mean over the batch; two empty masks agree."""
    probs, truth = logits.sigmoid().flatten(1), truth.flatten(1)
    overlap = 2 * (probs * truth).sum(1) + 1
    dice: Tensor = 1 - (overlap / (probs.sum(1) + truth.sum(1) + 1)).mean()
    return dice


def batch_iou(logits: Tensor, truth: Tensor) -> Tensor:
    """(B,): overlap of the thresholded output with the truth; 1 where both are empty."""
    found, real = logits.detach().flatten(1) > 0, truth.flatten(1) > 0.5
    union = (found | real).sum(1)
    iou = (found & real).sum(1) / union.clamp(min=1)
    return torch.where(union == 0, torch.ones_like(iou), iou)
