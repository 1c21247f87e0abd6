"""What a person could do without any network: GrabCut on the drawn frame, optical flow beyond it.

GrabCut (Rother et al., SIGGRAPH 2004) and DIS flow (Kroeger et al., ECCV 2016) as OpenCV has them.
Frames between two drawn ones fade from the one to the other, as in ivos.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ivos.evaluate.method import Answer
from ivos.types import BACKGROUND, Click, Frame, Interaction, Mask, ObjectId, Scribble, Video

Soft = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class GrabCutSettings:
    """Chosen on the validation sequences: docs/evaluation.md."""

    iterations: int = 5
    thickness: float = 0.004
    """Width of a stroke as seed, as a part of the frame's diagonal."""
    around_strokes: float = 0.2
    """How far beyond the box of its strokes a new object may reach, as a part of that box."""
    around_mask: float = 0.25
    """The same around a mask that is corrected."""
    ring: float = 0.5
    """How far beyond that box its background is looked at, as a part of the box."""


class GrabCutFlow:
    """GrabCut on each drawn frame, carried both ways by dense flow."""

    name = "grabcut-flow"
    weights = None

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        settings: GrabCutSettings = GrabCutSettings(),
        seed: int = 0,
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._seed = seed
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def start(self, video: Video, object_ids: Sequence[ObjectId]) -> None:
        """Forget everything."""
        self._video = video
        self._ids = tuple(object_ids)
        shape = (len(video), len(self._ids), *video.size)
        self._soft: NDArray[np.uint8] = np.zeros(shape, np.uint8)  # 255 is certain
        self._drawn: set[int] = set()

    def interact(self, interaction: Interaction) -> Answer:
        """Cut on the frame, then carry to the nearest drawn frames on both sides."""
        began = self._clock()
        t = interaction.frame
        self._soft[t] = _as_bytes(self._cut(interaction))
        cut = self._clock()
        visited = 0
        for step, end in ((1, len(self._video)), (-1, -1)):
            visited += self._carry(t, step, end)
        self._drawn.add(t)
        carried = self._clock()
        return Answer(self._labels(), cut - began, carried - cut, visited)

    def _cut(self, interaction: Interaction) -> Soft:
        t = interaction.frame
        image = self._video[t]
        strokes = _drawn(interaction, self._video.size, self._settings.thickness)
        masks = _as_soft(self._soft[t])
        for n, key in enumerate(self._ids):
            mine = strokes == key
            others = (strokes >= 0) & ~mine
            known = masks[n] >= 0.5
            if not mine.any() and not (known & others).any():
                continue
            masks[n] = self._one(image, known, mine, others)
        return masks

    def _one(self, image: Frame, known: Mask, mine: Mask, others: Mask) -> Soft:
        """One object: what GrabCut makes of its mask so far and of the strokes."""
        settings = self._settings
        share = settings.around_mask if known.any() else settings.around_strokes
        box = _grown(known | mine, share)
        result = np.zeros(known.shape, np.float32)
        inside = np.full(known.shape, cv2.GC_PR_BGD, np.uint8)
        # With no mask yet everything in the box may be the object, else what was.
        inside[known if known.any() else box] = cv2.GC_PR_FGD
        inside[mine], inside[others] = cv2.GC_FGD, cv2.GC_BGD
        wide = _grown_box(box, settings.ring, known.shape)
        trimap = np.where(box, inside, cv2.GC_BGD).astype(np.uint8)[wide]
        seen = (trimap == cv2.GC_FGD) | (trimap == cv2.GC_PR_FGD)
        if not seen.any():
            return result
        if seen.all():  # no background to learn from
            result[wide] = seen
            return result
        cv2.setRNGSeed(self._seed)
        picture, cut = np.ascontiguousarray(image[wide]), np.ascontiguousarray(trimap)
        back, front = np.zeros((1, 65)), np.zeros((1, 65))
        mode = cv2.GC_INIT_WITH_MASK
        cv2.grabCut(picture, cut, (0, 0, 1, 1), back, front, settings.iterations, mode)
        result[wide] = (cut == cv2.GC_FGD) | (cut == cv2.GC_PR_FGD)
        return result

    def _carry(self, source: int, step: int, end: int) -> int:
        others = [t for t in self._drawn if (t - source) * step > 0]
        far = min(others, key=lambda t: abs(t - source), default=None)
        stop = end if far is None else far
        soft, grey = _as_soft(self._soft[source]), _grey(self._video[source])
        visited = 0
        for t in range(source + step, stop, step):
            here = _grey(self._video[t])
            flow = self._flow.calc(here, grey, np.zeros((*here.shape, 2), np.float32))
            soft = np.stack([_moved(plane, flow.astype(np.float32, copy=False)) for plane in soft])
            weight = 1.0 if far is None else 1 - (t - source) / (far - source)
            self._soft[t] = _as_bytes(weight * soft + (1 - weight) * _as_soft(self._soft[t]))
            grey = here
            visited += 1
        return visited

    def _labels(self) -> NDArray[np.uint8]:
        best = self._soft.argmax(axis=1)
        ids = np.array(self._ids, np.uint8)[best]
        labels: NDArray[np.uint8] = np.where(self._soft.max(axis=1) >= 128, ids, BACKGROUND)
        return labels.astype(np.uint8)


def _as_soft(values: NDArray[np.uint8]) -> Soft:
    return values.astype(np.float32) / np.float32(255)


def _as_bytes(soft: Soft) -> NDArray[np.uint8]:
    return np.rint(soft * 255).astype(np.uint8)


def _drawn(interaction: Interaction, size: tuple[int, int], thickness: float) -> NDArray[np.int32]:
    """(H, W): the object id drawn on each pixel, 0 for background, -1 for nothing."""
    canvas = np.full(size, -1, np.int32)
    width = max(1, round(thickness * float(np.hypot(*size))))
    for prompt in interaction.prompts:
        if isinstance(prompt, Scribble):
            points, key, positive = prompt.path, prompt.object_id, prompt.positive
        elif isinstance(prompt, Click):
            points, key, positive = (prompt.point,), prompt.object_id, prompt.positive
        else:
            continue
        pixels = np.asarray(points, np.float64) * (size[1], size[0])
        fixed = np.rint(pixels).astype(np.int32)[:, None]
        value = key if positive else BACKGROUND
        cv2.polylines(canvas, [fixed], False, value, width)
        cv2.circle(canvas, tuple(int(v) for v in fixed[0, 0]), width // 2, value, -1)
    return canvas


def _grown(mask: Mask, share: float) -> Mask:
    """The box of a mask, grown on each side by a part of its length."""
    box = np.zeros(mask.shape, bool)
    if mask.any():
        box[_grown_box(mask, share, mask.shape)] = True
    return box


def _grown_box(mask: Mask, share: float, size: tuple[int, ...]) -> tuple[slice, slice]:
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    # By the mean of both sides: the line through a thin object is thinner still.
    more = round(share * (width + height) / 2) + 2
    rows = slice(max(y - more, 0), min(y + height + more, size[0]))
    return rows, slice(max(x - more, 0), min(x + width + more, size[1]))


def _grey(image: Frame) -> NDArray[np.uint8]:
    grey: NDArray[np.uint8] = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
    return grey


def _moved(plane: Soft, flow: NDArray[np.float32]) -> Soft:
    """The neighbour's plane, fetched from where each pixel came from."""
    height, width = plane.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    moved = cv2.remap(plane, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR)
    return moved.astype(np.float32, copy=False)
