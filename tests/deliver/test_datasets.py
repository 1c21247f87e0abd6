"""Trees of PNG files, read back with Pillow."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ivos.deliver import export
from ivos.errors import InvalidInput
from ivos.types import LabelMap, SoftMask
from tests.clips import numbered_frame, read_number
from tests.deliver.made import MadeSource, MadeVideo, Thing, pixels


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_davis_pngs_hold_the_ids_with_the_palette_of_davis(tmp_path: Path):
    source = MadeSource()
    list(export(source, "davis", tmp_path / "out"))
    assert files(tmp_path / "out") == [f"{frame:05d}.png" for frame in range(12)]
    for frame in range(12):
        with Image.open(tmp_path / "out" / f"{frame:05d}.png") as image:
            assert image.mode == "P"
            assert image.getpalette()[:12] == [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0]
            np.testing.assert_array_equal(np.array(image), source.labels(frame))


def test_the_davis_tree_can_hold_the_frames_too(tmp_path: Path):
    list(export(MadeSource(), "davis", tmp_path / "D", tree=True, images=True, frames="2:5"))
    assert files(tmp_path / "D") == [
        *[f"Annotations/480p/clip/{frame:05d}.png" for frame in (2, 3, 4)],
        "ImageSets/2017/val.txt",
        *[f"JPEGImages/480p/clip/{frame:05d}.jpg" for frame in (2, 3, 4)],
    ]
    assert read_number(pixels(tmp_path / "D/JPEGImages/480p/clip/00003.jpg")) == 3
    assert (tmp_path / "D/ImageSets/2017/val.txt").read_text() == "clip\n"


def test_binary_masks_get_a_folder_an_object(tmp_path: Path):
    source = MadeSource()
    list(export(source, "binary", tmp_path / "out"))
    for frame in range(12):
        for object_id, name in ((3, "dog"), (7, "cat")):
            found = pixels(tmp_path / "out" / name / f"{frame:05d}.png")
            np.testing.assert_array_equal(found, source.masks(frame)[object_id] * np.uint8(255))


def test_soft_masks_keep_sixteen_bits(tmp_path: Path):
    source = MadeSource()
    list(export(source, "soft16", tmp_path / "out", objects=("dog",)))
    assert {path.parts[0] for path in map(Path, files(tmp_path / "out"))} == {"dog"}
    for frame in range(12):
        found = pixels(tmp_path / "out/dog" / f"{frame:05d}.png")
        assert found.dtype == np.uint16
        soft = source.soft(3, frame)
        assert soft is not None
        assert np.abs(found / 65535 - soft).max() <= 0.5 / 65535 + 1e-7


def test_youtube_vos_lists_the_frames_that_each_object_is_on(tmp_path: Path):
    source = MadeSource()
    list(export(source, "youtube-vos", tmp_path / "Y", images=True))
    meta = json.loads((tmp_path / "Y/meta.json").read_text())
    objects = meta["videos"]["clip"]["objects"]
    assert objects["3"] == {"category": "dog", "frames": [f"{t:05d}" for t in range(12)]}
    assert objects["7"] == {"category": "cat", "frames": [f"{t:05d}" for t in range(4, 12)]}
    for frame in range(12):
        found = pixels(tmp_path / f"Y/Annotations/clip/{frame:05d}.png")
        np.testing.assert_array_equal(found, source.labels(frame))
        assert read_number(pixels(tmp_path / f"Y/JPEGImages/clip/{frame:05d}.jpg")) == frame


def test_mots_pngs_hold_class_and_object(tmp_path: Path):
    source = MadeSource()
    list(export(source, "mots", tmp_path / "M", class_id=2))
    for frame in range(12):
        found = pixels(tmp_path / f"M/instances/clip/{frame:06d}.png").astype(int)
        np.testing.assert_array_equal(found // 1000, 2 * (source.labels(frame) > 0))
        np.testing.assert_array_equal(found % 1000, source.labels(frame))


def test_names_follow_tokens_and_the_start_frame(tmp_path: Path):
    out = tmp_path / "{name}-{kind}-{date}"
    name = "{object_id}/{name}_{object}.{frame}"
    asked = {"name": name, "start_frame": 1001, "frames": "3:5", "date": "2026-11-22"}
    list(export(MadeSource(), "binary", out, **asked))
    assert files(tmp_path / "clip-binary-2026-11-22") == [
        "3/clip_dog.01004.png",
        "3/clip_dog.01005.png",
        "7/clip_cat.01004.png",
        "7/clip_cat.01005.png",
    ]


def test_objects_of_one_name_do_not_share_files(tmp_path: Path):
    source = MadeSource(objects=(Thing(3, "car/1"), Thing(7, "Car:1")))
    list(export(source, "binary", tmp_path / "out", frames="0:1"))
    assert files(tmp_path / "out") == ["Car_1-7/00000.png", "car_1-3/00000.png"]


@dataclass
class Named(MadeSource):
    """The dog, under as many ids as there are names."""

    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.objects = [Thing(key, name) for key, name in enumerate(self.names, start=1)]

    def labels(self, frame: int) -> LabelMap:
        labels = np.zeros(self.video.size, np.uint8)
        for item in self.objects:
            labels[4 * item.object_id, :] = item.object_id
        return labels

    def soft(self, object_id: int, frame: int) -> SoftMask:
        return (self.labels(frame) == object_id).astype(np.float32)


@pytest.mark.parametrize(
    ("names", "folders"),
    [
        (("x", "x", "x-2"), ["x-1", "x-2", "x-2-2"]),
        (("x-2", "X", "x"), ["X-2-2", "x-2", "x-3"]),
        (("a/b", "a?b", "c"), ["a_b-1", "a_b-2", "c"]),
    ],
)
def test_no_object_loses_its_files_to_another(
    tmp_path: Path, names: tuple[str, ...], folders: list[str]
):
    list(export(Named(names=names), "binary", tmp_path / "out", frames="0:1"))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == folders
    list(export(Named(names=names), "csv", tmp_path / "{object}.csv", frames="0:1"))
    assert sorted(path.stem for path in tmp_path.glob("*.csv")) == folders


def test_a_token_for_the_object_in_the_path_makes_an_export_of_each(tmp_path: Path):
    source = MadeSource()
    reports = list(export(source, "davis", tmp_path / "{object}", frames="4:6"))
    assert [(p.frame, p.done, p.total) for p in reports] == [
        (4, 1, 4), (5, 2, 4), (4, 3, 4), (5, 4, 4),
    ]  # fmt: skip
    cat = pixels(tmp_path / "cat/00004.png")
    np.testing.assert_array_equal(cat, source.masks(4)[7] * np.uint8(7))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"frames": "5"}, "write a:b"),
        ({"frames": "5:5"}, "the video has frames 0:12"),
        ({"frames": "0:13"}, "the video has frames 0:12"),
        ({"objects": ("horse",)}, r"no object 'horse'; there are 3 \(dog\), 7 \(cat\)"),
        ({"scale": 2}, "davis has no option scale; it has date, frames"),
        ({"start_frame": -1}, "start frame -1 is below 0"),
        ({"name": "{objekt}.{frame}"}, r"no token \{objekt\}"),
        ({"name": "mask"}, "gives all frames one file"),
        ({"name": "../{frame}"}, "leads out of the output folder"),
        ({"name": "{frame"}, "tokens look like"),
        ({"images": True}, "pass --tree too"),
    ],
)
def test_a_mistake_is_told_in_one_line_and_nothing_is_written(
    tmp_path: Path, options: dict[str, object], words: str
):
    with pytest.raises(InvalidInput, match=words) as caught:
        list(export(MadeSource(), "davis", tmp_path / "out", **options))
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_kind_is_answered_with_those_that_exist(tmp_path: Path):
    with pytest.raises(InvalidInput, match="no kind of export is called 'avi'; there are davis, "):
        export(MadeSource(), "avi", tmp_path / "out")


def test_a_project_without_objects_says_what_to_do(tmp_path: Path):
    with pytest.raises(InvalidInput, match="draw on a frame first"):
        export(MadeSource(objects=()), "davis", tmp_path / "out")


def test_a_video_of_one_frame_and_odd_size_exports(tmp_path: Path):
    source = MadeSource(MadeVideo(length=1, size=(47, 33)))
    list(export(source, "davis", tmp_path / "out"))
    assert pixels(tmp_path / "out/00000.png").shape == (47, 33)
    assert numbered_frame(0, (47, 33)).shape == (47, 33, 3)
