"""Doing a session again from its log, and saying where the masks came out otherwise.

On the same machine with the same weights every bit is the same. Elsewhere the last bits of
floating-point sums may differ, and a few masks at the border between object and background.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ivos.errors import InvalidInput, IvosError
from ivos.masks import PackedMask
from ivos.project.log import LoggedStep, SessionLog
from ivos.project.project import Project, provenance
from ivos.runtime.protocol import Networks
from ivos.session import Action, Session
from ivos.types import ObjectId, SoftMask


@dataclass(frozen=True, slots=True)
class Replayed:
    """One step, done again."""

    number: int
    kind: str
    masks: int
    """How many it made."""
    different: tuple[tuple[ObjectId, int], ...]
    """The (object, frame) of those that came out otherwise, or that only one of the two made."""
    same_weights: bool
    """Whether it was done with these weights the first time, as far as weights matter to it."""


def replay(log: SessionLog, project: Project, networks: Networks) -> Iterator[Replayed]:
    """Do every step of ``log`` again in ``project``, which must be new, yielding after each.

    Raises InvalidInput where a step cannot be done at all.
    """
    session = project.session(networks)
    if session.head or session.can_redo:
        raise InvalidInput(f"{project.path}: not empty; replay into a new project")
    weights = provenance(networks)["weights"]
    for number, step in enumerate(log.steps, start=1):
        try:
            perform(session, step.action, step.frames_done)
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"step {number} of the log cannot be read: {error!r}") from error
        except IvosError as error:
            raise InvalidInput(f"step {number} of the log cannot be done: {error}") from error
        same = step.provenance.get("weights", weights) == weights
        masks = project.store.digests(number)
        yield Replayed(number, step.action.kind, len(masks), _differences(step, masks), same)


def perform(session: Session, action: Action, frames_done: int = 0) -> None:
    """Ask a session for what ``action`` says.

    ``frames_done`` is after how many frames a propagation was cancelled, if it was.
    """
    given: dict[str, Any] = dict(action.details)
    frame = action.frame if action.frame is not None else -1
    match action.kind:
        case "interact":
            assert action.interaction is not None
            session.interact(action.interaction)
        case "propagate":
            _propagate(session, given, frames_done)
        case "import" if action.frame is None:
            names = {int(object_id): name for object_id, name in given["names"].items()}
            many = {int(at): _unpacked(found) for at, found in given["masks"].items()}
            for _ in session.import_masks(many, names, annotate=given.get("annotate", False)):
                pass
        case "paint" | "import":
            session.set_masks(frame, _unpacked(given["masks"]), annotate=given["annotate"])
        case "object":
            _object(session, **given)
        case "remove":
            session.remove_object(given["object"])
        case "lock":
            session.lock(given["frames"], given["object"])
        case "unlock":
            session.unlock(given["frames"], given["object"])
        case "reject":
            session.reject(given["step"], given["frames"], given["object"])


def _unpacked(masks: Mapping[str, str]) -> dict[ObjectId, SoftMask]:
    return {
        int(object_id): PackedMask.from_bytes(base64.b64decode(data)).soft()
        for object_id, data in masks.items()
    }


def _propagate(session: Session, given: Mapping[str, Any], frames_done: int) -> None:
    if not (frames_done or session.state.sources):
        session.lock(())  # what once was a step that did nothing: later ones count on its number
        return
    progress = session.propagate(**given)
    for done, _ in enumerate(progress, start=1):
        if done == frames_done:
            break
    progress.close()  # type: ignore[attr-defined]


def _object(session: Session, **given: Any) -> None:
    object_id = given.pop("object")
    if "colour" in given:
        given["colour"] = tuple(given["colour"])
    if object_id in session.object_ids:
        session.change_object(object_id, **given)
    else:
        session.add_object(object_id, **given)


def _differences(
    step: LoggedStep, masks: Mapping[tuple[ObjectId, int], str]
) -> tuple[tuple[ObjectId, int], ...]:
    keys = step.masks.keys() | masks.keys()
    return tuple(sorted(key for key in keys if step.masks.get(key) != masks.get(key)))
