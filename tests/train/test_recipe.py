"""Recipes: typed, strict about spelling, and changed from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivos.errors import RecipeError
from ivos.train.recipe import Phase, Recipe

PHASE = """
[[phases]]
steps = 3
batch = 2
frames = 2
rounds = 1
video_share = 0.5
crop = 64
fresh = 0.5
given = 0.25
"""


def read(tmp_path: Path, head: str = 'name = "x"', tail: str = PHASE, **settings: str) -> Recipe:
    path = tmp_path / "recipe.toml"
    path.write_text(head + "\n" + tail)
    return Recipe.from_toml(path, settings)


def test_what_is_not_said_has_its_default(tmp_path: Path):
    recipe = read(tmp_path)
    assert recipe.name == "x"
    assert recipe.network == "compact"
    assert recipe.phases[0].given == 0.25
    assert recipe.steps == 3


def test_phases_follow_one_another(tmp_path: Path):
    recipe = read(tmp_path, tail=PHASE + PHASE.replace("steps = 3", "steps = 2"))
    assert [recipe.phases.index(recipe.phase_at(step)) for step in (0, 2, 3, 4, 5)] == [
        0,
        0,
        1,
        1,
        1,
    ]


def test_settings_are_changed_from_outside_phases_among_them(tmp_path: Path):
    recipe = read(
        tmp_path, **{"rate": "1e-4", "seed": "7", "start": "random", "phases.0.steps": "10"}
    )
    assert (recipe.rate, recipe.seed, recipe.start) == (1e-4, 7, "random")
    assert recipe.phases[0].steps == 10
    assert read(tmp_path, hold_out_clips='["a", "b"]').hold_out_clips == ("a", "b")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rat": "1"}, "unknown setting rat; known: alike, averaging"),
        ({"phases.0.step": "1"}, "phase 0: unknown setting step; known: again, apart, batch"),
        ({"phases.3.steps": "1"}, "--set phases.3.steps: there is no such setting"),
        ({"rate.x": "1"}, "--set rate.x: there is no such setting"),
        ({"rate": "fast"}, "rate must be a number, not 'fast'"),
        ({"rate": "2"}, "rate must lie in 0..1, not 2"),
        ({"rate": "nan"}, "rate must lie in 0..1, not nan"),
        ({"seed": "1.5"}, "seed must be a whole number, not 1.5"),
        ({"seed": "true"}, "seed must be a whole number, not True"),
        ({"save_every": "0"}, "save_every must lie in 1..inf, not 0"),
        ({"stills": "3"}, "stills must be a path, not 3"),
        ({"hold_out_clips": '"boat"'}, "hold_out_clips must be a list of words, not 'boat'"),
        ({"network": "huge"}, "network must be one of compact, paper, not 'huge'"),
        ({"taken": '["propagation"]', "start": "random"}, "taken names parts of a file, but start"),
        ({"name": "../x"}, "name must be a plain word"),
        ({"phases.0.crop": "100"}, "crop must be a multiple of 32, not 100"),
        ({"phases.0.crop": "0"}, "crop must be a multiple of 32, not 0"),
        ({"phases.0.steps": "0"}, "steps must be at least 1, not 0"),
        ({"phases.0.fresh": "1.2"}, "fresh must lie in 0..1, not 1.2"),
        ({"phases": "3"}, "has no [[phases]]"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path: Path, settings: dict[str, str], said: str):
    with pytest.raises(RecipeError) as refused:
        read(tmp_path, **settings)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_recipe_without_its_needed_settings_is_refused(tmp_path: Path):
    with pytest.raises(RecipeError, match="name is missing"):
        read(tmp_path, head="")
    with pytest.raises(RecipeError, match="batch, crop is missing") as refused:
        read(tmp_path, tail=PHASE.replace("batch = 2\n", "").replace("crop = 64\n", ""))
    assert "phase 0" in str(refused.value)
    with pytest.raises(RecipeError, match="at least one"):
        read(tmp_path, tail="")


def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path):
    with pytest.raises(RecipeError, match="is not TOML"):
        read(tmp_path, head="name = ")
    with pytest.raises(RecipeError, match="no recipe at"):
        Recipe.from_toml(tmp_path / "none.toml")
    with pytest.raises(RecipeError, match="no recipe at"):
        Recipe.from_toml(tmp_path)


def test_a_recipe_is_told_in_plain_values(tmp_path: Path):
    told = read(tmp_path, stills='"some/where"').as_json()
    assert Path(told["stills"]) == Path("some/where")
    assert told["phases"][0]["crop"] == 64


VALIDATION = {"boat", "dance-jump", "flamingo", "horsejump-low", "scooter-gray", "soccerball"}
HALVES = ("compact-more-", "compact-apart-", "compact-rivals-")
ALL = "compact-noted-"
"""Runs of the weights that ship, which nothing is chosen on afterwards."""


@pytest.mark.parametrize("path", sorted(Path("configs").glob("*.toml")), ids=lambda path: path.name)
def test_the_recipes_of_this_repository_can_be_read(path: Path):
    recipe = Recipe.from_toml(path)
    assert recipe.steps > 100
    assert all(isinstance(phase, Phase) for phase in recipe.phases)
    last = path.stem.startswith((*HALVES, ALL))
    assert last or recipe.clips is None or set(recipe.hold_out_clips) >= VALIDATION


@pytest.mark.parametrize("runs", HALVES)
def test_each_validation_sequence_is_unseen_by_one_of_two_runs_side_by_side(runs: str):
    halves = [
        set(Recipe.from_toml(Path(f"configs/{runs}{half}.toml")).hold_out_clips) for half in "ab"
    ]
    assert halves[0] | halves[1] == VALIDATION
    assert not halves[0] & halves[1]
