"""One SQLite file, opened our way: checked, owned by one writer, and with errors in people's words.

Write-ahead log, and synchronous = FULL: a commit returns when the step is on the disk, so neither a
kill nor a power cut takes a step that was finished. (NORMAL would keep the file whole too, but a
power cut could take the last steps back; a person's minute is worth the few milliseconds.)

Never open a project with ``open()`` while a connection is alive in the same process: closing such a
file drops the locks that SQLite holds on it (POSIX). Everything here asks SQLite instead.

Knows nothing of masks, steps or sessions.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from ivos.errors import ProjectError
from ivos.project.owner import Owner, ProjectInUse
from ivos.project.schema import APPLICATION_ID, VERSION, checksum, lay_out, migrate
from ivos.project.tidy import bring_home, close_reader

Value: TypeAlias = str | int | float | bytes | None

CACHE_KIB = 8192
"""Pages that SQLite keeps in memory; a longer step spills into the write-ahead log."""

LOG_BYTES = 16 << 20
"""A write-ahead log that a long step made longer is cut back to this."""

BUSY_SECONDS = 3.0
"""How long to wait for another process's transaction before saying that it is busy."""


class ProjectFile:
    """A connection to ``path``, for one process; safe to use from several threads in turn.

    Every method raises ProjectError, in one line, when the file is damaged, full or in use.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, *, read_only: bool) -> None:
        self.path = path
        self.read_only = read_only
        self._connection = connection
        self._lock = threading.RLock()
        self._token = ""

    @classmethod
    def create(cls, path: Path) -> None:
        """An empty project at ``path``; what was there before must be gone."""
        with speaking(path):
            connection = sqlite3.connect(path, isolation_level=None)
            try:
                lay_out(connection)
            finally:
                connection.close()

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False, take_over: bool = False) -> ProjectFile:
        """Open a project; for writing, also become its owner (see ``ProjectInUse``)."""
        if not _is_file(path):
            raise ProjectError(f"{path}: no such project; check the name, or create it first")
        with speaking(path):
            connection = _connect_read_only(path) if read_only else _connect(path)
            file = cls(path, connection, read_only=read_only)
            try:
                file._check_kind()
                if read_only:
                    file._hold_still()
                else:
                    file._prepare_to_write(take_over)
            except (sqlite3.Error, UnicodeDecodeError, ProjectError):
                connection.close()
                raise
        return file

    # looking

    def rows(self, sql: str, *values: Value) -> list[tuple[Any, ...]]:
        """All rows that a query finds."""
        with self._lock, speaking(self.path):
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Value) -> tuple[Any, ...] | None:
        """The first row that a query finds."""
        with self._lock, speaking(self.path):
            found: tuple[Any, ...] | None = self._connection.execute(sql, values).fetchone()
            return found

    def about(self, key: str) -> str | None:
        """What the project says under ``key``, or None. Raises ProjectError if it is damaged."""
        found = self.row("SELECT value, crc FROM about WHERE key = ?", key)
        if found is None:
            return None
        value, crc = found
        if checksum(key, value) != crc:
            raise damaged(self.path, f"its {key} entry")
        return str(value)

    # writing

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside becomes durable together at the end, or not at all."""
        self.begin()
        try:
            yield
        except BaseException:
            self.roll_back()
            raise
        self.commit()

    def begin(self) -> None:
        """Open a transaction, having made sure that this process still owns the project."""
        if self.read_only:
            raise ProjectError(f"{self.path}: opened read-only; open it for writing to change it")
        with self._lock, speaking(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._check_owner()
            except ProjectError:
                self.roll_back()
                raise

    def write(self, sql: str, *values: Value) -> int:
        """Run a statement in the open transaction; how many rows it changed."""
        with self._lock, speaking(self.path):
            if not self._connection.in_transaction:
                raise RuntimeError("no transaction is open")
            return self._connection.execute(sql, values).rowcount

    def set_about(self, key: str, value: str) -> None:
        """Keep ``value`` under ``key``, in the open transaction."""
        self.write(
            "INSERT OR REPLACE INTO about VALUES (?, ?, ?)", key, value, checksum(key, value)
        )

    def commit(self) -> None:
        """Make the open transaction durable; if that cannot be, nothing of it is kept."""
        try:
            with self._lock, speaking(self.path):
                self._connection.execute("COMMIT")
        except ProjectError:
            self.roll_back()
            raise

    def roll_back(self) -> None:
        """Forget the open transaction; harmless without one (a full disk has ended it already)."""
        with self._lock, speaking(self.path):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Give the project up. Harmless when called twice; what was committed is safe anyway.

        The last one to close leaves one file, which is the whole project.
        """
        with self._lock:
            if self._token:
                try:
                    self.roll_back()
                    self.begin()
                    self.write("DELETE FROM about WHERE key = 'owner'")
                    self.commit()
                    bring_home(self._connection)
                except ProjectError:
                    pass  # taken over, or a full disk: a dead owner is recognised by its pid
                self._token = ""
            if self.read_only and self._is_nobodys():
                close_reader(self._connection, self.path)
            self._connection.close()

    def _is_nobodys(self) -> bool:
        """Whether all who wrote here have closed the project, as it is now."""
        try:
            self.roll_back()
            return self.about("owner") is None
        except ProjectError:  # closed already, or damaged: then all stays as it is
            return False

    # opening

    def _check_kind(self) -> None:
        (kind,) = self._connection.execute("PRAGMA application_id").fetchone()
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if kind != APPLICATION_ID:
            raise ProjectError(f"{self.path}: not an ivos project; choose a file made by ivos")
        if not 1 <= version <= VERSION:
            raise ProjectError(
                f"{self.path}: made by a newer ivos (project version {version}, this program "
                f"knows {VERSION}); update with: pip install --upgrade ivos"
            )

    def _hold_still(self) -> None:
        """From here to the end, see the project as it is now, whatever a writer does meanwhile."""
        self._connection.execute("BEGIN")
        self._connection.execute("SELECT count(*) FROM about").fetchone()

    def _prepare_to_write(self, take_over: bool) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
        migrate(self._connection)
        me = Owner.me()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            found = self.about("owner")
            if found is not None and not take_over:
                owner = Owner.from_json(found)
                if owner.is_alive():
                    raise ProjectInUse(self.path, owner)
            self.set_about("owner", me.to_json())
        except (sqlite3.Error, ProjectError):
            self.roll_back()
            raise
        self.commit()
        self._token = me.token

    def _check_owner(self) -> None:
        found = self.about("owner")
        owner = Owner.from_json(found) if found is not None else None
        if owner is None or owner.token != self._token:
            who = f"by {owner}" if owner else "elsewhere"
            raise ProjectError(
                f"{self.path}: taken over {who}; nothing more is written here, "
                "every finished step is saved: open it again to go on"
            )


def put_in_place(finished: Path, path: Path) -> None:
    """Give a closed project its name, unless that is taken.

    A log of that name was left by a project that was deleted after its writer was killed. SQLite
    would do again in this one what was done in that one, so it goes. Raises ProjectError.
    """
    if path.exists():
        raise ProjectError(f"{path}: exists already; open it, or choose another name")
    drop_log(path)
    finished.rename(path)


def drop_log(path: Path) -> None:
    """Delete what SQLite keeps beside a project that is gone, or that nobody has open."""
    for suffix in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder that may not be looked into
        return False


def _connect(path: Path, query: str = "mode=rw") -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?{query}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute("PRAGMA cell_size_check = ON")  # find a broken page before using it
        connection.execute("PRAGMA trusted_schema = OFF")  # a stranger's file runs nothing here
    except (sqlite3.Error, UnicodeDecodeError):
        connection.close()
        raise
    return connection


def _connect_read_only(path: Path) -> sqlite3.Connection:
    """Where the folder cannot be written, SQLite cannot share a log: then the file alone is read.

    That is safe only while nobody writes to it, which nobody can in such a folder; and right only
    if no log lies beside it, left by a writer that was killed.
    """
    try:
        return _connect(path, "mode=ro")
    except sqlite3.OperationalError as error:
        code = error.sqlite_errorcode & 0xFF
        needs_log = code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
        if not needs_log or path.with_name(path.name + "-wal").exists():
            raise
    return _connect(path, "mode=ro&immutable=1")


def damaged(path: Path, what: str) -> ProjectError:
    """The error for content that is not what was written."""
    return ProjectError(
        f"{path}: damaged ({what}); save what is whole with: "
        f"ivos doctor {path} --recover {path.stem}-recovered.ivos"
    )


@contextmanager
def speaking(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into one line that says what, where and how to mend it."""
    try:
        yield
    except sqlite3.ProgrammingError as error:
        if "closed" not in str(error):
            raise
        raise ProjectError(f"{path}: closed already; open it again") from error
    except sqlite3.Error as error:
        raise _explain(path, error) from error
    except UnicodeDecodeError as error:  # in a text, or in the words of SQLite about one
        raise damaged(path, "a text is not text") from error


def _explain(path: Path, error: sqlite3.Error) -> ProjectError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte: the kind of error
    words: dict[int, str] = {
        sqlite3.SQLITE_NOTADB: "not an ivos project, or its beginning is overwritten; "
        "choose a file made by ivos",
        sqlite3.SQLITE_FULL: "the disk is full: this step is not saved, all before it are; "
        "free some space and do it again",
        sqlite3.SQLITE_IOERR: "the disk does not take or give the data "
        f"({error}): this step is not saved, all before it are; check the disk and its free space",
        sqlite3.SQLITE_READONLY: "the file or its folder is read-only; "
        "open it read-only, or copy it to a folder you may write to",
        sqlite3.SQLITE_CANTOPEN: "cannot be opened: the file or its folder is not readable and "
        "writable; open it read-only, or copy it to a folder you may write to",
        sqlite3.SQLITE_BUSY: "another process is in the middle of a step; "
        "wait until it is done, or stop it there",
        sqlite3.SQLITE_PERM: "you may not open this file; ask its owner, or copy it",
    }
    if code in words:
        return ProjectError(f"{path}: {words[code]}")
    return damaged(path, str(error))
