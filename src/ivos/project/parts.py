"""Large pieces of a state are kept once, however many steps share them.

A step changes little of a state, but its references and locks can be long. Pieces are named by
their content, so equal ones are one, and a damaged one is found by its name.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from typing import Any, TypeAlias

from ivos.session.journal import JSON

Pieces: TypeAlias = dict[str, bytes]
"""Compressed content by name."""

LARGE = 512
"""Characters of JSON from which on a piece is kept apart."""

MARK = "$part"


def split(value: JSON, pieces: Pieces) -> JSON:
    """``value`` with its large strings, lists and objects moved to ``pieces``, the inner first."""
    if isinstance(value, dict):
        value = {key: split(item, pieces) for key, item in value.items()}
    elif isinstance(value, list):
        value = [split(item, pieces) if isinstance(item, dict | str) else item for item in value]
    elif not isinstance(value, str):
        return value
    text = json.dumps(value)
    if len(text) < LARGE:
        return value
    content = text.encode()
    name = hashlib.sha256(content).hexdigest()
    pieces[name] = zlib.compress(content)
    return {MARK: name}


def join(value: Any, pieces: Mapping[str, bytes]) -> Any:
    """What ``split`` took apart. Raises KeyError or ValueError where a piece is lost or damaged."""
    if isinstance(value, list):
        return [join(item, pieces) for item in value]
    if not isinstance(value, dict):
        return value
    if MARK in value:
        content = unpack(value[MARK], pieces[value[MARK]])
        if content is None:
            raise ValueError(f"piece {value[MARK]} is damaged")
        return join(json.loads(content), pieces)
    return {key: join(item, pieces) for key, item in value.items()}


def unpack(name: str, data: bytes) -> bytes | None:
    """The content of a piece, or None if it is not what its name says."""
    try:
        content = zlib.decompress(data)
    except (zlib.error, TypeError):  # a damaged row can hold a value of another type
        return None
    return content if hashlib.sha256(content).hexdigest() == name else None
