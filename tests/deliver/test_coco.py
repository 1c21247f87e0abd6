"""COCO and YTVIS, read back with pycocotools."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivos.deliver import export
from ivos.deliver.rle import compress_counts, expand_counts
from ivos.errors import InvalidInput
from ivos.masks import decode_rle, encode_rle
from tests.deliver.made import MadeSource, Thing

coco = pytest.importorskip("pycocotools.coco")
coco_mask = pytest.importorskip("pycocotools.mask")

# pycocotools 2.0.11 does not know NumPy 2's keyword yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_coco_masks_are_those_of_the_source(tmp_path: Path):
    source = MadeSource()
    list(export(source, "coco", tmp_path / "out.json"))
    with contextlib.redirect_stdout(io.StringIO()):
        data = coco.COCO(str(tmp_path / "out.json"))
    names = {row["id"]: row["name"] for row in data.loadCats(data.getCatIds())}
    assert len(data.imgs) == 12
    for image in data.loadImgs(data.getImgIds()):
        frame = image["frame_index"]
        assert image["file_name"] == f"{frame:05d}.jpg"
        assert image["timestamp"] == pytest.approx(frame / 25)
        found = {}
        for entry in data.loadAnns(data.getAnnIds(imgIds=[image["id"]])):
            mask = data.annToMask(entry).astype(bool)
            assert entry["area"] == mask.sum() == coco_mask.area(data.annToRLE(entry))
            assert entry["bbox"] == list(coco_mask.toBbox(data.annToRLE(entry)))
            assert names[entry["category_id"]] == {3: "dog", 7: "cat"}[entry["track_id"]]
            found[entry["track_id"]] = mask
        truth = {key: mask for key, mask in source.masks(frame).items() if mask.any()}
        assert found.keys() == truth.keys()
        for key, mask in truth.items():
            np.testing.assert_array_equal(found[key], mask)


def test_objects_of_one_name_are_one_category(tmp_path: Path):
    source = MadeSource(objects=(Thing(3, "animal"), Thing(7, "animal")))
    list(export(source, "coco", tmp_path / "a.json", frames="0:1"))
    list(export(MadeSource(), "coco", tmp_path / "b.json", category="thing", frames="0:1"))
    for name, category in (("a", "animal"), ("b", "thing")):
        rows = json.loads((tmp_path / f"{name}.json").read_text())["categories"]
        assert [(row["id"], row["name"]) for row in rows] == [(1, category)]


def test_coco_json_without_any_mask_is_still_valid(tmp_path: Path):
    list(export(MadeSource(), "coco", tmp_path / "out.json", objects=(7,), frames="0:2"))
    assert json.loads((tmp_path / "out.json").read_text())["annotations"] == []


def test_ytvis_holds_a_mask_or_null_for_every_frame(tmp_path: Path):
    source = MadeSource()
    list(export(source, "ytvis", tmp_path / "out.json", frames="2:9"))
    data = json.loads((tmp_path / "out.json").read_text())
    (video,) = data["videos"]
    assert video["file_names"] == [f"clip/{frame:05d}.jpg" for frame in range(2, 9)]
    assert [entry["id"] for entry in data["annotations"]] == [3, 7]
    for entry in data["annotations"]:
        lengths = {len(entry[key]) for key in ("segmentations", "areas", "bboxes")}
        assert lengths == {video["length"]} == {7}
        for index, frame in enumerate(range(2, 9)):
            truth = source.masks(frame)[entry["id"]]
            runs = entry["segmentations"][index]
            if runs is None:
                assert not truth.any()
                assert entry["areas"][index] is None
            else:
                np.testing.assert_array_equal(coco_mask.decode(runs).astype(bool), truth)
                assert entry["areas"][index] == truth.sum()
                assert entry["bboxes"][index] == list(coco_mask.toBbox(runs))


masks = st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32), st.floats(0, 1))


@settings(deadline=None)
@given(masks)
def test_run_lengths_are_the_string_of_pycocotools(made: tuple[int, int, int, float]):
    height, width, seed, share = made
    mask = np.random.default_rng(seed).random((height, width)) < share
    text = compress_counts(encode_rle(mask))
    theirs = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert text == theirs["counts"].decode()
    np.testing.assert_array_equal(decode_rle(expand_counts(text), (height, width)), mask)


def test_a_large_mask_has_long_runs():
    mask = np.zeros((2160, 3840), np.bool_)
    mask[5:2000, 7:3000] = True
    theirs = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert compress_counts(encode_rle(mask)) == theirs["counts"].decode()


@pytest.mark.parametrize("text", ["0o", "1O"])
def test_a_damaged_string_is_told(text: str):
    with pytest.raises(InvalidInput, match="run-length mask is damaged"):
        expand_counts(text)
