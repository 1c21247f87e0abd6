"""What a network is to the rest of ivos: three functions of crops, and a few numbers about them.

NumPy only. ``onnx.py`` and ``pytorch.py`` beside it are the implementations; the tests have a
third one without any model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ivos.crop import CropSpec

Array: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSpec(CropSpec):
    """What a caller must know of a network; the crop's numbers are inherited."""

    name: str
    """The name of its weights, such as ``ivos-compact``."""
    weights_hash: str = ""
    """SHA-256 over the weights: what masks were made with."""
    neutral: float = 0.5
    """The previous mask's value where there is none yet."""
    reference_channels: int = 2048
    """C of a reference."""
    reference_stride: int = 32
    """Crop pixels to one position of a reference."""
    memory_slots: int = 1
    """How many annotated frames a reference may hold side by side, each crop_size / stride wide."""


@runtime_checkable
class Networks(Protocol):
    """The interaction and the propagation network. All arrays are float32; S is the crop's side,
    a multiple of 32; B may be any number from 1.
    """

    @property
    def spec(self) -> NetworkSpec:
        """What a caller must know."""
        ...

    def interact(
        self, frame: Array, previous: Array, positive: Array, negative: Array
    ) -> tuple[Array, Array]:
        """Strokes into a mask.

        ``frame`` (B, 3, S, S) RGB from 0 to 1; ``previous`` (B, 1, S, S) probability or the neutral
        value; ``positive`` and ``negative`` (B, 1, S, S) strokes from 0 to 1
        -> logits (B, 1, S, S) and references (B, C, h, w).
        """
        ...

    def aggregate(self, reference: Array, previous_reference: Array) -> Array:
        """Join this round's reference (B, C, h, w) with that of the rounds before (B, C, h, w')."""
        ...

    def propagate(self, reference: Array, frame: Array, neighbour: Array, previous: Array) -> Array:
        """Carry a mask to the next frame.

        ``reference`` (B, C, h, w'), ``frame`` (B, 3, S, S), ``neighbour`` (B, 1, S, S) the new mask
        of the frame beside this one, ``previous`` (B, 1, S, S) this frame's mask of the last round
        or the neutral value -> logits (B, 1, S, S).
        """
        ...


def stack_references(references: Sequence[Array]) -> Array:
    """(C, h, w) each, of any widths -> (B, C, h, widest), padded with zeros on the right.

    Zeros mean "nothing there" to every network.
    """
    widest = max(reference.shape[-1] for reference in references)
    channels, height = references[0].shape[:2]
    stacked = np.zeros((len(references), channels, height, widest), np.float32)
    for plane, reference in zip(stacked, references, strict=True):
        plane[:, :, : reference.shape[-1]] = reference
    return stacked


def side_by_side(references: Sequence[NDArray[np.floating[Any]]]) -> Array:
    """(C, h, w) each, of any sizes -> (C, highest, sum of widths), padded with zeros below."""
    highest = max(reference.shape[1] for reference in references)
    padded = [np.pad(one, ((0, 0), (0, highest - one.shape[1]), (0, 0))) for one in references]
    joined: Array = np.concatenate(padded, axis=-1, dtype=np.float32)
    return joined
