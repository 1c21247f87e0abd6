"""From trained weights to a folder that the runtime loads: three ONNX files and their card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from ivos.networks.export import export
from ivos.networks.weights import read_network
from ivos.runtime.pytorch import spec_of


def ship(weights: Path, folder: Path, facts: Mapping[str, object]) -> Path:
    """Export ``weights`` into ``folder`` and write ``card.json`` beside the graphs.

    ``facts`` (recipe, data, licence, figures) go into the card as they are; the network's numbers
    stand under ``spec`` and each file's SHA-256 under ``files``.
    """
    net = read_network(weights)
    spec = spec_of(net)
    paths = export(net, folder)
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    card = {"name": spec.name, **facts, "spec": asdict(spec), "files": files}
    path = folder / "card.json"
    path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return path
