"""Measurements, compared with scikit-image's."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from ivos.deliver import export
from ivos.deliver.measure import measure
from ivos.errors import InvalidInput
from tests.deliver.made import MadeSource, MadeVideo

skimage = pytest.importorskip("skimage.measure")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("seed", range(8))
def test_measures_agree_with_scikit_image(seed: int):
    rng = np.random.default_rng(seed)
    mask = rng.random((40, 50)) < 0.08
    mask = np.asarray(skimage.label(mask) > 0)
    for _ in range(3):  # let blots grow
        mask |= np.roll(mask, 1, 0) | (np.roll(mask, 1, 1) & (rng.random(mask.shape) < 0.7))
    found = measure(mask)
    assert found is not None
    (theirs,) = skimage.regionprops(mask.astype(np.uint8))
    assert found.area == theirs.area
    assert found.centroid == pytest.approx(theirs.centroid[::-1])
    top, left, bottom, right = theirs.bbox
    assert found.box == (left, top, right - left, bottom - top)
    assert found.perimeter == pytest.approx(theirs.perimeter)


def test_the_table_has_a_row_for_each_object_on_each_frame(tmp_path: Path):
    source = MadeSource(MadeVideo(times=[0.1 * t * t for t in range(12)]))
    list(export(source, "csv", tmp_path / "out.csv", scale=0.5, unit="um", start_frame=1001))
    table = rows(tmp_path / "out.csv")
    assert [(int(row["frame"]), row["object"]) for row in table] == [
        (frame, name) for frame in range(12) for name in ("dog", "cat")
    ]
    for row in table:
        frame, mask = int(row["frame"]), source.masks(int(row["frame"]))[int(row["object_id"])]
        assert int(row["number"]) == 1001 + frame
        assert float(row["seconds"]) == pytest.approx(0.1 * frame * frame)
        assert int(row["area_px2"]) == mask.sum()
        if mask.any():
            assert float(row["area_um2"]) == pytest.approx(mask.sum() / 4)
            assert float(row["centroid_x_px"]) == pytest.approx(np.nonzero(mask)[1].mean())
            assert float(row["perimeter_um"]) == pytest.approx(float(row["perimeter_px"]) / 2)
            assert float(row["width_um"]) == pytest.approx(float(row["width_px"]) / 2)
        else:
            assert row["centroid_x_px"] == row["perimeter_um"] == row["speed_px_per_s"] == ""


def test_speed_is_way_over_time_since_the_object_was_last_seen(tmp_path: Path):
    source = MadeSource(MadeVideo(times=[0.1 * t * t for t in range(12)]))
    list(export(source, "csv", tmp_path / "out.csv", objects=("dog",)))
    speeds = [row["speed_px_per_s"] for row in rows(tmp_path / "out.csv")]
    assert speeds[0] == ""
    for frame in range(1, 12):  # the dog moves a pixel a frame
        assert float(speeds[frame]) == pytest.approx(1 / (0.1 * (2 * frame - 1)))


@pytest.mark.parametrize("scale", [0.0, -1.0, math.inf, math.nan])
def test_a_scale_that_cannot_be_is_told(tmp_path: Path, scale: float):
    with pytest.raises(InvalidInput, match="give the units of one pixel"):
        export(MadeSource(), "csv", tmp_path / "out.csv", scale=scale)
