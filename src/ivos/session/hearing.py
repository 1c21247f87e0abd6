"""The interactive half of a round: prompts on one frame become masks on that frame.

Nothing is written here: what was heard is handed back, to be kept or only looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ivos.masks import Patch
from ivos.runtime.protocol import Networks
from ivos.session.inference import InteractionJob, interact
from ivos.session.merge import give_way, settle, yielding
from ivos.session.settings import Settings
from ivos.session.state import OpenFrame, Reference
from ivos.session.strokes import Told, enforce, told
from ivos.types import Frame, ObjectId, Prompt


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What is asked of the networks about one frame."""

    frame: int
    opened: OpenFrame
    """With all prompts, the new ones among them."""
    run: Sequence[ObjectId]
    """The objects to run."""
    bases: Mapping[ObjectId, Patch]
    """The masks that the prompts correct, of all objects that have one."""
    locked: Sequence[ObjectId]
    """Objects whose mask must stay as it is."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What the prompts of one frame came to."""

    masks: Mapping[ObjectId, Patch]
    """Every mask that is new or different, also those of objects that had to give way."""
    references: Mapping[ObjectId, Reference]
    """The feature of each object that was run."""


def hear(
    networks: Networks,
    settings: Settings,
    image: Frame,
    prompts: Sequence[Prompt],
    run: Sequence[ObjectId],
    bases: Mapping[ObjectId, Patch],
    locked: Sequence[ObjectId],
) -> Heard:
    """Run the objects ``run`` on one frame with all its prompts.

    ``bases`` are the masks of the frame, of all objects that have one, that the prompts correct;
    ``locked`` are objects whose mask must stay as it is (never one of ``run``).
    """
    size = (image.shape[0], image.shape[1])
    tales = {key: told(key, prompts, size, settings.negatives) for key in run}
    jobs = [InteractionJob(image, tales[key].painted or bases.get(key), tales[key]) for key in run]
    side = settings.crop_size or networks.spec.crop_size
    results = interact(networks, jobs, side, settings.max_batch)
    raw: dict[ObjectId, Patch] = {}
    for key, job, (patch, _) in zip(run, jobs, results, strict=True):
        raw[key] = _claimed(patch, job, tales[key])
    others = {key: patch for key, patch in bases.items() if key not in raw}
    settled = settle(raw, others, locked)
    # Whatever the rule of negatives for the network: where strokes of two objects cross, both
    # masks must follow the later one.
    for key in run:
        settled[key] = enforce(settled[key], told(key, prompts, size, "others").paths)
    settled = _exactly(settled, tales, [others[key] for key in locked])
    references = {key: result[1] for key, result in zip(run, results, strict=True)}
    return Heard(settled | yielding(settled, others, locked), references)


def _claimed(patch: Patch, job: InteractionJob, tale: Told) -> Patch:
    """An object that nothing ever claimed to be on this frame is not on it."""
    if job.previous is None and not tale.claims:
        return Patch.empty(patch.size)
    return patch


def _exactly(
    settled: Mapping[ObjectId, Patch], tales: Mapping[ObjectId, Told], locked: Sequence[Patch]
) -> dict[ObjectId, Patch]:
    """Painted masks as they were painted; the other objects give way to them."""
    exact: dict[ObjectId, Patch] = {}
    for key, tale in tales.items():
        if tale.exact and tale.painted is not None:
            exact[key] = give_way(tale.painted, [*locked, *exact.values()])
    rest = {key: patch for key, patch in settled.items() if key not in exact}
    return {key: give_way(patch, [*exact.values(), *locked]) for key, patch in rest.items()} | exact
