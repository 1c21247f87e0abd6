"""Movies, read back frame by frame with FFmpeg (through PyAV)."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from av.stream import Disposition
from numpy.typing import NDArray
from PIL import Image

from ivos.deliver import export, write_overlay
from ivos.deliver.edges import Edges
from ivos.errors import CannotDo, InvalidInput
from ivos.masks import DAVIS_PALETTE
from ivos.video import open_video
from tests.clips import numbered_frame, read_number, write_clip
from tests.deliver.made import MadeSource, MadeVideo

UNEVEN = (0.0, 0.04, 0.08, 0.2, 0.24, 0.28, 0.5, 0.54, 0.58, 0.62, 0.66, 0.9)


def read(
    path: Path, pixels: str = "rgb24", decoder: str | None = None
) -> tuple[list[NDArray[Any]], list[float]]:
    """Frames and the seconds at which they are shown."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        pictures: Iterator[av.VideoFrame]
        if decoder is None:
            pictures = container.decode(stream)
        else:
            context = av.CodecContext.create(decoder, "r")
            pictures = (
                picture for packet in container.demux(stream) for picture in context.decode(packet)
            )
        frames, times = [], []
        for picture in pictures:
            frames.append(picture.to_ndarray(format=pixels))
            times.append(float(picture.pts * stream.time_base))
    return frames, times


def alpha_of(source: MadeSource, frame: int, **options: Any) -> NDArray[np.float32]:
    soft = np.zeros(source.video.size, np.float32)
    for item in source.objects:
        found = source.soft(item.object_id, frame)
        soft += 0 if found is None else found
    return Edges(**options).alpha(source.video[frame], soft.clip(0, 1))


def test_prores_4444_keeps_colour_alpha_numbers_and_times(tmp_path: Path):
    source = MadeSource()
    list(export(source, "prores4444", tmp_path / "out.mov"))
    with av.open(str(tmp_path / "out.mov")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.codec_tag) == ("prores", "ap4h")
        assert stream.average_rate == 25
    frames, times = read(tmp_path / "out.mov", "rgba64le")
    assert times == pytest.approx([frame / 25 for frame in range(12)], abs=1e-6)
    for frame, found in enumerate(frames):
        assert read_number((found[..., :3] // 257).astype(np.uint8)) == frame
        alpha = alpha_of(source, frame)
        assert np.abs(found[..., 3] / 65535 - alpha).max() < 0.004
        assert np.abs(found[..., :3] / 257 - source.video[frame]).mean() < 2


def test_vp9_keeps_alpha_which_only_the_libvpx_decoder_shows(tmp_path: Path):
    source = MadeSource()
    list(export(source, "webm", tmp_path / "out.webm", crf=4))
    frames, times = read(tmp_path / "out.webm", "rgba", decoder="libvpx-vp9")
    assert times == pytest.approx([frame / 25 for frame in range(12)], abs=0.0006)
    for frame, found in enumerate(frames):
        assert read_number(found[..., :3]) == frame
        off = np.abs(found[..., 3] / 255 - alpha_of(source, frame))
        assert off.mean() < 0.01
        assert off.max() < 0.2
    without, _ = read(tmp_path / "out.webm", "rgba")
    assert all((found[..., 3] == 255).all() for found in without)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_matte_is_grey_and_its_background_black(tmp_path: Path, suffix: str):
    source = MadeSource()
    options = {"crf": 4} if suffix == ".mp4" else {}
    list(export(source, "matte", tmp_path / f"out{suffix}", **options))
    frames, _ = read(tmp_path / f"out{suffix}")
    assert len(frames) == 12
    for frame, found in enumerate(frames):
        off = np.abs(found / 255 - alpha_of(source, frame)[..., None])
        assert off.mean() < 0.01
        assert off.max() <= (0.0021 if suffix == ".mkv" else 0.2)


def test_a_lossless_matte_is_exact_to_the_pixel(tmp_path: Path):
    source = MadeSource()
    list(export(source, "matte", tmp_path / "out.mkv", edges="soft", objects=("dog",)))
    frames, _ = read(tmp_path / "out.mkv", "gray")
    for frame, found in enumerate(frames):
        soft = source.soft(3, frame)
        assert soft is not None
        np.testing.assert_array_equal(found, np.rint(soft * 255))


def test_the_objects_come_on_a_plain_colour(tmp_path: Path):
    source = MadeSource()
    asked = {"background": "#00b140", "edges": "hard", "crf": 2}
    list(export(source, "background", tmp_path / "out.mp4", **asked))
    frames, _ = read(tmp_path / "out.mp4")
    for frame, found in enumerate(frames):
        near = cv2.dilate(source.labels(frame), np.ones((13, 13), np.uint8)) > 0
        deep = ~near  # chroma is shared by four pixels, so borders are left out
        assert np.abs(found[deep].astype(int) - (0, 0xB1, 0x40)).max() < 12
        dog = source.masks(frame)[3]
        off = np.abs(found[dog].astype(int) - source.video[frame][dog])
        assert np.median(off) < 12


@pytest.mark.parametrize("background", ["blur", "grey", "white", "picture"])
def test_other_backgrounds_leave_the_object_alone(tmp_path: Path, background: str):
    if background == "picture":
        background = str(tmp_path / "behind.png")
        Image.new("RGB", (100, 300), (10, 20, 200)).save(background)
    source = MadeSource()
    asked = {"background": background, "edges": "hard", "frames": "0:3", "crf": 2}
    list(export(source, "background", tmp_path / "out.mp4", **asked))
    frames, _ = read(tmp_path / "out.mp4")
    inside = (slice(15, 19), slice(8, 12))
    for frame, found in enumerate(frames):
        off = np.abs(found[inside].astype(int) - source.video[frame][inside])
        assert off.mean() < 12


def test_a_background_that_is_nothing_is_told(tmp_path: Path):
    with pytest.raises(InvalidInput, match="'greenish': no such file, and not a colour"):
        list(export(MadeSource(), "background", tmp_path / "out.mp4", background="greenish"))


def test_an_overlay_shows_every_frame_in_its_colours(tmp_path: Path):
    source = MadeSource(cat_from=0)
    list(export(source, "overlay", tmp_path / "out.mp4", opacity=1.0, crf=2))
    frames, times = read(tmp_path / "out.mp4")
    assert times == pytest.approx([frame / 25 for frame in range(12)], abs=1e-6)
    for found in frames:
        off = np.abs(found[34:38, 33:44].astype(int) - (20, 40, 250))
        assert off.mean() < 8


def test_segment_can_write_an_overlay_from_label_maps_alone(tmp_path: Path):
    source = MadeSource(MadeVideo(size=(47, 63)))
    reports = list(write_overlay(tmp_path / "o.mp4", source.video, source.labels, range(4, 8)))
    assert [progress.frame for progress in reports] == [4, 5, 6, 7]
    frames, _ = read(tmp_path / "o.mp4")
    assert frames[0].shape == (48, 64, 3)  # H.264 wants even sides
    middle = frames[0][36, 40].astype(int)
    expected = (numbered_frame(4)[36, 40].astype(int) + DAVIS_PALETTE[7]) / 2
    assert np.abs(middle - expected).max() < 16


@pytest.mark.parametrize(
    ("kind", "suffix", "exact"),
    [("prores4444", ".mov", 1e-4), ("overlay", ".mp4", 1e-4), ("webm", ".webm", 0.00051)],
)
def test_uneven_times_are_kept(tmp_path: Path, kind: str, suffix: str, exact: float):
    source = MadeSource(MadeVideo(times=UNEVEN))
    list(export(source, kind, tmp_path / f"out{suffix}", frames="2:12"))
    _, times = read(tmp_path / f"out{suffix}")
    assert times == pytest.approx([t - 0.08 for t in UNEVEN[2:]], abs=exact)


@pytest.mark.parametrize(("kind", "suffix"), [("overlay", ".mp4"), ("matte", ".mkv")])
def test_numbers_and_times_of_a_file_with_uneven_times_are_kept(
    tmp_path: Path, kind: str, suffix: str
):
    pts = [0, 10, 20, 55, 60, 70, 130, 140, 150, 160]
    clip = write_clip(tmp_path / "in.mp4", 10, pts=pts, options={"bf": "2"})
    with open_video(clip) as video:
        options = {"opacity": 0.0} if kind == "overlay" else {"edges": "hard"}
        source = MadeSource(video)
        list(export(source, kind, tmp_path / f"out{suffix}", frames="1:10", **options))
        frames, times = read(tmp_path / f"out{suffix}")
    assert times == pytest.approx([(t - 10) / 250 for t in pts[1:]], abs=0.00051)
    for index, found in enumerate(frames):
        if kind == "overlay":
            assert read_number(found) == index + 1
        else:
            np.testing.assert_array_equal(found[..., 0] > 127, source.labels(index + 1) > 0)


def test_film_rates_are_kept_exactly(tmp_path: Path):
    source = MadeSource(MadeVideo(fps=24000 / 1001))
    list(export(source, "prores4444", tmp_path / "out.mov"))
    with av.open(str(tmp_path / "out.mov")) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == Fraction(24000, 1001)
        assert stream.duration * stream.time_base == 12 * Fraction(1001, 24000)


def tagged_clip(path: Path, *, full: bool = False) -> Path:
    """BT.2020 colours with PQ, unlike anything that is assumed."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace = 9, 16, 9
        context.color_range = 2 if full else 1
        for number in range(4):
            frame = av.VideoFrame.from_ndarray(numbered_frame(number), format="rgb24")
            frame = frame.reformat(
                format="yuv420p", dst_colorspace=9, dst_color_range=2 if full else 1
            )
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("kind", ["prores4444", "webm", "overlay", "background"])
@pytest.mark.parametrize("full", [False, True])
def test_colour_tags_of_the_source_are_kept_and_true(tmp_path: Path, kind: str, full: bool):
    with open_video(tagged_clip(tmp_path / "in.mp4", full=full)) as video:
        source = MadeSource(video)
        options = {"crf": 2} if kind != "prores4444" else {}
        list(export(source, kind, tmp_path / "out", **options))
        (path,) = tmp_path.glob("out.*")
        with av.open(str(path)) as container:
            context = container.streams.video[0].codec_context
            next(container.decode(video=0))
            tags = (context.color_primaries, context.color_trc, context.colorspace)
            assert tuple(map(int, tags)) == (9, 16, 9)
            if kind != "prores4444":  # which is video range always
                assert int(context.color_range) == (2 if full else 1)
        frames, _ = read(path)
        grey, white, black = (slice(42, 47), slice(50, 62)), np.s_[1:6, 6:7], np.s_[1:6, 34:38]
        for place in (grey, white, black) if kind != "background" else ():
            assert np.abs(frames[2][place].astype(int) - video[2][place]).max() <= 5


@pytest.mark.parametrize("full", [False, True])
def test_a_matte_is_as_bright_in_prores_whatever_the_range_of_the_source(
    tmp_path: Path, full: bool
):
    with open_video(tagged_clip(tmp_path / "in.mp4", full=full)) as video:
        source = MadeSource(video)
        list(export(source, "matte", tmp_path / "out.mov", edges="soft"))
        frames, _ = read(tmp_path / "out.mov")
        for frame, found in enumerate(frames):
            soft = source.soft(3, frame)
            assert soft is not None
            assert np.median(found[soft > 0.9]) == pytest.approx(250, abs=2)


def with_sound(
    path: Path, codec: str, layout: str = "stereo", rate: int = 48_000, gop: int = 250
) -> Path:
    """Four seconds at 10 fps, and a tone that begins with second 2."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=10, options={"g": str(gop)})
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        sound = output.add_stream(codec, rate=rate)
        sound.codec_context.layout = layout
        for number in range(40):
            frame = av.VideoFrame.from_ndarray(numbered_frame(number), format="rgb24")
            output.mux(stream.encode(frame))
        seconds = np.arange(4 * rate) / rate
        channels = av.AudioLayout(layout).nb_channels
        wave = (0.5 * np.sin(2 * np.pi * 440 * seconds) * (seconds >= 2)).astype(np.float32)
        for start in range(0, len(wave), 960):
            piece = av.AudioFrame.from_ndarray(
                np.stack([wave[start : start + 960]] * channels), format="fltp", layout=layout
            )
            piece.sample_rate, piece.pts, piece.time_base = rate, start, Fraction(1, rate)
            output.mux(sound.encode(piece))
        output.mux(stream.encode(None))
        output.mux(sound.encode(None))
    return path


@pytest.mark.parametrize(
    ("kind", "suffix", "coded", "codec"),
    [
        ("overlay", ".mp4", "aac", "aac"),
        ("prores4444", ".mov", "aac", "aac"),
        ("webm", ".webm", "aac", "opus"),
        ("overlay", ".mp4", "flac", "aac"),
        ("overlay", ".mp4", "libmp3lame", "mp3"),  # FFmpeg's decoder of it is called mp3float
    ],
)
def test_sound_is_carried_over_in_time(
    tmp_path: Path, kind: str, suffix: str, coded: str, codec: str
):
    clip = with_sound(tmp_path / "in.mkv", coded)
    with open_video(clip) as video:
        source = MadeSource(video)
        list(export(source, kind, tmp_path / f"out{suffix}", audio=True, frames="10:35"))
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        stream = container.streams.audio[0]
        assert stream.codec_context.codec.canonical_name == codec
        loud = [
            frame.time
            for frame in container.decode(stream)
            if np.abs(frame.to_ndarray().astype(np.float32)).max() > 0.1
        ]
    assert min(loud) == pytest.approx(1.0, abs=0.05)  # second 2 of the source; frame 10 is second 1
    assert max(loud) == pytest.approx(2.5, abs=0.06)


def test_sound_of_a_recording_that_starts_anywhere_stays_with_the_picture(tmp_path: Path):
    whole = with_sound(tmp_path / "whole.ts", "aac", gop=10).read_bytes()
    packets = len(whole) // 188
    (tmp_path / "cut.ts").write_bytes(whole[packets // 8 * 188 :])
    with open_video(tmp_path / "cut.ts") as video:
        lost = read_number(video[0])
        assert 0 < lost < 20
        list(export(MadeSource(video), "overlay", tmp_path / "out.mp4", audio=True))
    with av.open(str(tmp_path / "out.mp4")) as container:
        loud = [
            frame.time
            for frame in container.decode(audio=0)
            if np.abs(frame.to_ndarray().astype(np.float32)).max() > 0.1
        ]
    assert min(loud) == pytest.approx(2 - lost / 10, abs=0.06)


@pytest.mark.parametrize(
    ("coded", "layout", "rate", "kind", "suffix", "expected"),
    [
        ("ac3", "5.1(side)", 48_000, "webm", ".webm", ("opus", "5.1", 48_000)),
        ("flac", "2.1", 44_100, "webm", ".webm", ("opus", "stereo", 48_000)),
        ("flac", "stereo", 192_000, "overlay", ".mp4", ("aac", "stereo", 48_000)),
        ("flac", "5.1(side)", 44_100, "prores4444", ".mov", ("pcm_s16le", "5.1(side)", 44_100)),
    ],
)
def test_sound_that_an_encoder_does_not_take_is_converted(
    tmp_path: Path,
    coded: str,
    layout: str,
    rate: int,
    kind: str,
    suffix: str,
    expected: tuple[str, str, int],
):
    clip = with_sound(tmp_path / "in.mkv", coded, layout, rate)
    with open_video(clip) as video:
        list(export(MadeSource(video), kind, tmp_path / f"out{suffix}", audio=True, frames="10:35"))
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        context = container.streams.audio[0].codec_context
        assert (context.name, context.layout.name, context.sample_rate) == expected
        loud = [
            frame.time
            for frame in container.decode(audio=0)
            if np.abs(frame.to_ndarray().astype(np.float32)).max() > 0.1
        ]
    assert min(loud) == pytest.approx(1.0, abs=0.05)


def test_what_ffmpeg_refuses_is_told_in_one_line_and_leaves_nothing(tmp_path: Path):
    wide = MadeSource(MadeVideo(length=2, size=(48, 20_000)))  # H.264 ends at 16384
    with pytest.raises(CannotDo, match=r"cannot write .*out\.mp4: FFmpeg does not") as caught:
        list(export(wide, "overlay", tmp_path / "out.mp4"))
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_asking_for_sound_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(InvalidInput, match="is made of images and has no sound"):
        list(export(MadeSource(), "overlay", tmp_path / "out.mp4", audio=True))
    silent = write_clip(tmp_path / "silent.mp4", 3)
    with (
        open_video(silent) as video,
        pytest.raises(InvalidInput, match=r"silent\.mp4 has no sound"),
    ):
        list(export(MadeSource(video), "overlay", tmp_path / "out.mp4", audio=True))


def test_a_gif_repeats_and_keeps_time(tmp_path: Path):
    source = MadeSource(MadeVideo(length=30, times=[t * 0.05 for t in range(30)], fps=20.0))
    list(export(source, "gif", tmp_path / "out.gif", opacity=0.0, fps=10, width=64))
    with Image.open(tmp_path / "out.gif") as image:
        assert image.info["loop"] == 0
        assert image.n_frames == 15
        for index in range(15):
            image.seek(index)
            assert image.info["duration"] == 100
            assert read_number(np.array(image.convert("RGB"))) == 2 * index


def test_a_gif_leaves_out_frames_that_follow_too_soon(tmp_path: Path):
    source = MadeSource(MadeVideo(length=6, times=(0, 0.5, 0.504, 0.512, 0.9, 0.904), fps=6.6))
    list(export(source, "gif", tmp_path / "out.gif", opacity=0.0, width=64))
    with Image.open(tmp_path / "out.gif") as image:
        shown = []
        for index in range(image.n_frames):
            image.seek(index)
            shown.append((read_number(np.array(image.convert("RGB"))), image.info["duration"]))
    assert shown[:2] == [(0, 500), (1, 400)]
    assert [number for number, _ in shown] == [0, 1, 4]


@pytest.mark.parametrize(
    ("kind", "name", "crf", "words"),
    [
        ("matte", "out.mkv", 3, r"a matte in \.mkv has no crf"),
        ("overlay", "out.mp4", 52, "give 0 .best. to 51"),
        ("background", "out.mp4", 60, "H.264 takes 0"),
        ("prores4444", "out.mov", 3, "prores4444 has no option crf"),
    ],
)
def test_a_quality_that_cannot_be_is_told(
    tmp_path: Path, kind: str, name: str, crf: int, words: str
):
    with pytest.raises(InvalidInput, match=words):
        list(export(MadeSource(), kind, tmp_path / name, crf=crf))


def test_a_kind_refuses_a_suffix_that_is_not_its_own(tmp_path: Path):
    with pytest.raises(InvalidInput, match=r"webm is written as \.webm, not \.mp4"):
        export(MadeSource(), "webm", tmp_path / "out.mp4")


def squeezed(path: Path, matrix: list[int] | None = None) -> Path:
    """A clip whose pixels are to be shown 4:3 as wide as they are high, before it is turned."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        if matrix is not None:
            stream.set_display_matrix(matrix)
        for number in range(4):
            frame = av.VideoFrame.from_ndarray(numbered_frame(number), format="rgb24")
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


TURNED = [0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30]


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [
        ("overlay", ".mp4"),
        ("prores4444", ".mov"),
        ("matte", ".mov"),
        ("background", ".mp4"),
    ],
)
@pytest.mark.parametrize(("matrix", "aspect"), [(None, (4, 3)), (TURNED, (3, 4))])
def test_pixels_keep_their_shape(
    tmp_path: Path, kind: str, suffix: str, matrix: list[int] | None, aspect: tuple[int, int]
):
    video = open_video(squeezed(tmp_path / "squeezed.mp4", matrix=matrix))
    list(export(MadeSource(video), kind, tmp_path / f"out{suffix}"))
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(*aspect)


def test_a_gif_is_drawn_in_square_pixels(tmp_path: Path):
    video = open_video(squeezed(tmp_path / "squeezed.mp4"))
    list(export(MadeSource(video), "gif", tmp_path / "out.gif"))
    with Image.open(tmp_path / "out.gif") as image:
        assert image.size == (85, 48)


@pytest.mark.parametrize(
    ("kind", "out"), [("overlay", "11:45.mp4"), ("gif", "11:45.gif"), ("matte", "11:45.mov")]
)
def test_a_colon_in_a_name_is_no_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, out: str
):
    monkeypatch.chdir(tmp_path)
    write_clip(Path("clip.mkv"), 4).rename("10:30.mkv")
    list(export(MadeSource(open_video("10:30.mkv")), kind, out))
    assert (tmp_path / out).stat().st_size > 0


def test_sound_of_a_name_with_a_colon_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with_sound(Path("clip.mkv"), "aac").rename("10:30.mkv")
    list(export(MadeSource(open_video("10:30.mkv")), "overlay", "out.mp4", audio=True))
    with av.open("out.mp4") as container:
        assert container.streams.audio


def test_colour_and_rate_are_those_of_the_stream_that_is_shown(tmp_path: Path):
    with av.open(str(tmp_path / "two.mp4"), "w") as output:
        streams = []
        for side, rate, number in ((16, 5, 9), (64, 25, 6)):  # BT.2020, then BT.601
            stream = output.add_stream("libx264", rate=rate)
            stream.width, stream.height, stream.pix_fmt = side, side, "yuv420p"
            context = stream.codec_context
            context.color_primaries, context.color_trc, context.colorspace = number, 6, number
            streams.append(stream)
        streams[0].disposition = Disposition(0)  # a thumbnail, say
        streams[1].disposition = Disposition.default  # the one that players choose
        for number in range(4):
            for stream in streams:
                picture = np.full((stream.height, stream.width, 3), 40 * number, np.uint8)
                output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        for stream in streams:
            output.mux(stream.encode(None))
    video = open_video(tmp_path / "two.mp4")
    assert video.size == (64, 64)
    list(export(MadeSource(video), "overlay", tmp_path / "out.mp4"))
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.colorspace == 6
        assert stream.average_rate == 25
