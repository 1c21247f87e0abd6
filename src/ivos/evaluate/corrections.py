"""Do corrections take, are they carried, and does the network listen at all?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ivos.crop import neutral_crop, unwarp, warp, whole_frame
from ivos.evaluate.protocol import Turn
from ivos.runtime.protocol import Array, Networks
from ivos.types import BACKGROUND, VOID, LabelMap, Video

REACH = 10
"""Frames this near to a corrected one should gain from it."""


@dataclass(frozen=True, slots=True)
class Corrections:
    """What corrections did: every round after the first that had strokes."""

    count: int
    before: float | None
    """Median J of the corrected frames before (mean over objects)."""
    after: float | None
    """And after: the "correction gain" is from the one to the other."""
    gain: float | None
    """Median of what a corrected frame gained."""
    carry: float | None
    """What frames within 10 of it gained on average, for each 1 that it gained: totals of all."""
    carry_where_wrong: float | None
    """The same, of those frames alone that were about as wrong: nearer to ``before`` than to
    ``after`` of the corrected frame."""


def first_frame_similarity(turns: Sequence[Turn]) -> float | None:
    """J of the first drawn frame after the first scribbles, mean over objects and sessions."""
    found = [float(turn.J[:, turn.frame].mean()) for turn in turns if turn.round == 1]
    return sum(found) / len(found) if found else None


def corrections(turns: Sequence[Turn]) -> Corrections:
    """Measure all corrections of sessions; ``turns`` in the order played."""
    before, after = [], []
    every, wrong = [], []  # (gain of frames near by, gain of the corrected frame)
    for last, turn in pairwise(turns):
        if turn.sample != last.sample or turn.round != last.round + 1 or not turn.strokes:
            continue
        old, new = last.J.mean(axis=0), turn.J.mean(axis=0)
        t = turn.frame
        before.append(float(old[t]))
        after.append(float(new[t]))
        change, middle = new - old, (old[t] + new[t]) / 2
        around = [f for f in range(max(t - REACH, 0), t + REACH + 1) if f != t and f < len(old)]
        if around:
            every.append((float(change[around].mean()), float(change[t])))
        if alike := [f for f in around if old[f] < middle]:
            wrong.append((float(change[alike].mean()), float(change[t])))
    if not before:
        return Corrections(0, None, None, None, None, None)
    gains = np.subtract(after, before)
    return Corrections(
        count=len(before),
        before=float(np.median(before)),
        after=float(np.median(after)),
        gain=float(np.median(gains)),
        carry=_ratio(every),
        carry_where_wrong=_ratio(wrong),
    )


def _ratio(gains: Sequence[tuple[float, float]]) -> float | None:
    """Total of the first to total of the second; None where nothing was gained at all."""
    total = sum(here for _, here in gains)
    return sum(near for near, _ in gains) / total if total > 0 else None


def no_stroke_similarity(
    networks: Networks, video: Video, truth: Sequence[LabelMap], frames: int = 5
) -> float | None:
    """J of what the interaction network finds without any stroke or mask; should be near 0.

    Against all objects together, mean over ``frames`` frames spread evenly over those that show
    any. A network that finds the salient thing unasked is not listening. None where no frame
    shows an object.
    """
    shown = [t for t, labels in enumerate(truth) if _objects(labels).any()]
    if not shown:
        return None
    chosen = [shown[round(k)] for k in np.linspace(0, len(shown) - 1, min(frames, len(shown)))]
    return float(np.mean([_unasked(networks, video, t, truth[t]) for t in chosen]))


def _unasked(networks: Networks, video: Video, frame: int, truth: LabelMap) -> float:
    spec = networks.spec
    region = whole_frame(video.size, spec)
    image = warp(video[frame], region, spec.crop_size, antialias=spec.antialias)
    planes: Array = image.astype(np.float32).transpose(2, 0, 1)[None] / np.float32(255)
    previous = neutral_crop(spec.neutral, region, video.size, spec.crop_size)[None, None]
    nothing = np.zeros_like(previous)
    logits, _ = networks.interact(np.ascontiguousarray(planes), previous, nothing, nothing)
    probs = 1 / (1 + np.exp(-logits[0, 0].astype(np.float32)))
    found = (unwarp(probs, region, video.size) >= 0.5) & (truth != VOID)
    true = _objects(truth)
    return float((found & true).sum() / (found | true).sum())


def _objects(labels: LabelMap) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    found: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = (labels != BACKGROUND) & (
        labels != VOID
    )
    return found
