"""The values inside messages between page and server, and the bounds that are set to them.

Knows nothing of messages, sockets or sessions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

Span: TypeAlias = tuple[int, int]
"""Frames from the first to before the second: half open, like ``range``."""

Fraction: TypeAlias = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
FrameNumber: TypeAlias = Annotated[int, Field(ge=0)]
Colour: TypeAlias = tuple[
    Annotated[int, Field(ge=0, le=255)],
    Annotated[int, Field(ge=0, le=255)],
    Annotated[int, Field(ge=0, le=255)],
]
Id: TypeAlias = Annotated[int, Field(ge=1, le=254)]
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=80)]

MAX_POINTS = 20_000
MAX_PROMPTS = 500
MAX_RUNS = 4_000_000


@dataclass(frozen=True, slots=True)
class PromptValue:
    """A stroke, a click (one point) or a box (two corners); points are fractions of the frame."""

    kind: Literal["scribble", "click", "box"]
    object_id: Id
    path: Annotated[
        tuple[tuple[Fraction, Fraction], ...], Field(min_length=1, max_length=MAX_POINTS)
    ]
    positive: bool


@dataclass(frozen=True, slots=True)
class OpenValue:
    """A frame that was drawn on and not yet propagated from, with its strokes."""

    frame: int
    prompts: tuple[PromptValue, ...]


@dataclass(frozen=True, slots=True)
class ObjectValue:
    """One object, and on which frames it was annotated, has a mask, or is locked."""

    object_id: int
    name: str
    colour: Colour
    hidden: bool
    locked: bool
    annotated: tuple[int, ...]
    masked: tuple[Span, ...]
    locked_frames: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class StepValue:
    """One entry of the history, in words for people."""

    number: int
    kind: str
    title: str
    frames: int


@dataclass(frozen=True, slots=True)
class VideoValue:
    """The open video. ``timestamps`` only where frames are not evenly spaced, in seconds."""

    name: str
    width: int
    height: int
    frames: int
    fps: float
    timestamps: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class RunValue:
    """Long work that is going on: a propagation or an export."""

    kind: Literal["propagate", "export"]
    title: str
    frame: int
    done: int
    total: int
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class PlaceValue:
    """Something that can be opened; ``path`` is relative to the opened folder."""

    path: str
    name: str
    kind: Literal["video", "project", "images", "folder"]
    size: int
    modified: float


@dataclass(frozen=True, slots=True)
class PlacesValue:
    """What lies in a folder that may be opened."""

    folder: str
    root: str
    places: tuple[PlaceValue, ...]


@dataclass(frozen=True, slots=True)
class OptionValue:
    """One choice of an export: its name, what it is, and what it may be."""

    name: str
    title: str
    kind: Literal["number", "text", "flag", "choice"]
    default: str | float | bool | None
    choices: tuple[str, ...]
    about: str


@dataclass(frozen=True, slots=True)
class KindValue:
    """Something that can be exported."""

    name: str
    title: str
    about: str
    group: str
    suffix: str
    options: tuple[OptionValue, ...]


@dataclass(frozen=True, slots=True)
class OpenedValue:
    """The answer to opening a video or project: the key of its session."""

    key: str
    version: int
