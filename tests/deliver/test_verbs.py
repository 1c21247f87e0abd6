"""ivos export and ivos import: from files to a project and out again."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from ivos.cli import main
from ivos.cli.export import FLAGS
from ivos.deliver import KINDS, export
from ivos.deliver.files import write_png
from ivos.project import Project
from ivos.project.replay import replay
from ivos.runtime import weights
from ivos.session.view import SessionView
from ivos.video import open_video
from tests.clips import write_clip
from tests.deliver.made import MadeSource, MadeVideo, pixels
from tests.fakes import ColourNetworks


@pytest.fixture(autouse=True)
def _no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "load", lambda *_, **__: ColourNetworks())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project on a numbered clip, into which masks were imported on the command line."""
    clip = write_clip(tmp_path / "clip.mp4", 12)
    list(export(MadeSource(), "youtube-vos", tmp_path / "masks"))
    path = tmp_path / "clip.ivos"
    assert main(["import", str(path), str(tmp_path / "masks"), "--video", str(clip)]) == 0
    return path


def test_masks_go_in_and_come_out_the_same(
    tmp_path: Path, project: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "{name}_{kind}"
    assert main(["export", str(project), "davis", "-o", str(out), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    folder = tmp_path / "clip_davis"
    assert result == {"kind": "davis", "out": [str(folder)], "frames": 12}
    for frame in range(12):
        np.testing.assert_array_equal(
            pixels(folder / f"{frame:05d}.png"), MadeSource().labels(frame)
        )


def test_options_reach_the_export(tmp_path: Path, project: Path):
    out = tmp_path / "out"
    command = ["export", str(project), "exr", "-o", str(out), "--frames", "3:5", "--object", "dog"]
    command += ["--start-frame", "101", "--no-colour", "--edges", "hard", "--grow", "1"]
    exr = pytest.importorskip("OpenEXR")
    assert main(command) == 0
    assert sorted(path.name for path in out.iterdir()) == ["clip.0104.exr", "clip.0105.exr"]
    with exr.File(str(out / "clip.0104.exr"), separate_channels=True) as file:
        assert file.channels().keys() == {"A", "dog.A"}


def test_every_option_has_a_flag_and_every_flag_is_an_option():
    assert {field.name for kind in KINDS.values() for field in fields(kind.options)} == set(FLAGS)


def test_the_list_names_every_kind(capsys: pytest.CaptureFixture[str]):
    assert main(["export", "--list"]) == 0
    text = capsys.readouterr().out
    assert all(f"\n{name} " in f"\n{text}" for name in KINDS)
    assert main(["export", "--list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["kind"] for row in rows] == list(KINDS)


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (["export"], 2, "ivos export PROJECT KIND -o OUT"),
        (["export", "{p}", "avi", "-o", "{t}/x"], 2, "no kind of export is called 'avi'"),
        (["export", "{p}", "csv", "-o", "{t}/x", "--crf", "3"], 2, "csv has no option crf"),
        (["export", "{p}", "webm", "-o", "{t}/x.mp4"], 2, "webm is written as .webm"),
        (["export", "{t}/none.ivos", "csv", "-o", "{t}/x"], 1, "none.ivos"),
        (["export", "{p}", "csv", "-o", "{p}/x"], 1, "part of that path is a file"),
        (["import", "{t}/new.ivos", "{t}/masks"], 2, "pass --video VIDEO to make it"),
        (["import", "{p}", "{t}/nowhere"], 2, "nowhere: no such file or folder"),
        (["import", "{p}", "{t}/masks", "--form", "x"], 2, "no form of masks is called 'x'"),
    ],
)
def test_mistakes_are_one_line(
    tmp_path: Path,
    project: Path,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    code: int,
    words: str,
):
    capsys.readouterr()
    assert main([part.format(p=project, t=tmp_path) for part in command]) == code
    text = capsys.readouterr().err
    assert text.startswith("error: ")
    assert text.count("\n") == 1
    assert words in text


def test_an_import_is_undone_and_replayed_like_any_step(tmp_path: Path, project: Path):
    with Project.open(project) as opened:
        assert len(opened.store.steps()) == 1
        log = opened.log()
        with Project.create(
            tmp_path / "again.ivos", open_video(tmp_path / "clip.mp4"), tmp_path / "clip.mp4"
        ) as again:
            (step,) = replay(log, again, ColourNetworks())
            assert (step.kind, step.masks, step.different) == ("import", 24, ())
            view = SessionView(again.video, again.store)
            np.testing.assert_array_equal(view.labels(6), MadeSource().labels(6))
            assert [item.name for item in view.objects] == ["dog", "cat"]
    assert main(["project", str(project), "--undo"]) == 0
    with Project.open(project, read_only=True) as opened:
        assert opened.store.state().objects == ()


def test_scribbles_and_annotated_masks_can_be_imported(tmp_path: Path, project: Path):
    strokes = {
        "scribbles": [[{"object_id": 3, "path": [[0.1, 0.2], [0.2, 0.3]]}]] + [[]] * 11,
        "sequence": "clip",
    }
    (tmp_path / "strokes.json").write_text(json.dumps(strokes))
    assert main(["import", str(project), str(tmp_path / "strokes.json")]) == 0
    mask = tmp_path / "masks/Annotations/clip/00006.png"
    assert main(["import", str(project), str(mask), "--annotate"]) == 0
    with Project.open(project, read_only=True) as opened:
        kinds = [step.action.kind for step in opened.store.steps()]
        assert kinds == ["import", "interact", "import"]
        assert SessionView(opened.video, opened.store).annotated_frames == (0, 6)


def test_annotated_masks_find_their_object_by_name(tmp_path: Path, project: Path):
    mask = tmp_path / "masks/Annotations/clip/00006.png"
    command = ["import", str(project), str(mask), "--form", "binary", "--annotate"]
    for name, frame in (("bird", 2), ("dog", 4), ("bird", 5)):
        assert main([*command, "--object", name, "--frame", str(frame)]) == 0
    with Project.open(project, read_only=True) as opened:
        view = SessionView(opened.video, opened.store)
        assert {item.object_id: item.name for item in view.objects} == {
            1: "bird",
            3: "dog",
            7: "cat",
        }
        assert view.annotated_frames == (2, 4, 5)


def test_annotated_masks_of_many_frames_are_one_step_that_replays(tmp_path: Path, project: Path):
    white, before = np.full((48, 64), 255, np.uint8), tmp_path / "before.png"
    write_png(before, white)
    for name, frames in (("a", (1, 2)), ("b", (2, 3))):  # on frame 1, b has to give way to a
        (tmp_path / "both" / name).mkdir(parents=True)
        for frame in frames:
            write_png(tmp_path / f"both/{name}/{frame:05d}.png", white)
    assert main(["import", str(project), str(before), "--object", "b", "--frame", "1"]) == 0
    assert main(["import", str(project), str(tmp_path / "both"), "--annotate"]) == 0
    clip = tmp_path / "clip.mp4"
    with (
        Project.open(project) as opened,
        Project.create(tmp_path / "again.ivos", open_video(clip), clip) as again,
    ):
        assert SessionView(opened.video, opened.store).annotated_frames == (1, 2, 3)
        results = list(replay(opened.log(), again, ColourNetworks()))
        assert [result.different for result in results] == [(), (), ()]
        assert again.store.state().to_json() == opened.store.state().to_json()
    assert main(["project", str(project), "--undo"]) == 0
    with Project.open(project, read_only=True) as opened:
        view = SessionView(opened.video, opened.store)
        assert view.annotated_frames == ()
        assert [item.name for item in view.objects] == ["b", "dog", "cat"]


def test_a_first_import_that_fails_leaves_no_project(
    tmp_path: Path, project: Path, capsys: pytest.CaptureFixture[str]
):
    other = write_clip(tmp_path / "other.mp4", 12, size=(96, 128))
    path = tmp_path / "new.ivos"
    command = ["import", str(path), str(tmp_path / "masks"), "--video"]
    before = {*tmp_path.iterdir()}
    assert main([*command, str(other)]) == 2
    assert "pass --resize to stretch it" in capsys.readouterr().err
    assert {*tmp_path.iterdir()} == before
    assert main([*command, str(tmp_path / "clip.mp4")]) == 0
    kept = project.stat()
    assert main(["import", str(project), str(tmp_path / "nowhere")]) == 2
    assert project.stat().st_ino == kept.st_ino


KILLED = """
import os, signal, sys, threading
from pathlib import Path
from ivos.deliver import export
from tests.deliver.made import MadeSource, MadeVideo
kind, out, seconds = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
work = export(MadeSource(MadeVideo(length=400)), kind, out)
next(work)
threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()
for _ in work:
    pass
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name == "nt", reason="uses signal 9")
def test_kills_at_random_moments_never_leave_half_a_deliverable(tmp_path: Path):
    rng = random.Random(5)
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), str(root / "src")])}
    whole = {}
    for kind, name in (("ytvis", "a.json"), ("mots", "b"), ("matte", "c.mkv")):
        reference = tmp_path / f"whole-{name}"
        list(export(MadeSource(MadeVideo(length=400)), kind, reference))
        whole[name] = size_of(reference)
        command = [sys.executable, "-c", KILLED, kind, str(tmp_path / name)]
        seconds = str(rng.uniform(0, 0.2))
        done = subprocess.run([*command, seconds], env=environment, check=False)
        assert done.returncode == -9
        assert not (tmp_path / name).exists() or size_of(tmp_path / name) == whole[name]


def size_of(path: Path) -> int:
    return sum(file.stat().st_size for file in [path, *path.rglob("*")] if file.is_file())


def test_the_documents_name_every_kind_and_only_flags_that_exist():
    docs = Path(__file__).parents[2] / "docs"
    table = (docs / "reference/formats.md").read_text(encoding="utf-8")
    assert [name for name in KINDS if f"| `{name}` |" not in table] == []
    words = table + (docs / "guides/export.md").read_text(encoding="utf-8")
    flags = {flag.lstrip("-").replace("-", "_") for flag in re.findall(r"--[a-z][a-z-]+", words)}
    of_import = {"video", "form", "object", "frame", "annotate", "resize", "list"}
    assert flags - set(FLAGS) - of_import == set()


def strokes(*frames: int, length: int = 12) -> str:
    stroke = {"object_id": 3, "path": [[0.1, 0.2], [0.2, 0.3]]}
    drawn = [[stroke] if frame in frames else [] for frame in range(length)]
    return json.dumps({"scribbles": drawn, "sequence": "clip"})


def test_scribbles_come_in_all_or_not_at_all(
    tmp_path: Path, project: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "s.json").write_text(strokes(1, 13, length=14))
    assert main(["import", str(project), str(tmp_path / "s.json")]) == 2
    assert "strokes on frame 13, but the video has frames 0..11" in capsys.readouterr().err
    with Project.open(project, read_only=True) as opened:
        assert len(opened.store.steps()) == 1


@pytest.mark.parametrize(
    ("masks", "option", "form"),
    [
        ("s.json", ["--annotate"], "scribbles"),
        ("s.json", ["--frame", "0"], "scribbles"),
        ("s.json", ["--start-frame", "0"], "scribbles"),
        ("s.json", ["--object", "dog"], "scribbles"),
        ("s.json", ["--resize"], "scribbles"),
        ("masks/Annotations/clip", ["--object", "dog"], "davis"),
        ("masks", ["--object", "dog"], "youtube-vos"),
    ],
)
def test_an_option_that_would_change_nothing_is_refused(
    tmp_path: Path,
    project: Path,
    capsys: pytest.CaptureFixture[str],
    masks: str,
    option: list[str],
    form: str,
):
    (tmp_path / "s.json").write_text(strokes(1))
    capsys.readouterr()
    assert main(["import", str(project), str(tmp_path / masks), *option]) == 2
    text = capsys.readouterr().err
    assert f"{option[0]} says nothing to {tmp_path / masks}, read as {form}: leave it out" in text
    assert text.count("\n") == 1
