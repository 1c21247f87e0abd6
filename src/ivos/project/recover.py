"""Saving what is whole of a damaged project: row by row, each judged by its own checksum.

Rows are looked up by their number, one by one, so a broken page takes only what lies on it. Where
even the first page is broken, which says where the tables begin, that of a new project is put in
its place: every project begins with the same tables on the same pages.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ivos.errors import ProjectError
from ivos.project.file import ProjectFile, put_in_place
from ivos.project.identity import VideoIdentity, frame_map
from ivos.project.parts import join
from ivos.project.schema import checksum
from ivos.project.store import write_mask, write_step
from ivos.session import JSON, Action, Settings, State, Step
from ivos.video import open_video

_BROKEN = (sqlite3.Error, UnicodeDecodeError)
"""What reading a damaged row raises; the second comes from a text that is none."""

_LEAST_ROW = 64
"""No row takes fewer bytes: bounds the search where the last row's number cannot be read."""


@dataclass(slots=True)
class Recovered:
    """What was saved, and what was not."""

    steps: int = 0
    masks: int = 0
    lost: list[str] = field(default_factory=list)
    """One line each."""


def recover(path: Path, out: Path, *, video: Path | None = None) -> Recovered:
    """Copy all that is whole of the project at ``path`` to a new one at ``out``.

    The damaged file is left as it is. ``video`` is needed only where the damage took what the
    project knew of its video. Raises ProjectError where nothing can be saved.
    """
    if out.exists():
        raise ProjectError(f"{out}: exists already; choose another name")
    try:
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".recover") as folder:
            copy = Path(folder) / "damaged.ivos"
            shutil.copyfile(path, copy)
            with suppress(FileNotFoundError):
                shutil.copyfile(f"{path}-wal", f"{copy}-wal")
            rebuilt = Path(folder) / "rebuilt.ivos"
            ProjectFile.create(rebuilt)
            with closing(_opened(copy)) as connection:
                damaged = _Damaged(connection, copy.stat().st_size)
                with closing(ProjectFile.open(rebuilt)) as file, file.transaction():
                    report = _rebuild(damaged, file, out, video)
            put_in_place(rebuilt, out)
    except OSError as error:
        raise ProjectError(f"{path}: cannot be copied to {out} ({error.strerror})") from error
    return report


class _Damaged:
    """The tables of a damaged project, as far as each row's checksum is right."""

    def __init__(self, connection: sqlite3.Connection, length: int) -> None:
        self._connection = connection
        self._most = length // _LEAST_ROW

    def rows(self, columns: str, table: str, key: str = "rowid") -> Iterator[tuple[Any, ...]]:
        """Every row that can be read at all, in the order of ``key``."""
        sql = f"SELECT {columns} FROM {table} WHERE {key} = ?"
        for number in range(1, self._last(table, key) + 1):
            try:
                yield from self._connection.execute(sql, (number,))
            except _BROKEN:
                continue

    def _last(self, table: str, key: str) -> int:
        try:
            ((last,),) = self._connection.execute(f"SELECT max({key}) FROM {table}")
        except _BROKEN:
            return self._most
        return min(last or 0, self._most)

    def about(self) -> dict[str, str]:
        """The entries that are whole."""
        rows = self.rows("key, value, crc", "about")
        return {key: value for key, value, crc in rows if checksum(key, value) == crc}

    def steps(self) -> dict[int, tuple[Any, ...]]:
        """The steps that are whole: their fields by number."""
        rows = self.rows("*", "steps", "number")
        return {row[0]: row[1:-1] for row in rows if checksum(*row[:-1]) == row[-1]}

    def pieces(self) -> dict[str, bytes]:
        """All pieces of states; ``join`` judges each."""
        return {
            name: data
            for name, data in self.rows("hash, data", "parts")
            if isinstance(name, str) and isinstance(data, bytes)
        }

    def masks(self) -> Iterator[tuple[int, int, int, bytes]]:
        """(step, object, frame, data) of the masks that are whole."""
        for *place, data, crc in self.rows("step, object, frame, data, crc", "masks", "id"):
            if isinstance(data, bytes) and checksum(*place, data) == crc:
                step, object_id, frame = place
                yield step, object_id, frame, data


def _opened(copy: Path) -> sqlite3.Connection:
    connection = _readable(copy)
    if connection is None:
        _begin_afresh(copy)
        connection = _readable(copy)
    if connection is None:
        raise ProjectError("nothing of this file can be saved; restore it from a backup")
    return connection


def _readable(copy: Path) -> sqlite3.Connection | None:
    connection = sqlite3.connect(copy, isolation_level=None)
    try:
        connection.execute("SELECT 1 FROM about, steps, parts, masks LIMIT 0")
    except _BROKEN:
        connection.close()
        return None
    return connection


def _begin_afresh(copy: Path) -> None:
    """Replace the first page by that of a new project (layout: sqlite.org/fileformat.html)."""
    with tempfile.TemporaryDirectory(dir=copy.parent) as folder:
        template = Path(folder) / "new.ivos"
        ProjectFile.create(template)
        whole = template.read_bytes()
    size = int.from_bytes(whole[16:18], "big")
    page = bytearray(whole[:size])
    page[28:32] = (copy.stat().st_size // size).to_bytes(4, "big")
    page[32:40] = bytes(8)  # no free pages: nothing will be written here
    page[92:96] = page[24:28]  # says that the number of pages is right
    with copy.open("r+b") as file:
        file.write(page)


def _rebuild(damaged: _Damaged, file: ProjectFile, out: Path, video: Path | None) -> Recovered:
    report = Recovered()
    entries = _entries(damaged.about(), out, video, report)
    changed: dict[int, int] = {}
    for number, object_id, frame, data in damaged.masks():
        write_mask(file, number, object_id, frame, data)
        changed[number] = changed.get(number, 0) + 1
    whole, pieces = damaged.steps(), damaged.pieces()
    report.steps, report.masks = max([0, *whole, *changed]), sum(changed.values())
    state = State().to_json()
    for number in range(1, report.steps + 1):
        count = changed.get(number, 0)
        fields = whole.get(number)
        if fields is None:
            report.lost.append(f"step {number}: what was done (its masks are kept)")
            lost: dict[str, JSON] = {"lost": True, "annotate": False, "masks": {}}
            step = Step(number, Action("import", 0, details=lost), count, 0.0)
            write_step(file, step, state, {})
            continue
        action, found, provenance, seconds, expected = fields
        if count != expected:
            report.lost.append(f"step {number}: {expected - count} of {expected} masks")
        try:
            state = join(json.loads(found), pieces)
        except (KeyError, ValueError):
            report.lost.append(f"step {number}: its state (that of the step before is kept)")
        step = Step(number, Action.from_json(json.loads(action)), count, seconds)
        write_step(file, step, state, json.loads(provenance))
    entries["head"] = str(min(int(entries.get("head", report.steps)), report.steps))
    for key, value in entries.items():
        file.set_about(key, value)
    return report


def _entries(
    entries: dict[str, str], out: Path, source: Path | None, report: Recovered
) -> dict[str, str]:
    """What the new project says of itself; what was lost of it is read again from the video."""
    entries.pop("owner", None)
    if "head" not in entries:
        report.lost.append("at which step it was (it is at the last one)")
    if "settings" not in entries:
        report.lost.append("its settings (they are the usual ones)")
        entries["settings"] = json.dumps(asdict(Settings()))
    if "video" not in entries and source is None:
        raise ProjectError(
            f"{out}: which video it was about is lost; say where that is with --video PATH"
        )
    if source is not None:
        opened = open_video(source)
        entries["video"] = VideoIdentity.of(source, opened, out).to_json()
        entries["frames"] = frame_map(opened)
        opened.close()
    elif "frames" not in entries:
        report.lost.append("the times of its frames (the video knows them)")
        entries["frames"] = "[]"
    return entries
