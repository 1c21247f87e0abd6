"""Soft masks become alpha: against a picture whose true alpha is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ivos.deliver.edges import Edges, grown, guided_filter
from ivos.types import Frame, SoftMask


def blob(size: int = 160) -> tuple[Frame, SoftMask, SoftMask]:
    """A picture, its true alpha, and what a network at an eighth of the size would say."""
    y, x = np.mgrid[: 4 * size, : 4 * size] / 4
    angle = np.arctan2(y - size / 2, x - size / 2)
    edge = size * (0.28 + 0.05 * np.sin(5 * angle) + 0.02 * np.sin(17 * angle))
    inside = (np.hypot(y - size / 2, x - size / 2) < edge).astype(np.float32)
    alpha = inside.reshape(size, 4, size, 4).mean(axis=(1, 3))
    rng = np.random.default_rng(0)
    behind = np.array([60, 90, 70]) + 12 * rng.standard_normal((size, size, 1))
    front = np.array([190, 140, 90]) + 12 * rng.standard_normal((size, size, 1))
    mixed = behind + alpha[..., None] * (front - behind)
    coarse = cv2.resize(alpha, (size // 8, size // 8), interpolation=cv2.INTER_AREA)
    soft = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_LINEAR)
    return mixed.clip(0, 255).astype(np.uint8), alpha, soft.clip(0, 1).astype(np.float32)


def test_refinement_halves_the_error_of_the_matte():
    picture, alpha, soft = blob()
    before = np.abs(soft - alpha).mean()
    refined = Edges(mode="refine", radius=6).alpha(picture, soft)
    assert np.abs(refined - alpha).mean() < before / 2
    assert ((refined >= 0.5) != (alpha >= 0.5)).mean() < (
        (soft >= 0.5) != (alpha >= 0.5)
    ).mean() / 2


def test_a_refined_matte_is_solid_inside_and_clean_outside():
    picture, alpha, soft = blob()
    unsure = (soft * 0.7 + 0.1).astype(np.float32)  # never quite sure, and a haze everywhere
    refined = Edges(radius=4).alpha(picture, unsure)
    distance = cv2.distanceTransform((alpha >= 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    outside = cv2.distanceTransform((alpha < 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    assert (refined[distance > 12] == 1).all()
    assert (refined[outside > 12] == 0).all()


def test_the_guided_filter_is_the_least_squares_fit_of_each_window():
    rng = np.random.default_rng(1)
    guide = rng.random((12, 13, 3)).astype(np.float32)
    source = rng.random((12, 13)).astype(np.float32)
    radius, epsilon = 2, 1e-2
    found = guided_filter(guide, source, radius, epsilon)
    padded_guide = np.pad(guide, ((4, 4), (4, 4), (0, 0)), mode="symmetric").astype(np.float64)
    padded = np.pad(source, 4, mode="symmetric").astype(np.float64)

    def fit(y: int, x: int) -> tuple[NDArray[np.float64], float]:
        window = (slice(y - radius, y + radius + 1), slice(x - radius, x + radius + 1))
        colours, values = padded_guide[window].reshape(-1, 3), padded[window].ravel()
        centred = colours - colours.mean(axis=0)
        matrix = centred.T @ centred / len(values) + epsilon * np.eye(3)
        slope = np.linalg.solve(matrix, centred.T @ (values - values.mean()) / len(values))
        return slope, float(values.mean() - slope @ colours.mean(axis=0))

    for y, x in ((6, 6), (5, 8)):  # far enough from the border
        fits = [fit(y + 4 + i, x + 4 + j) for i in range(-2, 3) for j in range(-2, 3)]
        slope = np.mean([f[0] for f in fits], axis=0)
        offset = np.mean([f[1] for f in fits])
        assert found[y, x] == pytest.approx(slope @ guide[y, x] + offset, abs=2e-4)


def test_soft_edges_are_what_the_network_said_and_hard_ones_have_no_in_between():
    picture, _, soft = blob(80)
    np.testing.assert_array_equal(Edges(mode="soft").alpha(picture, soft), soft)
    np.testing.assert_array_equal(Edges(mode="hard").alpha(picture, soft), soft >= 0.5)


@pytest.mark.parametrize("pixels", [-3.0, -1.5, 0.5, 2.0, 4.25])
def test_growing_moves_the_edge_by_so_many_pixels(pixels: float):
    y, x = np.mgrid[:101, :101]
    disc = (np.hypot(y - 50, x - 50) <= 25).astype(np.float32)
    radius = np.sqrt(grown(disc, pixels).sum() / np.pi)
    assert radius == pytest.approx(25 + pixels, abs=0.45)


def test_feathering_fades_and_keeps_the_middle_of_the_edge():
    half = np.zeros((60, 60), np.float32)
    half[:, 30:] = 1
    picture = np.zeros((60, 60, 3), np.uint8)
    faded = Edges(mode="hard", feather=6).alpha(picture, half)[30]
    assert (faded[28:32] > 0.2).all()
    assert (faded[28:32] < 0.8).all()
    assert faded[20] < 0.01
    assert np.all(np.diff(faded[:45]) >= -1e-6)


@pytest.mark.parametrize("mode", ["refine", "soft", "hard"])
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_nothing_stays_nothing_and_all_stays_all(mode: str, share: float):
    picture = np.random.default_rng(0).integers(0, 255, (31, 37, 3), np.uint8)
    soft = np.full((31, 37), share, np.float32)
    found = Edges(mode=mode, radius=3).alpha(picture, soft)
    np.testing.assert_array_equal(found, soft)


def test_an_object_in_a_corner_is_treated_like_any_other():
    picture, _, soft = blob(80)
    refined = Edges(radius=4).alpha(picture, soft)
    cut = Edges(radius=4).alpha(picture[30:, 30:], np.ascontiguousarray(soft[30:, 30:]))
    inner = (slice(14, None), slice(14, None))
    np.testing.assert_allclose(cut[inner], refined[30:, 30:][inner], atol=1e-4)
