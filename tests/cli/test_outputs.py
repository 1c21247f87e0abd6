"""What the verbs write never replaces what it is made from, nor anything else unless told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ivos.project import Project
from ivos.video import open_video
from tests.cli.conftest import davis, write_video
from tests.fakes import ColourNetworks


@pytest.fixture
def project(clip: Path, tmp_path: Path) -> Path:
    path = tmp_path / "squares.ivos"
    Project.create(path, open_video(clip), clip).close()
    return path


def test_segment_never_replaces_the_frames_that_it_is_given(ivos, squares, tmp_path):
    frames = tmp_path / "out" / "masks"
    frames.mkdir(parents=True)
    for frame in range(len(squares)):
        Image.fromarray(squares[frame]).save(frames / f"{frame:05d}.png")
    (tmp_path / "strokes.json").write_text(json.dumps(davis({3: squares.drawn(3)})))
    code, _, stderr = ivos(
        "segment", frames, "-s", tmp_path / "strokes.json", "-o", tmp_path / "out", "--overwrite"
    )
    assert code == 1
    assert "which this is made from, is or lies there and is never overwritten" in stderr
    with Image.open(frames / "00003.png") as image:
        np.testing.assert_array_equal(np.array(image), squares[3])


def test_segment_takes_names_with_a_colon(ivos, squares, scribbles, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_video(Path("clip.mkv"), squares).rename("10:30.mkv")
    assert ivos("segment", "10:30.mkv", "-s", scribbles, "-o", "a:b")[0] == 0
    assert (tmp_path / "a:b" / "overlay.mp4").is_file()


def test_what_segment_cannot_write_is_told_by_the_name_that_was_given(
    ivos, clip, scribbles, tmp_path, monkeypatch
):
    import av

    def refuses(*_: object, **__: object) -> None:
        raise av.error.InvalidDataError(1, "no such thing", "x")

    monkeypatch.setattr("ivos.deliver.movies.MovieWriter", refuses)
    code, _, stderr = ivos("segment", clip, "-s", scribbles, "-o", tmp_path / "out")
    assert code == 1
    assert stderr.splitlines()[-1].startswith(f"error: cannot write {tmp_path / 'out'}: FFmpeg")
    assert "--audio" not in stderr


def test_an_export_never_replaces_the_project(ivos, project, tmp_path):
    with Project.open(project) as opened:
        opened.session(ColourNetworks()).add_object()
    disguised = project.rename(tmp_path / "work.csv")
    before = disguised.read_bytes()
    code, _, stderr = ivos("export", disguised, "csv", "-o", disguised, "--overwrite")
    assert code == 1
    assert "which this is made from, is or lies there and is never overwritten" in stderr
    assert disguised.read_bytes() == before


def test_a_log_replaces_a_file_only_when_told(ivos, project, tmp_path):
    log = tmp_path / "log.json"
    log.write_text("mine")
    code, _, stderr = ivos("project", project, "--log", log)
    assert code == 1
    assert "pass --overwrite to replace it, or choose another --log" in stderr
    assert log.read_text() == "mine"
    assert ivos("project", project, "--log", log, "--overwrite")[0] == 0
    assert json.loads(log.read_text())["steps"] == []


@pytest.mark.parametrize("name", ["squares.ivos", "squares.mkv", "link"])
def test_a_log_never_replaces_the_project_or_its_video(ivos, project, tmp_path, name):
    (tmp_path / "link").symlink_to(project)
    before = (tmp_path / name).read_bytes()
    code, _, stderr = ivos("project", project, "--log", tmp_path / name, "--overwrite")
    assert code == 1
    assert "is never overwritten: choose another --log" in stderr
    assert (tmp_path / name).read_bytes() == before


@pytest.mark.parametrize("out", ["-", "/dev/stdout"])
def test_a_log_may_go_to_stdout(ivos, project, tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    code, stdout, _ = ivos("project", project, "--log", out)
    assert code == 0
    assert json.loads(stdout)["steps"] == []
    assert not Path("-").exists()
    code, _, stderr = ivos("project", project, "--log", out, "--json")
    assert code == 2
    assert "both write to stdout" in stderr


@pytest.mark.parametrize("flag", ["--json", "--csv", "--plot"])
def test_an_evaluation_replaces_a_file_only_when_told(ivos, project, tmp_path, flag):
    pytest.importorskip("skimage")
    from tests.evaluate.made import write_sequence

    write_sequence(tmp_path, "a", length=1)
    words = ["evaluate", tmp_path, "--method", "grabcut-flow", "--rounds", 1, flag, project]
    before = project.read_bytes()
    code, _, stderr = ivos(*words)
    assert code == 1
    assert f"pass --overwrite to replace it, or choose another {flag}" in stderr
    assert stderr.count("\n") == 1  # said before the work begins
    assert project.read_bytes() == before
    assert ivos(*words, "--overwrite")[0] == 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("serve", "{clip}", "--port", 99999), "--port 99999: give 1 to 65535"),
        (("serve", "{clip}", "--port", -1), "--port -1: give 1 to 65535"),
        (("serve", "{clip}", "--threads", 0), "0 threads are too few"),
        (("replay", "{project}", "--threads", 0), "0 threads are too few"),
        (("evaluate", "{clip}", "--threads", -2), "-2 threads are too few"),
        (("project", "new.ivos", "--create", "{frames}", "--fps", "inf"), "inf frames a second"),
        (("project", "new.ivos", "--create", "{frames}", "--fps", "nan"), "nan frames a second"),
    ],
)
def test_numbers_that_cannot_be_are_told_in_one_line(
    ivos, clip, project, tmp_path, squares, monkeypatch, words, expected
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "frames").mkdir()
    Image.fromarray(squares[0]).save(tmp_path / "frames/0.png")
    places = {"clip": clip, "project": project, "frames": tmp_path / "frames"}
    code, _, stderr = ivos(*(str(word).format(**places) for word in words))
    assert code == 2
    assert expected in stderr
    assert stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are always text")
@pytest.mark.parametrize("kind", ["coco", "ytvis", "youtube-vos", "cvat", "csv", "davis"])
def test_a_name_that_is_no_text_does_not_end_in_a_traceback(clip, tmp_path, kind):
    named = os.fsencode(tmp_path) + b"/caf\xe9.mkv"
    clip.rename(os.fsdecode(named))
    code = (
        "import os, sys\n"
        "from tests.deliver.made import MadeSource\n"
        "from ivos.deliver import export\n"
        "from ivos.video import open_video\n"
        "video = open_video(os.fsdecode(sys.argv[1]))\n"
        "list(export(MadeSource(video), sys.argv[2], sys.argv[3]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, named, kind, tmp_path / "out"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for path in tmp_path.glob("out*"):
        if path.is_file():
            path.read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are always text")
def test_a_name_that_is_no_text_can_be_shown(clip, tmp_path):
    named = os.fsencode(tmp_path) + b"/caf\xe9.mkv"
    clip.rename(os.fsdecode(named))
    for words in (["--create", named], ["--json"], ["--log", "-"]):
        done = subprocess.run(
            [sys.executable, "-m", "ivos.cli", "project", tmp_path / "new.ivos", *words],
            check=False,
            capture_output=True,
            env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"},
        )
        assert done.returncode == 0, done.stderr
        assert b"caf" in done.stdout
