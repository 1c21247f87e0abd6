"""What was done, written down: prompts, actions and steps, and their JSON form.

A session's journal holds everything that is needed to do the work again. The JSON form is exact:
reading back what was written gives an equal value, down to the last bit of each number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from ivos.masks import decode_rle, encode_rle
from ivos.types import Box, Click, Interaction, PaintedMask, Prompt, Scribble

JSON: TypeAlias = bool | int | float | str | list["JSON"] | dict[str, "JSON"] | None

Kind: TypeAlias = Literal[
    "interact",  # prompts on one frame
    "propagate",  # the open round carried through the video
    "paint",  # exact masks on one frame, which can be propagated
    "import",  # masks from elsewhere on one frame
    "object",  # an object added or changed
    "remove",  # an object removed with all its masks
    "lock",  # frames accepted
    "unlock",  # and opened again
    "reject",  # masks put back to what they were before a step
]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a person asked for, with all that is needed to do it again.

    ``details`` are the arguments that are not prompts, in JSON.
    """

    kind: Kind
    frame: int | None = None
    interaction: Interaction | None = None
    details: Mapping[str, JSON] = field(default_factory=dict)

    def to_json(self) -> dict[str, JSON]:
        """The action as plain JSON."""
        prompts: JSON = None
        if self.interaction is not None:
            prompts = [prompt_to_json(prompt) for prompt in self.interaction.prompts]
        return {
            "kind": self.kind,
            "frame": self.frame,
            "prompts": prompts,
            "details": dict(self.details),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Action:
        """What ``to_json`` gave. Raises ValueError where it is something else."""
        try:
            kind, frame, prompts = data["kind"], data["frame"], data["prompts"]
            if kind not in get_args(Kind):
                raise ValueError(f"unknown kind of action {kind!r}")
            interaction = None
            if prompts is not None:
                interaction = Interaction.of(frame, map(prompt_from_json, prompts))
            return cls(kind, frame, interaction, dict(data["details"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"not an action: {error!r}") from None


@dataclass(frozen=True, slots=True)
class Step:
    """One action that was done: it can be undone and done again."""

    number: int
    """From 1."""
    action: Action
    changed: int
    """How many masks (of one object on one frame) it put, also those that came out the same."""
    seconds: float
    """How long it took."""


def prompt_to_json(prompt: Prompt) -> dict[str, JSON]:
    """One prompt as plain JSON."""
    if isinstance(prompt, Scribble):
        return {
            "kind": "scribble",
            "object": prompt.object_id,
            "path": [[x, y] for x, y in prompt.path],
            "positive": prompt.positive,
        }
    if isinstance(prompt, Click):
        return {
            "kind": "click",
            "object": prompt.object_id,
            "point": [*prompt.point],
            "positive": prompt.positive,
        }
    if isinstance(prompt, Box):
        corners: list[JSON] = [[*prompt.top_left], [*prompt.bottom_right]]
        return {"kind": "box", "object": prompt.object_id, "corners": corners}
    return {
        "kind": "mask",
        "object": prompt.object_id,
        "size": [*prompt.mask.shape],
        "rle": [*encode_rle(prompt.mask)],
    }


def prompt_from_json(data: Mapping[str, Any]) -> Prompt:
    """The prompt that ``prompt_to_json`` wrote. Raises ValueError or InvalidInput."""
    try:
        kind, object_id = data["kind"], data["object"]
        if kind == "scribble":
            path = tuple((x, y) for x, y in data["path"])
            return Scribble(object_id, path, data["positive"])
        if kind == "click":
            x, y = data["point"]
            return Click(object_id, (x, y), data["positive"])
        if kind == "box":
            (left, top), (right, bottom) = data["corners"]
            return Box(object_id, (left, top), (right, bottom))
        if kind == "mask":
            height, width = data["size"]
            return PaintedMask(object_id, decode_rle(data["rle"], (height, width)))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a prompt: {error!r}") from None
    raise ValueError(f"unknown kind of prompt {kind!r}")
