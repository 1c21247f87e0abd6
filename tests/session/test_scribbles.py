"""DAVIS scribble JSON: read, written, and refused with one clear line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ivos.errors import InvalidInteraction
from ivos.session.scribbles import read_scribbles, write_scribbles
from ivos.types import Box, Click, Interaction, Scribble

STROKE = {"path": [[0.1, 0.2], [0.3, 0.4]], "object_id": 1, "start_time": 0, "end_time": 12}


def davis(*frames, **more):
    return {"sequence": "clip", "scribbles": list(frames), **more}


def test_every_drawn_frame_is_a_round_in_ascending_order():
    background = {"path": [[0, 1]], "object_id": 0}
    data = davis([], [STROKE], [], [STROKE, background])
    first, second = read_scribbles(data)
    assert first == Interaction(1, (Scribble(1, ((0.1, 0.2), (0.3, 0.4))),))
    assert second.frame == 3
    assert second.prompts[1] == Scribble(0, ((0.0, 1.0),))


def test_the_annotated_frame_comes_first():
    data = davis([STROKE], [], [STROKE], annotated_frame=2)
    assert [interaction.frame for interaction in read_scribbles(data)] == [2, 0]


def test_a_list_is_several_rounds_in_its_own_order():
    rounds = [davis([], [STROKE]), davis([STROKE], [])]
    assert [interaction.frame for interaction in read_scribbles(rounds)] == [1, 0]


def test_a_stroke_may_be_negative():
    (interaction,) = read_scribbles(davis([{**STROKE, "positive": False}]))
    prompt = interaction.prompts[0]
    assert isinstance(prompt, Scribble)
    assert not prompt.positive


def test_what_is_written_is_read_back(tmp_path: Path):
    interactions = [
        Interaction(4, (Scribble(2, ((1 / 3, 0.5),)), Scribble(1, ((0.1, 0.9),), positive=False))),
        Interaction(0, (Click(0, (0.25, 0.75)),)),
    ]
    path = tmp_path / "scribbles.json"
    path.write_text(json.dumps(write_scribbles(interactions, 6, "clip")))
    first, second = read_scribbles(path, frames=6)
    assert first == interactions[0]
    assert second == Interaction(0, (Scribble(0, ((0.25, 0.75),)),))


def test_what_the_form_cannot_hold_is_refused():
    box = Interaction(0, (Box(1, (0.1, 0.1), (0.5, 0.5)),))
    with pytest.raises(InvalidInteraction, match="strokes only"):
        write_scribbles([box], 3, "clip")
    with pytest.raises(InvalidInteraction, match="frame 7, but the video has frames 0..2"):
        write_scribbles([Interaction(7, ())], 3, "clip")


NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (3, "not scribbles"),
        ([3], "round 1: not scribbles"),
        ([], "no strokes at all"),
        (davis(), "no strokes at all"),
        (davis([], [], []), "no strokes at all"),
        ({}, "'scribbles' must be a list"),
        ({"scribbles": {}}, "'scribbles' must be a list"),
        ({"scribbles": "abc"}, "'scribbles' must be a list"),
        (davis(3), "frame 0: the strokes must be a list"),
        (davis([3]), "frame 0, stroke 1: a stroke must be an object"),
        (davis([{"path": [[0, 0]]}]), "frame 0, stroke 1: the stroke has no 'object_id'"),
        (davis([{"object_id": 1}]), "the stroke has no 'path'"),
        (davis([{**STROKE, "colour": 3}]), "unknown key colour; known: end_time"),
        (davis([STROKE], scribble=3), "unknown key scribble"),
        (davis([{**STROKE, "path": []}]), "at least one point"),
        (davis([{**STROKE, "path": [[0.1]]}]), "list of \\[x, y\\]"),
        (davis([{**STROKE, "path": [[0.1, "a"]]}]), "list of \\[x, y\\]"),
        (davis([{**STROKE, "path": [[0.1, NAN]]}]), "list of \\[x, y\\]"),
        (davis([{**STROKE, "path": [[INFINITY, 0.1]]}]), "list of \\[x, y\\]"),
        (davis([{**STROKE, "path": [[0.1, True]]}]), "list of \\[x, y\\]"),
        (davis([{**STROKE, "path": [[10**400, 0.1]]}]), "list of \\[x, y\\]"),
        (davis([{**STROKE, "path": "ab"}]), "list of \\[x, y\\]"),
        (davis([STROKE, {**STROKE, "path": [[0.1, 1.5]]}]), "stroke 2: .* outside the frame"),
        (davis([{**STROKE, "path": [[100, 200]]}]), "fractions from 0 to 1, not pixels"),
        (davis([{**STROKE, "object_id": 255}]), "object id 255 is outside 0..254"),
        (davis([{**STROKE, "object_id": -1}]), "object id -1 is outside"),
        (davis([{**STROKE, "object_id": 1.0}]), "not a whole number"),
        (davis([{**STROKE, "object_id": "1"}]), "not a whole number"),
        (davis([{**STROKE, "positive": 1}]), "'positive' must be true or false"),
        (davis([{**STROKE, "object_id": 0, "positive": False}]), "cannot be negative"),
        (davis([STROKE], annotated_frame=1), "annotated_frame 1 is not one of the 1 frames"),
        (davis([STROKE], annotated_frame="0"), "annotated_frame '0'"),
        (davis([], [], [], [STROKE]), "frame 3, but the video has frames 0..2"),
    ],
)
def test_scribbles_that_cannot_be_used_are_refused_in_one_line(data, words):
    with pytest.raises(InvalidInteraction, match=words) as raised:
        read_scribbles(data, frames=3)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not JSON"),
        (b'{"scribbles": [', "not JSON: .* in line 1, column 16"),
        (b"\xff\xfe\x00", "not text"),
        (b"null", "not scribbles"),
        (b"[" * 100_000, "no scribbles"),
        (b"1" * 5000, "no scribbles"),
        (b'{"scribbles": [[{"path": [[NaN, 0]], "object_id": 1}]]}', "frame 0, stroke 1"),
    ],
)
def test_files_that_are_no_scribbles_are_named(tmp_path: Path, content, words):
    path = tmp_path / "s.json"
    path.write_bytes(content)
    with pytest.raises(InvalidInteraction, match=words) as raised:
        read_scribbles(path)
    assert str(raised.value).startswith(str(path))


def test_files_that_are_not_there_are_named(tmp_path: Path):
    with pytest.raises(InvalidInteraction, match=r"nothing\.json: no such file"):
        read_scribbles(tmp_path / "nothing.json")
    with pytest.raises(InvalidInteraction, match="cannot be read"):
        read_scribbles(tmp_path)
