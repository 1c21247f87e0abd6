"""A video whose truth we know, and networks without any model: NumPy only, deterministic.

``MovingSquares`` is a video of coloured squares on a grey gradient. ``ColourNetworks`` tell objects
apart by their colour alone, learnt from under the strokes: on such a video they are right almost
everywhere, and they do listen to strokes, to the previous mask and to the neighbour's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ivos.runtime.protocol import Array, NetworkSpec
from ivos.types import Frame, Interaction, LabelMap, Mask, ObjectId, Point, Prompt, Scribble

COLOURS = np.array(
    [(220, 40, 40), (40, 190, 60), (60, 80, 230), (230, 200, 30), (200, 60, 200), (40, 200, 210)],
    np.uint8,
)


class MovingSquares:
    """A video with known truth: odd objects move right, even ones move down, and wrap around.

    ``count`` squares of a quarter of the shorter side (less if there are more than two), each of
    its own colour.
    """

    def __init__(
        self,
        length: int = 12,
        size: tuple[int, int] = (48, 64),
        count: int = 2,
        *,
        fps: float = 25.0,
        name: str = "moving-squares",
    ) -> None:
        self.name = name
        self.size = size
        self.fps = fps
        self.count = count
        self._length = length
        self.reads: list[int] = []
        """Which frames were read, in order."""

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, frame: int) -> Frame:
        labels = self.truth(frame)
        self.reads.append(frame)
        height, width = self.size
        rows, columns = np.mgrid[0:height, 0:width]
        grey = 90 + 40 * rows // max(height, 1) + 20 * columns // max(width, 1)
        image = np.repeat(grey.astype(np.uint8)[:, :, None], 3, axis=2)
        for object_id in self.object_ids:
            image[labels == object_id] = COLOURS[(object_id - 1) % len(COLOURS)]
        return image

    def timestamp(self, frame: int) -> float:
        return frame / self.fps

    def frame_name(self, frame: int) -> str:
        return f"{frame:05d}"

    def close(self) -> None:
        pass

    @property
    def object_ids(self) -> tuple[ObjectId, ...]:
        return tuple(range(1, self.count + 1))

    @property
    def side(self) -> int:
        return max(1, min(self.size) // max(4, self.count + 2))

    def corner(self, object_id: ObjectId, frame: int) -> tuple[int, int]:
        """(top, left) of a square."""
        height, width = self.size
        rows, columns = max(1, height - self.side + 1), max(1, width - self.side + 1)
        lane = 2 + (object_id - 1) * (self.side + 3)
        step = frame * max(1, self.side // 6)
        if object_id % 2:
            return lane % rows, (2 + step) % columns
        return (2 + step) % rows, lane % columns

    def truth(self, frame: int) -> LabelMap:
        """(H, W) object ids; later objects lie on top."""
        if not 0 <= frame < self._length:
            raise IndexError(f"frame {frame} is not in 0..{self._length - 1}")
        labels = np.zeros(self.size, np.uint8)
        for object_id in self.object_ids:
            top, left = self.corner(object_id, frame)
            labels[top : top + self.side, left : left + self.side] = object_id
        return labels

    def mask(self, object_id: ObjectId, frame: int) -> Mask:
        return self.truth(frame) == object_id

    def point(self, object_id: ObjectId, frame: int, at: float = 0.5) -> Point:
        """A point on an object's diagonal, as a fraction of the frame; 0.5 is its middle."""
        top, left = self.corner(object_id, frame)
        height, width = self.size
        return (left + at * self.side) / width, (top + at * self.side) / height

    def stroke(self, object_id: ObjectId, frame: int) -> Scribble:
        """A stroke along the middle of a square's diagonal."""
        ends = (self.point(object_id, frame, 0.3), self.point(object_id, frame, 0.7))
        return Scribble(object_id, ends)

    def drawn(self, frame: int, object_ids: Sequence[ObjectId] | None = None) -> Interaction:
        """What a person draws to point out objects on a frame."""
        chosen = self.object_ids if object_ids is None else object_ids
        prompts: list[Prompt] = [self.stroke(object_id, frame) for object_id in chosen]
        return Interaction.of(frame, prompts)


FAKE_SPEC = NetworkSpec(
    name="colour",
    weights_hash="0" * 64,
    crop_size=64,
    minimum_side=12.0,
    pad_before=0.0,
    pad_after=0.0,
    neutral_is_everywhere=True,
    reference_channels=8,
    memory_slots=4,
)


class ColourNetworks:
    """Networks that know only colours. Counts its calls and the batch sizes of each."""

    def __init__(self, spec: NetworkSpec = FAKE_SPEC) -> None:
        self.spec = spec
        self.batches: dict[str, list[int]] = {"interact": [], "aggregate": [], "propagate": []}

    def interact(
        self, frame: Array, previous: Array, positive: Array, negative: Array
    ) -> tuple[Array, Array]:
        self._count("interact", frame)
        logits = np.empty_like(previous)
        cells = self.spec.crop_size // self.spec.reference_stride
        references = np.zeros((len(frame), self.spec.reference_channels, cells, cells), np.float32)
        for b in range(len(frame)):
            known = previous[b, 0] > 0.6
            inside = positive[b, 0] > 0.5
            outside = negative[b, 0] > 0.5
            if inside.sum() < 3:
                inside = inside | (known & ~outside)
            colour = _mean_colour(frame[b], inside)
            others = _mean_colour(frame[b], outside)
            logits[b, 0] = _similar(frame[b], colour)
            if outside.any():
                logits[b, 0] = np.minimum(logits[b, 0], -_similar(frame[b], others))
            if not inside.any():
                logits[b, 0] = -12.0
            references[b, :3] = colour[:, None, None]
            references[b, 3] = 1.0
        return logits, references

    def aggregate(self, reference: Array, previous_reference: Array) -> Array:
        self._count("aggregate", reference)
        cells = self.spec.crop_size // self.spec.reference_stride
        joined = np.concatenate([reference, previous_reference], axis=3)
        return joined[..., : cells * self.spec.memory_slots]

    def propagate(self, reference: Array, frame: Array, neighbour: Array, previous: Array) -> Array:
        self._count("propagate", frame)
        logits = np.empty_like(neighbour)
        for b in range(len(frame)):
            valid = reference[b, 3] > 0.5
            colour = reference[b, :3][:, valid][:, :1].sum(axis=1)
            near = _spread(neighbour[b, 0] > 0.5, self.spec.crop_size // 4)
            logits[b, 0] = np.where(near, _similar(frame[b], colour), -12.0)
        return logits

    def _count(self, name: str, batch: Array) -> None:
        self.batches[name].append(len(batch))


def _mean_colour(frame: Array, where: Mask) -> NDArray[np.float32]:
    if not where.any():
        return np.full(3, -1, np.float32)
    return np.median(frame[:, where], axis=1).astype(np.float32)


def _similar(frame: Array, colour: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits: +9 where a pixel has the colour, falling below 0 at a distance of 0.3."""
    distance = np.sqrt(np.square(frame - colour[:, None, None]).sum(axis=0))
    return (9.0 - 30.0 * distance).clip(-12, 12).astype(np.float32)


def _spread(mask: Mask, reach: int) -> Mask:
    """Everything within ``reach`` rows and columns of a mask."""
    for axis in (0, 1):
        padded = np.pad(mask, [(reach, reach) if i == axis else (0, 0) for i in (0, 1)])
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=axis)
        mask = windows.any(axis=-1)
    return mask
