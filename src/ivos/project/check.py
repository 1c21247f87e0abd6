"""Is a project whole, and if not, what can be saved of it.

``integrity`` asks SQLite about the structure and every row about its content. ``recover`` copies
row by row whatever still carries the right checksum into a new project, and says what did not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ivos.errors import ProjectError
from ivos.project.file import ProjectFile
from ivos.project.parts import unpack
from ivos.project.schema import checksum

SHOWN = 20
"""How many findings are listed one by one."""


def integrity(path: Path) -> list[str]:
    """Everything that is wrong with the project at ``path``, one line each; empty if it is whole.

    Reads the whole file. Raises ProjectError if it is no project, or cannot be read at all.
    """
    with closing(ProjectFile.open(path, read_only=True)) as file:
        return check(file)


def check(file: ProjectFile) -> list[str]:
    """``integrity`` of a project that is open already."""
    findings: list[str] = []
    for look in (_structure, _about, _steps, _parts, _masks):
        try:
            findings.extend(look(file))
        except ProjectError as error:
            findings.append(str(error))
    if len(findings) > SHOWN:
        more = len(findings) - SHOWN
        findings = [*findings[:SHOWN], f"and {more} more"]
    return findings


def _structure(file: ProjectFile) -> Iterator[str]:
    for (words,) in file.rows(f"PRAGMA integrity_check({SHOWN})"):
        if words != "ok":
            yield f"structure: {' '.join(str(words).split())}"


def _about(file: ProjectFile) -> Iterator[str]:
    for key, value, crc in file.rows("SELECT key, value, crc FROM about"):
        if checksum(key, value) != crc:
            yield f"entry {key!r} is damaged"
    for key in ("head", "video", "frames", "settings"):
        if file.row("SELECT 1 FROM about WHERE key = ?", key) is None:
            yield f"entry {key!r} is missing"


def _steps(file: ProjectFile) -> Iterator[str]:
    rows = file.rows(
        "SELECT number, action, state, provenance, seconds, changed, crc FROM steps ORDER BY number"
    )
    for expected, (number, *fields, crc) in enumerate(rows, start=1):
        if number != expected:
            yield f"step {expected} is missing"
            return
        if checksum(number, *fields) != crc:
            yield f"step {number} is damaged"
            continue
        changed = fields[-1]
        (found,) = file.rows("SELECT count(*) FROM masks WHERE step = ?", number)[0]
        if found != changed:
            yield f"step {number} has {found} masks instead of {changed}"
    head = json.loads(file.about("head") or "0")
    if head > len(rows):
        yield f"the last step is {len(rows)}, but the project is at step {head}"


def _parts(file: ProjectFile) -> Iterator[str]:
    wanted = {part for (part,) in file.rows("SELECT DISTINCT hash FROM step_parts")}
    for (rowid,) in file.rows("SELECT rowid FROM parts"):
        row = file.row("SELECT hash, data FROM parts WHERE rowid = ?", rowid)
        if row is None or unpack(*row) is None:
            yield f"part {rowid} of the states is damaged"
        else:
            wanted.discard(row[0])
    for part in sorted(wanted):
        yield f"part {part[:12]} of the states is missing"


def _masks(file: ProjectFile) -> Iterator[str]:
    (last,) = file.rows("SELECT coalesce(max(id), 0) FROM masks")[0]
    batch = 256
    for start in range(0, last + 1, batch):
        rows = file.rows(
            "SELECT step, object, frame, size, data, crc FROM masks WHERE id >= ? AND id < ?",
            start,
            start + batch,
        )
        for step, object_id, frame, size, data, crc in rows:
            if checksum(step, object_id, frame, data) != crc or size != len(data):
                yield f"the mask of object {object_id} at frame {frame} of step {step} is damaged"
