"""From trained weights to a folder that the runtime loads: three ONNX files and their card."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from ivos.errors import OutputError
from ivos.networks.export import as_stored, export
from ivos.networks.weights import read_facts, read_network
from ivos.runtime.pytorch import spec_of


def ship(weights: Path, folder: Path, facts: Mapping[str, object]) -> Path:
    """Export ``weights`` into ``folder``, with ``card.json`` beside the graphs; returns its path.

    ``facts`` (data, licence, figures) go into the card as they are, over what the weights say of
    themselves (recipe, steps); the network's numbers stand under ``spec`` and each file's SHA-256
    under ``files``. Everything is made beside its place and then moved there, the card last. Raises
    OutputError where the folder cannot be written.
    """
    net = as_stored(read_network(weights))
    spec = spec_of(net)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as beside:
            paths = export(net, Path(beside))
            files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
            told = read_facts(weights) | dict(facts)
            card = {"name": spec.name, **told, "spec": asdict(spec), "files": files}
            made = Path(beside) / "card.json"
            made.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
            for path in (*paths, made):
                shutil.move(path, folder / path.name)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror or error}") from None
    return folder / "card.json"
