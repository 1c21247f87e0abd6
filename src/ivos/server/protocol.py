"""Every message between page and server, typed; the page's ``protocol.js`` is made from it.

A page says ``Hello`` with its version first; if it is not ``VERSION`` the server answers
``Refused`` in one line and hangs up. Commands carry an ``id``; each is answered by exactly one
``Done`` or ``Failed`` with the same ``id``. Masks do not travel as JSON: see ``packets``.

After a change run ``python -m ivos.server.page_protocol``; a test fails until it is done.
Knows nothing of sockets, sessions or HTTP.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Annotated, Literal, TypeAlias, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from ivos.errors import InvalidInput
from ivos.server.values import (
    MAX_PROMPTS,
    MAX_RUNS,
    Colour,
    FrameNumber,
    Id,
    Name,
    ObjectValue,
    OpenValue,
    PromptValue,
    RunValue,
    Span,
    StepValue,
    VideoValue,
)

VERSION = 1
"""Raised by one whenever a message changes its meaning or its fields."""


# --- page -> server ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hello:
    """First words of a page; ``take_over`` where another page holds the project."""

    version: int
    client: Annotated[str, Field(min_length=1, max_length=64)]
    take_over: bool
    type: Literal["hello"] = "hello"


@dataclass(frozen=True, slots=True)
class Interact:
    """Prompts that were drawn on one frame, for the network to answer."""

    id: int
    frame: FrameNumber
    prompts: Annotated[tuple[PromptValue, ...], Field(min_length=1, max_length=MAX_PROMPTS)]
    type: Literal["interact"] = "interact"


@dataclass(frozen=True, slots=True)
class Paint:
    """Exact pixels of one object, added or erased by a brush.

    ``runs`` are pairs (first pixel, how many), row by row over the whole frame, ascending.
    """

    id: int
    frame: FrameNumber
    object_id: Id
    erase: bool
    runs: Annotated[
        tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=2, max_length=MAX_RUNS)
    ]
    type: Literal["paint"] = "paint"


@dataclass(frozen=True, slots=True)
class Propagate:
    """Carry what was drawn through the video, within ``start`` .. ``stop`` (half open) if given.

    It stays in the shots of the frames that were drawn on, unless ``across_cuts``.
    """

    id: int
    start: int | None
    stop: int | None
    forward: bool
    backward: bool
    across_cuts: bool
    type: Literal["propagate"] = "propagate"


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop the run that is going on; what is done is kept."""

    id: int
    type: Literal["cancel"] = "cancel"


@dataclass(frozen=True, slots=True)
class AddObject:
    """A new object; the server gives it the next free number."""

    id: int
    name: Name | None
    type: Literal["add_object"] = "add_object"


@dataclass(frozen=True, slots=True)
class ChangeObject:
    """New name, colour, or eye and lock of an object; what is null stays."""

    id: int
    object_id: Id
    name: Name | None
    colour: Colour | None
    hidden: bool | None
    locked: bool | None
    type: Literal["change_object"] = "change_object"


@dataclass(frozen=True, slots=True)
class RemoveObject:
    """Delete an object and its masks (can be undone)."""

    id: int
    object_id: Id
    type: Literal["remove_object"] = "remove_object"


@dataclass(frozen=True, slots=True)
class Lock:
    """Accept (lock) or release frames; for all objects where ``object_id`` is null."""

    id: int
    start: int
    stop: int
    object_id: int | None
    locked: bool
    type: Literal["lock"] = "lock"


@dataclass(frozen=True, slots=True)
class Reject:
    """Put the masks from before step ``step`` back on frames ``start`` .. ``stop``."""

    id: int
    step: int
    start: int
    stop: int
    object_id: int | None
    type: Literal["reject"] = "reject"


@dataclass(frozen=True, slots=True)
class Undo:
    """Take the last step back."""

    id: int
    type: Literal["undo"] = "undo"


@dataclass(frozen=True, slots=True)
class Redo:
    """Do the last undone step again."""

    id: int
    type: Literal["redo"] = "redo"


@dataclass(frozen=True, slots=True)
class Export:
    """Write a deliverable of the given kind into the project's export folder."""

    id: int
    kind: str
    options: dict[str, str | float | bool | None]
    type: Literal["export"] = "export"


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Make this page the one that may change the project."""

    id: int
    type: Literal["take_over"] = "take_over"


Command: TypeAlias = (
    Interact
    | Paint
    | Propagate
    | Cancel
    | AddObject
    | ChangeObject
    | RemoveObject
    | Lock
    | Reject
    | Undo
    | Redo
    | Export
    | TakeOver
)
"""What a page may ask for after its ``Hello``."""


# --- server -> page ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refused:
    """The server will not talk to this page; the reason is one line for people."""

    reason: str
    type: Literal["refused"] = "refused"


@dataclass(frozen=True, slots=True)
class Welcome:
    """The answer to ``Hello``: what is open, and whether this page may change it."""

    version: int
    video: VideoValue
    project: str
    network: str
    driving: bool
    type: Literal["welcome"] = "welcome"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything of the session but masks and review; sent after each step.

    ``last_run`` is the last propagation (its step and the frames that it changed), for compare,
    accept and reject. ``undo`` and ``redo`` are the titles of those steps, null if there are none.
    ``open`` are the frames of the open round; ``cuts`` are frames that begin a new shot, as far as
    they were looked for; ``waiting`` counts commands kept for after the run.
    """

    objects: tuple[ObjectValue, ...]
    annotated: tuple[int, ...]
    rounds: int
    open: tuple[OpenValue, ...]
    head: int
    steps: tuple[StepValue, ...]
    undo: str | None
    redo: str | None
    last_run: int | None
    last_run_frames: tuple[Span, ...]
    cuts: tuple[int, ...]
    run: RunValue | None
    waiting: int
    type: Literal["snapshot"] = "snapshot"


@dataclass(frozen=True, slots=True)
class Review:
    """How sure the network is and how much the last run changed, per frame from ``start`` on.

    Base64 of one byte a frame: 0..200 for 0..1, 255 where it is not known.
    """

    object_id: int
    start: int
    confidence: str
    change: str
    type: Literal["review"] = "review"


@dataclass(frozen=True, slots=True)
class MasksChanged:
    """Masks that the page has of these frames are out of date."""

    spans: tuple[Span, ...]
    type: Literal["masks_changed"] = "masks_changed"


@dataclass(frozen=True, slots=True)
class Running:
    """A run goes on: one more frame is done."""

    run: RunValue
    type: Literal["running"] = "running"


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run is over. ``result`` is where an export lies, as an address to download it from."""

    kind: Literal["propagate", "export"]
    cancelled: bool
    error: str | None
    done: int
    seconds: float
    folder: str | None
    result: str | None
    type: Literal["run_ended"] = "run_ended"


@dataclass(frozen=True, slots=True)
class Done:
    """Command ``id`` is done and on disk. ``waiting``: it will be, when the run is over."""

    id: int
    seconds: float
    waiting: bool
    type: Literal["done"] = "done"


@dataclass(frozen=True, slots=True)
class Failed:
    """Command ``id`` could not be done; the message is one line for people."""

    id: int
    message: str
    type: Literal["failed"] = "failed"


@dataclass(frozen=True, slots=True)
class Driving:
    """Whether this page is the one that may change the project."""

    driving: bool
    type: Literal["driving"] = "driving"


@dataclass(frozen=True, slots=True)
class Closed:
    """Another video was opened: this session is over."""

    reason: str
    type: Literal["closed"] = "closed"


_T = TypeVar("_T")

Event: TypeAlias = (
    Refused
    | Welcome
    | Snapshot
    | Review
    | MasksChanged
    | Running
    | RunEnded
    | Done
    | Failed
    | Driving
    | Closed
)
"""What the server may say."""

_HELLO: TypeAdapter[Hello] = TypeAdapter(Hello)
_COMMAND: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="type")])


class BadMessage(InvalidInput):
    """What came in is not a message of this protocol."""


def version_problem(theirs: int) -> str | None:
    """One line for people where the page's version is not ours."""
    if theirs == VERSION:
        return None
    older = "page" if theirs < VERSION else "server"
    mend = "reload the page" if older == "page" else "restart `ivos serve`, then reload the page"
    return f"the page speaks protocol {theirs}, the server {VERSION}: {mend}"


def read_hello(text: str) -> Hello:
    """The page's first message. Raises BadMessage."""
    return _read(_HELLO, text)


def read_command(text: str) -> Command:
    """A command, with every field checked. Raises BadMessage that names the field."""
    return _read(_COMMAND, text)


def write(message: Event) -> str:
    """JSON of a message."""
    return json.dumps(asdict(message), separators=(",", ":"), allow_nan=False)


def _read(adapter: TypeAdapter[_T], text: str) -> _T:
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "message"
        raise BadMessage(f"the server does not understand {where}: {first['msg']}") from None
