"""Numbered pictures with alpha, read back with Pillow and OpenEXR."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ivos.deliver import export
from ivos.deliver.edges import Edges
from ivos.video import open_video
from tests.clips import read_number
from tests.deliver.made import MadeSource, MadeVideo, Thing
from tests.deliver.test_movies import squeezed


def soft_of_all(source: MadeSource, frame: int) -> np.ndarray:
    found = [source.soft(item.object_id, frame) for item in source.objects]
    return np.minimum(sum(soft for soft in found if soft is not None), 1)


def test_rgba_pngs_count_from_1001_and_keep_colours_and_alpha(tmp_path: Path):
    source = MadeSource()
    list(export(source, "png", tmp_path / "out"))
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"clip.{1001 + frame}.png" for frame in range(12)]
    for frame in range(12):
        with Image.open(tmp_path / "out" / names[frame]) as image:
            assert image.mode == "RGBA"
            found = np.array(image)
        np.testing.assert_array_equal(found[..., :3], source.video[frame])
        alpha = Edges().alpha(source.video[frame], soft_of_all(source, frame))
        np.testing.assert_array_equal(found[..., 3], np.rint(alpha * 255))
        assert read_number(found[..., :3]) == frame


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"frames": "3:5"}, ["clip.1004.png", "clip.1005.png"]),
        ({"frames": "3:5", "start_frame": 0}, ["clip.0003.png", "clip.0004.png"]),
        ({"frames": "3:4", "name": "a_{frame}_{object}"}, ["a_1004_all.png"]),
        ({"frames": "3:4", "name": "{frame}-{object}", "objects": (7,)}, ["1004-cat.png"]),
    ],
)
def test_a_frame_has_the_same_number_whichever_part_is_exported(
    tmp_path: Path, asked: dict[str, object], names: list[str]
):
    list(export(MadeSource(), "png", tmp_path / "out", **asked))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names


def test_exr_holds_linear_colour_alpha_and_a_layer_an_object(tmp_path: Path):
    exr = pytest.importorskip("OpenEXR")
    source = MadeSource(MadeVideo(length=6), objects=(Thing(3, "dog"), Thing(7, "big.cat")))
    list(export(source, "exr", tmp_path / "out"))
    for frame in range(6):
        with exr.File(
            str(tmp_path / f"out/clip.{1001 + frame}.exr"), separate_channels=True
        ) as file:
            channels = {name: channel.pixels for name, channel in file.channels().items()}
        assert channels.keys() == {"R", "G", "B", "A", "dog.A", "big_cat.A"}
        assert {pixels.dtype for pixels in channels.values()} == {np.dtype(np.float16)}
        picture = source.video[frame]
        alpha = Edges().alpha(picture, soft_of_all(source, frame))
        np.testing.assert_array_equal(channels["A"], alpha.astype(np.float16))
        for key, name in ((3, "dog.A"), (7, "big_cat.A")):
            soft = source.soft(key, frame)
            expected = Edges().alpha(picture, np.zeros_like(alpha) if soft is None else soft)
            np.testing.assert_array_equal(channels[name], expected.astype(np.float16))
        value = picture[..., 0].astype(float) / 255
        light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
        np.testing.assert_allclose(channels["R"], light * alpha, atol=0.001)


def test_exr_can_hold_the_mattes_alone(tmp_path: Path):
    exr = pytest.importorskip("OpenEXR")
    list(export(MadeSource(), "exr", tmp_path / "out", frames="5:6", colour=False, edges="hard"))
    with exr.File(str(tmp_path / "out/clip.1006.exr"), separate_channels=True) as file:
        assert file.channels().keys() == {"A", "dog.A", "cat.A"}
        np.testing.assert_array_equal(file.channels()["cat.A"].pixels, MadeSource().masks(5)[7])


def test_no_layer_of_exr_takes_the_place_of_another(tmp_path: Path):
    exr = pytest.importorskip("OpenEXR")
    source = MadeSource(objects=(Thing(3, "arm.l"), Thing(7, "arm_l")))
    list(export(source, "exr", tmp_path / "out", frames="5:6", edges="hard"))
    with exr.File(str(tmp_path / "out/clip.1006.exr"), separate_channels=True) as file:
        mattes = {key: channel.pixels for key, channel in file.channels().items() if "." in key}
    for name, key in (("arm_l-3.A", 3), ("arm_l-7.A", 7)):
        np.testing.assert_array_equal(mattes[name] > 0.5, source.masks(5)[key])


def test_exr_keeps_the_shape_of_pixels(tmp_path: Path):
    exr = pytest.importorskip("OpenEXR")
    video = open_video(squeezed(tmp_path / "clip.mp4"))
    list(export(MadeSource(video), "exr", tmp_path / "out", frames="0:1"))
    with exr.File(str(tmp_path / "out/clip.1001.exr")) as file:
        assert file.header()["pixelAspectRatio"] == pytest.approx(4 / 3)
