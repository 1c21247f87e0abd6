"""Label maps, soft aggregation, packed masks, PNG files, run lengths."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from ivos.errors import InvalidInput, OutputError
from ivos.masks import (
    DAVIS_PALETTE,
    PackedMask,
    Patch,
    decode_rle,
    encode_rle,
    read_binary_mask,
    read_label_map,
    soft_aggregate,
    tight_box,
    to_labels,
    write_label_map,
)

PROBS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 6)),
    elements=st.floats(0, 1, width=32),
)
MASKS = hnp.arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9)))


def test_a_coarse_mask_keeps_its_sides_its_sums_and_its_certainties():
    values = np.arange(256, dtype=np.uint8)[None]
    coarse = Patch((1, 256), 0, 0, values).coarse().full()[0].astype(int)
    exact = np.arange(256)
    np.testing.assert_array_equal(coarse >= 128, exact >= 128)
    np.testing.assert_array_equal(coarse + coarse[::-1], 255)
    assert (np.diff(coarse) >= 0).all()
    assert len(np.unique(coarse)) == 18
    np.testing.assert_array_equal(coarse[[0, 14, 241, 255]], [0, 0, 255, 255])
    assert np.abs(coarse - exact).max() <= 14
    assert (coarse <= exact)[:128].all()
    assert Patch.empty((3, 4)).coarse().values.size == 0


@settings(max_examples=20, deadline=None)
@given(PROBS)
def test_soft_aggregation_sums_to_one_and_is_finite_even_at_zero_and_one(probs):
    found = soft_aggregate(probs)
    assert found.shape == (1 + len(probs), *probs.shape[1:])
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(PROBS)
def test_soft_aggregation_keeps_the_order_of_the_objects(probs):
    found = soft_aggregate(probs)[1:]
    for a in range(len(probs)):
        for b in range(len(probs)):
            surely = probs[a] > probs[b] + 1e-3
            assert (found[a][surely] >= found[b][surely]).all()


def test_soft_aggregation_is_the_published_formula():
    p = np.array([0.7, 0.4], np.float64)
    p0 = 0.3 * 0.6
    odds = np.array([p0, *p]) / (1 - np.array([p0, *p]))
    found = soft_aggregate(p.astype(np.float32)[:, None, None])[:, 0, 0]
    np.testing.assert_allclose(found, odds / odds.sum(), rtol=1e-5)


def test_labels_carry_the_persons_ids_and_ties_go_to_the_background():
    probs = np.array([[[0.5, 0.2, 0.1]], [[0.5, 0.5, 0.1]], [[0.0, 0.3, 0.8]]], np.float32)
    np.testing.assert_array_equal(to_labels(probs, (7, 254)), [[0, 7, 254]])


def test_labels_refuse_planes_that_belong_to_no_object():
    with pytest.raises(ValueError, match="2 planes for 2 objects"):
        to_labels(np.zeros((2, 1, 1), np.float32), (1, 2))


@settings(max_examples=20, deadline=None)
@given(hnp.arrays(np.float32, (5, 7), elements=st.floats(0, 1, width=32)))
def test_a_packed_mask_is_the_mask_to_a_255th(soft):
    packed = PackedMask.of(soft)
    assert packed.size == (5, 7)
    np.testing.assert_allclose(packed.soft(), soft, atol=0.5 / 255 + 1e-6)
    again = PackedMask.from_bytes(packed.to_bytes())
    assert again == packed
    np.testing.assert_array_equal(PackedMask.of(packed.soft()).soft(), packed.soft())


@settings(max_examples=20, deadline=None)
@given(MASKS)
def test_a_packed_boolean_mask_comes_back_exactly(mask):
    np.testing.assert_array_equal(PackedMask.of(mask).mask(), mask)


def test_a_packed_mask_holds_only_the_object_and_little_of_it():
    mask = np.zeros((480, 854), np.bool_)
    mask[100:300, 200:500] = True
    packed = PackedMask.of(mask)
    assert packed.box == (100, 200, 300, 500)
    assert len(packed.to_bytes()) < 1000
    empty = PackedMask.of(np.zeros((480, 854), np.float32))
    assert empty.data == b""
    assert not empty.mask().any()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"IVOM",
        PackedMask.of(np.ones((3, 3), np.bool_)).to_bytes()[:-3],
        b"XXXX" + PackedMask.of(np.ones((3, 3), np.bool_)).to_bytes()[4:],
        b"IVOM\x02" + PackedMask.of(np.ones((3, 3), np.bool_)).to_bytes()[5:],
        PackedMask((2, 2), (0, 0, 3, 3), PackedMask.of(np.ones((3, 3), np.bool_)).data).to_bytes(),
        PackedMask((9, 9), (0, 0, 5, 5), PackedMask.of(np.ones((3, 3), np.bool_)).data).to_bytes(),
    ],
)
def test_bytes_that_are_not_a_packed_mask_are_refused(data):
    with pytest.raises(ValueError, match="packed mask"):
        PackedMask.from_bytes(data)


def test_a_patch_gives_any_box_of_the_frame():
    full = np.zeros((6, 8), np.uint8)
    full[2:4, 3:6] = 9
    patch = Patch.of(full)
    assert patch.box == (2, 3, 4, 6)
    for box in [(0, 0, 6, 8), (1, 2, 3, 4), (3, 5, 6, 8), (0, 0, 2, 3), (2, 3, 4, 6)]:
        np.testing.assert_array_equal(patch.within(box), full[box[0] : box[2], box[1] : box[3]])
    np.testing.assert_array_equal(patch.full(), full)


def test_a_tight_box_holds_what_passes_the_threshold():
    values = np.array([[0, 0, 0], [0, 0.4, 0.6], [0, 0, 0]], np.float32)
    assert tight_box(values, 0.5) == (1, 2, 2, 3)
    assert tight_box(values, 0.3) == (1, 1, 2, 3)
    assert tight_box(values, 0.7) is None


def test_the_palette_is_that_of_davis():
    expected = [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128), (128, 0, 128)]
    assert [tuple(int(v) for v in row) for row in DAVIS_PALETTE[:6]] == expected
    assert tuple(DAVIS_PALETTE[255]) == (224, 224, 192)


def test_a_label_map_is_written_as_an_indexed_png_and_read_back(tmp_path: Path):
    labels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    path = tmp_path / "00000.png"
    write_label_map(path, labels)
    np.testing.assert_array_equal(read_label_map(path), labels)
    with Image.open(path) as image:
        assert image.mode == "P"
        assert image.getpalette() == DAVIS_PALETTE.ravel().tolist()
    assert [entry.name for entry in tmp_path.iterdir()] == ["00000.png"]
    assert stat.S_IMODE(path.stat().st_mode) & stat.S_IROTH


def test_a_label_map_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path):
    (tmp_path / "taken.png").mkdir()
    with pytest.raises(OutputError, match="taken.png"):
        write_label_map(tmp_path / "taken.png", np.zeros((2, 2), np.uint8))
    with pytest.raises(OutputError, match="nowhere"):
        write_label_map(tmp_path / "nowhere" / "0.png", np.zeros((2, 2), np.uint8))
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken.png"]


def test_binary_masks_become_zero_and_one_only_if_asked(tmp_path: Path):
    path = tmp_path / "mask.png"
    Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).save(path)
    np.testing.assert_array_equal(read_label_map(path), [[0, 255], [255, 0]])
    np.testing.assert_array_equal(read_binary_mask(path), [[False, True], [True, False]])


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_cut_out_is_the_object_where_its_alpha_covers_at_least_half(tmp_path: Path, mode: str):
    path = tmp_path / "cut-out.png"
    alpha = np.array([[0, 127], [128, 255]], np.uint8)
    pixels = np.dstack([np.full_like(alpha, 90)] * (len(mode) - 1) + [alpha])
    Image.fromarray(pixels).save(path)
    np.testing.assert_array_equal(read_binary_mask(path), alpha >= 128)


def test_of_a_picture_that_is_opaque_everywhere_the_colours_count(tmp_path: Path):
    path = tmp_path / "opaque.png"
    grey = np.array([[0, 255], [255, 0]], np.uint8)
    Image.fromarray(np.dstack([grey, grey, grey, np.full_like(grey, 255)])).save(path)
    np.testing.assert_array_equal(read_binary_mask(path), grey == 255)


def test_a_picture_too_large_to_be_read_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "huge.png"
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(InvalidInput, match="that many pixels"):
        read_binary_mask(path)


def test_what_is_no_label_map_is_said_in_one_line(tmp_path: Path):
    colour = tmp_path / "colour.png"
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(colour)
    text = tmp_path / "text.png"
    text.write_text("hello")
    cut = tmp_path / "cut.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 9, (64, 64), np.uint8)).save(cut)
    cut.write_bytes(cut.read_bytes()[:200])
    for path, words in [
        (colour, "RGB image is not a label map"),
        (text, "not an image"),
        (cut, "not an image"),
        (tmp_path / "none.png", "no such file"),
    ]:
        with pytest.raises(InvalidInput, match=words) as raised:
            read_label_map(path)
        assert str(path) in str(raised.value)
        assert "\n" not in str(raised.value)


@settings(max_examples=20, deadline=None)
@given(MASKS)
def test_run_lengths_come_back_and_count_columns_from_zeros(mask):
    counts = encode_rle(mask)
    assert sum(counts) == mask.size
    assert all(count > 0 for count in counts[1:])
    np.testing.assert_array_equal(decode_rle(counts, mask.shape), mask)


def test_run_lengths_are_those_of_coco():
    mask = np.array([[0, 1], [1, 1]], np.bool_)
    assert encode_rle(mask) == [1, 3]
    assert encode_rle(~mask) == [0, 1, 3]
    assert encode_rle(np.zeros((2, 2), np.bool_)) == [4]


@pytest.mark.parametrize("counts", [[3], [5], [1, 2], [5, -1]])
def test_run_lengths_that_do_not_fill_the_mask_are_refused(counts):
    with pytest.raises(InvalidInput, match="not to 2 x 2"):
        decode_rle(counts, (2, 2))
