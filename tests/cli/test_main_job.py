"""The main job with the weights that ship, on the clip that ships."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ivos.masks import read_label_map

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.real_weights
def test_strokes_on_the_rabbit_become_the_rabbit_on_the_frames_around(ivos, tmp_path):
    drawn = json.loads((EXAMPLES / "bunny.json").read_text())
    frame = 60
    strokes = drawn["scribbles"][frame]
    alone = [strokes if t == frame else [] for t in range(len(drawn["scribbles"]))]
    (tmp_path / "one.json").write_text(json.dumps({"scribbles": alone}))
    frames = range(frame - 3, frame + 4)
    code, _, stderr = ivos(
        *("segment", EXAMPLES / "bunny.mp4", "-s", tmp_path / "one.json", "-o", tmp_path / "out"),
        *("--frames", f"{frames.start}:{frames.stop}"),
    )
    assert code == 0, stderr
    masks = {t: read_label_map(tmp_path / f"out/masks/{t:05d}.png") for t in frames}
    for object_id in (0, 1, 2):
        assert hit(masks[frame], strokes, object_id) > 0.9
    for t in frames:
        union = (masks[t] == 1) | (masks[frame] == 1)
        assert ((masks[t] == 1) & (masks[frame] == 1)).sum() > 0.8 * union.sum()
        assert 0.12 < (masks[t] == 1).mean() < 0.2, "the rabbit covers about a seventh"


def hit(labels: np.ndarray, strokes: list[dict], object_id: int) -> float:
    """Of the points on the strokes of an object, how many carry its id."""
    height, width = labels.shape
    points = [p for stroke in strokes if stroke["object_id"] == object_id for p in stroke["path"]]
    return float(np.mean([labels[int(y * height), int(x * width)] == object_id for x, y in points]))
