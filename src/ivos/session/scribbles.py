"""DAVIS scribble JSON and interactions, both ways.

The form (DAVIS interactive, ``davisinteractive`` 1.0.4): an object with ``scribbles``, a list of
one list of strokes for each frame; a stroke has a ``path`` of [x, y] fractions and an ``object_id``
(0: background). Ours may also have ``"positive": false``. A list of such objects is several rounds.

Within one object ``annotated_frame``, if given, comes first and the other frames follow in
ascending order: several drawn frames are several rounds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ivos.errors import InvalidInteraction
from ivos.session.journal import JSON
from ivos.types import Click, Interaction, Prompt, Scribble

_TOP = {"sequence", "scribbles", "annotated_frame"}
_LARGEST = 1e9
"""What a coordinate can be at all: more is no number that ``float`` holds."""
_STROKE = {"path", "object_id", "start_time", "end_time", "positive"}


def read_scribbles(
    source: str | Path | Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    frames: int | None = None,
) -> list[Interaction]:
    """Interactions from a file, or from JSON that was read already, in the order of their rounds.

    ``frames`` is the length of the video, if it is known. Raises InvalidInteraction, which says
    where in the JSON the mistake is.
    """
    where = ""
    data: Any = source
    if isinstance(source, str | Path):
        where, data = f"{source}: ", _read(Path(source))
    found: list[Interaction] = []
    if isinstance(data, Mapping):
        found = _interactions(data, where, frames)
    elif isinstance(data, Sequence) and not isinstance(data, str | bytes):
        for i, part in enumerate(data):
            found += _interactions(part, f"{where}round {i + 1}: ", frames)
    else:
        raise InvalidInteraction(
            f"{where}not scribbles: an object with the key 'scribbles' is needed"
        )
    if not found:
        raise InvalidInteraction(f"{where}no strokes at all: draw on one frame at least")
    return found


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidInteraction(f"{path}: no such file") from None
    except OSError as error:
        raise InvalidInteraction(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InvalidInteraction(f"{path}: not JSON: it is not text") from None
    except json.JSONDecodeError as error:
        raise InvalidInteraction(
            f"{path}: not JSON: {error.msg} in line {error.lineno}, column {error.colno}"
        ) from None
    except (ValueError, RecursionError) as error:  # numbers too long, lists too deep to be read
        raise InvalidInteraction(f"{path}: no scribbles: {error}") from None


def _interactions(data: Any, where: str, frames: int | None) -> list[Interaction]:
    if not isinstance(data, Mapping):
        raise InvalidInteraction(
            f"{where}not scribbles: an object with the key 'scribbles' is needed"
        )
    _check_keys(data, _TOP, where)
    per_frame: Any = data.get("scribbles")
    if not _is_list(per_frame):
        raise InvalidInteraction(f"{where}'scribbles' must be a list with one list for each frame")
    drawn = {}
    for frame, strokes in enumerate(per_frame):
        if not _is_list(strokes):
            raise InvalidInteraction(f"{where}frame {frame}: the strokes must be a list")
        if strokes:
            drawn[frame] = strokes
    for frame in drawn:
        if frames is not None and frame >= frames:
            raise InvalidInteraction(
                f"{where}strokes on frame {frame}, but the video has frames 0..{frames - 1}"
            )
    order = _order(list(drawn), data.get("annotated_frame"), len(per_frame), where)
    return [
        Interaction.of(
            frame,
            [
                _stroke(s, f"{where}frame {frame}, stroke {i + 1}: ")
                for i, s in enumerate(drawn[frame])
            ],
        )
        for frame in order
    ]


def _order(drawn: list[int], first: Any, length: int, where: str) -> list[int]:
    if first is None:
        return drawn
    if isinstance(first, bool) or not isinstance(first, int) or not 0 <= first < length:
        raise InvalidInteraction(
            f"{where}annotated_frame {first!r} is not one of the {length} frames of 'scribbles'"
        )
    return sorted(drawn, key=lambda frame: (frame != first, frame))


def _stroke(data: Any, where: str) -> Scribble:
    if not isinstance(data, Mapping):
        raise InvalidInteraction(f"{where}a stroke must be an object with 'path' and 'object_id'")
    _check_keys(data, _STROKE, where)
    for key in ("path", "object_id"):
        if key not in data:
            raise InvalidInteraction(f"{where}the stroke has no {key!r}")
    path, positive = data["path"], data.get("positive", True)
    if not isinstance(positive, bool):
        raise InvalidInteraction(f"{where}'positive' must be true or false")
    if not _is_list(path) or not all(_is_point(point) for point in path):
        raise InvalidInteraction(f"{where}'path' must be a list of [x, y] fractions from 0 to 1")
    points = tuple((float(x), float(y)) for x, y in path)
    try:
        return Scribble(data["object_id"], points, positive)
    except InvalidInteraction as error:
        raise InvalidInteraction(f"{where}{error}") from None


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _is_point(value: Any) -> bool:
    if not _is_list(value) or len(value) != 2:
        return False
    return all(
        isinstance(v, int | float) and not isinstance(v, bool) and abs(v) <= _LARGEST for v in value
    )


def _check_keys(data: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := sorted(map(str, set(data) - known)):
        raise InvalidInteraction(
            f"{where}unknown key {', '.join(unknown)}; known: {', '.join(sorted(known))}"
        )


def write_scribbles(
    interactions: Sequence[Interaction], frames: int, sequence: str
) -> list[dict[str, JSON]]:
    """One DAVIS object for each interaction, in order, for a video of so many frames.

    ``read_scribbles`` reads them back. Clicks become strokes of one point; raises
    InvalidInteraction on boxes and painted masks, which the form cannot hold.
    """
    return [_written(interaction, frames, sequence) for interaction in interactions]


def _written(interaction: Interaction, frames: int, sequence: str) -> dict[str, JSON]:
    if interaction.frame >= frames:
        raise InvalidInteraction(
            f"strokes on frame {interaction.frame}, but the video has frames 0..{frames - 1}"
        )
    strokes: list[JSON] = [_stroke_to_json(prompt) for prompt in interaction.prompts]
    per_frame: list[JSON] = [strokes if t == interaction.frame else [] for t in range(frames)]
    return {
        "sequence": sequence,
        "annotated_frame": interaction.frame,
        "scribbles": per_frame,
    }


def _stroke_to_json(prompt: Prompt) -> dict[str, JSON]:
    if isinstance(prompt, Scribble):
        path = prompt.path
    elif isinstance(prompt, Click):
        path = (prompt.point,)
    else:
        raise InvalidInteraction("DAVIS scribbles hold strokes only, no boxes and no painted masks")
    stroke: dict[str, JSON] = {"path": [[x, y] for x, y in path], "object_id": prompt.object_id}
    return stroke if prompt.positive else {**stroke, "positive": False}
