"""Kills, full disks and flipped bytes: what was finished stays, and damage is said, not shown."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ivos.errors import InvalidInput, ProjectError
from ivos.project import Project, integrity, put_in_place, recover, replay
from ivos.video import open_video
from tests.fakes import ColourNetworks, MovingSquares
from tests.project.conftest import work, write_squares
from tests.project.kills import kill

FLIPS = 200
KILLS = 10


def contents(project: Project) -> object:
    """Everything that a project holds, as far as people can ask for it."""
    return (
        [(step.action.to_json(), step.masks, step.provenance) for step in project.log().steps],
        project.store.steps(),
        project.store.state().to_json(),
        project.settings,
        project.video_identity,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_a_kill_at_any_moment_loses_no_finished_step(folder: Path) -> None:
    squares = MovingSquares(length=30)
    source = write_squares(folder / "squares", squares)
    path = folder / "squares.ivos"
    Project.create(path, open_video(source), source).close()
    rng = random.Random(5)
    outcomes = [kill(path, squares, rng, longest=0.1) for _ in range(KILLS)]
    assert [outcome for outcome in outcomes if not outcome.lossless] == []
    assert any(outcome.propagating for outcome in outcomes)


def test_a_kept_propagation_replays_as_the_cancelled_one_that_it_is(
    project: Project, folder: Path, squares: MovingSquares
) -> None:
    project.store.keep_seconds = 0.0
    session = project.session(ColourNetworks())
    session.interact(squares.drawn(3))
    progress = session.propagate()
    for _ in range(4):
        next(progress)
    project.close()  # the transaction since the last ``keep`` is lost, as in a kill
    with pytest.raises(ProjectError, match="closed already"):
        progress.close()  # type: ignore[attr-defined]
    with (
        Project.open(project.path) as again,
        Project.create(folder / "new.ivos", again.video, folder / "squares") as new,
    ):
        assert [step.action.kind for step in again.store.steps()] == ["interact", "propagate"]
        assert 1 <= again.store.state().frames_done < 4
        results = list(replay(again.log(), new, ColourNetworks()))
        assert [result.different for result in results] == [(), ()]
        assert results[1].masks > 0


@pytest.fixture
def whole(folder: Path, squares: MovingSquares, source: Path) -> Path:
    """A closed project with all kinds of steps."""
    path = folder / "whole.ivos"
    with Project.create(path, open_video(source), source) as project:
        work(project, squares)
    return path


def flip(path: Path, target: Path, rng: random.Random) -> None:
    """Copy a file with 1 to 8 bytes changed."""
    content = bytearray(path.read_bytes())
    for _ in range(rng.randint(1, 8)):
        content[rng.randrange(len(content))] ^= rng.randint(1, 255)
    target.write_bytes(content)


def test_flipped_bytes_are_found_or_harmless(whole: Path, folder: Path) -> None:
    with Project.open(whole, read_only=True) as project:
        original = contents(project)
    rng = random.Random(7)
    target = folder / "flipped.ivos"
    told, lines = 0, list[str]()
    for _ in range(FLIPS):
        flip(whole, target, rng)
        try:
            with Project.open(target) as project:
                if not project.integrity():
                    assert contents(project) == original
                    continue
        except ProjectError as error:
            lines.append(str(error))
        told += 1
        for suffix in ("", "-wal", "-shm"):
            target.with_name(target.name + suffix).unlink(missing_ok=True)
    assert FLIPS / 2 < told < FLIPS
    assert not [line for line in lines if "\n" in line]


def test_no_damaged_mask_is_ever_shown(whole: Path, folder: Path) -> None:
    with Project.open(whole, read_only=True) as project:
        truth = [project.store.digests(step.number) for step in project.store.steps()]
    rng = random.Random(8)
    target = folder / "flipped.ivos"
    shown = 0
    for _ in range(FLIPS // 4):
        flip(whole, target, rng)
        try:
            with Project.open(target, read_only=True) as project:
                for number, expected in enumerate(truth, start=1):
                    for key in expected:
                        mask = project.store.mask_before(number + 1, *key)
                        shown += mask is not None
                    assert project.store.digests(number).items() <= expected.items()
        except ProjectError:
            continue
    assert shown > 100


def test_what_was_not_hit_is_recovered(whole: Path, folder: Path) -> None:
    with Project.open(whole, read_only=True) as project:
        truth = [project.store.digests(step.number) for step in project.store.steps()]
    everything = sum(map(len, truth))
    rng = random.Random(9)
    target, out = folder / "flipped.ivos", folder / "out.ivos"
    shares = []
    for _ in range(FLIPS // 10):
        flip(whole, target, rng)
        before = target.read_bytes()
        try:
            report = recover(target, out, video=folder / "squares")
        except ProjectError:
            shares.append(0.0)
            continue
        assert target.read_bytes() == before
        assert integrity(out) == []
        with Project.open(out) as project:
            session = project.session(ColourNetworks())
            session.labels(0)
            kept = 0
            for number, expected in enumerate(truth[: report.steps], start=1):
                found = project.store.digests(number)
                assert found.items() <= expected.items()
                kept += len(found)
            assert kept == report.masks
        if report.masks < everything:
            assert report.lost
        shares.append(kept / everything)
        out.unlink()
    assert sum(shares) / len(shares) > 0.9


def test_a_whole_project_is_recovered_as_it_is(whole: Path, folder: Path) -> None:
    report = recover(whole, folder / "out.ivos")
    assert report.lost == []
    with (
        Project.open(folder / "out.ivos") as copy,
        Project.open(whole, read_only=True) as project,
    ):
        assert contents(copy) == contents(project)
        assert copy.store.head == project.store.head


def test_a_step_that_is_lost_is_named_and_the_rest_goes_on(whole: Path, folder: Path) -> None:
    with Project.open(whole, read_only=True) as project:
        steps, kept = project.store.steps(), project.store.digests(4)
    content = bytearray(whole.read_bytes())
    place = content.index(b'"prompts": null, "details": {"object": 1, "name": "red"}')
    content[place + 2] ^= 1
    whole.write_bytes(content)
    with pytest.raises(ProjectError, match=r"damaged \(step 4\)"):
        Project.open(whole)
    report = recover(whole, folder / "out.ivos")
    assert report.lost == ["step 4: what was done (its masks are kept)"]
    with Project.open(folder / "out.ivos") as copy:
        found = copy.store.steps()
        assert [*found[:3], *found[4:]] == [*steps[:3], *steps[4:]]
        assert copy.store.digests(4) == kept
        assert len(copy.export_session()) == 5
        with pytest.raises(InvalidInput, match="step 4 of the log"):
            list(replay(copy.log(), _new(folder, copy), ColourNetworks()))


def _new(folder: Path, like: Project) -> Project:
    return Project.create(folder / "again.ivos", like.video, folder / "squares")


@pytest.mark.parametrize("first", [0, 20, 70, 100, 4000])
def test_a_project_whose_beginning_is_overwritten_is_recovered(
    whole: Path, folder: Path, first: int
) -> None:
    with Project.open(whole, read_only=True) as project:
        original = contents(project)
    content = bytearray(whole.read_bytes())
    content[first : first + 30] = b"\xa5" * 30
    whole.write_bytes(content)
    assert recover(whole, folder / "out.ivos").lost == []
    with Project.open(folder / "out.ivos") as copy:
        assert contents(copy) == original


def test_recovering_never_replaces_a_file(whole: Path, folder: Path) -> None:
    (folder / "out.ivos").write_text("mine")
    with pytest.raises(ProjectError, match="exists already"):
        recover(whole, folder / "out.ivos")
    with pytest.raises(ProjectError, match="cannot be copied"):
        recover(folder / "nothing.ivos", folder / "new.ivos")


# A log that a killed process left


@pytest.fixture
def left(folder: Path, source: Path, squares: MovingSquares) -> bytes:
    """The log beside a project whose process was killed."""
    path = folder / "killed.ivos"
    with Project.create(path, open_video(source), source) as project:
        work(project, squares)
        return path.with_name("killed.ivos-wal").read_bytes()


def test_a_new_project_is_empty_whatever_was_left_of_a_deleted_one(
    folder: Path, source: Path, left: bytes
) -> None:
    path = folder / "new.ivos"
    path.with_name("new.ivos-wal").write_bytes(left)
    with Project.create(path, open_video(source), source) as project:
        assert list(project.store.steps()) == []
        assert project.store.state().objects == ()
    assert integrity(path) == []


def test_a_recovered_project_is_what_was_saved_whatever_was_left_beside_it(
    whole: Path, folder: Path, left: bytes
) -> None:
    with Project.open(whole) as project:
        project.store.move(1)
        original = contents(project)
    (folder / "out.ivos-wal").write_bytes(left)
    recover(whole, folder / "out.ivos")
    with Project.open(folder / "out.ivos") as copy:
        assert contents(copy) == original


def test_the_log_of_a_project_that_is_there_is_left_alone(
    folder: Path, source: Path, left: bytes
) -> None:
    path, finished = folder / "there.ivos", folder / "finished.ivos"
    Project.create(path, open_video(source), source).close()
    Project.create(finished, open_video(source), source).close()
    path.with_name("there.ivos-wal").write_bytes(left)
    with pytest.raises(ProjectError, match="exists already"):
        put_in_place(finished, path)
    assert path.with_name("there.ivos-wal").read_bytes() == left
    assert finished.is_file()


# A full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    mounted = sys.platform == "linux" and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)],
        capture_output=True, check=False,
    ).returncode == 0  # fmt: skip
    if not mounted:
        pytest.skip("mounting a small disk is not permitted here")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def fill_until_it_fails(project: Project, squares: MovingSquares) -> tuple[ProjectError, object]:
    """Rounds until the disk is full: the error, and what the project held before that step."""
    session = project.session(ColourNetworks())
    before: object = None
    try:
        for frame in range(1000):
            before = contents(project)
            session.interact(squares.drawn(frame % len(squares)))
            before = contents(project)
            for _ in session.propagate():
                pass
    except ProjectError as error:
        return error, before
    raise AssertionError("the disk was never full")


def test_a_full_disk_takes_one_step_at_most(
    small_disk: Path, folder: Path, squares: MovingSquares, source: Path
) -> None:
    path = small_disk / "squares.ivos"
    ballast = small_disk / "ballast"
    with Project.create(path, open_video(source), source) as project:
        ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - 350_000))
        error, before = fill_until_it_fails(project, squares)
        assert "disk" in str(error)
        assert "\n" not in str(error)
        assert contents(project) == before
        ballast.unlink()
        session = project.session(ColourNetworks())  # and once there is room, work goes on
        session.interact(squares.drawn(0))
        after = contents(project)
    with Project.open(path) as again:
        assert contents(again) == after
        assert again.integrity() == []


def test_a_project_closed_on_a_full_disk_opens_again(
    small_disk: Path, squares: MovingSquares, source: Path
) -> None:
    path = small_disk / "squares.ivos"
    with Project.create(path, open_video(source), source) as project:
        free = shutil.disk_usage(small_disk).free
        (small_disk / "ballast").write_bytes(bytes(free - 350_000))
        _, before = fill_until_it_fails(project, squares)
    with Project.open(path, read_only=True) as again:
        assert contents(again) == before
        assert again.integrity() == []


def test_a_file_that_may_not_grow_is_like_a_full_disk(
    project: Project, squares: MovingSquares
) -> None:
    resource = pytest.importorskip("resource")
    before_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before_limit[1]))
    try:
        error, before = fill_until_it_fails(project, squares)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before_limit)
    assert "disk" in str(error)
    assert contents(project) == before
    project.close()
    with Project.open(project.path) as again:
        assert contents(again) == before
        assert again.integrity() == []
