"""Each mistake is one line on stderr and an exit code, and leaves nothing behind."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import LENGTH
from tests.clips import write_clip, write_tone

STROKE = {"path": [[0.2, 0.3], [0.4, 0.5]], "object_id": 1}


def on_frame(frame: int, stroke: dict[str, Any], length: int = LENGTH) -> str:
    frames: list[list[object]] = [[] for _ in range(length)]
    frames[frame].append(stroke)
    return json.dumps({"sequence": "x", "scribbles": frames})


BAD_SCRIBBLES = {
    "outside the frame": (on_frame(2, {**STROKE, "path": [[0.5, 1.5]]}), "outside the frame"),
    "negative": (on_frame(2, {**STROKE, "path": [[-0.1, 0.5]]}), "outside the frame"),
    "in pixels": (on_frame(2, {**STROKE, "path": [[120, 80]]}), "fractions"),
    "not a number": (on_frame(2, {**STROKE, "path": [[float("nan"), 0.5]]}), "path"),
    "no such frame": (on_frame(LENGTH, STROKE, LENGTH + 1), "frame 8"),
    "unknown key": (on_frame(2, {**STROKE, "colour": "red"}), "unknown key colour"),
    "id too high": (on_frame(2, {**STROKE, "object_id": 255}), "255"),
    "id far too high": (on_frame(2, {**STROKE, "object_id": 1000}), "1000"),
    "id not whole": (on_frame(2, {**STROKE, "object_id": 1.5}), "1.5"),
    "no path": (on_frame(2, {**STROKE, "path": []}), "point"),
    "no strokes": (json.dumps({"scribbles": [[] for _ in range(LENGTH)]}), "no strokes"),
    "background only": (on_frame(2, {**STROKE, "object_id": 0}), "no strokes on any object"),
    "empty list": ("[]", "no strokes"),
    "empty file": ("", "not JSON"),
    "not JSON": ("{scribbles", "not JSON"),
    "other JSON": ('{"answer": 42}', "answer"),
    "a number": ("42", "scribbles"),
    "missing": (None, "no such file"),
}


@pytest.mark.parametrize("name", BAD_SCRIBBLES)
def test_scribbles_that_cannot_be_used_are_refused(ivos, clip, tmp_path, name):
    content, expected = BAD_SCRIBBLES[name]
    if content is not None:
        (tmp_path / "bad.json").write_text(content)
    code, stdout, stderr = ivos(
        "segment", clip, "-s", tmp_path / "bad.json", "-o", tmp_path / "out"
    )
    assert (code, stdout) == (2, "")
    assert expected in stderr
    assert stderr.startswith("error: ")
    assert stderr.count("\n") == 1
    left_behind(tmp_path, {"bad.json", clip.name} if content is not None else {clip.name})


def cut_off(path: Path) -> None:
    whole = write_clip(path, 30, options={"g": "12"}).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


BAD_VIDEOS: dict[str, Callable[[Path], object]] = {
    "missing.mp4": lambda path: None,
    "empty.mp4": lambda path: path.touch(),
    "cut-off.mp4": cut_off,
    "text.mp4": lambda path: path.write_text("not a video"),
    "sound.wav": write_tone,
    "folder": Path.mkdir,
}


@pytest.mark.parametrize("name", BAD_VIDEOS)
def test_what_is_not_a_video_is_refused(ivos, scribbles, tmp_path, name):
    BAD_VIDEOS[name](tmp_path / name)
    before = {path.name for path in tmp_path.iterdir()}
    code, stdout, stderr = ivos("segment", tmp_path / name, "-s", scribbles, "-o", tmp_path / "out")
    assert (code, stdout, stderr.count("\n")) == (2, "", 1)
    assert str(tmp_path / name) in stderr
    left_behind(tmp_path, before)


@pytest.mark.parametrize("frames", ["5", "a:b", "5:2", "0:99", "-3:2", "3:3", "::", "1:2:3"])
def test_frames_that_are_not_there_are_refused(ivos, clip, scribbles, tmp_path, frames):
    code, _, stderr = ivos(
        "segment", clip, "-s", scribbles, "-o", tmp_path / "out", f"--frames={frames}"
    )
    assert (code, stderr.count("\n")) == (2, 1)
    assert f"--frames {frames}" in stderr


def test_strokes_outside_the_asked_frames_are_refused(ivos, clip, scribbles, tmp_path):
    code, _, stderr = ivos(
        "segment", clip, "-s", scribbles, "-o", tmp_path / "out", "--frames", "5:8"
    )
    assert (code, stderr.count("\n")) == (2, 1)
    assert "frame 3" in stderr


@pytest.mark.parametrize(
    "words",
    [[], ["segment"], ["segment", "x.mp4"], ["dance"], ["segment", "x", "--runtime", "cuda"]],
    ids=["nothing", "no video", "no scribbles", "unknown verb", "unknown runtime"],
)
def test_bad_usage_is_one_line_and_exit_code_2(ivos, words):
    code, stdout, stderr = ivos(*words)
    assert (code, stdout, stderr.count("\n")) == (2, "", 1)
    assert "--help" in stderr


def test_too_few_threads_are_refused(ivos, clip, scribbles, tmp_path):
    code, _, stderr = ivos("segment", clip, "-s", scribbles, "-o", tmp_path / "o", "--threads", 0)
    assert (code, stderr.count("\n")) == (2, 1)


@pytest.mark.real_weights
def test_unknown_weights_name_those_that_exist(ivos, clip, scribbles, tmp_path):
    code, _, stderr = ivos(
        "segment", clip, "-s", scribbles, "-o", tmp_path / "out", "--weights", "huge"
    )
    assert (code, stderr.count("\n")) == (1, 1)
    assert "'huge'" in stderr
    left_behind(tmp_path, {clip.name, scribbles.name})


def test_a_folder_that_may_not_be_written_is_said(ivos, clip, scribbles, tmp_path, as_nobody):
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    for path in (clip, scribbles):
        path.chmod(0o644)
    with as_nobody():
        code, _, stderr = ivos("segment", clip, "-s", scribbles, "-o", locked / "out")
    assert (code, stderr.count("\n")) == (1, 1)
    assert "permission" in stderr
    left_behind(locked, set())


def test_an_output_inside_a_file_is_said(ivos, clip, scribbles, tmp_path):
    code, _, stderr = ivos("segment", clip, "-s", scribbles, "-o", scribbles / "out")
    assert (code, stderr.count("\n")) == (1, 1)
    code, _, stderr = ivos("segment", clip, "-s", scribbles, "-o", scribbles, "--overwrite")
    assert (code, stderr.count("\n")) == (1, 1)
    assert json.loads(scribbles.read_text())


@pytest.mark.parametrize("limit", [200, 1500], ids=["masks do not fit", "overlay does not fit"])
def test_a_full_disk_is_said_and_nothing_half_is_left(clip, scribbles, tmp_path, limit):
    before = {path.name for path in tmp_path.iterdir()}
    code = """if True:
        import sys
        from ivos.runtime import weights
        from tests.fakes import ColourNetworks
        weights.load = lambda *_, **__: ColourNetworks()
        from ivos.cli import main
        sys.exit(main(sys.argv[1:]))"""
    words = [clip, "-s", scribbles, "-o", tmp_path / "out"]
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, "segment", *words],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == 1, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert "write" in last or "written" in last
    assert "Traceback" not in done.stderr
    left_behind(tmp_path, before)


def test_stopping_leaves_nothing_behind(ivos, clip, scribbles, tmp_path, monkeypatch):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt  # what Ctrl-C does, also where the tests run in the background

    monkeypatch.setattr("ivos.masks.write_label_map", stop)
    code, _, stderr = ivos("segment", clip, "-s", scribbles, "-o", tmp_path / "out")
    assert code == 130
    assert stderr.endswith("error: stopped\n")
    left_behind(tmp_path, {clip.name, scribbles.name})


def left_behind(folder: Path, allowed: set[str]) -> None:
    """Nothing but what was there lies in ``folder``, hidden or not."""
    assert {path.name for path in folder.iterdir()} <= allowed
