"""Video files: frames are exact, whatever the codec, the container and the order of reading."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from ivos.errors import VideoError
from ivos.types import Video
from ivos.video import VideoFile, open_video
from tests.clips import numbered_frame, read_number, shuffled, write_clip

COUNT = 30
H264 = {"bf": "3", "g": "12", "preset": "veryfast"}
CLIPS: dict[str, dict[str, Any]] = {
    "b-frames.mp4": {"options": H264},
    "b-frames.mkv": {"options": H264},
    "b-frames.avi": {"options": H264},
    "b-frames.ts": {"options": H264},
    "bare-stream.h264": {"options": H264},
    "open-gop.mp4": {"options": {**H264, "x264-params": "open-gop=1"}},
    "one-keyframe.mp4": {"options": {**H264, "g": "300", "sc_threshold": "0"}},
    "fragments.mp4": {"options": H264, "container": {"movflags": "frag_keyframe+empty_moov"}},
    "variable-rate.mp4": {"options": H264, "pts": [10 * t + t * t % 7 for t in range(COUNT)]},
    "starts-late.mkv": {"options": H264, "pts": [10 * t + 1000 for t in range(COUNT)]},
    "starts-late.mp4": {"options": H264, "pts": [10 * t + 1000 for t in range(COUNT)]},
    "dropped-frames.mp4": {"options": H264, "pts": [10 * t + 300 * (t > 20) for t in range(COUNT)]},
    "negative-times.mp4": {"options": H264, "container": {"movflags": "negative_cts_offsets"}},
    "hidden-frames.webm": {
        "codec": "libvpx",
        "options": {"auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "5", "b": "20k"},
    },
    "vp9.webm": {
        "codec": "libvpx-vp9",
        "options": {"auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "8", "g": "20"},
    },
    "mpeg4.mp4": {"codec": "mpeg4", "options": {"g": "12", "bf": "2"}},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"g": "12", "bf": "2"}},
    "motion-jpeg.avi": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "prores.mov": {"codec": "prores_ks", "pixels": "yuv422p10le"},
    "odd-size.webm": {"codec": "libvpx-vp9", "size": (51, 67), "options": {"cpu-used": "8"}},
    "odd-size.mkv": {"codec": "ffv1", "size": (49, 65), "pixels": "yuv444p"},
    "smallest.mp4": {"size": (16, 16), "options": {**H264, "crf": "4"}, "pixels": "yuv444p"},
    "animation.gif": {"codec": "gif", "pixels": "rgb8"},
}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    for name, how in CLIPS.items():
        write_clip(folder / name, COUNT, **how)
    return folder


@pytest.mark.parametrize("name", CLIPS)
def test_frames_read_in_random_order_carry_their_own_number(clips: Path, name: str):
    with open_video(clips / name, cache_bytes=0) as video:
        assert len(video) == COUNT
        order = shuffled(COUNT)
        assert [read_number(video[t]) for t in order] == order


@pytest.mark.parametrize("name", ["b-frames.mp4", "b-frames.avi", "vp9.webm", "one-keyframe.mp4"])
def test_reading_backward_and_both_ways_at_once_is_exact_too(clips: Path, name: str):
    with open_video(clips / name, cache_bytes=6 * 48 * 64 * 3) as video:
        backward = list(range(COUNT - 1, -1, -1))
        assert [read_number(video[t]) for t in backward] == backward
        both_ways = [t for step in range(15) for t in (15 + step, 14 - step)]
        assert [read_number(video[t]) for t in both_ways] == both_ways


@pytest.mark.parametrize("name", ["variable-rate.mp4", "starts-late.mkv", "dropped-frames.mp4"])
def test_timestamps_count_from_the_first_frame_and_lead_back_to_their_frame(clips: Path, name: str):
    pts = CLIPS[name]["pts"]
    with open_video(clips / name) as video:
        expected = [(time - pts[0]) / 250 for time in pts]
        assert [video.timestamp(t) for t in range(COUNT)] == pytest.approx(expected, abs=2e-3)
        assert [video.frame_at(video.timestamp(t)) for t in range(COUNT)] == list(range(COUNT))
        assert video.frame_at(-5) == 0
        assert video.frame_at(1e6) == COUNT - 1


def test_a_moment_between_two_frames_shows_the_earlier_one(clips: Path):
    with open_video(clips / "dropped-frames.mp4") as video:
        assert video.frame_at(video.timestamp(20) + 0.5) == 20


def test_frames_that_an_edit_list_cuts_away_are_not_there(tmp_path: Path):
    path = write_clip(tmp_path / "trimmed.mp4", COUNT, options=H264)
    _edit(path, drop_first=14, keep=10)
    with open_video(path) as video:
        numbers = [read_number(video[t]) for t in range(len(video))]
        assert numbers[0] == 14
        assert numbers == list(range(14, 14 + len(video)))
        assert 10 <= len(video) <= 12
        order = shuffled(len(video))
        assert [read_number(video[t]) for t in order] == [14 + t for t in order]


@pytest.mark.parametrize(
    ("matrix", "turn", "degrees"),
    [
        ((0, 1, -1, 0), lambda a: np.rot90(a, -1), 90),
        ((-1, 0, 0, -1), lambda a: np.rot90(a, 2), 180),
        ((0, -1, 1, 0), np.rot90, 270),
        ((-1, 0, 0, 1), lambda a: a[:, ::-1], 0),
    ],
    ids=["clockwise", "upside-down", "counter-clockwise", "mirrored"],
)
def test_pictures_of_turned_phones_come_upright(tmp_path: Path, matrix, turn, degrees):
    a, b, c, d = (number << 16 for number in matrix)
    path = tmp_path / "phone.mp4"
    write_clip(path, 3, matrix=[a, b, 0, c, d, 0, 0, 0, 1 << 30])
    with open_video(path) as video:
        expected = turn(numbered_frame(2))
        assert video.size == expected.shape[:2] == video[2].shape[:2]
        assert np.abs(video[2].astype(int) - expected).mean() < 12
        assert video.rotation == degrees
        assert video[2].flags.c_contiguous


def test_a_video_of_one_frame_is_a_video(tmp_path: Path):
    with open_video(write_clip(tmp_path / "one.mp4", 1)) as video:
        assert (len(video), video.size, read_number(video[0])) == (1, (48, 64), 0)
        assert video.timestamp(0) == 0
        assert video.fps > 0


def test_a_video_says_what_it_is(clips: Path):
    with open_video(clips / "b-frames.mp4") as video:
        assert isinstance(video, VideoFile)
        assert isinstance(video, Video)
        assert (video.name, video.codec, video.frame_name(7)) == ("b-frames", "h264", "00007")
        assert video.fps == pytest.approx(25)
        assert video.source == clips / "b-frames.mp4"


@pytest.mark.parametrize("frame", [-1, COUNT, 10**9])
def test_a_frame_outside_the_video_is_an_index_error(clips: Path, frame: int):
    with open_video(clips / "b-frames.mp4") as video, pytest.raises(IndexError, match="0..29"):
        video[frame]


def test_colours_follow_the_matrix_that_the_file_names(tmp_path: Path):
    orange = np.full((48, 64, 3), (200, 120, 30), np.uint8)
    for name, space in {"itu709": 1, "itu601": 6}.items():
        path = tmp_path / f"{name}.mkv"
        with av.open(str(path), "w") as output:
            stream = output.add_stream("libx264", rate=25, options={"crf": "4"})
            stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv444p"
            stream.codec_context.colorspace = space
            frame = av.VideoFrame.from_ndarray(orange, format="rgb24")
            frame = frame.reformat(format="yuv444p", dst_colorspace=name)
            frame.colorspace = space
            output.mux(stream.encode(frame))
            output.mux(stream.encode())
        with open_video(path) as video:
            assert np.abs(video[0].mean((0, 1)) - (200, 120, 30)).max() < 5, name


def test_what_is_kept_in_memory_is_bounded(clips: Path):
    frame_bytes = 48 * 64 * 3
    with open_video(clips / "b-frames.mp4", cache_bytes=5 * frame_bytes) as video:
        for t in [*range(COUNT), *range(COUNT - 1, -1, -1)]:
            video[t]
            assert video.cached_bytes <= 5 * frame_bytes


def test_frames_cannot_be_written_to_since_they_are_shared(clips: Path):
    with open_video(clips / "b-frames.mp4") as video, pytest.raises(ValueError, match="read-only"):
        video[0][0, 0] = 0


def test_closing_twice_is_harmless_and_reading_after_it_is_said(clips: Path):
    video = open_video(clips / "b-frames.mp4")
    video.close()
    video.close()
    with pytest.raises(VideoError, match="closed"):
        video[0]


def _edit(path: Path, *, drop_first: int, keep: int) -> None:
    """Change the file's edit list so that it shows ``keep`` frames after ``drop_first``."""
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 4
    version, entries = data[at], struct.unpack_from(">I", data, at + 4)[0]
    assert (version, entries) == (0, 1)
    _, start = struct.unpack_from(">Ii", data, at + 8)
    movie_scale = struct.unpack_from(">I", data, data.index(b"mvhd") + 16)[0]
    media_scale = struct.unpack_from(">I", data, data.index(b"mdhd") + 16)[0]
    length = keep * movie_scale // 25
    struct.pack_into(">Ii", data, at + 8, length, start + drop_first * media_scale // 25)
    path.write_bytes(data)
