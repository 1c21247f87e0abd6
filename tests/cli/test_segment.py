"""``ivos segment``: masks for every frame and an overlay, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ivos.masks import DAVIS_PALETTE, read_label_map
from ivos.types import Interaction, Scribble
from ivos.video import open_video
from tests.cli.conftest import LENGTH, davis, write_video
from tests.fakes import MovingSquares


def agreement(masks: Path, squares: MovingSquares, frames: range) -> float:
    """Of all object pixels, how many have the right id."""
    right = total = 0
    for frame in frames:
        labels, truth = read_label_map(masks / f"{frame:05d}.png"), squares.truth(frame)
        right += int((labels == truth)[truth > 0].sum())
        total += int((truth > 0).sum())
    return right / total


def test_scribbles_on_one_frame_become_masks_on_all(ivos, clip, scribbles, squares, tmp_path):
    out = tmp_path / "out"
    code, stdout, stderr = ivos("segment", clip, "-s", scribbles, "-o", out)
    assert (code, stdout) == (0, "")
    names = sorted(path.name for path in (out / "masks").iterdir())
    assert names == [f"{t:05d}.png" for t in range(LENGTH)]
    assert agreement(out / "masks", squares, range(LENGTH)) > 0.9
    assert f"{LENGTH} frames, objects 1, 2" in stderr


def test_masks_are_indexed_with_the_davis_palette_at_the_videos_own_size(
    ivos, clip, scribbles, tmp_path
):
    ivos("segment", clip, "-s", scribbles, "-o", tmp_path / "out")
    with Image.open(tmp_path / "out/masks/00004.png") as image:
        assert (image.mode, image.size) == ("P", (64, 48))
        palette = np.array(image.getpalette()).reshape(-1, 3)
        assert (palette[:3] == DAVIS_PALETTE[:3]).all()


def test_the_overlay_has_the_frames_of_the_video_and_shows_the_objects(
    ivos, clip, scribbles, squares, tmp_path
):
    ivos("segment", clip, "-s", scribbles, "-o", tmp_path / "out")
    with open_video(tmp_path / "out/overlay.mp4") as overlay, open_video(clip) as video:
        assert (len(overlay), overlay.size) == (len(video), video.size)
        assert overlay.fps == pytest.approx(video.fps)
        changed = np.abs(overlay[5].astype(int) - video[5]).mean(axis=2)
        truth = squares.truth(5) > 0
        assert changed[truth].mean() > 2 * changed[~truth].mean()


def test_only_the_frames_that_are_asked_for_are_written(ivos, clip, scribbles, squares, tmp_path):
    out = tmp_path / "out"
    code, stdout, _ = ivos("segment", clip, "-s", scribbles, "-o", out, "--frames", "2:5", "--json")
    assert code == 0
    assert sorted(path.stem for path in (out / "masks").iterdir()) == ["00002", "00003", "00004"]
    assert agreement(out / "masks", squares, range(2, 5)) > 0.9
    told = json.loads(stdout)
    assert (told["frames"], told["first_frame"], told["objects"]) == (3, 2, [1, 2])
    with open_video(out / "overlay.mp4") as overlay:
        assert len(overlay) == 3


def test_several_annotated_frames_and_files_are_rounds(ivos, clip, squares, tmp_path):
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    first.write_text(json.dumps(davis({1: squares.drawn(1, [1]), 4: squares.drawn(4, [1])})))
    second.write_text(json.dumps([davis({6: squares.drawn(6, [2])})]))
    out = tmp_path / "out"
    code, stdout, stderr = ivos("segment", clip, "-s", first, "-s", second, "-o", out, "--json")
    assert code == 0
    assert json.loads(stdout)["rounds"] == 3
    assert "round 3 of 3" in stderr
    assert agreement(out / "masks", squares, range(LENGTH)) > 0.9


@pytest.mark.parametrize(
    "size", [(16, 16), (37, 51), (90, 40)], ids=["smallest", "odd", "portrait"]
)
def test_any_size_works(ivos, tmp_path, size):
    squares = MovingSquares(3, size, 1)
    clip = write_video(tmp_path / "clip.mkv", squares)
    strokes = tmp_path / "s.json"
    strokes.write_text(json.dumps(davis({1: squares.drawn(1)}, 3)))
    code, _, stderr = ivos("segment", clip, "-s", strokes, "-o", tmp_path / "out")
    assert code == 0, stderr
    assert read_label_map(tmp_path / "out/masks/00002.png").shape == size
    with open_video(tmp_path / "out/overlay.mp4") as overlay:
        assert np.abs(np.subtract(overlay.size, size)).max() <= 1


def test_a_video_of_one_frame_works(ivos, tmp_path):
    squares = MovingSquares(1)
    clip = write_video(tmp_path / "clip.mkv", squares)
    strokes = tmp_path / "s.json"
    strokes.write_text(json.dumps(davis({0: squares.drawn(0)}, 1)))
    assert ivos("segment", clip, "-s", strokes, "-o", tmp_path / "out")[0] == 0
    assert agreement(tmp_path / "out/masks", squares, range(1)) > 0.9


def test_4k_works(ivos, tmp_path):
    squares = MovingSquares(2, (2160, 3840), 1)
    folder = tmp_path / "uhd"
    folder.mkdir()
    for frame in range(2):
        Image.fromarray(squares[frame]).save(folder / f"{frame}.jpg")
    strokes = tmp_path / "s.json"
    strokes.write_text(json.dumps(davis({0: squares.drawn(0)}, 2)))
    code, _, stderr = ivos("segment", folder, "-s", strokes, "-o", tmp_path / "out")
    assert code == 0, stderr
    assert read_label_map(tmp_path / "out/masks/1.png").shape == (2160, 3840)


def test_folders_of_images_keep_their_names(ivos, scribbles, squares, tmp_path):
    folder = tmp_path / "JPEGImages"
    folder.mkdir()
    for frame in range(LENGTH):
        Image.fromarray(squares[frame]).save(folder / f"frame {frame * 5}.png")
    assert ivos("segment", folder, "-s", scribbles, "-o", tmp_path / "out")[0] == 0
    assert read_label_map(tmp_path / "out/masks/frame 35.png").shape == (48, 64)


def test_what_exists_is_overwritten_only_when_told(ivos, clip, scribbles, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "masks").mkdir()
    (out / "masks/old.png").write_bytes(b"old")
    code, _, stderr = ivos("segment", clip, "-s", scribbles, "-o", out)
    assert code == 1
    assert "--overwrite" in stderr
    assert (out / "masks/old.png").read_bytes() == b"old"
    assert ivos("segment", clip, "-s", scribbles, "-o", out, "--overwrite")[0] == 0
    assert not (out / "masks/old.png").exists()
    assert (out / "overlay.mp4").exists()


@pytest.mark.parametrize("name", ["chapter.tex", "holiday.mp4", "00000.png"])
def test_a_folder_of_other_things_is_never_overwritten(ivos, clip, scribbles, tmp_path, name):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / name).write_text("years of work")
    code, _, stderr = ivos("segment", clip, "-s", scribbles, "-o", tmp_path / "mine", "--overwrite")
    assert (code, stderr.count("\n")) == (1, 1)
    assert name in stderr
    assert (tmp_path / "mine" / name).read_text() == "years of work"


def test_a_stroke_on_the_background_that_touches_nothing_is_not_carried(
    ivos, clip, scribbles, tmp_path
):
    nothing = tmp_path / "nothing.json"
    nothing.write_text(json.dumps(davis({5: Interaction.of(5, [Scribble(0, ((0.99, 0.99),))])})))
    code, _, stderr = ivos("segment", clip, "-s", scribbles, "-s", nothing, "-o", tmp_path / "out")
    assert code == 0
    assert "round 1 of 2" in stderr
    assert "round 2 of 2" not in stderr
