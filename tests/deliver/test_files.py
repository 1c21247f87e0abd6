"""Deliverables appear whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from PIL import Image

from ivos.deliver import KINDS, export
from ivos.deliver.files import new_folder
from ivos.errors import InvalidInput, OutputError
from ivos.video import open_video
from tests.clips import numbered_frame, write_clip
from tests.deliver.made import MadeSource, MadeVideo

needs_extras = {"exr": "OpenEXR"}


def test_a_file_appears_only_when_it_is_done(tmp_path: Path):
    work = export(MadeSource(), "coco", tmp_path / "out.json")
    for progress in work:
        if progress.done < progress.total:
            assert not (tmp_path / "out.json").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_cancelled_export_leaves_nothing(tmp_path: Path, kind: str):
    if kind in needs_extras:
        pytest.importorskip(needs_extras[kind])
    work = export(MadeSource(), kind, tmp_path / "out")
    next(work)
    work.close()
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_overwritten_unless_asked(tmp_path: Path):
    (tmp_path / "out.csv").write_text("precious")
    with pytest.raises(OutputError, match="exists: pass --overwrite"):
        list(export(MadeSource(), "csv", tmp_path / "out.csv"))
    assert (tmp_path / "out.csv").read_text() == "precious"
    list(export(MadeSource(), "csv", tmp_path / "out.csv", overwrite=True))
    assert (tmp_path / "out.csv").read_text().startswith("frame,")


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path):
    list(export(MadeSource(), "davis", tmp_path / "out"))
    with pytest.raises(OutputError, match="exists"):
        list(export(MadeSource(), "davis", tmp_path / "out"))
    list(export(MadeSource(), "davis", tmp_path / "out", overwrite=True, frames="0:2"))
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["00000.png", "00001.png"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_holds_other_things_is_never_overwritten(tmp_path: Path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("years")
    with pytest.raises(OutputError, match=r"holds thesis\.tex"):
        list(export(MadeSource(), "davis", tmp_path / "home", overwrite=True))
    assert (tmp_path / "home" / "thesis.tex").read_text() == "years"


def test_an_empty_folder_may_be_filled(tmp_path: Path):
    (tmp_path / "out").mkdir()
    list(export(MadeSource(), "davis", tmp_path / "out", frames="0:1"))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["00000.png"]


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path):
    (tmp_path / "big").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "big")
    for frames in ("0:2", "0:1"):  # into an empty folder, then over the older export
        list(export(MadeSource(), "davis", tmp_path / "link", frames=frames, overwrite=True))
    assert (tmp_path / "link").is_symlink()
    assert [path.name for path in (tmp_path / "big").iterdir()] == ["00000.png"]
    assert {path.name for path in tmp_path.iterdir()} == {"big", "link"}


@pytest.mark.parametrize("kind", ["csv", "davis"])
@pytest.mark.parametrize("out", [".", "", "..", "new/.."])
def test_a_target_without_a_name_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, out: str
):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    with pytest.raises(OutputError, match="name a file or folder to write with -o"):
        list(export(MadeSource(), kind, out, overwrite=True))
    assert [*tmp_path.rglob("*")] == [here]


def test_a_folder_without_a_name_is_told_before_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    with (
        pytest.raises(OutputError, match="name a file or folder to write with -o"),
        new_folder(Path(), overwrite=True, suffixes=frozenset({".png"})),
    ):
        pass


def test_a_file_where_a_folder_should_be_is_told(tmp_path: Path):
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="is a file: name a folder"):
        list(export(MadeSource(), "davis", tmp_path / "out", overwrite=True))
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(OutputError, match="is a folder: name a file"):
        list(export(MadeSource(), "coco", tmp_path / "folder.json", overwrite=True))


@pytest.mark.parametrize("kind", ["davis", "coco", "webm"])
def test_a_read_only_folder_is_told_in_one_line(
    tmp_path: Path, kind: str, as_nobody: Callable[[], AbstractContextManager[None]]
):
    tmp_path.chmod(0o555)
    with (
        as_nobody(),
        pytest.raises(OutputError, match=r"cannot write .*out.*: no permission") as caught,
    ):
        list(export(MadeSource(), kind, tmp_path / "out"))
    assert "\n" not in str(caught.value)
    tmp_path.chmod(0o755)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="uses a limit that only Linux has")
@pytest.mark.parametrize("kind", ["soft16", "ytvis", "cvat", "csv", "prores4444", "overlay"])
def test_a_full_disk_is_told_in_one_line_and_leaves_nothing(tmp_path: Path, kind: str):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("may not mount a small disk here")
    try:
        with pytest.raises(OutputError, match="the disk is full") as caught:
            list(export(MadeSource(MadeVideo(length=400)), kind, disk / "out"))
        assert "\n" not in str(caught.value)
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


KILLED = """
import os, sys
from pathlib import Path
from ivos.deliver import export
from ivos.video import open_video
from tests.clips import numbered_frame, write_clip
from tests.deliver.made import MadeSource, MadeVideo
kind, out, last = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
for progress in export(MadeSource(MadeVideo(length=40)), kind, out, overwrite=True):
    if progress.done == last:
        os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(os.name == "nt", reason="uses signal 9")
@pytest.mark.parametrize("kind", ["davis", "cvat", "prores4444"])
def test_a_killed_export_leaves_the_old_one_and_the_next_cleans_up(tmp_path: Path, kind: str):
    suffix = "" if KINDS[kind].folder else KINDS[kind].suffixes[0]
    out = tmp_path / f"out{suffix}"
    list(export(MadeSource(), kind, out))
    before = {p: p.read_bytes() for p in [out, *out.rglob("*")] if p.is_file()}
    command = [sys.executable, "-c", KILLED, kind, str(out), "20"]
    root = Path(__file__).parents[2]
    paths = os.pathsep.join([str(root), str(root / "src")])
    environment = os.environ | {"PYTHONPATH": paths}
    assert subprocess.run(command, env=environment, check=False).returncode == -9
    assert {p: p.read_bytes() for p in [out, *out.rglob("*")] if p.is_file()} == before
    assert len(list(tmp_path.iterdir())) == 2  # and what was left behind
    list(export(MadeSource(), kind, out, overwrite=True))
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def images(folder: Path, count: int = 3) -> Path:
    folder.mkdir()
    for frame in range(count):
        Image.fromarray(numbered_frame(frame)).save(folder / f"{frame:05d}.png")
    return folder


@pytest.mark.parametrize("out", ["fr", "fr/masks", "fr/../fr", "link"])
def test_no_export_replaces_the_frames_that_it_is_made_from(tmp_path: Path, out: str):
    video = open_video(images(tmp_path / "fr"))
    (tmp_path / "link").symlink_to(tmp_path / "fr")
    with pytest.raises(OutputError, match="is never overwritten: choose another -o"):
        export(MadeSource(video), "davis", tmp_path / out, overwrite=True)
    assert sorted(path.name for path in (tmp_path / "fr").iterdir()) == [
        f"{frame:05d}.png" for frame in range(3)
    ]


def test_no_export_replaces_the_folder_that_its_frames_are_links_to(tmp_path: Path):
    images(tmp_path / "originals")
    (tmp_path / "fr").mkdir()
    for path in (tmp_path / "originals").iterdir():
        (tmp_path / "fr" / path.name).symlink_to(path)
    source = MadeSource(open_video(tmp_path / "fr"))
    with pytest.raises(OutputError, match="never overwritten"):
        export(source, "davis", tmp_path / "originals", overwrite=True)
    with pytest.raises(OutputError, match="never overwritten"):
        export(MadeSource(open_video(tmp_path / "fr")), "davis", tmp_path, overwrite=True)


def test_no_export_replaces_the_video_that_it_is_made_from(tmp_path: Path):
    clip = write_clip(tmp_path / "clip.mp4", 4)
    before = clip.read_bytes()
    (tmp_path / "other.mp4").hardlink_to(clip)
    for name in ("clip.mp4", "clip", "other.mp4"):
        with pytest.raises(OutputError, match="never overwritten"):
            export(MadeSource(open_video(clip)), "overlay", tmp_path / name, overwrite=True)
    assert clip.read_bytes() == before


def test_a_name_that_is_too_long_for_the_disk_is_told(tmp_path: Path):
    with pytest.raises(OutputError, match="too long for this disk: choose a shorter one with -o"):
        list(export(MadeSource(), "csv", tmp_path / ("x" * 300)))


def test_a_device_is_never_replaced(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(OutputError, match="is a device or a pipe"):
        list(export(MadeSource(), "csv", tmp_path / "pipe.csv", overwrite=True))


@pytest.mark.parametrize(
    ("kind", "option", "value"),
    [
        ("webm", "grow", float("nan")),
        ("webm", "feather", float("nan")),
        ("webm", "shrink", float("inf")),
        ("cvat", "tolerance", float("inf")),
        ("csv", "scale", 1e308),
        ("csv", "scale", 1e-320),
        ("gif", "fps", float("nan")),
        ("overlay", "opacity", float("nan")),
    ],
)
def test_numbers_that_cannot_be_are_told(tmp_path: Path, kind: str, option: str, value: float):
    with pytest.raises(InvalidInput):
        export(MadeSource(), kind, tmp_path / "out", **{option: value})
