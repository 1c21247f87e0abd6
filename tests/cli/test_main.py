"""The command line itself: it starts fast, and says what it can."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ivos import __version__
from ivos.cli import build_parser
from tests.clips import write_clip

HEAVY = ("torch", "onnxruntime", "cv2", "av", "numpy", "PIL", "fastapi", "uvicorn")


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_the_command_line_starts_without_anything_heavy(word: str):
    code = f"""if True:
        import sys
        from ivos.cli import main
        try:
            main([{word!r}])
        except SystemExit as stop:
            assert not stop.code
        print(*sorted(set({HEAVY}) & set(sys.modules)), file=sys.stderr)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""
    assert "ivos" in done.stdout


def test_the_version_is_that_of_the_package(ivos):
    assert ivos("--version") == (0, f"ivos {__version__}\n", "")


def test_the_readme_names_every_verb():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    verbs = re.findall(r"^    (\w+) {2,}", build_parser().format_help(), re.MULTILINE)
    assert "segment" in verbs
    assert [verb for verb in verbs if f"ivos {verb}" not in readme] == []


def test_the_modules_also_run_without_the_script():
    done = subprocess.run(
        [sys.executable, "-m", "ivos.cli", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"ivos {__version__}\n"


def test_a_reader_that_goes_away_is_no_traceback(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", 2)
    words = [sys.executable, "-u", "-m", "ivos.cli", "info", str(path), "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.close()
        assert run.stderr.read() == ""
    assert run.returncode == 1


def test_info_says_what_a_video_is(ivos, tmp_path):
    path = write_clip(tmp_path / "clip.mp4", 12)
    code, stdout, _ = ivos("info", path, "--json")
    told = json.loads(stdout)
    assert code == 0
    assert (told["frames"], told["width"], told["height"]) == (12, 64, 48)
    assert told["fps"] == pytest.approx(25)
    assert told["seconds"] == pytest.approx(12 / 25)
    assert (told["codec"], told["rotation"], told["last_name"]) == ("h264", 0, "00011")
    code, stdout, _ = ivos("info", path)
    assert (code, stdout) == (0, "clip: 12 frames of 64x48, 25.000 frames a second, 0.48 s\n")


def test_info_on_what_is_not_a_video_is_one_line(ivos, tmp_path):
    code, stdout, stderr = ivos("info", tmp_path / "missing.mp4")
    assert (code, stdout) == (2, "")
    assert stderr == f"error: {tmp_path}/missing.mp4: no such file or folder\n"


def test_doctor_looks_at_python_packages_codecs_and_disks(ivos):
    _, stdout, _ = ivos("doctor", "--json")
    found = {finding["what"]: finding["ok"] for finding in json.loads(stdout)}
    for what in ("python", "numpy", "onnxruntime", "av", "codec h264", "codec libx264"):
        assert found[what], what
    assert {"disk for this folder", "weights ivos-compact"} <= set(found)


def test_doctor_tells_damaged_weights_and_how_to_mend_them(ivos, tmp_path, monkeypatch):
    folder = tmp_path / "ivos-compact"
    folder.mkdir()
    (folder / "interact.onnx").write_bytes(b"damaged")
    (folder / "card.json").write_text(json.dumps({"files": {"interact.onnx": "0" * 64}}))
    monkeypatch.setattr("ivos.runtime.weights.names", lambda: ["ivos-compact"])
    monkeypatch.setattr("ivos.runtime.weights.find", lambda _: folder)
    code, stdout, stderr = ivos("doctor")
    assert code == 1
    assert "BAD  weights ivos-compact" in stdout
    assert "install ivos again" in stdout
    assert "checks failed" in stderr


def test_doctor_on_what_is_not_a_project_is_one_line(ivos, tmp_path):
    (tmp_path / "film.ivos").write_text("not a project")
    for name in ("film.ivos", "missing.ivos"):
        code, stdout, stderr = ivos("doctor", tmp_path / name)
        assert (code, stdout, stderr.count("\n")) == (1, "", 1)
