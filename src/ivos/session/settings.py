"""The choices of a session that are worth measuring, with the defaults that measured best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a session works; the same for its whole life."""

    negatives: Literal["background", "others"] = "others"
    """What counts as a negative stroke for an object, besides strokes that say "not this one":
    strokes on the background only, or strokes on other objects as well."""
    soft_aggregation: bool = True
    """Let objects compete on each frame before it leads to the next one; if false, each object is
    carried alone and they compete only in what is kept."""
    crop_size: int | None = None
    """Side of the crops, if not the network's own; a multiple of 32."""
    max_batch: int = 16
    """How many crops go through a network at once, at most: bounds the memory."""
