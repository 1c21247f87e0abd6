"""A session in the protocol's words: snapshots, titles of steps, videos. Pure functions.

Knows nothing of threads, sockets or HTTP.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from ivos.errors import InvalidInteraction
from ivos.server.protocol import Snapshot
from ivos.server.values import (
    ObjectValue,
    OpenValue,
    PromptValue,
    RunValue,
    Span,
    StepValue,
    VideoValue,
)
from ivos.session import JSON, Action, ObjectInfo, Session, Step, Store
from ivos.types import Box, Click, Interaction, Mask, Prompt, Scribble, Video

STEPS_SHOWN = 200


def spans(frames: Iterable[int]) -> tuple[Span, ...]:
    """Ascending frames as half-open spans."""
    found: list[Span] = []
    for frame in frames:
        if found and found[-1][1] == frame:
            found[-1] = (found[-1][0], frame + 1)
        else:
            found.append((frame, frame + 1))
    return tuple(found)


def prompt_of(value: PromptValue) -> Prompt:
    """What the page drew. Raises InvalidInteraction."""
    if value.kind == "scribble":
        return Scribble(value.object_id, value.path, value.positive)
    if value.kind == "click":
        if len(value.path) != 1:
            raise InvalidInteraction("a click is one point")
        return Click(value.object_id, value.path[0], value.positive)
    if len(value.path) != 2:
        raise InvalidInteraction("a box is two corners")
    return Box(value.object_id, *value.path)


def interaction_of(frame: int, values: Iterable[PromptValue]) -> Interaction:
    """What the page drew on one frame. Raises InvalidInteraction."""
    return Interaction.of(frame, map(prompt_of, values))


def pixels_of(runs: tuple[int, ...], size: tuple[int, int]) -> Mask:
    """(H, W): the pixels of a brush's stroke. Raises InvalidInteraction."""
    height, width = size
    if len(runs) % 2:
        raise InvalidInteraction("a brush stroke is pairs of first pixel and length")
    flat: Mask = np.zeros(height * width, np.bool_)
    for first, length in zip(runs[::2], runs[1::2], strict=True):
        if first + length > flat.size:
            raise InvalidInteraction("a brush stroke reaches outside the frame")
        flat[first : first + length] = True
    return flat.reshape(size)


def prompt_value(prompt: Prompt) -> PromptValue | None:
    """A prompt as the page draws it; None for painted masks, which are seen anyway."""
    if isinstance(prompt, Scribble):
        return PromptValue("scribble", prompt.object_id, prompt.path, _includes(prompt))
    if isinstance(prompt, Click):
        return PromptValue("click", prompt.object_id, (prompt.point,), _includes(prompt))
    if isinstance(prompt, Box):
        return PromptValue("box", prompt.object_id, (prompt.top_left, prompt.bottom_right), True)
    return None


def _includes(prompt: Scribble | Click) -> bool:
    """Strokes on the background are shown as what they are for every object: not it."""
    return prompt.positive and prompt.object_id != 0


def video_value(video: Video) -> VideoValue:
    """The video for the page; with timestamps where frames do not come at even steps."""
    height, width = video.size
    times = [video.timestamp(frame) for frame in range(len(video))]
    even = all(abs(time - frame / video.fps) < 0.6 / video.fps for frame, time in enumerate(times))
    return VideoValue(video.name, width, height, len(video), video.fps, None if even else (*times,))


def title(action: Action, objects: Sequence[ObjectInfo]) -> str:
    """What a step did, in a few words."""
    names = {info.object_id: info.name for info in objects}

    def named(object_id: object) -> str:
        return names.get(object_id, f"Object {object_id}") if isinstance(object_id, int) else ""

    details = action.details
    if action.kind == "interact" and action.interaction is not None:
        who = ", ".join(named(key) for key in action.interaction.object_ids) or "background"
        return f"Draw {who} on frame {action.frame}"
    if action.kind == "propagate":
        way = {(True, False): " forward", (False, True): " backward"}
        return "Propagate" + way.get((bool(details["forward"]), bool(details["backward"])), "")
    if action.kind in ("paint", "import"):
        verb = "Paint" if action.kind == "paint" else "Import"
        masks = details.get("masks")
        who = ", ".join(named(int(key)) for key in masks) if isinstance(masks, dict) else "masks"
        return f"{verb} {who} on frame {action.frame}"
    if action.kind == "object":
        changed = sorted(details.keys() - {"object"})
        return _changed(named(details["object"]), changed, details)
    if action.kind == "remove":
        return f"Delete {named(details['object'])}"
    verb = {"lock": "Accept", "unlock": "Release", "reject": "Put back"}[action.kind]
    frames = details["frames"]
    return f"{verb} {_frames(frames if isinstance(frames, list) else [])}"


def _changed(name: str, changed: Sequence[str], details: Mapping[str, JSON]) -> str:
    """What happened to an object, in the words of the buttons that do it."""
    if not changed:
        return f"Add {name}"
    if changed == ["hidden"]:
        return f"{'Hide' if details['hidden'] else 'Show'} {name}"
    if changed == ["locked"]:
        return f"{'Lock' if details['locked'] else 'Unlock'} {name}"
    return f"Change the {' and '.join(changed)} of {name}"


def _frames(frames: Sequence[object]) -> str:
    if len(frames) == 1:
        return f"frame {frames[0]}"
    return f"{len(frames)} frames"


def last_run(steps: Sequence[Step], head: int) -> Step | None:
    """The last propagation that is done."""
    return next((step for step in reversed(steps[:head]) if step.action.kind == "propagate"), None)


def snapshot(
    session: Session,
    store: Store,
    *,
    changed: Collection[int],
    cuts: Collection[int],
    run: RunValue | None,
    waiting: int,
) -> Snapshot:
    """The session as the page sees it; ``changed`` are the frames of its last propagation."""
    state, steps, head = session.state, session.steps, session.head
    titles = [title(step.action, state.objects) for step in steps]
    last = last_run(steps, head)
    first = max(0, len(steps) - STEPS_SHOWN)
    return Snapshot(
        objects=tuple(_object(info, session, store) for info in state.objects),
        annotated=session.annotated_frames,
        rounds=state.rounds,
        open=tuple(
            OpenValue(frame, tuple(v for p in opened.prompts if (v := prompt_value(p)) is not None))
            for frame, opened in state.open.items()
        ),
        head=head,
        steps=tuple(
            StepValue(step.number, step.action.kind, name, step.changed)
            for step, name in zip(steps[first:], titles[first:], strict=True)
        ),
        undo=titles[head - 1] if head > 0 else None,
        redo=titles[head] if head < len(steps) else None,
        last_run=last.number if last else None,
        last_run_frames=spans(sorted(changed)),
        cuts=tuple(sorted(cuts)),
        run=run,
        waiting=waiting,
    )


def _object(info: ObjectInfo, session: Session, store: Store) -> ObjectValue:
    key = info.object_id
    return ObjectValue(
        object_id=key,
        name=info.name,
        colour=info.colour,
        hidden=info.hidden,
        locked=info.locked,
        annotated=tuple(sorted(session.state.settled(key))),
        masked=spans(store.frames(key)),
        locked_frames=spans(sorted(t for other, t in session.state.locked if other == key)),
    )
