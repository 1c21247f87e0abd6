"""Labelled folders: what is read, and what is said of those that cannot be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.evaluate.made import write_mask, write_scribbles, write_sequence

from ivos.errors import InvalidInput
from ivos.evaluate import Dataset


def found(root: Path) -> Dataset:
    return Dataset.find(root, "480p")


def test_indexed_masks_are_object_ids_and_frames_are_paired_by_name(tmp_path: Path):
    video = write_sequence(tmp_path, "squares")
    sequence = found(tmp_path).load("squares")
    assert sequence.object_ids == (1, 2)
    assert len(sequence.truth) == len(sequence.video) == 5
    for t, labels in enumerate(sequence.truth):
        np.testing.assert_array_equal(labels, video.truth(t))
        np.testing.assert_array_equal(sequence.video[t], video[t])


@pytest.mark.parametrize("suffix", ["webp", "png", "bmp", "tif"])
def test_images_may_be_of_any_kind(tmp_path: Path, suffix: str):
    write_sequence(tmp_path, "squares", suffix=suffix)
    assert len(found(tmp_path).load("squares").video) == 5


def test_grey_masks_of_0_and_255_hold_one_object(tmp_path: Path):
    video = write_sequence(tmp_path, "squares", binary=True)
    sequence = found(tmp_path).load("squares")
    assert sequence.object_ids == (1,)
    np.testing.assert_array_equal(sequence.truth[2], video.truth(2) > 0)


def test_the_only_resolution_is_used_where_the_named_one_is_missing(tmp_path: Path):
    write_sequence(tmp_path, "squares")
    assert Dataset.find(tmp_path, "1080p").resolution == "480p"
    assert Dataset.find(tmp_path).resolution == "480p"
    (tmp_path / "Annotations" / "full").mkdir()
    with pytest.raises(InvalidInput, match="no resolution 1080p; there is: 480p, full"):
        Dataset.find(tmp_path, "1080p")
    with pytest.raises(InvalidInput, match="name one; there is: 480p, full"):
        Dataset.find(tmp_path)


def test_a_folder_that_holds_the_dataset_will_do(tmp_path: Path):
    write_sequence(tmp_path / "DAVIS", "squares")
    assert found(tmp_path).names() == ("squares",)


def test_a_root_without_the_layout_says_which_is_needed(tmp_path: Path):
    with pytest.raises(InvalidInput, match="no folder Annotations; a dataset needs JPEGImages"):
        found(tmp_path)
    with pytest.raises(InvalidInput, match="is not a folder"):
        found(tmp_path / "nowhere")
    (tmp_path / "Annotations" / "480p").mkdir(parents=True)
    with pytest.raises(InvalidInput, match="holds no sequence"):
        found(tmp_path).names()


def test_sequences_are_chosen_by_name_and_unknown_ones_named(tmp_path: Path):
    for name in ("b", "a", "c"):
        write_sequence(tmp_path, name, length=1)
    assert found(tmp_path).names() == ("a", "b", "c")
    assert found(tmp_path).names(["c", "a"]) == ("c", "a")
    with pytest.raises(InvalidInput, match="no sequence d; there is: a, b, c"):
        found(tmp_path).names(["a", "d"])


def test_a_missing_mask_is_named(tmp_path: Path):
    write_sequence(tmp_path, "squares")
    (tmp_path / "Annotations/480p/squares/00003.png").unlink()
    with pytest.raises(InvalidInput, match="squares: no mask for frame 00003 in"):
        found(tmp_path).load("squares")
    (tmp_path / "Annotations/480p/squares/00001.png").unlink()
    with pytest.raises(InvalidInput, match="frame 00001 and 1 more"):
        found(tmp_path).load("squares")


def test_a_mask_without_an_image_is_named(tmp_path: Path):
    write_sequence(tmp_path, "squares")
    (tmp_path / "JPEGImages/480p/squares/00004.png").unlink()
    with pytest.raises(InvalidInput, match=r"00004\.png has no image"):
        found(tmp_path).load("squares")


def test_masks_without_any_images_are_said(tmp_path: Path):
    (tmp_path / "Annotations/480p/squares").mkdir(parents=True)
    with pytest.raises(InvalidInput, match="squares: no images"):
        found(tmp_path).load("squares")


def test_a_mask_of_another_size_is_named_with_both_sizes(tmp_path: Path):
    write_sequence(tmp_path, "squares")
    write_mask(tmp_path / "Annotations/480p/squares/00002.png", np.ones((24, 32)))
    with pytest.raises(InvalidInput, match=r"00002\.png is 32x24, but its image is 64x48"):
        found(tmp_path).load("squares")


def test_a_mask_that_cannot_be_read_is_named(tmp_path: Path):
    write_sequence(tmp_path, "squares")
    (tmp_path / "Annotations/480p/squares/00002.png").write_text("nothing")
    with pytest.raises(InvalidInput, match=r"00002\.png"):
        found(tmp_path).load("squares")
    Image.new("RGB", (64, 48)).save(tmp_path / "Annotations/480p/squares/00002.png")
    with pytest.raises(InvalidInput, match="RGB image is not a label map"):
        found(tmp_path).load("squares")


@pytest.mark.parametrize(("value", "what"), [(0, "empty"), (255, "void")])
def test_masks_that_show_no_object_are_nothing_to_score(tmp_path: Path, value: int, what: str):
    write_sequence(tmp_path, "squares", masks=[np.full((48, 64), value)] * 5)
    with pytest.raises(InvalidInput, match=f"{what}.*nothing to score"):
        found(tmp_path).load("squares")


def test_an_object_that_appears_late_is_an_object_all_along(tmp_path: Path):
    masks = [np.zeros((48, 64)) for _ in range(5)]
    masks[4][3:20, 3:20] = 5
    write_sequence(tmp_path, "squares", masks=masks)
    assert found(tmp_path).load("squares").object_ids == (5,)


def test_a_persons_scribbles_are_found_and_read(tmp_path: Path):
    video = write_sequence(tmp_path, "squares")
    for number in (2, 1):
        write_scribbles(tmp_path, "squares", video, number, number)
    sequence = found(tmp_path).load("squares")
    assert [file.name for file in sequence.scribbles] == ["001.json", "002.json"]
    (first,) = sequence.first_interactions(sequence.scribbles[1])
    assert first.frame == 2
    assert first.object_ids == (1, 2)


def test_scribbles_on_an_object_that_never_appears_are_refused(tmp_path: Path):
    video = write_sequence(tmp_path, "squares", count=3)
    write_scribbles(tmp_path, "squares", video, 1)
    for t in range(5):
        labels = video.truth(t)
        write_mask(
            tmp_path / f"Annotations/480p/squares/{t:05d}.png", np.where(labels > 2, 0, labels)
        )
    sequence = found(tmp_path).load("squares")
    with pytest.raises(InvalidInput, match=r"001\.json: draws object 3, which no mask"):
        sequence.first_interactions(sequence.scribbles[0])


def test_scribbles_beyond_the_video_are_refused(tmp_path: Path):
    write_sequence(tmp_path, "squares", length=3)
    long = write_sequence(tmp_path / "other", "squares", length=6)
    write_scribbles(tmp_path, "squares", long, 5)
    sequence = found(tmp_path).load("squares")
    with pytest.raises(InvalidInput, match=r"frame 5, but squares has frames 0\.\.2"):
        sequence.first_interactions(sequence.scribbles[0])
