"""Folders of images and stacks of pages are videos, too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ivos.errors import VideoError
from ivos.types import Video
from ivos.video import ImageFolder, open_video
from tests.clips import numbered_frame, read_number, shuffled


def write_images(folder: Path, names: list[str], size: tuple[int, int] = (48, 64)) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        Image.fromarray(numbered_frame(number, size)).save(folder / name)
    return folder


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".png", ".webp", ".tif", ".tiff", ".bmp"])
def test_a_folder_of_images_is_read_in_any_order(tmp_path: Path, suffix: str):
    folder = write_images(tmp_path / "bear", [f"{t:05d}{suffix}" for t in range(12)])
    with open_video(folder) as video:
        assert isinstance(video, ImageFolder)
        assert isinstance(video, Video)
        assert (len(video), video.size, video.name) == (12, (48, 64), "bear")
        order = shuffled(12)
        assert [read_number(video[t]) for t in order] == order


def test_files_are_ordered_as_people_count(tmp_path: Path):
    names = ["shot 1.png", "shot 2.png", "shot 10.png", "shot 11.png", "shot 100.png"]
    with open_video(write_images(tmp_path / "shots", names)) as video:
        assert [read_number(video[t]) for t in range(5)] == [0, 1, 2, 3, 4]
        assert [f"{video.frame_name(t)}.png" for t in range(5)] == names
        assert video.frame_named("shot 10") == 2
        assert video.frame_named("shot 3") is None


def test_what_is_not_an_image_is_left_alone(tmp_path: Path):
    folder = write_images(tmp_path / "bear", ["00000.png", "00001.png"])
    (folder / "notes.txt").write_text("two frames")
    (folder / ".hidden.png").write_text("not an image")
    (folder / "more.png").mkdir()
    with open_video(folder) as video:
        assert len(video) == 2


def test_a_stack_of_pages_is_a_video_and_its_depth_is_scaled_alike_on_all_pages(tmp_path: Path):
    grey = [np.full((20, 30), 120 * (t + 3), np.uint16) for t in range(8)]
    pages = [Image.fromarray(page) for page in grey]
    path = tmp_path / "cells.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:])
    with open_video(path, fps=5) as video:
        assert (len(video), video.size, video.name) == (8, (20, 30), "cells")
        assert video.frame_name(3) == "00003"
        assert video.timestamp(3) == pytest.approx(0.6)
        levels = {t: int(video[t][0, 0, 0]) for t in shuffled(8)}
        twelve_bits = [round(120 * (t + 3) * 255 / 4095) for t in range(8)]
        assert [levels[t] for t in range(8)] == twelve_bits


def test_photos_of_turned_cameras_come_upright(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = np.ascontiguousarray(np.rot90(numbered_frame(5)))
    Image.fromarray(stored).save(tmp_path / "photo.jpg", exif=exif, quality=95)
    with open_video(tmp_path / "photo.jpg") as video:
        assert (len(video), video.size) == (1, (48, 64))
        assert read_number(video[0]) == 5


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "LA", "CMYK"])
def test_every_kind_of_pixel_becomes_rgb(tmp_path: Path, mode: str):
    path = tmp_path / "image.tif"
    Image.fromarray(numbered_frame(11)).convert(mode).save(path)
    with open_video(path) as video:
        assert video[0].shape == (48, 64, 3)
        assert video[0].dtype == np.uint8
        assert read_number(video[0]) == 11


def test_frames_of_a_folder_last_as_long_as_asked(tmp_path: Path):
    folder = write_images(tmp_path / "bear", ["0.png", "1.png", "2.png"])
    with open_video(folder, fps=10) as video:
        assert (video.fps, video.timestamp(2), video.frame_at(0.2)) == (10, 0.2, 2)
    with open_video(folder) as video:
        assert video.fps == 24
    with pytest.raises(VideoError, match="give 0.001 to 100000"):
        open_video(folder, fps=0)
    with pytest.raises(VideoError, match="inf frames a second is not possible"):
        open_video(folder, fps=float("inf"))


def test_memory_is_bounded_for_folders_too(tmp_path: Path):
    folder = write_images(tmp_path / "bear", [f"{t}.png" for t in range(9)])
    with open_video(folder, cache_bytes=3 * 48 * 64 * 3) as video:
        for t in range(9):
            video[t]
            assert video.cached_bytes <= 3 * 48 * 64 * 3


def test_images_of_several_sizes_are_refused_by_name(tmp_path: Path):
    folder = write_images(tmp_path / "bear", ["0.png", "1.png"])
    Image.fromarray(numbered_frame(2, (50, 64))).save(folder / "2.png")
    with pytest.raises(VideoError, match=r"2\.png: is 64x50, but 0\.png is 64x48"):
        open_video(folder)


def test_two_images_of_one_name_are_refused(tmp_path: Path):
    folder = write_images(tmp_path / "bear", ["00000.png", "00000.jpg"])
    with pytest.raises(VideoError, match="two images are called 00000"):
        open_video(folder)


def test_a_damaged_image_is_named(tmp_path: Path):
    folder = write_images(tmp_path / "bear", ["0.png", "1.png", "2.png"])
    whole = (folder / "1.png").read_bytes()
    (folder / "1.png").write_bytes(whole[: len(whole) // 2])
    with open_video(folder) as video, pytest.raises(VideoError, match=r"1\.png.*damaged"):
        video[1]
    (folder / "2.png").write_bytes(b"")
    with pytest.raises(VideoError, match=r"2\.png.*not an image"):
        open_video(folder)


def test_the_root_of_a_data_set_names_the_sequences_that_it_holds(tmp_path: Path):
    write_images(tmp_path / "DAVIS/JPEGImages/480p/bear", ["00000.jpg"])
    write_images(tmp_path / "DAVIS/Annotations/480p/bear", ["00000.png"])
    with pytest.raises(VideoError, match=r"for example .*JPEGImages/480p/bear"):
        open_video(tmp_path / "DAVIS")


def test_an_empty_folder_says_what_it_lacks(tmp_path: Path):
    with pytest.raises(VideoError, match="holds no images"):
        open_video(tmp_path)


@pytest.mark.parametrize(("scale", "white"), [(1, 4095), (16, 65535)])
def test_a_dark_first_frame_does_not_make_the_others_white(tmp_path: Path, scale: int, white: int):
    (tmp_path / "deep").mkdir()
    values = [3, 1000, 2000, 4000]
    for frame, value in enumerate(values):
        page = np.full((20, 30), value * scale, np.uint16)
        Image.fromarray(page).save(tmp_path / f"deep/{frame}.png")
    with open_video(tmp_path / "deep") as video:
        found = [int(video[frame][0, 0, 0]) for frame in (0, 1, 2, 3)]
    assert found == [round(value * scale * 255 / white) for value in values]


def test_fractions_have_one_scale_on_all_frames(tmp_path: Path):
    (tmp_path / "deep").mkdir()
    for frame in range(30):
        page = np.full((20, 30), frame / 10, np.float32)
        Image.fromarray(page).save(tmp_path / f"deep/{frame}.tif")
    with open_video(tmp_path / "deep") as video:
        found = [int(video[frame][0, 0, 0]) for frame in (29, 0, 15)]
    assert found == [255, 0, round(15 / 29 * 255)]


def test_a_damaged_image_does_not_take_the_others_their_scale(tmp_path: Path):
    (tmp_path / "deep").mkdir()
    for frame in range(5):
        page = np.full((20, 30), 900 + frame, np.uint16)
        Image.fromarray(page).save(tmp_path / f"deep/{frame}.png")
    whole = (tmp_path / "deep/2.png").read_bytes()
    (tmp_path / "deep/2.png").write_bytes(whole[: len(whole) // 2 + 10])
    with open_video(tmp_path / "deep") as video:
        assert int(video[4][0, 0, 0]) == round(904 * 255 / 1023)
        with pytest.raises(VideoError, match="2.png: the image is cut off"):
            video[2]
