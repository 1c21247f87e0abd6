"""Masks from files: what export writes, and what others write, comes back as it was."""

from __future__ import annotations

import json
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
    off = found[5][2] ^ box
    assert not off[31:43, 11:19].any()
    assert off.sum() <= box.sum() - 12 * 8  # at most the border


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
