"""Masks from files: what export writes, and what others write, comes back as it was."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ivos.deliver import Incoming, Matching, export, read_masks
from ivos.errors import InvalidInput
from ivos.masks import encode_rle
from ivos.session import Session
from tests.deliver.made import MadeSource, MadeVideo, Thing
from tests.fakes import ColourNetworks

NAMES = {3: "dog", 7: "cat"}


def matching(**options: Any) -> Matching:
    return Matching(video=options.pop("video", MadeVideo()), known={}, **options)


def save(path: Path, pixels: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def check(found: Incoming, source: MadeSource, ids: dict[int, int] | None = None) -> None:
    """``ids``: found id -> id in the source."""
    ids = {3: 3, 7: 7} if ids is None else ids
    assert found.names.keys() == ids.keys()
    for frame, masks in found.items():
        truth = source.masks(frame)
        for mine, theirs in ids.items():
            np.testing.assert_array_equal(np.asarray(masks[mine]) >= 0.5, truth[theirs])


@pytest.mark.parametrize(
    ("kind", "form", "names", "ids"),
    [
        ("davis", "davis", {3: "Object 3", 7: "Object 7"}, None),
        ("youtube-vos", "youtube-vos", NAMES, None),
        ("mots", "mots", {3: "Object 3", 7: "Object 7"}, None),
        ("binary", "objects", {1: "cat", 2: "dog"}, {1: 7, 2: 3}),
        ("soft16", "objects", {1: "cat", 2: "dog"}, {1: 7, 2: 3}),
        ("coco", "coco", NAMES, None),
        ("ytvis", "ytvis", NAMES, None),
    ],
)
def test_what_was_exported_is_recognised_and_comes_back(
    tmp_path: Path, kind: str, form: str, names: dict[int, str], ids: dict[int, int] | None
):
    source = MadeSource()
    list(export(source, kind, tmp_path / "out", frames="2:11"))
    (path,) = tmp_path.iterdir()
    found = read_masks(path, matching())
    assert (found.form, found.names) == (form, names)
    assert found.frames == tuple(range(2, 11))
    check(found, source, ids)


def test_soft_masks_keep_their_probabilities(tmp_path: Path):
    source = MadeSource()
    list(export(source, "soft16", tmp_path / "out", objects=(3,)))
    found = read_masks(tmp_path / "out/dog", matching(object="dog"))
    soft = source.soft(3, 5)
    assert soft is not None
    np.testing.assert_allclose(found[5][1], soft, atol=1e-4)


def test_a_davis_tree_gives_the_sequence_of_the_video(tmp_path: Path):
    for name in ("clip", "other"):
        source = MadeSource(MadeVideo(name=name, length=4), cat_from=0)
        list(export(source, "davis", tmp_path / name, tree=True))
    root = tmp_path / "clip"
    (tmp_path / "other/Annotations/480p/other").rename(root / "Annotations/480p/other")
    check(read_masks(root, matching()), MadeSource(cat_from=0))
    with pytest.raises(InvalidInput, match="holds 2 sequences, none is called third"):
        read_masks(root, matching(video=MadeVideo(name="third")))


def test_objects_that_are_known_by_name_keep_their_ids(tmp_path: Path):
    list(export(MadeSource(), "binary", tmp_path / "out"))
    known = Matching(video=MadeVideo(), known={9: "dog"})
    assert read_masks(tmp_path / "out", known).names == {1: "cat", 9: "dog"}


def test_one_black_and_white_picture_is_a_mask_of_one_frame(tmp_path: Path):
    mask = MadeSource().masks(6)[3]
    save(tmp_path / "matte.png", mask * np.uint8(255))
    found = read_masks(tmp_path / "matte.png", matching(frame=6, object="5"))
    assert (found.form, found.frames, found.names) == ("binary", (6,), {5: "Object 5"})
    np.testing.assert_array_equal(found[6][5], mask)


def test_numbers_in_names_count_from_the_start_frame(tmp_path: Path):
    source = MadeSource()
    list(export(source, "davis", tmp_path / "out", name="x2_{frame}", start_frame=1001))
    check(read_masks(tmp_path / "out", matching(start_frame=1001)), source)
    with pytest.raises(InvalidInput, match=r"x2_01001 would be frame 1001.* pass --start-frame"):
        read_masks(tmp_path / "out", matching())


@pytest.mark.parametrize("kind", ["davis", "mots", "binary", "soft16", "coco"])
def test_masks_of_another_size_are_told_or_stretched(tmp_path: Path, kind: str):
    source = MadeSource(MadeVideo(size=(96, 128)))
    list(export(source, kind, tmp_path / "out", frames="5:6"))
    (path,) = tmp_path.iterdir()
    with pytest.raises(InvalidInput, match=r"is 128x96 pixels, but the video is 64x48"):
        _ = read_masks(path, matching())[5]
    found = read_masks(path, matching(resize=True))
    cat = {"binary": 1, "soft16": 1}.get(kind, 7)
    np.testing.assert_array_equal(np.asarray(found[5][cat]) > 0.5, source.masks(5)[7][::2, ::2])


def coco(path: Path, *rows: dict[str, Any], categories: tuple[str, ...] = ("person",)) -> Path:
    """A file with one image, frame 5; ``rows`` are annotations, of the first category."""
    images = [{"id": 9, "file_name": "00005.jpg"}]
    names = [{"id": key, "name": name} for key, name in enumerate(categories, start=1)]
    annotations = [{"image_id": 9, "category_id": 1, **row} for row in rows]
    data = {"images": images, "categories": names, "annotations": annotations}
    path.write_text(json.dumps(data))
    return path


def runs(mask: NDArray[np.bool_]) -> dict[str, Any]:
    return {"size": [*mask.shape], "counts": encode_rle(mask)}


def tracks(*keys: int | None) -> tuple[list[dict[str, Any]], list[NDArray[np.bool_]]]:
    """Annotations of one track each, and their masks, of which no two overlap."""
    masks = [np.zeros((48, 64), np.bool_) for _ in keys]
    for column, mask in enumerate(masks):
        mask[10 : 20 + column, 10 * column : 10 * column + 8] = True
    rows = zip(keys, masks, strict=True)
    return [{"track_id": key, "segmentation": runs(mask)} for key, mask in rows], masks


@pytest.mark.parametrize(
    ("keys", "ids"),
    [
        ((0, 1, 2), (3, 1, 2)),
        ((255, 1, 0), (2, 1, 3)),
        ((1, 1000, 2), (1, 3, 2)),
        ((None, 7, 1), (2, 7, 1)),
    ],
)
def test_every_track_becomes_an_object_of_its_own(
    tmp_path: Path, keys: tuple[int | None, ...], ids: tuple[int, ...]
):
    rows, masks = tracks(*keys)
    found = read_masks(coco(tmp_path / "a.json", *rows), matching())
    assert found.names == dict.fromkeys(ids, "person")
    for object_id, mask in zip(ids, masks, strict=True):
        np.testing.assert_array_equal(found[5][object_id], mask)


def test_a_category_that_is_a_number_does_not_take_the_id_of_a_track(tmp_path: Path):
    rows, masks = tracks(None, 2)
    path = coco(tmp_path / "a.json", *rows, categories=("2",))
    found = read_masks(path, matching())
    assert found.names.keys() == {1, 2}
    np.testing.assert_array_equal(found[5][1], masks[0])
    np.testing.assert_array_equal(found[5][2], masks[1])


def ytvis(path: Path, *keys: int) -> tuple[Path, list[NDArray[np.bool_]]]:
    """One video with frame 5; ``keys`` are the ids of its annotations."""
    rows, masks = tracks(*keys)
    annotations = [
        {"id": row["track_id"], "video_id": 1, "category_id": 1}
        | {"segmentations": [row["segmentation"]]}
        for row in rows
    ]
    data = {
        "videos": [{"id": 1, "file_names": ["clip/00005.jpg"]}],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": annotations,
    }
    path.write_text(json.dumps(data))
    return path, masks


def test_annotations_of_ytvis_never_share_an_object(tmp_path: Path):
    path, masks = ytvis(tmp_path / "a.json", 255, 1)
    found = read_masks(path, matching())
    assert found.names == {1: "person", 2: "person"}
    np.testing.assert_array_equal(found[5][1], masks[1])
    np.testing.assert_array_equal(found[5][2], masks[0])
    path, _ = ytvis(tmp_path / "b.json", 3, 3)
    with pytest.raises(InvalidInput, match="two annotations have the id 3"):
        read_masks(path, matching())


def test_objects_of_mots_that_share_a_number_are_told_apart_on_all_frames(tmp_path: Path):
    places = {1000: 0, 1001: 8, 2001: 16, 2003: 24, 1255: 32, 10000: 40}
    for frame, missing in ((0, 1001), (1, 2001), (2, 0)):
        pixels = np.zeros((48, 64), np.uint16)
        for value, top in places.items():
            pixels[top : top + 8] = 0 if value == missing else value
        save(tmp_path / f"m/{frame:06d}.png", pixels)
    found = read_masks(tmp_path / "m", matching(), "mots")
    ids = {1: 1000, 2: 1001, 3: 2003, 4: 1255, 5: 2001}
    assert found.names == {key: f"MOTS {value}" for key, value in ids.items()} | {3: "Object 3"}
    for key, value in ids.items():
        for frame, missing in ((0, 1001), (1, 2001), (2, 0)):
            there = np.zeros((48, 64), np.bool_)
            there[places[value] : places[value] + 8] = value != missing
            np.testing.assert_array_equal(found[frame][key], there)
    again = Matching(video=MadeVideo(), known=found.names)
    assert read_masks(tmp_path / "m", again, "mots").names == found.names


def test_folders_of_the_same_number_are_told(tmp_path: Path):
    for name in ("1", "01"):
        save(tmp_path / name / "00005.png", np.full((48, 64), 255, np.uint8))
    with pytest.raises(InvalidInput, match="01 and 1 are both object 1"):
        read_masks(tmp_path, matching())


def test_coco_of_others_with_polygons_and_plain_counts_is_read(tmp_path: Path):
    mask = MadeSource().masks(5)[3]
    data = {
        "images": [{"id": 9, "file_name": "img/00005.jpg"}],
        "categories": [{"id": 1, "name": "dog"}, {"id": 2, "name": "box"}],
        "annotations": [
            {
                "image_id": 9,
                "category_id": 1,
                "segmentation": {"size": [48, 64], "counts": encode_rle(mask)},
            },
            {"image_id": 9, "category_id": 2, "segmentation": [[10, 30, 20, 30, 20, 44, 10, 44]]},
        ],
    }
    (tmp_path / "a.json").write_text(json.dumps(data))
    found = read_masks(tmp_path / "a.json", matching())
    assert (found.frames, found.names) == ((5,), {1: "dog", 2: "box"})
    np.testing.assert_array_equal(found[5][1], mask)
    box = np.zeros((48, 64), np.bool_)
    box[30:44, 10:20] = True
    np.testing.assert_array_equal(found[5][2], box)


def test_polygons_fill_the_pixels_whose_middle_is_inside(tmp_path: Path):
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    disc = np.stack([31.3 + 17.2 * np.cos(angles), 24.6 + 17.2 * np.sin(angles)], axis=1)
    path = coco(tmp_path / "a.json", {"segmentation": [disc.ravel().tolist()]})
    y, x = np.mgrid[:48, :64] + 0.5
    away = np.hypot(x - 31.3, y - 24.6) - 17.2
    found = read_masks(path, matching())[5][1]
    assert found[away < -0.25].all()  # a corner's chord lies 0.05 inside the circle
    assert not found[away > 0.25].any()
    assert found.sum() == pytest.approx(np.pi * 17.2**2, rel=0.02)


def test_a_picture_that_is_said_to_be_huge_takes_no_memory(tmp_path: Path):
    path = coco(tmp_path / "a.json", {"track_id": 1, "segmentation": [[0, 0, 9, 0, 9, 9]]})
    data = json.loads(path.read_text())
    data["images"][0] |= {"width": 10**6, "height": 10**6}
    path.write_text(json.dumps(data))
    with pytest.raises(InvalidInput, match="1000000x1000000 pixels, too many"):
        read_masks(path, matching())


@pytest.mark.parametrize("form", ["coco", "ytvis"])
def test_polygons_lie_on_the_picture_that_they_were_drawn_on(tmp_path: Path, form: str):
    polygons = [[80, 30, 90, 30, 90, 40, 80, 40]]
    if form == "coco":
        path = coco(tmp_path / "a.json", {"segmentation": polygons})
    else:
        path, _ = ytvis(tmp_path / "a.json", 1)
    data = json.loads(path.read_text())
    data["images" if form == "coco" else "videos"][0] |= {"width": 128, "height": 96}
    if form == "ytvis":
        data["annotations"][0]["segmentations"] = [polygons]
    path.write_text(json.dumps(data))
    with pytest.raises(InvalidInput, match=r"a mask is 128x96 pixels, but the video is 64x48"):
        _ = read_masks(path, matching())[5]
    box = np.zeros((48, 64), np.bool_)
    box[15:20, 40:45] = True
    np.testing.assert_array_equal(read_masks(path, matching(resize=True))[5][1], box)


def test_categories_never_take_the_id_of_an_object_of_another_name(tmp_path: Path):
    counts = encode_rle(MadeSource().masks(5)[3])
    row = {"image_id": 1, "segmentation": {"size": [48, 64], "counts": counts}}
    data = {
        "images": [{"id": 1, "file_name": "5.png"}],
        "categories": [{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}],
        "annotations": [row | {"category_id": 1}, row | {"category_id": 2}],
    }
    (tmp_path / "a.json").write_text(json.dumps(data))
    known = Matching(video=MadeVideo(), known={1: "cat", 2: "horse"})
    assert read_masks(tmp_path / "a.json", known).names == {1: "cat", 3: "dog"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]", "holds a list"),
        ("{", "not JSON"),
        ("{}", "has no list of 'images'"),
        ('{"images": [], "annotations": []}', "there are no masks in it"),
        ('{"images": [{"id": 1, "file_name": "1.jpg"}], "annotations": [{}]}', "KeyError"),
        ('{"videos": [{"id": 1}, {"id": 2}], "annotations": []}', "holds 2 videos, none is clip"),
        (
            '{"images": [{"id": 1, "file_name": "1.jpg"}], "annotations": ['
            '{"image_id": 1, "category_id": 1, "segmentation": []},'
            '{"image_id": 1, "category_id": 1, "segmentation": []}]}',
            "two masks of category 1; give each object its own track_id",
        ),
    ],
)
def test_bad_json_is_told_in_one_line(tmp_path: Path, content: str, words: str):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InvalidInput, match=words) as caught:
        read_masks(tmp_path / "a.json", matching())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a.png"], "no number in that name"),
        (["1.png", "01.png"], "01 and 1 are both frame 1"),
        (["00400.png"], r"would be frame 400, but the video has frames 0\.\.11"),
    ],
)
def test_names_that_do_not_say_their_frame_are_told(tmp_path: Path, names: list[str], words: str):
    for name in names:
        save(tmp_path / "m" / name, np.full((48, 64), 3, np.uint8))
    with pytest.raises(InvalidInput, match=words):
        read_masks(tmp_path / "m", matching())


def test_what_is_no_mask_is_told(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="no masks there that are known"):
        read_masks(tmp_path / "empty", matching())
    with pytest.raises(InvalidInput, match="no such file or folder"):
        read_masks(tmp_path / "gone", matching())
    with pytest.raises(InvalidInput, match="no form of masks is called 'avi'"):
        read_masks(tmp_path / "empty", matching(), "avi")
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    with pytest.raises(InvalidInput, match="not a picture that can be read"):
        read_masks(tmp_path / "broken.png", matching())
    save(tmp_path / "c/00001.png", np.full((48, 64, 3), 3, np.uint8))
    with pytest.raises(InvalidInput, match="is a colour picture"):
        read_masks(tmp_path / "c", matching(), "davis")


def session() -> Session:
    return Session(MadeVideo(), ColourNetworks())


def test_an_import_is_one_step_that_can_be_undone(tmp_path: Path):
    source = MadeSource()
    list(export(source, "youtube-vos", tmp_path / "out"))
    into = session()
    masks = read_masks(tmp_path / "out", matching())
    reports = list(into.import_masks(masks, masks.names))
    assert [(report.frame, report.done) for report in reports] == [(t, t + 1) for t in range(12)]
    assert len(into.steps) == 1
    assert {info.object_id: info.name for info in into.objects} == NAMES
    for frame in range(12):
        np.testing.assert_array_equal(into.labels(frame), source.labels(frame))
    into.undo()
    assert into.objects == ()
    assert not into.has_mask(3, 5)
    into.redo()
    np.testing.assert_array_equal(into.labels(5), source.labels(5))


def test_annotated_masks_come_in_as_one_step_and_can_be_propagated(tmp_path: Path):
    list(export(MadeSource(), "youtube-vos", tmp_path / "out", frames="4:6"))
    into = session()
    masks = read_masks(tmp_path / "out", matching())
    assert len(list(into.import_masks(masks, masks.names, annotate=True))) == 2
    assert len(into.steps) == 1
    assert {info.object_id: info.name for info in into.objects} == NAMES
    assert into.annotated_frames == (4, 5)
    list(into.propagate())
    for frame in (4, 5):
        np.testing.assert_array_equal(into.labels(frame), MadeSource().labels(frame))
    into.undo()
    into.undo()
    assert (into.objects, into.annotated_frames) == ((), ())


def test_an_import_that_is_cancelled_or_fails_changes_nothing(tmp_path: Path):
    list(export(MadeSource(), "davis", tmp_path / "out"))
    into = session()
    masks = read_masks(tmp_path / "out", matching())
    work = into.import_masks(masks, masks.names)
    next(work)
    work.close()
    assert (len(into.steps), into.objects, into.has_mask(3, 0)) == (0, (), False)
    (tmp_path / "out/00008.png").write_bytes(b"damaged meanwhile")
    with pytest.raises(InvalidInput, match=r"00008\.png: not a picture"):
        list(into.import_masks(masks, masks.names))
    assert (len(into.steps), into.objects, into.has_mask(3, 0)) == (0, (), False)


def test_an_import_never_changes_what_is_locked(tmp_path: Path):
    into = session()
    mine = np.zeros((48, 64), np.bool_)
    mine[:10, :10] = True
    into.set_masks(4, {3: mine}, annotate=False)
    into.lock([4])
    list(export(MadeSource(objects=(Thing(3, "dog"),)), "davis", tmp_path / "out"))
    masks = read_masks(tmp_path / "out", matching())
    with pytest.raises(InvalidInput, match="locked on frame 4"):
        list(into.import_masks(masks, masks.names))
    np.testing.assert_array_equal(into.labels(4) == 3, mine)


def folder_of(path: Path, pictures: list[NDArray[Any]], suffix: str = ".png") -> Path:
    for frame, values in enumerate(pictures):
        save(path / f"{frame:05d}{suffix}", values)
    return path


def labels_with(*values: int) -> NDArray[np.uint8]:
    """A stripe for each value, ever narrower, on nothing."""
    found = np.zeros((48, 64), np.uint8)
    for index, value in enumerate(values):
        found[4 + 10 * index : 12 + 10 * index, 8 : 60 - 15 * index] = value
    return found


@pytest.mark.parametrize(
    ("dtype", "suffix"),
    [(np.uint16, ".png"), (np.uint16, ".tif"), (np.int32, ".tif"), (np.float32, ".tif")],
)
def test_object_ids_in_deep_pixels_are_object_ids(tmp_path: Path, dtype: type, suffix: str):
    truth = [labels_with(1, 2), labels_with(2), labels_with(2, 9)]
    found = read_masks(
        folder_of(tmp_path / "m", [labels.astype(dtype) for labels in truth], suffix), matching()
    )
    assert (found.form, [*found.names]) == ("davis", [1, 2, 9])
    for frame, masks in found.items():
        for key, mask in masks.items():
            np.testing.assert_array_equal(mask, truth[frame] == key)


def test_deep_pixels_above_all_ids_are_probabilities(tmp_path: Path):
    grey = np.linspace(0, 65535, 48 * 64).reshape(48, 64).astype(np.uint16)
    found = read_masks(folder_of(tmp_path / "m", [grey]), matching())
    assert found.form == "soft"
    np.testing.assert_allclose(found[0][1], grey / 65535, atol=1e-6)


def test_fractions_from_0_to_1_are_probabilities(tmp_path: Path):
    grey = np.linspace(0, 1, 48 * 64).reshape(48, 64).astype(np.float32)
    path = folder_of(tmp_path / "m", [grey, np.zeros_like(grey)], ".tif")
    found = read_masks(path, matching())
    assert found.form == "soft"
    np.testing.assert_allclose(found[0][1], grey)
    assert not found[1][1].any()
    assert [*read_masks(path, matching(), "binary")[0][1][0, :2]] == [False, True]
    for form in ("davis", "mots"):
        with pytest.raises(InvalidInput, match=r"00000.tif: fractions are no object ids"):
            read_masks(path, matching(), form)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1.5, -1.0, 70000.0])
def test_fractions_that_are_no_masks_are_told(tmp_path: Path, value: float):
    path = folder_of(tmp_path / "m", [np.full((48, 64), value, np.float32)], ".tif")
    for form in (None, "davis", "binary", "soft", "mots"):
        with pytest.raises(InvalidInput, match=r"00000.tif: pixels from .* are no masks"):
            [*read_masks(path, matching(), form).values()]


def test_whole_numbers_beyond_16_bits_are_told(tmp_path: Path):
    path = folder_of(tmp_path / "m", [np.full((48, 64), 65537, np.int32)], ".tif")
    with pytest.raises(InvalidInput, match="pixels from 65537 to 65537 are no masks"):
        read_masks(path, matching())


def test_an_object_that_is_rarely_there_is_still_recognised_as_black_and_white(tmp_path: Path):
    empty = np.zeros((48, 64), np.uint8)
    pictures = [empty] * 12
    pictures[7] = labels_with(255)
    found = read_masks(folder_of(tmp_path / "m", pictures), matching())
    assert found.form == "binary"
    assert [bool(found[frame][1].any()) for frame in range(12)] == [f == 7 for f in range(12)]


def test_a_smooth_edge_of_few_greys_is_no_object(tmp_path: Path):
    matte = labels_with(255)
    matte[4, 8:60], matte[11, 8:60], matte[4:12, 8] = 64, 128, 64
    found = read_masks(folder_of(tmp_path / "m", [matte]), matching())
    assert (found.form, [*found.names]) == ("soft", [1])
    np.testing.assert_allclose(found[0][1], matte / np.float32(255), atol=1e-6)


def test_a_border_of_void_does_not_make_ids_a_matte(tmp_path: Path):
    labels = labels_with(1, 2)
    labels[4, 8:60] = 255
    found = read_masks(folder_of(tmp_path / "m", [labels]), matching())
    assert (found.form, [*found.names]) == ("davis", [1, 2])


def test_where_no_masks_are_found_it_is_said_how_to_name_the_form(tmp_path: Path):
    path = folder_of(tmp_path / "m", [np.zeros((48, 64), np.uint8)])
    with pytest.raises(
        InvalidInput, match=r"no masks in it, read as davis; .* with --form \(davis"
    ):
        read_masks(path, matching())
    assert not read_masks(path, matching(), "binary")[0][1].any()


@pytest.mark.parametrize("corner", [float("nan"), float("inf"), 1e12])
def test_a_polygon_beyond_any_picture_is_told(tmp_path: Path, corner: float):
    coco = {
        "images": [{"id": 1, "file_name": "00001.png", "width": 64, "height": 48}],
        "categories": [{"id": 1, "name": "dog"}],
        "annotations": [
            {"image_id": 1, "category_id": 1, "segmentation": [[1, 1, 9, corner, 9, 9]]}
        ],
    }
    (tmp_path / "c.json").write_text(json.dumps(coco))
    found = read_masks(tmp_path / "c.json", matching())
    with pytest.raises(InvalidInput, match="a corner of a polygon lies beyond any picture"):
        found[1]


def test_what_is_found_broken_late_is_one_line(tmp_path: Path):
    path = folder_of(tmp_path / "m", [labels_with(255)] * 2)
    found = read_masks(path, matching())
    (path / "00001.png").write_bytes(b"")
    with pytest.raises(InvalidInput, match=r"00001.png: not a picture"):
        found[1]
    (path / "00001.png").unlink()
    with pytest.raises(InvalidInput, match=r"00001.png"):
        found[1]


@dataclass
class CountedFromOne(MadeVideo):
    """Images called 000001, 000002, ..., as many data sets have them."""

    def frame_name(self, frame: int) -> str:
        return f"{frame + 1:06d}"


@pytest.mark.parametrize("frames", [None, "1:6"])
def test_mots_comes_back_on_its_frames_where_images_count_from_one(
    tmp_path: Path, frames: str | None
):
    source = MadeSource(CountedFromOne())
    list(export(source, "mots", tmp_path / "out", frames=frames))
    found = read_masks(tmp_path / "out", matching(video=source.video))
    assert [*found] == [*range(12)][slice(1, 6) if frames else slice(None)]
    check(found, source)


def test_mots_of_times_from_0_is_told_from_names_of_images(tmp_path: Path):
    source = MadeSource(CountedFromOne())
    list(export(source, "mots", tmp_path / "out", start_frame=0))  # as all exports once were
    found = read_masks(tmp_path / "out", matching(video=source.video))
    assert [*found] == [*range(12)]
    check(found, source)
    list(export(source, "mots", tmp_path / "part", start_frame=0, frames="1:6"))
    found = read_masks(tmp_path / "part", matching(video=source.video, start_frame=0))
    assert [*found] == [*range(1, 6)]
    check(found, source)
