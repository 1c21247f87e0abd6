"""Leaving one file behind: the log beside a project goes when the last one closes it.

SQLite clears its write-ahead log away when the last connection that may write closes. One that only
reads cannot; so, before it goes, a second one looks whether the log may go with it.

Knows nothing of what lies in a project.
"""

from __future__ import annotations

import sqlite3
import struct
from contextlib import closing, suppress
from pathlib import Path

_HEADER = struct.Struct(">4xII4x8s8x")
_FRAME = struct.Struct(">8x8s8x")
"""Of SQLite's log: version, page size and salts; a frame's salts (sqlite.org/fileformat2.html)."""
_FORMAT = 3_007_000


def bring_home(connection: sqlite3.Connection) -> None:
    """Move what a writer left in the log into the project, and empty the log.

    Waits half a second for readers, no longer: what cannot be moved now is safe in the log, and the
    last reader moves it.
    """
    with suppress(sqlite3.Error):
        connection.execute("PRAGMA busy_timeout = 500")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def close_reader(reader: sqlite3.Connection, path: Path) -> None:
    """Close ``reader``, which reads nothing any more; if it is the last one, no log stays.

    The log goes only where SQLite took each frame in it for good and moved it into the project.
    One that was damaged, or whose writer was killed in a step, stays as it was found.
    """
    try:
        writer = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=0)
    except sqlite3.Error:  # a file or folder that may only be read
        reader.close()
        return
    with closing(writer):
        if _all_is_home(writer, path.with_name(path.name + "-wal")):
            reader.close()  # so that the other one is the last
    reader.close()


def _all_is_home(writer: sqlite3.Connection, log: Path) -> bool:
    try:
        writer.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        busy, good, moved = writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        return not busy and bool(good == moved == _frames(log))
    except (sqlite3.Error, OSError, UnicodeDecodeError):
        return False


def _frames(log: Path) -> int:
    """How many frames were written since the log last began anew, good or not; -1 if unknown."""
    with log.open("rb") as file:
        head = file.read(_HEADER.size)
        if not head:
            return 0
        if len(head) < _HEADER.size:
            return -1
        version, page, salts = _HEADER.unpack(head)
        if version != _FORMAT:
            return -1
        count = 0
        while len(frame := file.read(_FRAME.size)) == _FRAME.size:
            if _FRAME.unpack(frame)[0] != salts:
                break
            count += 1
            file.seek(page, 1)
        return count
