"""What lies in a project file: its tables, its version, and how an older one becomes a newer one.

One SQLite file. Masks are versioned by the number of the step that made them, so undo moves a
number and copies nothing. Every row carries a checksum of its own, because SQLite checks its
structure but not the content of its pages: a flipped bit in a mask must be found, not shown.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Mapping

APPLICATION_ID = int.from_bytes(b"ivos", "big")
"""Marks the file as ours in SQLite's header, at byte 68."""

VERSION = 1
"""What this program writes; an older file is migrated when it is opened for writing."""

TABLES = """
CREATE TABLE about (
    key TEXT PRIMARY KEY,               -- head, video, frames, settings, owner, ivos
    value TEXT NOT NULL,                -- JSON
    crc INTEGER NOT NULL
) STRICT;

CREATE TABLE steps (
    number INTEGER PRIMARY KEY,         -- 1, 2, ...; those after head are undone
    action TEXT NOT NULL,               -- JSON: what the person did, replayable
    state TEXT NOT NULL,                -- JSON: everything but the masks, after this step
    provenance TEXT NOT NULL,           -- JSON: round, network, weights hash
    seconds REAL NOT NULL,              -- how long it took
    changed INTEGER NOT NULL,           -- how many rows of masks it has
    crc INTEGER NOT NULL
) STRICT;

CREATE TABLE parts (                    -- large pieces of states, each kept once
    hash TEXT PRIMARY KEY,              -- SHA-256 of the content
    data BLOB NOT NULL                  -- zlib
) STRICT;

CREATE TABLE step_parts (
    step INTEGER NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (step, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE masks (
    id INTEGER PRIMARY KEY,
    step INTEGER NOT NULL,
    object INTEGER NOT NULL,
    frame INTEGER NOT NULL,
    size INTEGER NOT NULL,              -- bytes of data; 0: from this step on there is no mask
    data BLOB NOT NULL,                 -- a PackedMask
    crc INTEGER NOT NULL
) STRICT;

CREATE INDEX masks_by_frame ON masks (object, frame, step, size);
CREATE INDEX masks_by_step ON masks (step, object, frame);
"""

MIGRATIONS: Mapping[int, str] = {}
"""SQL that turns version n into n + 1, by n. Never edit one that was released: add the next."""


def checksum(*fields: str | int | float | bytes) -> int:
    """CRC-32 of a row's fields, each with its length, so that no two rows run together."""
    value = 0
    for field in fields:
        data = field if isinstance(field, bytes) else str(field).encode()
        value = zlib.crc32(data, zlib.crc32(b"%d:" % len(data), value))
    return value


def lay_out(connection: sqlite3.Connection) -> None:
    """Make the tables of an empty project, and mark the file as ours."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(
        f"BEGIN; {TABLES} PRAGMA application_id = {APPLICATION_ID}; "
        f"PRAGMA user_version = {VERSION}; COMMIT;"
    )


def migrate(connection: sqlite3.Connection, migrations: Mapping[int, str] = MIGRATIONS) -> None:
    """Bring a file up to date: each version in one transaction, or not at all."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    while version in migrations:
        connection.executescript(
            f"BEGIN IMMEDIATE; {migrations[version]} PRAGMA user_version = {version + 1}; COMMIT;"
        )
        version += 1
