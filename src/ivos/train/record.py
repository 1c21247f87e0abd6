"""What a run leaves for people to look at: TensorBoard curves, and pictures of its masks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F
from torch.utils.tensorboard import SummaryWriter

from ivos.train.game import Output
from ivos.train.loss import batch_iou

_ROWS = 4
_COLUMN = 128
"""Side of one picture in pixels."""
_STROKE_COLOUR = (1.0, 0.85, 0.0)
_MASK_COLOUR = (0.1, 0.8, 0.2)


def mean_overlaps(outputs: Iterable[Output]) -> dict[str, float]:
    """Mean overlap with the truth by kind; interactions with and without a mask apart."""
    overlaps: dict[str, list[float]] = defaultdict(list)
    for output in outputs:
        iou = batch_iou(output.logits[-1], output.truth)
        if output.fresh is None:
            overlaps[output.kind].extend(iou.tolist())
        else:
            fresh = output.fresh.to(iou.device)
            overlaps["first strokes"].extend(iou[fresh].tolist())
            overlaps["corrections"].extend(iou[~fresh].tolist())
    return {kind: float(np.mean(values)) for kind, values in overlaps.items() if values}


def picture(output: Output) -> NDArray[np.uint8]:
    """(rows, 3 columns, RGB): frame with strokes, truth, and prediction of the first few items."""
    image, truth = output.image[:_ROWS].cpu(), output.truth[:_ROWS].cpu()
    probs = output.logits[-1].detach()[:_ROWS].sigmoid().cpu()
    strokes = torch.zeros_like(truth) if output.strokes is None else output.strokes[:_ROWS].cpu()
    columns = [
        _tinted(image, strokes, _STROKE_COLOUR, 1.0),
        _tinted(image, truth, _MASK_COLOUR, 0.6),
        _tinted(image, probs, _MASK_COLOUR, 0.6),
    ]
    rows = F.interpolate(torch.cat(columns, dim=3), size=(_COLUMN, 3 * _COLUMN), mode="area")
    tall = torch.cat(list(rows), dim=1).permute(1, 2, 0)
    pixels: NDArray[np.uint8] = (tall * 255).round().clamp(0, 255).byte().numpy()
    return pixels


def _tinted(
    image: torch.Tensor, mask: torch.Tensor, colour: tuple[float, float, float], strength: float
) -> torch.Tensor:
    """image (B, 3, S, S) with ``colour`` laid over it where mask (B, 1, S, S) is 1."""
    over = torch.tensor(colour).view(1, 3, 1, 1)
    return image + strength * mask * (over - image)


def write_curves(
    writer: SummaryWriter, step: int, loss: float, overlaps: Mapping[str, float]
) -> None:
    """The loss and the overlaps of a step."""
    writer.add_scalar("loss", loss, step)
    for kind, value in overlaps.items():
        writer.add_scalar(f"overlap/{kind}", value, step)


def write_pictures(writer: SummaryWriter, step: int, outputs: Sequence[Output]) -> None:
    """A picture of the first and the last output of each kind."""
    for kind in dict.fromkeys(output.kind for output in outputs):
        of_kind = [output for output in outputs if output.kind == kind]
        writer.add_image(f"{kind}/first", picture(of_kind[0]), step, dataformats="HWC")
        if len(of_kind) > 1:
            writer.add_image(f"{kind}/last", picture(of_kind[-1]), step, dataformats="HWC")
