"""A recipe: everything that a training run needs to know, typed, and strict about spelling."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ivos.errors import RecipeError

_SHARES = (
    "video_share",
    "fresh",
    "given",
    "slips",
    "lost",
    "parts",
    "nothing",
    "twins",
    "rivals",
    "leaps",
    "again",
    "noted",
    "remembered",
)
_NETWORKS = ("compact", "paper")
_LIMITS = (
    ("hold_out_stills", 0, math.inf),
    ("seed", 0, 2**63),
    ("soften", 1e-6, 1),
    ("encoder_rate", 0, 1),
    ("rate", 0, 1),
    ("warm_up", 0, math.inf),
    ("final_rate", 0, 1),
    ("weight_decay", 0, 1),
    ("clip_norm", 1e-6, math.inf),
    ("averaging", 0, 1),
    ("save_every", 1, math.inf),
    ("pictures_every", 1, math.inf),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A stretch of a run: how long its clips are and how many rounds are played with each."""

    steps: int
    """Optimiser steps."""
    batch: int
    """Scenes a step."""
    frames: int
    """Frames a scene."""
    rounds: int
    """Rounds of interaction and propagation a scene."""
    video_share: float
    """Share of scenes on real clips, from 0 to 1; the others are made from stills."""
    crop: int
    """Side of the networks' crops in pixels, a multiple of 32."""
    fresh: float
    """Share of scenes that begin without masks; the others begin with wrong ones."""
    given: float
    """Share of rounds that propagate a right or nearly right mask in place of the network's own."""
    slips: float = 0.0
    """Share of propagated frames whose neighbour's mask is made grossly wrong beforehand."""
    lost: float = 0.0
    """Share of propagated frames whose neighbour's mask is emptied beforehand."""
    parts: float = 0.5
    """Share of wrong starts in which only a piece of the object is wrongly in or out."""
    twins: float = 0.0
    """Share of scenes in which what was filmed is there twice, side by side."""
    rivals: float = 0.0
    """Share of scenes that are played twice at once, with another object meant each time, where
    two are to be seen: they compete for each pixel."""
    leaps: float = 0.0
    """Share of scenes whose first frame is far away from the others."""
    nothing: float = 0.05
    """Share of scenes in which nothing is meant, and nothing may be found."""
    again: float = 0.0
    """Share of steps whose propagated masks the interaction network looks at a second time."""
    noted: float = 0.0
    """Share of these looks that are remembered for the rest of their round."""
    apart: int = 0
    """Frames far from those that are played: up to so many are in the memory from the start."""
    remembered: float = 1.0
    """Share of rounds in which the propagation network is given what is remembered."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "frames", "rounds"):
            if getattr(self, name) < 1:
                raise RecipeError(f"a phase's {name} must be at least 1, not {getattr(self, name)}")
        if self.apart < 0:
            raise RecipeError(f"a phase's apart must be 0 or more, not {self.apart}")
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise RecipeError(f"a phase's {name} must lie in 0..1, not {getattr(self, name)}")
        if self.crop < 32 or self.crop % 32:
            raise RecipeError(f"a phase's crop must be a multiple of 32, not {self.crop}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to train. Paths are relative to where ``ivos train`` is started."""

    name: str
    """What the run's folder is called: one plain word."""
    phases: tuple[Phase, ...]
    """Played one after the other."""
    network: str = "compact"
    """Which configuration: ``compact`` or ``paper``."""
    start: str = "imagenet"
    """``imagenet``, ``random``, or a file that ``ivos train`` or ``ivos weights`` has written."""
    taken: tuple[str, ...] = ()
    """What is taken from that file: beginnings of the names of its weights, which then may be those
    of another network with the same parts; everything else begins from ImageNet. Empty: all."""
    alike: bool = False
    """The propagation network begins as the interaction network that was taken or loaded."""
    soften: float = 1.0
    """What distances in the memory of the start are multiplied by: with less than 1 each position
    reads from more than the one that is most like it."""
    stills: Path | None = None
    """Folder with ``images/`` and ``masks/``."""
    hold_out_stills: int = 500
    """How many of the last stills, in name order, are never trained on."""
    clips: Path | None = None
    """DAVIS tree of sequences."""
    clips_resolution: str = "360p"
    """Which of its folders."""
    hold_out_clips: tuple[str, ...] = ()
    """Sequences that are never trained on."""
    seed: int = 0
    """Data, strokes and new weights follow from it."""
    frozen: tuple[str, ...] = ()
    """Parts of the network that stay as they are: beginnings of its parameters' names."""
    frozen_filters: bool = False
    """The encoders' channel-wise filters stay as they are: with ``half`` a crop is learnt from in
    two thirds of the time."""
    half: bool = False
    """Compute in bfloat16 where that is precise enough; the weights are float32 all the same."""
    encoder_rate: float = 2e-4
    """Learning rate of the encoders at its highest."""
    rate: float = 1e-3
    """Learning rate of everything else at its highest."""
    warm_up: int = 100
    """Steps until the learning rates are at their highest."""
    final_rate: float = 0.02
    """Where the cosine ends, as a part of the highest rate."""
    weight_decay: float = 1e-4
    """AdamW's."""
    clip_norm: float = 3.0
    """Longest gradient."""
    averaging: float = 0.998
    """Decay of the averaged weights, which are those that are saved and shipped."""
    save_every: int = 100
    """Steps between checkpoints."""
    pictures_every: int = 200
    """Steps between pictures of predictions in TensorBoard."""

    def __post_init__(self) -> None:
        if not self.name or Path(self.name).name != self.name:
            raise RecipeError(
                f"name must be a plain word, not {self.name!r}: a folder is called so"
            )
        if self.network not in _NETWORKS:
            known = ", ".join(_NETWORKS)
            raise RecipeError(f"network must be one of {known}, not {self.network!r}")
        if self.taken and self.start in ("imagenet", "random"):
            raise RecipeError(f"taken names parts of a file, but start is {self.start!r}")
        for name, low, high in _LIMITS:
            value = getattr(self, name)
            if not (low <= value <= high):
                raise RecipeError(f"{name} must lie in {low:g}..{high:g}, not {value:g}")

    def as_json(self) -> dict[str, Any]:
        """The recipe in plain values, as it stands in weights and cards."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self), default=str))
        return plain

    @property
    def steps(self) -> int:
        """Optimiser steps of all phases."""
        return sum(phase.steps for phase in self.phases)

    def phase_at(self, step: int) -> Phase:
        """The phase that ``step`` (from 0) belongs to."""
        for phase in self.phases:
            if step < phase.steps:
                return phase
            step -= phase.steps
        return self.phases[-1]

    @classmethod
    def from_toml(cls, path: Path, overrides: Mapping[str, str] | None = None) -> Recipe:
        """Read a recipe, then apply ``overrides``, each a TOML value or a bare word (``--set``).

        A key of the form ``phases.0.steps`` reaches into a phase. Raises RecipeError for unknown
        keys and impossible values.
        """
        try:
            settings = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise RecipeError(f"no recipe at {path}: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise RecipeError(f"{path} is not TOML: {error}") from None
        for key, value in (overrides or {}).items():
            _override(settings, key, value)
        phases = settings.pop("phases", [])
        if not isinstance(phases, list) or not phases:
            raise RecipeError(f"{path} has no [[phases]]: a run needs at least one")
        made = tuple(_made(Phase, phase, f"{path}, phase {i}") for i, phase in enumerate(phases))
        recipe: Recipe = _made(cls, settings | {"phases": made}, str(path))
        return recipe


_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a word",
    "bool": "true or false",
    "Path | None": "a path",
    "tuple[str, ...]": "a list of words",
}


def _override(settings: dict[str, Any], key: str, value: str) -> None:
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value
    place: Any = settings
    *way, last = key.split(".")
    try:
        for part in way:
            place = place[int(part)] if isinstance(place, list) else place[part]
        place[last] = parsed
    except (KeyError, IndexError, TypeError, ValueError):
        raise RecipeError(f"--set {key}: there is no such setting") from None


def _made(kind: Any, settings: Mapping[str, Any], where: str) -> Any:
    """An instance of the dataclass ``kind``, its settings checked by name and coerced by type."""
    if not isinstance(settings, Mapping):
        raise RecipeError(f"{where} is not a table of settings")
    known = {field.name: str(field.type) for field in fields(kind)}
    if unknown := sorted(settings.keys() - known):
        raise RecipeError(
            f"{where}: unknown setting {', '.join(unknown)}; known: {', '.join(sorted(known))}"
        )
    needed = [field.name for field in fields(kind) if field.default is MISSING]
    if missing := [name for name in needed if name not in settings]:
        raise RecipeError(f"{where}: {', '.join(missing)} is missing")
    try:
        values = {name: _coerced(name, value, known[name]) for name, value in settings.items()}
        return kind(**values)
    except RecipeError as error:
        raise RecipeError(f"{where}: {error}") from None


def _coerced(name: str, value: Any, kind: str) -> Any:
    """``value`` as the type that the annotation ``kind`` stands for; raises RecipeError."""
    match kind, value:
        case ("int", bool()) | ("float", bool()):
            pass
        case ("int", int()) | ("str", str()) | ("bool", bool()):
            return value
        case ("float", int() | float()):
            return float(value)
        case ("Path | None", str()):
            return Path(value)
        case ("tuple[str, ...]", list()) if all(isinstance(item, str) for item in value):
            return tuple(value)
        case ("tuple[Phase, ...]", tuple()):
            return value
    wanted = _KINDS.get(kind, kind)
    raise RecipeError(f"{name} must be {wanted}, not {value!r}")
