"""Weights on disk: half precision, whole or not at all, and never code."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import ivos  # noqa: E402
from ivos.errors import WeightsError  # noqa: E402
from ivos.networks.ipn import COMPACT, IPN  # noqa: E402
from ivos.networks.reference import MemoryReference  # noqa: E402
from ivos.networks.weights import (  # noqa: E402
    begin_alike,
    fresh_network,
    read_facts,
    read_network,
    save_weights,
    take_parts,
)


def test_weights_come_back_within_half_precision_with_what_was_said_of_them(
    compact: IPN, tmp_path: Path
):
    save_weights(compact, tmp_path / "w.pt", {"recipe": {"name": "x"}, "steps": 3})
    again = read_network(tmp_path / "w.pt")
    for (name, one), other in zip(compact.named_parameters(), again.parameters(), strict=True):
        assert torch.equal(one.half().float(), other), name
    assert read_facts(tmp_path / "w.pt") == {"recipe": {"name": "x"}, "steps": 3}
    assert [path.name for path in tmp_path.iterdir()] == ["w.pt"]


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04 cut"])
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, content: bytes):
    path = tmp_path / "w.pt"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="damaged") as refused:
        read_network(path)
    assert "\n" not in str(refused.value)


def test_a_missing_file_and_another_network_are_refused(compact: IPN, tmp_path: Path):
    with pytest.raises(WeightsError, match="no weights at"):
        read_network(tmp_path / "none.pt")
    torch.save({"configuration": "compact", "weights": {}}, tmp_path / "empty.pt")
    with pytest.raises(WeightsError, match="does not fit"):
        read_network(tmp_path / "empty.pt")
    torch.save({"configuration": "huge", "weights": {}}, tmp_path / "huge.pt")
    with pytest.raises(WeightsError, match="known: compact, paper"):
        read_network(tmp_path / "huge.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(WeightsError, match="holds no state dict"):
        read_network(tmp_path / "list.pt")


def test_random_weights_follow_from_the_seed():
    torch.manual_seed(5)
    one = fresh_network("compact").interaction.encoder.extra.weight
    torch.manual_seed(5)
    assert torch.equal(one, fresh_network("compact").interaction.encoder.extra.weight)


def test_nothing_that_is_read_may_run_code():
    """Every ``torch.load`` in the source says ``weights_only=True``, and none hides in an alias."""
    found = 0
    for path in Path(ivos.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        mentions = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute)]
        mentions = [n for n in mentions if ast.unparse(n) == "torch.load"]
        calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and n.func in mentions]
        assert len(calls) == len(mentions), f"{path} passes torch.load on"
        for call in calls:
            said = {key.arg: ast.unparse(key.value) for key in call.keywords}
            assert said.get("weights_only") == "True", path
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "torch":
                assert "load" not in [name.name for name in node.names], path
        found += len(calls)
    assert found >= 2


def test_parts_are_taken_from_a_file_and_the_rest_stays_as_it_is(compact: IPN, tmp_path: Path):
    save_weights(compact, tmp_path / "w.pt")
    torch.manual_seed(9)
    net = fresh_network("compact")
    before = {name: value.clone() for name, value in net.state_dict().items()}
    take_parts(net, tmp_path / "w.pt", ["propagation", "interaction.decoder.heads"])
    theirs = compact.state_dict()
    for name, value in net.state_dict().items():
        if name.startswith(("propagation.", "interaction.decoder.heads.")):
            assert torch.equal(value, theirs[name].half().float()), name
        else:
            assert torch.equal(value, before[name]), name


def test_parts_that_are_not_there_or_do_not_fit_are_refused_in_one_line(
    compact: IPN, tmp_path: Path
):
    for name, key, shape in (
        ("small.pt", "interaction.encoder.stem.weight", (1, 3, 3, 3)),
        ("other.pt", "interaction.encoder.leaf.weight", (1,)),
    ):
        torch.save({"configuration": "other", "weights": {key: torch.ones(shape)}}, tmp_path / name)
    save_weights(compact, tmp_path / "w.pt")
    for name, part, words in (
        ("w.pt", "interactio", "has no part called 'interactio'"),
        ("small.pt", "interaction", "does not fit the network: .*stem.weight"),
        ("other.pt", "interaction", "leaf.weight, which the network does not have"),
    ):
        with pytest.raises(WeightsError, match=words) as refused:
            take_parts(fresh_network("compact"), tmp_path / name, [part])
        assert "\n" not in str(refused.value)


def test_a_network_that_begins_alike_follows_a_mask_as_the_other_one_redraws_it():
    torch.manual_seed(2)
    net = fresh_network("compact").eval()
    begin_alike(net)
    frame, neighbour = torch.rand(1, 3, 64, 64), torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        redrawn, reference = net.interact(
            frame, neighbour, 0.25 * neighbour, torch.zeros_like(neighbour)
        )
        for previous in (torch.zeros_like(neighbour), torch.rand(1, 1, 64, 64)):
            followed = net.propagate(reference, frame, neighbour, previous)
            for one, other in zip(followed, redrawn, strict=True):
                torch.testing.assert_close(one, other)
    read = net.propagation.reference
    assert isinstance(read, MemoryReference)
    assert torch.equal(read.read_key.weight, read.write_key.weight)


def test_networks_that_are_not_built_alike_cannot_begin_so():
    narrow = replace(COMPACT.propagation, widths=(80, 64, 48, 16))
    net = IPN(replace(COMPACT, propagation=narrow))
    with pytest.raises(WeightsError, match="are not built alike"):
        begin_alike(net)
