"""What is not a video is said in one line that names the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from ivos.errors import VideoError
from ivos.video import open_video
from tests.clips import write_clip, write_tone


def _cut(path: Path, part: float, **how: object) -> None:
    whole = write_clip(path, 30, options={"g": "12"}, **how).read_bytes()  # type: ignore[arg-type]
    path.write_bytes(whole[: int(len(whole) * part)])


def _without_frames(path: Path) -> None:
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        output.start_encoding()


def _noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(20_000))


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing.mp4": (lambda path: None, "no such file"),
    "empty.mp4": (lambda path: path.write_bytes(b""), "empty"),
    "no-index.mp4": (lambda path: _cut(path, 0.5), "cut off|no picture"),
    "cut-off.mp4": (lambda path: _cut(path, 0.7, container={"movflags": "faststart"}), "cut off"),
    "cut-off.mkv": (lambda path: _cut(path, 0.5), "cut off"),
    "text.mp4": (lambda path: path.write_text("not a video\n" * 99), "not a video"),
    "text.txt": (lambda path: path.write_text("not a video\n" * 99), "not a video"),
    "noise.mov": (_noise, "not a video"),
    "sound.wav": (write_tone, "sound but no picture"),
    "no-frames.mkv": (_without_frames, "no frames|no picture|not a video"),
    "play-list.m3u8": (
        lambda path: path.write_text("#EXTM3U\n#EXTINF:9,\nhttp://localhost:9/a.ts\n"),
        "not a video|no picture",
    ),
    "empty.png": (lambda path: path.write_bytes(b""), "not an image"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_a_video_is_refused_in_one_line(tmp_path: Path, name: str):
    make, expected = BAD[name]
    make(tmp_path / name)
    with pytest.raises(VideoError, match=expected) as caught:
        open_video(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["clip.mp4", "folder"])
def test_what_may_not_be_read_is_said(tmp_path: Path, as_nobody: Callable, name: str):
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
    else:
        write_clip(path, 3)
    path.chmod(0)
    try:
        with as_nobody(), pytest.raises(VideoError, match="not allowed|cannot be read"):
            open_video(path)
    finally:
        path.chmod(0o700)


def test_a_recording_that_was_cut_out_of_a_broadcast_plays_what_it_has(tmp_path: Path):
    path = write_clip(tmp_path / "broadcast.ts", 40, options={"g": "10", "bf": "0"})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3 // 188 * 188])
    with open_video(path) as video:
        assert 20 <= len(video) < 40
        assert video[len(video) - 1].shape == (48, 64, 3)


def test_names_that_look_like_addresses_or_options_are_file_names(tmp_path: Path):
    for name in ("concat:a.mp4", "-i.mp4", "a%03d.mp4", "ä ö.mp4"):
        write_clip(tmp_path / "clip.mp4", 2)
        (tmp_path / "clip.mp4").replace(tmp_path / name)
        with open_video(tmp_path / name) as video:
            assert len(video) == 2
