"""Where a prediction is wrong: regions within a frame, and the worst frame of a video."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from ivos.errors import InvalidInput
from ivos.types import BACKGROUND, LabelMap, Mask, ObjectId


def error_regions(
    truth: LabelMap, prediction: LabelMap, object_ids: Iterable[ObjectId]
) -> Iterator[tuple[ObjectId, Mask]]:
    """What of each object (and first of the background) the prediction calls something else.

    ``truth`` and ``prediction`` are (H, W) label maps. Yields an id with a (H, W) mask, for ids
    that have an error; void pixels of the truth belong to nobody and are never wrong.
    """
    if truth.shape != prediction.shape:
        raise InvalidInput(
            f"a prediction of shape {prediction.shape} cannot be compared with truth of shape "
            f"{truth.shape}: resize it first"
        )
    for object_id in (BACKGROUND, *(n for n in object_ids if n != BACKGROUND)):
        wrong: Mask = (truth == object_id) & (prediction != object_id)
        if wrong.any():
            yield object_id, wrong


def worst_frame(
    scores: NDArray[np.floating], used: Collection[int] = (), among: Iterable[int] | None = None
) -> int:
    """The frame with the lowest mean score over objects; of equal ones, the first.

    ``scores`` is (N, T) for N objects, or (T,). Frames in ``used`` are passed over while others
    remain; ``among`` restricts the choice to some frames.
    """
    means = np.asarray(scores, np.float64)
    means = means.mean(axis=0) if means.ndim == 2 else means
    candidates = list(range(len(means))) if among is None else sorted(set(among))
    if not candidates:
        raise InvalidInput("there is no frame to choose the worst from")
    fresh = [t for t in candidates if t not in used] or candidates
    return min(fresh, key=lambda t: means[t])
