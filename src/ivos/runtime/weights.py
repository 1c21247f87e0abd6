"""Weights by name: where they are, whether they are whole, and the networks in them.

A set of weights is a folder with three ONNX files and ``card.json``, which says what they are:
``name``, ``spec`` (the numbers of ``NetworkSpec``), ``files`` (their SHA-256), and whatever
its makers have to say (recipe, data, licence, commit, figures). Sets that ship lie in the package.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

from ivos.errors import WeightsError
from ivos.runtime.protocol import Networks, NetworkSpec

DEFAULT = "ivos-compact"
"""The weights that are taken where none are named."""

_RETIRED = frozenset({"outline_share", "keep_aspect"})
"""Numbers that cards of older weights have, and that no longer say anything."""

_SHIPPED = Path(__file__).parent.parent / "weights"


def names() -> list[str]:
    """The weights that ship with this installation."""
    return sorted(card.parent.name for card in _SHIPPED.glob("*/card.json"))


def find(name_or_folder: str | Path = DEFAULT) -> Path:
    """The folder of a set of weights, by its name or as it is. Raises WeightsError."""
    shipped = _SHIPPED / str(name_or_folder)
    if str(name_or_folder) in names():
        return shipped
    folder = Path(name_or_folder)
    if (folder / "card.json").is_file():
        return folder
    known = ", ".join(names()) or "none"
    raise WeightsError(
        f"no weights called {str(name_or_folder)!r}, and no folder with a card.json there; "
        f"weights that ship with ivos: {known}"
    )


def read_card(folder: Path) -> dict[str, Any]:
    """What a set of weights says of itself. Raises WeightsError."""
    path = folder / "card.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read: {error}") from None
    if not isinstance(card, dict):
        raise WeightsError(f"{path} is not a card of weights: it holds no JSON object")
    return card


def check(folder: Path) -> dict[str, Any]:
    """The card of a set of weights whose files are all there and whole. Raises WeightsError."""
    card = read_card(folder)
    files = card.get("files")
    if not isinstance(files, Mapping) or not files:
        raise WeightsError(f"{folder / 'card.json'} names no files: export the weights again")
    for name, expected in sorted(files.items()):
        path = folder / name
        if path.parent != folder:
            raise WeightsError(f"{folder / 'card.json'} names a file outside its folder: {name}")
        try:
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            reason = error.strerror or error
            raise WeightsError(f"{path} cannot be read ({reason}): install ivos again") from None
        if found != expected:
            raise WeightsError(
                f"{path} is damaged: its SHA-256 is {found[:12]}…, "
                f"the card says {str(expected)[:12]}…; install ivos again"
            )
    return card


def spec_of(card: Mapping[str, Any], where: Path) -> NetworkSpec:
    """The numbers of the network that a card describes. Raises WeightsError."""
    given = card.get("spec")
    if not isinstance(given, Mapping):
        raise WeightsError(f"{where}: the card has no spec: export the weights again")
    known = {field.name for field in fields(NetworkSpec)}
    given = {key: value for key, value in given.items() if key not in _RETIRED}
    if unknown := sorted(set(given) - known):
        raise WeightsError(
            f"{where}: these weights were made for another version of ivos "
            f"(it does not know {', '.join(unknown)}): update ivos"
        )
    try:
        return NetworkSpec(**given)
    except TypeError as error:
        raise WeightsError(f"{where}: the card's spec is incomplete: {error}") from None


def load(
    name_or_folder: str | Path = DEFAULT,
    *,
    runtime: Literal["onnx", "torch"] = "onnx",
    threads: int | None = None,
) -> Networks:
    """Networks ready to run. Raises WeightsError.

    ``onnx``: a shipped name or an exported folder. ``torch``: a file that training wrote; needs the
    extra ``ivos[train]``. ``threads``: how many a call may use, None for one a core.
    """
    if runtime == "torch":
        return _load_torch(Path(name_or_folder), threads)
    from ivos.runtime.onnx import INPUTS, OnnxNetworks

    folder = find(name_or_folder)
    card = check(folder)
    if missing := sorted({f"{name}.onnx" for name in INPUTS} - set(card["files"])):
        raise WeightsError(f"{folder / 'card.json'} does not name {', '.join(missing)}")
    return OnnxNetworks(folder, spec_of(card, folder), threads=threads)


def _load_torch(path: Path, threads: int | None) -> Networks:
    try:
        from ivos.runtime.pytorch import TorchNetworks
    except ModuleNotFoundError as error:
        raise WeightsError(
            f"the PyTorch runtime needs {error.name}: pip install 'ivos[train]'"
        ) from None
    if not path.is_file():
        raise WeightsError(f"the PyTorch runtime needs a file of weights; {path} is none")
    return TorchNetworks.from_file(path, threads=threads)
