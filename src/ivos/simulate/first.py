"""The first scribbles of a session, where no person's are to be had."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias, get_args

import numpy as np

from ivos.errors import InvalidInput
from ivos.simulate.robot import Robot
from ivos.types import Interaction, LabelMap, ObjectId, Scribble

FirstFrame: TypeAlias = Literal["middle", "largest", "random"]
"""Which frame is drawn on first: see ``first_frame``."""


def first_frame(
    truth: Sequence[LabelMap],
    object_ids: Sequence[ObjectId],
    rule: FirstFrame = "middle",
    seed: int = 0,
) -> int:
    """The frame that is drawn on first, of a video with known label maps.

    Only frames with most of the objects are considered: a person would not begin where one of
    them is out of sight. Of these, ``middle`` takes the one nearest to the middle of the video
    (of two, the earlier), ``largest`` that with the largest smallest object, ``random`` one drawn
    by ``seed``. Raises InvalidInput where no frame shows any object.
    """
    if rule not in get_args(FirstFrame):
        raise InvalidInput(
            f"no rule {rule!r} for the first frame: {', '.join(get_args(FirstFrame))}"
        )
    areas = np.array([[np.count_nonzero(t == n) for n in object_ids] for t in truth])
    shown = (areas > 0).sum(axis=1) if areas.size else np.zeros(len(truth), int)
    if not shown.any():
        raise InvalidInput("no frame shows any of the objects: there is nothing to draw on")
    candidates = np.flatnonzero(shown == shown.max())
    if rule == "middle":
        return int(min(candidates, key=lambda t: (abs(2 * t - len(truth) + 1), t)))
    if rule == "largest":
        smallest = np.where(areas > 0, areas, areas.max() + 1).min(axis=1)
        return int(max(candidates, key=lambda t: (smallest[t], -t)))
    return int(np.random.default_rng(seed).choice(candidates))


def first_scribbles(
    truth: LabelMap, frame: int, object_ids: Iterable[ObjectId], robot: Robot
) -> Interaction:
    """What the robot draws on an empty prediction: lines through the middle of each object.

    Never on the background, as people do not in the DAVIS scribbles. An object too small for the
    robot's shortest line still gets one. ``truth`` is (H, W), of number ``frame``.
    """
    patient = replace(robot, min_nb_nodes=1)
    strokes: list[Scribble] = []
    for object_id in object_ids:
        region = truth == object_id
        if region.any():
            strokes += list(robot.draw(region, object_id)) or list(patient.draw(region, object_id))
    return Interaction.of(frame, strokes)
