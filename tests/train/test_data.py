"""Footage from folders: what is held out stays out, and what is missing is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")

from ivos.errors import RecipeError
from ivos.train.data import read_clips, read_footage, read_stills
from ivos.train.recipe import Recipe
from tests.train.made import still, write_clips, write_stills


def test_stills_are_read_in_order_but_for_those_held_out(data: Path):
    stills = read_stills(data / "stills", hold_out=2)
    assert len(stills) == 4
    for n, read in enumerate(stills):
        assert np.array_equal(read.image, still(n).image)
        assert np.array_equal(read.mask, still(n).mask)


def test_clips_are_read_but_for_those_held_out(data: Path):
    clips = read_clips(data / "clips", "360p", (27, 48), hold_out=["first"])
    assert [clip.name for clip in clips] == ["second"]
    assert clips[0].images.shape == (5, 27, 48, 3)
    assert clips[0].masks.shape == (5, 27, 48)
    assert clips[0].masks.any(axis=(1, 2)).all()


def test_everything_held_out_is_refused(data: Path):
    with pytest.raises(RecipeError, match="6 stills, and hold_out_stills holds 500"):
        read_stills(data / "stills", hold_out=500)


def test_a_held_out_name_that_does_not_exist_is_refused(data: Path):
    with pytest.raises(RecipeError, match="no sequence called frist"):
        read_clips(data / "clips", "360p", (27, 48), hold_out=["frist"])


def test_folders_of_another_kind_are_refused(tmp_path: Path, data: Path):
    with pytest.raises(RecipeError, match="holds no stills"):
        read_stills(tmp_path, hold_out=0)
    with pytest.raises(RecipeError, match="not a DAVIS tree"):
        read_clips(data / "clips", "480p", (27, 48), hold_out=[])


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda root: (root / "images" / "01.png").unlink(), "no image called 01"),
        (lambda root: (root / "images" / "01.png").write_bytes(b"x"), "01.png cannot be read"),
        (
            lambda root: Image.new("RGB", (4, 4)).save(root / "masks" / "01.png"),
            "is no mask: it has colours",
        ),
    ],
)
def test_broken_stills_are_named(tmp_path: Path, harm, said: str):
    write_stills(tmp_path / "s", 2)
    harm(tmp_path / "s")
    with pytest.raises(RecipeError, match=said):
        read_stills(tmp_path / "s", hold_out=0)


def test_a_frame_without_a_mask_is_named(tmp_path: Path):
    write_clips(tmp_path, ["one"], 3)
    (tmp_path / "Annotations/360p/one/00001.png").unlink()
    with pytest.raises(RecipeError, match=r"00001.png is not there"):
        read_clips(tmp_path, "360p", (27, 48), hold_out=[])


def test_a_sequence_shorter_than_a_phase_wants_is_refused(recipe_file: Path):
    with pytest.raises(RecipeError, match="first in .* has 5 frames, and a phase wants 6"):
        read_footage(Recipe.from_toml(recipe_file, {"phases.0.frames": "6"}))


def test_a_recipe_needs_stills(recipe_file: Path, data: Path):
    from dataclasses import replace

    recipe = Recipe.from_toml(recipe_file)
    with pytest.raises(RecipeError, match="needs stills"):
        read_footage(replace(recipe, stills=None))
    assert read_footage(replace(recipe, clips=None)).clips == ()
