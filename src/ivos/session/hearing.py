"""The interactive half of a round: prompts on one frame become masks on that frame.

Nothing is written here: what was heard is handed back, to be kept or only looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ivos.masks import Patch
from ivos.runtime.protocol import Networks
from ivos.session.inference import (
    interact,
    interact_in_detail,
    parts_to_look_at,
)
from ivos.session.jobs import InteractionJob
from ivos.session.known import StoredMasks
from ivos.session.merge import balance, give_way, same, settle, yielding
from ivos.session.settings import Settings
from ivos.session.state import OpenFrame, Reference, State
from ivos.session.store import Store
from ivos.session.strokes import NegativeRule, Told, enforce, spoken_to, told
from ivos.types import Frame, Interaction, ObjectId


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
    current: Mapping[ObjectId, Patch] = field(default_factory=dict)
    """The masks that are on the frame now, of all objects that have one."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What the prompts of one frame came to."""

    masks: Mapping[ObjectId, Patch]
    """Every mask that is new or different, also those of objects that had to give way, or need no
    longer."""
    references: Mapping[ObjectId, Reference]
    """The feature of each object that was run."""


def ask(
    interaction: Interaction, store: Store, state: State, known: StoredMasks, rule: NegativeRule
) -> Question:
    """What an interaction asks. Raises InvalidInteraction where it speaks of a locked mask."""
    frame = interaction.frame
    for key in interaction.object_ids:
        known.check_unlocked(key, frame)
    current = known.patches(frame)
    locked = [key for key in current if known.locked(key, frame)]
    opened = state.open.get(frame, OpenFrame(store.head + 1))
    opened = replace(opened, prompts=(*opened.prompts, *interaction.prompts))
    spoken = spoken_to(interaction.prompts, current, rule)
    run = sorted((spoken | set(opened.references)) - set(locked))
    bases: dict[ObjectId, Patch] = {}
    for key in state.object_ids:
        step = opened.bases.get(key, opened.step)
        base = current.get(key) if key in locked else known.patch_before(step, key, frame)
        if base is not None:
            bases[key] = base
    return Question(frame, opened, run, bases, locked, current)


def hear(
    networks: Networks,
    settings: Settings,
    image: Frame,
    asked: Question,
    early: Callable[[Heard], None],
) -> Heard:
    """Run the objects of a question on its frame, with all its prompts.

    ``early`` is told what they have come to before some of it is looked at in detail, which takes
    up to four more crops an object; it is not called where nothing is.
    """
    jobs, masks, references = _looked(networks, settings, image, asked)
    parts = {key: parts_to_look_at(jobs[key], masks[key], networks.spec) for key in jobs}
    large = [key for key in jobs if parts[key]]
    if large:
        early(Heard(_settled(asked, jobs, masks), references))
        looks = [(jobs[key], masks[key], parts[key]) for key in large]
        finer = interact_in_detail(networks, looks, _side(networks, settings), settings.max_batch)
        masks |= dict(zip(large, finer, strict=True))
    return Heard(_settled(asked, jobs, masks), references)


def remember(
    networks: Networks, settings: Settings, image: Frame, asked: Question
) -> Mapping[ObjectId, Reference]:
    """The references alone, for masks that stay what they are."""
    return _looked(networks, settings, image, asked)[2]


def _looked(
    networks: Networks, settings: Settings, image: Frame, asked: Question
) -> tuple[dict[ObjectId, InteractionJob], dict[ObjectId, Patch], dict[ObjectId, Reference]]:
    """What was looked for, and what the networks found and want to remember of it."""
    size = (image.shape[0], image.shape[1])
    prompts, bases = asked.opened.prompts, asked.bases
    tales = {key: told(key, prompts, size, settings.negatives) for key in asked.run}
    jobs = {
        key: InteractionJob(image, tale.painted or bases.get(key), tale)
        for key, tale in tales.items()
    }
    side = _side(networks, settings)
    results = interact(networks, [*jobs.values()], side, settings.max_batch)
    masks = {key: patch for key, (patch, _) in zip(jobs, results, strict=True)}
    references = {key: reference for key, (_, reference) in zip(jobs, results, strict=True)}
    return jobs, masks, references


def _side(networks: Networks, settings: Settings) -> int:
    return settings.crop_size or networks.spec.crop_size


def _settled(
    asked: Question, jobs: Mapping[ObjectId, InteractionJob], masks: Mapping[ObjectId, Patch]
) -> dict[ObjectId, Patch]:
    """The masks that were found, settled among each other and with those of other objects."""
    raw = {key: _claimed(masks[key], job) for key, job in jobs.items()}
    others = {key: patch for key, patch in asked.bases.items() if key not in raw}
    settled = settle(raw, others, asked.locked)
    for key, job in jobs.items():
        # Whatever the rule of negatives for the network: where strokes of two objects cross, both
        # masks must follow the later one.
        paths = told(key, asked.opened.prompts, job.size, "others").paths
        settled[key] = enforce(settled[key], paths)
    tales = {key: job.told for key, job in jobs.items()}
    settled = _exactly(settled, tales, [others[key] for key in asked.locked])
    gave_way = yielding(settled, others, asked.locked)
    back = {
        key: patch
        for key, patch in others.items()
        if key not in gave_way and key in asked.current and not same(patch, asked.current[key])
    }
    return settled | gave_way | back


def _claimed(patch: Patch, job: InteractionJob) -> Patch:
    """An object that nothing ever claimed to be on this frame is not on it."""
    if job.previous is None and not job.told.claims:
        return Patch.empty(patch.size)
    return patch


def _exactly(
    settled: Mapping[ObjectId, Patch], tales: Mapping[ObjectId, Told], locked: Sequence[Patch]
) -> dict[ObjectId, Patch]:
    """Painted masks as they were painted; the other objects share what these, and what is locked,
    leave of each pixel.
    """
    exact: dict[ObjectId, Patch] = {}
    for key, tale in tales.items():
        if tale.exact and tale.painted is not None:
            exact[key] = give_way(tale.painted, [*locked, *exact.values()])
    rest = {key: patch for key, patch in settled.items() if key not in exact}
    return balance(rest, [*exact.values(), *locked]) | exact
