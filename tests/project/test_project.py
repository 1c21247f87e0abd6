"""A project from its creation to the day its video has moved."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ivos.errors import ProjectError
from ivos.project import Project, ProjectInUse, integrity
from ivos.project.file import ProjectFile
from ivos.session import Settings
from ivos.video import open_video
from tests.clips import write_clip
from tests.fakes import ColourNetworks, MovingSquares
from tests.project.conftest import work, write_squares


def test_a_session_goes_on_where_it_was_closed(project: Project, squares: MovingSquares) -> None:
    work(project, squares)
    before = project.session(ColourNetworks())
    labels = [before.labels(frame) for frame in range(len(squares))]
    project.close()

    with Project.open(project.path) as again:
        session = again.session(ColourNetworks())
        for frame, expected in enumerate(labels):
            np.testing.assert_array_equal(session.labels(frame), expected)
        assert session.steps == before.steps
        assert session.state.to_json() == before.state.to_json()
        session.redo()
        while session.can_undo:
            session.undo()
        assert not session.labels(1).any()
        assert again.integrity() == []
    assert integrity(project.path) == []


def test_settings_are_kept(folder: Path, source: Path) -> None:
    settings = Settings(negatives="background", max_batch=3)
    path = folder / "own.ivos"
    Project.create(path, open_video(source), source, settings=settings).close()
    with Project.open(path) as again:
        assert again.settings == settings
        assert again.session(ColourNetworks()).settings == settings


def test_provenance_names_round_and_weights(project: Project, squares: MovingSquares) -> None:
    work(project, squares)
    found = project.provenance(1, 1)
    assert found is not None
    step, where = found
    assert step.action.kind == "interact"
    assert where == {
        "round": 0, "network": "colour", "weights": "0" * 64, "runtime": "ColourNetworks",
    }  # fmt: skip
    assert project.provenance(9, 1) is None


def test_a_project_never_replaces_a_file(project: Project, source: Path) -> None:
    before = project.path.read_bytes()
    with pytest.raises(ProjectError, match="exists already"):
        Project.create(project.path, open_video(source), source)
    assert project.path.read_bytes() == before


def test_a_project_that_cannot_be_made_leaves_nothing(
    folder: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise ProjectError("no")

    monkeypatch.setattr("ivos.project.project.frame_map", fail)
    with pytest.raises(ProjectError):
        Project.create(folder / "new.ivos", open_video(source), source)
    assert [path.name for path in folder.iterdir()] == ["squares"]


def test_a_project_in_a_folder_that_is_not_there_or_not_writable(
    tmp_path: Path, source: Path, as_nobody: Callable[[], AbstractContextManager[None]]
) -> None:
    video = open_video(source)
    with pytest.raises(ProjectError, match="no such folder"):
        Project.create(tmp_path / "nowhere" / "new.ivos", video, source)
    source.parent.chmod(0o755)
    tmp_path.chmod(0o555)
    with as_nobody(), pytest.raises(ProjectError, match="folder you may write to") as error:
        Project.create(tmp_path / "new.ivos", video, source)
    assert "\n" not in str(error.value)


def test_a_project_can_be_read_while_another_process_writes(project: Project) -> None:
    with pytest.raises(ProjectInUse):
        Project.open(project.path)
    with Project.open(project.path, read_only=True) as reader:
        assert reader.read_only
        session = reader.session(ColourNetworks())
        with pytest.raises(ProjectError, match="opened read-only"):
            session.add_object()


# The video


def test_a_project_and_its_video_can_move_together(project: Project, folder: Path) -> None:
    project.close()
    home = folder / "elsewhere"
    home.mkdir()
    for name in ("squares", "squares.ivos"):
        (folder / name).rename(home / name)
    with Project.open(home / "squares.ivos") as again:
        assert len(again.video) == 8
        assert again.video_identity.path == str((home / "squares").resolve())


def test_a_renamed_video_beside_its_project_is_found_by_its_content(folder: Path) -> None:
    clip = write_clip(folder / "clip.mp4", 12)
    Project.create(folder / "clip.ivos", open_video(clip), clip).close()
    write_clip(folder / "another.mp4", 12, rate=24)
    (folder / "videos").mkdir()
    clip.rename(folder / "videos" / "renamed.mp4")
    with Project.open(folder / "clip.ivos") as project:
        assert len(project.video) == 12
    with Project.open(folder / "clip.ivos") as project:
        assert project.video_identity.relative == str(Path("videos", "renamed.mp4"))


def test_a_lost_video_is_asked_for(project: Project, folder: Path, squares: MovingSquares) -> None:
    work(project, squares)
    project.close()
    far = folder / "archive" / "2024" / "spring"
    far.parent.mkdir(parents=True)
    (folder / "squares").rename(far)
    with Project.open(project.path) as again:
        assert again.export_session()  # needs no video
        with pytest.raises(ProjectError, match=r"not there any more; .* --video PATH") as error:
            again.session(ColourNetworks())
        assert "\n" not in str(error.value)
    with Project.open(project.path, video=far) as again:
        assert len(again.video) == 8
    with Project.open(project.path) as again:
        assert len(again.video) == 8


def test_a_video_that_changed_on_disk_is_not_taken_for_the_old_one(
    project: Project, source: Path
) -> None:
    project.close()
    Image.new("RGB", (64, 48)).save(source / "00000.png")
    with Project.open(project.path) as again:
        with pytest.raises(ProjectError, match=r"is changed since then; .* --video PATH") as error:
            _ = again.video
        assert "\n" not in str(error.value)
    with Project.open(project.path, video=source) as again:  # the person says so
        assert len(again.video) == 8
    with Project.open(project.path) as again:
        assert len(again.video) == 8


def test_a_video_of_other_frames_never_fits(project: Project, folder: Path) -> None:
    project.close()
    other = write_squares(folder / "other", MovingSquares(length=7))
    with pytest.raises(ProjectError, match=r"7 frames of 64x48 instead of 8 frames of 64x48"):
        Project.open(project.path, video=other)
    with Project.open(project.path) as again:  # and the project was not left locked
        assert len(again.video) == 8


def test_looking_for_a_video_never_opens_a_project(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing a file that SQLite has open would drop SQLite's locks on it (POSIX)."""
    clip = write_clip(folder / "clip.mp4", 4)
    Project.create(folder / "a.ivos", open_video(clip), clip).close()
    clip.rename(folder / "decoy.ivos")
    opened: list[str] = []
    original = Path.open

    def watch(self: Path, *args: object, **kwargs: object) -> object:
        opened.append(self.name)
        return original(self, *args, **kwargs)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", watch)
    with Project.open(folder / "a.ivos") as project, pytest.raises(ProjectError):
        _ = project.video
    assert not [name for name in opened if ".ivos" in name]


def test_a_copy_of_a_closed_project_is_a_project(
    project: Project, folder: Path, squares: MovingSquares
) -> None:
    work(project, squares)
    steps = len(project.store.steps())
    project.close()
    shutil.copy(project.path, folder / "copy.ivos")
    with Project.open(folder / "copy.ivos") as copy:
        assert len(copy.store.steps()) == steps


def test_a_project_without_its_entries_is_damaged(project: Project) -> None:
    project.close()
    with closing(ProjectFile.open(project.path)) as file, file.transaction():
        file.write("DELETE FROM about WHERE key = 'video'")
    with pytest.raises(ProjectError, match="damaged"):
        Project.open(project.path)
    assert integrity(project.path) == ["entry 'video' is missing"]


@pytest.mark.parametrize("name", ["Thumbs.db", "masks.csv", "overlay.mp4"])
def test_what_else_comes_to_lie_among_the_images_does_not_change_the_video(
    project: Project, source: Path, name: str
) -> None:
    project.close()
    (source / name).write_bytes(b"something else")
    with Project.open(project.path) as again:
        assert len(again.video) == 8
    (source / "00003.png").write_bytes((source / "00004.png").read_bytes())
    with (
        Project.open(project.path) as again,
        pytest.raises(ProjectError, match="is changed since then"),
    ):
        _ = again.video


def test_a_project_that_knows_its_folder_by_all_files_still_finds_it(
    project: Project, source: Path
) -> None:
    (source / "notes.txt").write_text("as it was when the project was made")
    digest, files = hashlib.sha256(), sorted(source.iterdir())
    for path in files:  # as it was written down once
        digest.update(f"{path.name}\0{path.stat().st_size}\n".encode())
    for path in files:
        digest.update(path.read_bytes())
    identity = replace(
        project.video_identity,
        bytes=sum(path.stat().st_size for path in files),
        samples=digest.hexdigest(),
    )
    project.close()
    file = ProjectFile.open(project.path)
    with closing(file), file.transaction():
        file.set_about("video", identity.to_json())
    with Project.open(project.path) as again:
        assert len(again.video) == 8
