"""CVAT's XML: checked against a schema, and filled again by scikit-image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ivos.deliver import export
from ivos.deliver.outline import outlines
from ivos.types import Mask
from tests.deliver.made import MadeSource, Thing

etree = pytest.importorskip("lxml.etree")
draw = pytest.importorskip("skimage.draw")


def valid(path: Path) -> Any:
    schema = etree.XMLSchema(etree.parse(str(Path(__file__).with_name("cvat-video-1.1.xsd"))))
    document = etree.parse(str(path))
    schema.assertValid(document)
    return document.getroot()


def filled(polygons: list[NDArray[np.float64]], shape: tuple[int, int]) -> Mask:
    """Even-odd, at the middles of pixels."""
    mask = np.zeros(shape, np.bool_)
    for polygon in polygons:
        mask ^= draw.polygon2mask(shape, polygon[:, ::-1] - 0.5)
    return mask


def points_of(element: Any) -> NDArray[np.float64]:
    return np.array([pair.split(",") for pair in element.get("points").split(";")], np.float64)


def test_polygon_tracks_give_the_masks_back(tmp_path: Path):
    source = MadeSource()
    list(export(source, "cvat", tmp_path / "out.xml", tolerance=0))
    root = valid(tmp_path / "out.xml")
    shown: dict[tuple[int, int], list[NDArray[np.float64]]] = {}
    for track in root.iter("track"):
        object_id = int(track.get("group_id"))
        assert track.get("label") == {3: "dog", 7: "cat"}[object_id]
        frames = [int(shape.get("frame")) for shape in track]
        assert frames == sorted(set(frames))  # a track is in one place on a frame
        for shape in track:
            if shape.get("outside") == "0":
                shown.setdefault((object_id, int(shape.get("frame"))), []).append(points_of(shape))
    for frame in range(12):
        for object_id, mask in source.masks(frame).items():
            found = filled(shown.get((object_id, frame), []), mask.shape)
            np.testing.assert_array_equal(found, mask)


def test_a_track_says_when_its_object_has_left(tmp_path: Path):
    class Leaving(MadeSource):
        def masks(self, frame: int) -> dict[int, Mask]:
            found = super().masks(frame)
            found[3] &= frame < 5
            return found

    list(export(Leaving(), "cvat", tmp_path / "out.xml", objects=("dog",)))
    (track,) = valid(tmp_path / "out.xml").iter("track")
    last = track[-1]
    assert (last.get("frame"), last.get("outside"), last.get("keyframe")) == ("5", "1", "1")


def test_mask_shapes_are_exact(tmp_path: Path):
    source = MadeSource()
    list(export(source, "cvat", tmp_path / "out.xml", shapes="mask"))
    found = set()
    for track in valid(tmp_path / "out.xml").iter("track"):
        shape = track[0]
        frame, object_id = int(shape.get("frame")), int(track.get("group_id"))
        width, height = int(shape.get("width")), int(shape.get("height"))
        top, left = int(shape.get("top")), int(shape.get("left"))
        runs = [int(run) for run in shape.get("rle").split(",")]
        inside = np.repeat(np.arange(len(runs)) % 2, runs).reshape(height, width)
        mask = np.zeros(source.video.size, np.bool_)
        mask[top : top + height, left : left + width] = inside
        np.testing.assert_array_equal(mask, source.masks(frame)[object_id])
        found.add((object_id, frame))
        if frame < 11:
            assert (track[1].get("frame"), track[1].get("outside")) == (str(frame + 1), "1")
    assert found == {(3, t) for t in range(12)} | {(7, t) for t in range(4, 12)}


def test_odd_names_and_a_part_of_the_video_are_valid_too(tmp_path: Path):
    source = MadeSource(objects=(Thing(3, '<a & "b">\x01'), Thing(7, "Zoë ☂")))
    list(export(source, "cvat", tmp_path / "out.xml", frames="5:7"))
    root = valid(tmp_path / "out.xml")
    assert {track.get("label") for track in root.iter("track")} == {'<a & "b">_', "Zoë ☂"}
    shapes = {
        (int(shape.get("frame")), shape.get("outside"))
        for track in root.iter("track")
        for shape in track
    }
    assert shapes == {(5, "0"), (6, "0"), (7, "1")}  # CVAT keeps a shape up to its next one
    assert root.findtext("meta/task/size") == "12"


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 14), st.integers(1, 14), st.integers(0, 2**32), st.floats(0.1, 0.9))
def test_outlines_of_any_mask_fill_to_that_mask(height: int, width: int, seed: int, share: float):
    mask = np.random.default_rng(seed).random((height, width)) < share
    np.testing.assert_array_equal(filled(outlines(mask), mask.shape), mask)


def test_a_tolerance_saves_corners_and_moves_the_border_little():
    y, x = np.mgrid[:100, :120]
    disc = (x - 60) ** 2 + (y - 50) ** 2 < 40**2
    (exact,), (rough,) = outlines(disc), outlines(disc, tolerance=1)
    assert len(rough) < len(exact) / 3
    off = filled([rough], disc.shape) ^ disc
    distance = np.abs(np.hypot(x - 60, y - 50) - 40)
    assert distance[off].max(initial=0) < 1.5


def test_an_empty_mask_has_no_outline():
    assert outlines(np.zeros((5, 5), np.bool_)) == []
