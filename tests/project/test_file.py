"""The SQLite file: what it is told apart from, who owns it, and what survives."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path

import pytest

from ivos.errors import ProjectError
from ivos.project.file import ProjectFile
from ivos.project.owner import Owner, ProjectInUse
from ivos.project.schema import APPLICATION_ID, VERSION, checksum, migrate


@pytest.fixture
def path(folder: Path) -> Path:
    target = folder / "cat.ivos"
    ProjectFile.create(target)
    return target


@pytest.fixture
def file(path: Path) -> Iterator[ProjectFile]:
    with closing(ProjectFile.open(path)) as opened:
        yield opened


def one_line(error: pytest.ExceptionInfo[ProjectError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_a_project_is_one_file_once_it_is_closed(file: ProjectFile, path: Path) -> None:
    with file.transaction():
        file.set_about("head", "3")
    file.close()
    assert [entry.name for entry in path.parent.iterdir()] == ["cat.ivos"]
    with closing(ProjectFile.open(path)) as again:
        assert again.about("head") == "3"


def test_a_project_is_marked_as_ours_in_its_header(path: Path) -> None:
    assert int.from_bytes(path.read_bytes()[68:72], "big") == APPLICATION_ID


def test_a_failed_transaction_leaves_nothing(file: ProjectFile) -> None:
    with pytest.raises(ZeroDivisionError), file.transaction():
        file.set_about("head", str(1 // 0))
    assert file.about("head") is None
    with file.transaction():
        file.set_about("head", "1")
    assert file.about("head") == "1"


def test_a_missing_project_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as error:
        ProjectFile.open(tmp_path / "dog.ivos")
    assert "no such project" in one_line(error)


@pytest.mark.parametrize("content", [b"", b"GIF89a" + bytes(5000)])
@pytest.mark.parametrize("read_only", [False, True])
def test_another_file_is_not_a_project(tmp_path: Path, content: bytes, read_only: bool) -> None:
    other = tmp_path / "cat.gif"
    other.write_bytes(content)
    with pytest.raises(ProjectError) as error:
        ProjectFile.open(other, read_only=read_only)
    assert "not an ivos project" in one_line(error)
    assert other.read_bytes() == content


def test_another_program_s_database_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "mail.sqlite"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE mail (text)")
    before = other.read_bytes()
    with pytest.raises(ProjectError, match="not an ivos project"):
        ProjectFile.open(other)
    assert other.read_bytes() == before


def test_a_project_from_a_newer_program_asks_for_an_update(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(ProjectError) as error:
        ProjectFile.open(path)
    assert f"project version {VERSION + 1}" in one_line(error)
    assert "update" in str(error.value)


def test_an_older_project_is_migrated_version_by_version(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA user_version = 1")
        migrate(connection, {1: "CREATE TABLE a (x);", 2: "CREATE TABLE b (x);"})
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)
        connection.execute("SELECT * FROM a, b")


def test_a_migration_that_fails_leaves_the_older_version(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        with pytest.raises(sqlite3.OperationalError):
            migrate(connection, {1: "CREATE TABLE a (x); CREATE TABLE a (x);"})
        connection.rollback()
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert not connection.execute("SELECT * FROM sqlite_schema WHERE name = 'a'").fetchall()


def test_a_second_writer_is_told_who_has_the_project(file: ProjectFile, path: Path) -> None:
    with pytest.raises(ProjectInUse) as error:
        ProjectFile.open(path)
    assert f"process {os.getpid()}" in one_line(error)
    assert error.value.owner.pid == os.getpid()
    with closing(ProjectFile.open(path, read_only=True)) as reader:
        assert reader.about("head") is None


def test_the_writer_that_was_taken_over_is_told_and_writes_nothing(
    file: ProjectFile, path: Path
) -> None:
    with closing(ProjectFile.open(path, take_over=True)) as second:
        with pytest.raises(ProjectError) as error, file.transaction():
            file.set_about("head", "1")
        assert "taken over by process" in one_line(error)
        with second.transaction():
            second.set_about("head", "2")
        file.close()  # must not take the second writer's place away
        with second.transaction():
            second.set_about("head", "3")
        assert second.about("head") == "3"


def test_a_project_in_the_middle_of_a_step_cannot_be_taken_over(
    file: ProjectFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ivos.project.file.BUSY_SECONDS", 0.05)
    with file.transaction():
        file.set_about("head", "1")
        with pytest.raises(ProjectError) as error:
            ProjectFile.open(path, take_over=True)
        assert "in the middle of a step" in one_line(error)
    assert file.about("head") == "1"


def test_a_writer_that_was_killed_leaves_the_project_free(path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from ivos.project.file import ProjectFile\n"
        "file = ProjectFile.open(Path(sys.argv[1]))\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert done.returncode == -9
    with closing(ProjectFile.open(path)) as mine:
        owner = Owner.from_json(mine.about("owner") or "")
        assert owner.pid == os.getpid()


def test_a_writer_on_another_machine_counts_as_alive() -> None:
    me = Owner.me()
    assert me.is_alive()
    assert Owner(me.pid, "another-host", me.started, me.since, me.token).is_alive()
    if me.started:
        assert not Owner(me.pid, me.host, "1", me.since, me.token).is_alive()


def test_a_changed_entry_is_found_by_its_checksum(file: ProjectFile) -> None:
    with file.transaction():
        file.write("INSERT INTO about VALUES ('head', '7', ?)", checksum("head", "8"))
    with pytest.raises(ProjectError, match=r"damaged .* ivos doctor .* --recover"):
        file.about("head")


def test_checksums_tell_rows_apart_that_read_the_same_in_a_row() -> None:
    assert checksum(1, 23) != checksum(12, 3)
    assert checksum("a", b"b") == checksum(b"a", "b")


def test_a_closed_project_says_so(file: ProjectFile) -> None:
    file.close()
    file.close()
    with pytest.raises(ProjectError, match="closed already"):
        file.about("head")


def test_a_project_in_a_read_only_folder_opens_read_only(
    tmp_path: Path, as_nobody: Callable[[], AbstractContextManager[None]]
) -> None:
    path = tmp_path / "cat.ivos"
    ProjectFile.create(path)
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    with as_nobody():
        with pytest.raises(ProjectError) as error:
            ProjectFile.open(path)
        assert "read-only" in one_line(error)
        with closing(ProjectFile.open(path, read_only=True)) as file:
            assert file.about("head") is None
            with pytest.raises(ProjectError, match="opened read-only"):
                file.begin()
    tmp_path.chmod(0o755)


def names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.parent.iterdir())


def put(file: ProjectFile, head: int) -> None:
    with file.transaction():
        file.set_about("head", str(head))


def head_of_copy(path: Path) -> str | None:
    """What a project is to somebody who copies its one file."""
    copy = path.parent / "copy" / path.name
    copy.parent.mkdir()
    shutil.copyfile(path, copy)
    with closing(ProjectFile.open(copy, read_only=True)) as file:
        return file.about("head")


def test_looking_at_a_project_leaves_nothing_beside_it(path: Path) -> None:
    for _ in range(2):
        with closing(ProjectFile.open(path, read_only=True)) as file:
            assert file.about("head") is None
        assert names(path) == ["cat.ivos"]


def test_whoever_looks_sees_one_state_to_the_end(path: Path) -> None:
    writer = ProjectFile.open(path)
    put(writer, 1)
    with closing(ProjectFile.open(path, read_only=True)) as reader:
        put(writer, 2)
        assert reader.about("head") == "1"
        writer.close()
        assert reader.about("head") == "1"
    assert names(path) == ["cat.ivos"]  # the reader, who was the last, has brought the rest home
    assert head_of_copy(path) == "2"


def test_the_log_of_a_writer_that_is_there_is_left_alone(file: ProjectFile, path: Path) -> None:
    put(file, 5)
    before = path.with_name("cat.ivos-wal").read_bytes()
    ProjectFile.open(path, read_only=True).close()
    assert path.with_name("cat.ivos-wal").read_bytes() == before
    put(file, 6)
    assert file.about("head") == "6"


def test_a_log_that_is_damaged_stays_for_whoever_looks_into_it(path: Path) -> None:
    writer = ProjectFile.open(path)
    put(writer, 1)
    with closing(ProjectFile.open(path, read_only=True)):
        put(writer, 2)
        writer.close()
        kept = path.read_bytes(), path.with_name("cat.ivos-wal").read_bytes()
    place = path.parent / "other" / "cat.ivos"
    place.parent.mkdir()
    place.write_bytes(kept[0])
    log = place.with_name("cat.ivos-wal")
    broken = bytearray(kept[1])
    broken[-2000] ^= 255  # in the last frame, which says that nobody owns the project
    for content in (bytes(broken), kept[1][:-2000], kept[1][:10]):
        log.write_bytes(content)
        with suppress(ProjectError), closing(ProjectFile.open(place, read_only=True)) as file:
            file.about("head")
        assert log.read_bytes()[: len(content)] == content
    log.write_bytes(kept[1])
    with closing(ProjectFile.open(place, read_only=True)) as file:
        assert file.about("head") == "2"
    assert names(place) == ["cat.ivos"]


def test_a_writer_does_not_wait_long_for_those_who_look(path: Path) -> None:
    writer = ProjectFile.open(path)
    with closing(ProjectFile.open(path, read_only=True)):
        put(writer, 1)
        began = time.monotonic()
        writer.close()
        assert time.monotonic() - began < 2
