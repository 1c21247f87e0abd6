"""The region of interest: boxes as published, warps there and back, strokes at crop resolution."""

from __future__ import annotations

import numpy as np
import pytest

from ivos.crop import (
    CropSpec,
    Region,
    draw_paths,
    neutral_crop,
    region_around,
    region_for_interaction,
    region_for_propagation,
    unwarp,
    unwarp_patch,
    warp,
    warp_patch,
    whole_frame,
)
from ivos.masks import Patch

PAPER = CropSpec()
TIGHT = CropSpec(minimum_side=0, margin=0, pad_before=0, pad_after=0, neutral_is_everywhere=False)


def maps(size, *boxes):
    """A float map that is 1 in each (top, left, bottom, right)."""
    found = np.zeros(size, np.float32)
    for top, left, bottom, right in boxes:
        found[top:bottom, left:right] = 1
    return found


def test_the_box_is_grown_by_a_quarter_of_its_pixels_at_each_end():
    # Sides of 200 and 160 pixels: 0.25 x (side + 1), the side being the distance of its ends.
    region = region_around((100, 300, 300, 460), (480, 854), PAPER)
    assert region == Region(100 - 50, 300 - 40, 299 + 50, 459 + 40)


def test_short_sides_are_grown_to_128_pixels_before_the_margin():
    region = region_around((200, 400, 211, 411), (480, 854), PAPER)
    assert region == Region(205 - 64 - 32.25, 405 - 64 - 32.25, 205 + 64 + 32.25, 405 + 64 + 32.25)


def test_the_crop_may_reach_five_pixels_beyond_the_frame():
    region = region_around((0, 0, 480, 854), (480, 854), PAPER)
    assert region == Region(-5, -5, 485, 859)


def test_the_least_side_may_be_a_part_of_the_frame():
    spec = CropSpec(minimum_side=0, minimum_fraction=0.5, margin=0)
    region = region_around((200, 400, 201, 401), (400, 800), spec)
    assert region.y1 - region.y0 == pytest.approx(200)


def test_without_a_previous_mask_the_published_crop_is_the_whole_frame():
    size = (100, 200)
    stroke, nothing = maps(size, (10, 10, 12, 12)), maps(size)
    assert region_for_interaction(None, stroke, nothing, PAPER) == whole_frame(size, PAPER)
    assert region_for_propagation(None, stroke, PAPER) == whole_frame(size, PAPER)


def test_nothing_at_all_means_the_whole_frame():
    size = (100, 200)
    nothing = maps(size)
    whole = whole_frame(size, PAPER)
    assert region_for_interaction(nothing, nothing, nothing, PAPER) == whole
    assert region_for_propagation(nothing, nothing, PAPER) == whole


def test_the_interaction_crop_is_around_the_previous_mask_and_all_strokes():
    size = (100, 200)
    region = region_for_interaction(
        maps(size, (40, 50, 60, 70)),
        maps(size, (10, 60, 11, 61)),
        maps(size, (50, 150, 51, 151)),
        TIGHT,
    )
    assert region == Region(10, 50, 59, 150)


def test_the_propagation_crop_is_around_both_masks_from_a_probability_of_0_49():
    size = (100, 200)
    previous, neighbour = maps(size, (10, 20, 30, 40)) * 0.49, maps(size, (50, 60, 70, 80)) * 0.5
    assert region_for_propagation(previous, neighbour, TIGHT) == Region(10, 20, 69, 79)
    assert region_for_propagation(previous * 0.9, neighbour, TIGHT) == Region(50, 60, 69, 79)


def test_a_network_that_follows_the_neighbour_does_not_look_at_last_rounds_mask():
    size = (100, 200)
    spec = CropSpec(minimum_side=0, margin=0, pad_before=0, pad_after=0, follow_neighbour=True)
    previous, neighbour = maps(size, (10, 20, 30, 40)), maps(size, (50, 60, 70, 80))
    assert region_for_propagation(previous, neighbour, spec) == Region(50, 60, 69, 79)


@pytest.mark.parametrize("size", [(17, 31), (31, 17), (64, 64), (480, 270)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_corners_of_a_crop_are_the_corners_of_its_region(size, dtype):
    image = np.random.default_rng(0).integers(0, 255, (*size, 3)).astype(dtype)
    crop = warp(image, Region(2, 3, size[0] - 3, size[1] - 4), 64)
    assert crop.shape == (64, 64, 3)
    assert crop.dtype == dtype
    for crop_at, image_at in [((0, 0), (2, 3)), ((-1, -1), (size[0] - 3, size[1] - 4))]:
        np.testing.assert_allclose(crop[crop_at], image[image_at], atol=1)


def test_a_warp_is_bilinear_and_zero_outside():
    y, x = np.mgrid[0:40, 0:60].astype(np.float32)
    plane = 2 * y + 3 * x + 1
    region = Region(-4.0, 5.5, 30.25, 70.0)
    crop = warp(plane, region, 32)
    ys, xs = np.linspace(region.y0, region.y1, 32), np.linspace(region.x0, region.x1, 32)
    expected = 2 * ys[:, None] + 3 * xs[None] + 1
    inside = (ys[:, None] >= 0) & (xs[None] <= 59)
    np.testing.assert_allclose(crop[inside], expected[inside], atol=0.1)
    outside = (ys[:, None] <= -1) | (xs[None] >= 60)
    assert (crop[np.broadcast_to(outside, crop.shape)] == 0).all()


@pytest.mark.parametrize("size", [(480, 854), (854, 480), (90, 160), (17, 31)])
def test_what_is_warped_and_put_back_is_where_it_was(size):
    height, width = size
    mask = maps(size, (height // 4, width // 4, height * 3 // 4, width * 3 // 4))
    region = region_for_propagation(mask, mask, PAPER)
    back = unwarp(warp(mask, region, 256), region, size)
    assert back.shape == size
    assert ((back > 0.5) == (mask > 0.5)).mean() > 0.985
    rows, columns = np.nonzero(back > 0.5)
    assert rows.mean() == pytest.approx(np.nonzero(mask)[0].mean(), abs=0.5)
    assert columns.mean() == pytest.approx(np.nonzero(mask)[1].mean(), abs=0.5)


def test_outside_the_region_nothing_is_put_back():
    region = Region(10.5, 20.5, 29.5, 39.5)
    back = unwarp(np.ones((32, 32), np.float32), region, (60, 80))
    np.testing.assert_array_equal(back > 0, maps((60, 80), (11, 21, 30, 40)) > 0)


@pytest.mark.parametrize(
    "region", [Region(3, 4, 40, 57), Region(-5, -5, 52, 68), Region(20, 20, 24, 30)]
)
def test_a_patch_is_warped_and_put_back_like_a_whole_mask(region):
    rng = np.random.default_rng(1)
    mask = np.zeros((48, 64), np.uint8)
    mask[10:30, 15:50] = rng.integers(0, 256, (20, 35))
    patch = Patch.of(mask)
    crop = warp_patch(patch, region, 64)
    np.testing.assert_allclose(crop, warp(mask, region, 64), atol=1)
    whole = unwarp(crop.astype(np.float32), region, (48, 64))
    np.testing.assert_allclose(unwarp_patch(crop, region, (48, 64)).full(), whole, atol=1)


def test_an_empty_crop_puts_back_an_empty_patch():
    patch = unwarp_patch(np.zeros((32, 32), np.uint8), Region(0, 0, 20, 20), (40, 40))
    assert patch.values.size == 0
    assert not warp_patch(patch, Region(0, 0, 20, 20), 32).any()


def test_the_neutral_mask_is_that_of_a_neutral_frame():
    region = Region(-5, 3, 52.5, 70)
    frame = np.full((48, 64), 0.5, np.float32)
    np.testing.assert_allclose(
        neutral_crop(0.5, region, (48, 64), 96), warp(frame, region, 96), atol=0.02
    )


def test_averaging_keeps_fine_patterns_grey_and_in_place():
    stripes = np.zeros((400, 400), np.float32)
    stripes[::2] = 1
    region = Region(0, 0, 399, 399)
    assert warp(stripes, region, 50, antialias=True)[1:-1].std() < 0.05
    ramp = np.mgrid[0:400, 0:400][0].astype(np.float32)
    fine, plain = warp(ramp, region, 50, antialias=True), warp(ramp, region, 50)
    np.testing.assert_allclose(fine[1:-1], plain[1:-1], atol=1)
    moved = Region(-40, 100, 500, 380)
    fine, plain = warp(ramp, moved, 50, antialias=True), warp(ramp, moved, 50)
    same = (fine == 0) == (plain == 0)
    assert same.mean() > 0.97
    np.testing.assert_allclose(fine[5:-14], plain[5:-14], atol=5)


def test_strokes_are_as_wide_in_the_crop_of_a_large_video_as_in_that_of_a_small_one():
    path = [([(0.2, 0.5), (0.8, 0.5)], True)]
    widths = []
    for size in [(90, 160), (2160, 3840)]:
        region = whole_frame(size, PAPER)
        positive, negative = draw_paths(path, region, size, PAPER)
        assert not negative.any()
        widths.append(int(positive[:, 128].sum()))
    assert widths[0] == widths[1]
    assert 5 <= widths[0] <= 7


def test_strokes_are_drawn_where_they_belong():
    size, region = (100, 200), Region(0, 0, 99, 199)
    positive, negative = draw_paths(
        [([(0.25, 0.5)], True), ([(0.75, 0.5)], False)], region, size, PAPER, 64
    )
    assert np.mean(np.nonzero(positive), axis=1) == pytest.approx([31.6, 15.7], abs=0.5)
    assert np.mean(np.nonzero(negative), axis=1) == pytest.approx([31.6, 47.3], abs=0.5)


def test_later_strokes_lie_over_earlier_ones():
    cross = [([(0.1, 0.5), (0.9, 0.5)], True), ([(0.5, 0.1), (0.5, 0.9)], False)]
    region = Region(0, 0, 99, 99)
    positive, negative = draw_paths(cross, region, (100, 100), PAPER, 64)
    assert negative[32, 32] == 1
    assert positive[32, 32] == 0
    positive, negative = draw_paths(cross[::-1], region, (100, 100), PAPER, 64)
    assert positive[32, 32] == 1
    assert not (positive * negative).any()


def test_strokes_far_outside_the_crop_do_no_harm():
    region = Region(0, 0, 1, 1)
    positive, _ = draw_paths([([(0.9, 0.9), (1.0, 1.0)], True)], region, (4000, 4000), PAPER, 64)
    assert not positive.any()
