"""The session log: every action with the digests of the masks that it made.

It holds no pixels of the video and no masks but those that a person painted or imported, so it can
be sent with a bug report; with the same video, weights and machine it makes the same masks again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ivos.errors import InvalidInput
from ivos.masks import PackedMask
from ivos.project.identity import VideoIdentity
from ivos.session import JSON, Action, Settings
from ivos.types import ObjectId

FORMAT = "ivos-session"
VERSION = 1


@dataclass(frozen=True, slots=True)
class LoggedStep:
    """One step that was done."""

    action: Action
    frames_done: int
    """Of a propagation: how many frames it did before it ended or was cancelled."""
    seconds: float
    provenance: Mapping[str, JSON]
    """Round, network, weights hash, runtime."""
    masks: Mapping[tuple[ObjectId, int], str]
    """``digest`` of each mask that it put, by (object, frame)."""

    def to_json(self) -> dict[str, JSON]:
        """One JSON object; masks are grouped by object."""
        masks: dict[str, JSON] = {}
        for (object_id, frame), value in self.masks.items():
            frames = masks.setdefault(str(object_id), {})
            assert isinstance(frames, dict)
            frames[str(frame)] = value
        return {
            "action": self.action.to_json(),
            "frames_done": self.frames_done,
            "seconds": self.seconds,
            "provenance": dict(self.provenance),
            "masks": masks,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LoggedStep:
        """What ``to_json`` gave. Raises KeyError, TypeError or ValueError for anything else."""
        masks = {
            (int(object_id), int(frame)): str(value)
            for object_id, frames in data["masks"].items()
            for frame, value in frames.items()
        }
        return cls(
            Action.from_json(data["action"]),
            data["frames_done"],
            data["seconds"],
            data["provenance"],
            masks,
        )


@dataclass(frozen=True, slots=True)
class SessionLog:
    """All that was done on one video."""

    video: VideoIdentity
    settings: Settings
    steps: Iterable[LoggedStep]
    """In order; may be readable only once."""

    def to_json(self) -> dict[str, JSON]:
        """Plain JSON."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "video": json.loads(self.video.to_json()),
            "settings": asdict(self.settings),
            "steps": [step.to_json() for step in self.steps],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SessionLog:
        """What ``to_json`` gave. Raises KeyError, TypeError or ValueError for anything else."""
        if data["format"] != FORMAT or data["version"] != VERSION:
            raise ValueError(f"not {FORMAT} version {VERSION}")
        return cls(
            VideoIdentity.from_json(json.dumps(data["video"])),
            Settings(**data["settings"]),
            tuple(map(LoggedStep.from_json, data["steps"])),
        )


def read_log(path: Path) -> SessionLog:
    """The log that ``Project.export_session`` gave. Raises InvalidInput."""
    try:
        return SessionLog.from_json(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be read ({error.strerror or error})") from None
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidInput(
            f"{path}: not a session log of this ivos ({error}); "
            "make one with: ivos project PROJECT --log OUT.json"
        ) from None


def digest(mask: PackedMask | None) -> str:
    """16 hex digits that tell one mask from another, whatever compressed it; empty for none."""
    if mask is None:
        return ""
    where = json.dumps([mask.size, mask.box]).encode()
    return hashlib.blake2b(where + mask.patch().values.tobytes(), digest_size=8).hexdigest()
