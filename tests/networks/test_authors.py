"""Reading the authors' checkpoints: a made state dict of exactly their names and shapes."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from ivos.errors import WeightsError  # noqa: E402
from ivos.networks.authors import read_authors  # noqa: E402
from ivos.networks.ipn import IPN  # noqa: E402
from tests.networks.made import authors_state  # noqa: E402


def saved(folder: Path, prefix: str = "") -> tuple[Path, Path]:
    paths = folder / "I_e290.pth", folder / "P_e290.pth"
    for path in paths:
        torch.save(authors_state(path.name[0], prefix), path)
    return paths


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> IPN:
    return read_authors(*saved(tmp_path_factory.mktemp("authors")))


def all_are(weight: torch.Tensor, value: torch.Tensor) -> bool:
    return bool((weight - value.flatten()[0]).abs().max() < 1e-5)


def test_decoders_and_aggregation_land_where_they_belong(read: IPN):
    first, second = authors_state("I"), authors_state("P")
    interaction, propagation = read.interaction.decoder, read.propagation.decoder
    pairs = [
        (interaction.top[0].first.weight, first["Decoder.ResFM.conv1.weight"]),
        (interaction.top[0].shortcut.weight, first["Decoder.ResFM.downsample.weight"]),
        (interaction.steps[0].skip.second.bias, first["Decoder.RF4.ResFS.conv2.bias"]),
        (interaction.steps[2].merge.first.weight, first["Decoder.RF2.ResMM.conv1.weight"]),
        (interaction.heads[0].weight, first["Decoder.pred5.weight"]),
        (interaction.heads[3].bias, first["Decoder.pred2.bias"]),
        (propagation.top[0].first.weight, second["Decoder.ResFM1.conv1.weight"]),
        (propagation.top[1].second.weight, second["Decoder.ResFM2.conv2.weight"]),
        (read.propagation.reference.first.weight, second["SEFA.fc1.weight"]),
        (read.propagation.reference.second.bias, second["SEFA.fc2.bias"]),
    ]
    for i, (weight, expected) in enumerate(pairs):
        assert weight.shape == expected.shape, i
        assert all_are(weight, expected), i


def test_every_weight_of_the_network_is_read(read: IPN):
    for name, value in read.named_parameters():
        assert value.std() < 0.3, name  # a random one would vary within; ours are constant
        channel = value.detach().flatten(1) if value.ndim > 1 else value.detach()[None]
        if "extra" not in name:
            assert float((channel.amax() - channel.amin()).abs()) < 1e-5, name


def test_mask_filters_keep_their_order_and_are_folded_with_the_first_norm(read: IPN):
    state = authors_state("I")
    norm = {key: float(state[f"Encoder.bn1.{key}"][0]) for key in ("weight", "running_var")}
    scale = norm["weight"] / (norm["running_var"] + 1e-5) ** 0.5
    extra = read.interaction.encoder.extra
    for plane, name in enumerate(("conv1_m", "conv1_p", "conv1_n")):
        value = state[f"Encoder.{name}.weight"].flatten()[0]
        assert all_are(extra.weight[:, plane], value * scale)
    assert all_are(extra.bias, state["Encoder.conv1_m.bias"][0] * scale)
    of_propagation = authors_state("P")
    norm = {k: float(of_propagation[f"Encoder.bn1.{k}"][0]) for k in ("weight", "running_var")}
    scale = norm["weight"] / (norm["running_var"] + 1e-5) ** 0.5
    for plane, name in enumerate(("conv1_m", "conv1_x")):  # last round's mask, then the neighbour's
        value = of_propagation[f"Encoder.{name}.weight"].flatten()[0]
        assert all_are(read.propagation.encoder.extra.weight[:, plane], value * scale)


def test_the_prefix_that_parallel_training_leaves_is_taken_off(read: IPN, tmp_path: Path):
    again = read_authors(*saved(tmp_path, prefix="module."))
    for (name, one), other in zip(read.named_parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other), name


def test_swapped_checkpoints_are_refused(tmp_path: Path):
    interaction, propagation = saved(tmp_path)
    with pytest.raises(WeightsError, match="interaction first"):
        read_authors(propagation, interaction)


def test_a_weight_of_another_shape_is_refused(tmp_path: Path):
    interaction, propagation = saved(tmp_path)
    state = authors_state("I") | {"Decoder.pred2.weight": torch.zeros(3, 256, 3, 3)}
    torch.save(state, interaction)
    with pytest.raises(WeightsError) as refused:
        read_authors(interaction, propagation)
    assert "\n" not in str(refused.value)


def test_a_file_that_would_run_code_is_refused(tmp_path: Path):
    interaction, propagation = saved(tmp_path)
    torch.save({"harm": Path("x")}, interaction)
    with pytest.raises(WeightsError, match="not a PyTorch file of weights"):
        read_authors(interaction, propagation)
