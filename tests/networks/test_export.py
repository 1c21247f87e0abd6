"""ONNX Runtime and PyTorch say the same, whatever the batch, the crop and the memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from ivos.networks.export import as_stored, read_exported  # noqa: E402
from ivos.networks.ipn import IPN  # noqa: E402
from ivos.networks.weights import read_network, save_weights  # noqa: E402
from ivos.runtime import weights  # noqa: E402
from ivos.runtime.protocol import Networks  # noqa: E402
from ivos.runtime.pytorch import TorchNetworks  # noqa: E402
from ivos.train.ship import ship  # noqa: E402
from tests.networks.made import crops  # noqa: E402

TOLERANCE = 1e-3
"""Largest difference of a probability."""


@pytest.fixture(scope="module")
def folder(compact: IPN, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("shipped")
    save_weights(compact, made / "weights.pt")
    ship(made / "weights.pt", made / "ivos-made", {"licence": "none"})
    return made


@pytest.fixture(scope="module")
def onnx_networks(folder: Path) -> Networks:
    return weights.load(folder / "ivos-made", threads=1)


@pytest.fixture(scope="module")
def torch_networks(folder: Path) -> Networks:
    return TorchNetworks(as_stored(read_network(folder / "weights.pt")))


def probs(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


@pytest.mark.parametrize(("batch", "side"), [(1, 224), (5, 64), (1, 96), (2, 160)])
def test_probabilities_agree(
    onnx_networks: Networks, torch_networks: Networks, batch: int, side: int
):
    frame, previous, positive, negative = (t.numpy() for t in crops(batch, side))
    results = []
    for networks in (torch_networks, onnx_networks):
        logits, reference = networks.interact(frame, previous, positive, negative)
        memory = networks.aggregate(reference, reference[..., ::-1])
        memory = networks.aggregate(reference, memory)
        carried = networks.propagate(memory, frame, positive, previous)
        results.append((probs(logits), reference, memory, probs(carried)))
    for ours, theirs in zip(*results, strict=True):
        assert ours.shape == theirs.shape
    assert np.abs(results[0][0] - results[1][0]).max() < TOLERANCE
    assert np.abs(results[0][3] - results[1][3]).max() < TOLERANCE


@pytest.mark.parametrize("batch", [1, 2, 3, 7])
def test_crops_that_threads_share_or_have_of_their_own_come_out_alike(
    folder: Path, onnx_networks: Networks, batch: int
):
    threaded = weights.load(folder / "ivos-made", threads=3)
    frame, previous, positive, negative = (t.numpy() for t in crops(batch, 96))
    results = []
    for networks in (onnx_networks, threaded):
        logits, reference = networks.interact(frame, previous, positive, negative)
        carried = networks.propagate(reference, frame, positive, previous)
        results.append((logits, reference, carried))
    for one, many in zip(*results, strict=True):
        np.testing.assert_allclose(many, one, atol=1e-4, rtol=1e-4)


def test_only_so_many_annotated_frames_are_kept(onnx_networks: Networks):
    frame, previous, positive, negative = (t.numpy() for t in crops(1, 64))
    reference = onnx_networks.interact(frame, previous, positive, negative)[1]
    memory = reference
    for _ in range(onnx_networks.spec.memory_slots + 2):
        memory = onnx_networks.aggregate(reference, memory)
    assert memory.shape[-1] == onnx_networks.spec.memory_slots * reference.shape[-1]


def test_both_runtimes_say_the_same_of_themselves(
    onnx_networks: Networks, torch_networks: Networks
):
    assert onnx_networks.spec == torch_networks.spec
    assert len(onnx_networks.spec.weights_hash) == 64


def test_the_files_stay_under_sixteen_megabytes_and_are_named_by_hash(folder: Path):
    files = list((folder / "ivos-made").iterdir())
    assert sum(path.stat().st_size for path in files) < 16e6
    card = weights.check(folder / "ivos-made")
    assert set(card["files"]) == {"interact.onnx", "aggregate.onnx", "propagate.onnx"}
    assert card["licence"] == "none"


def test_pytorch_takes_read_only_and_strided_arrays(torch_networks: Networks):
    frame, previous, positive, negative = (t.numpy() for t in crops(1, 64))
    flipped = frame[..., ::-1]
    flipped.flags.writeable = False
    logits, _ = torch_networks.interact(flipped, previous, positive, negative)
    again, _ = torch_networks.interact(flipped.copy(), previous, positive, negative)
    assert np.array_equal(logits, again)


def test_weights_stored_in_eight_bits_are_off_by_half_a_step_at_the_most(compact: IPN):
    stored = dict(as_stored(compact).named_parameters())
    rounded = 0
    for name, value in compact.named_parameters():
        if value.ndim == 4 and value.numel() >= 16384:
            step = value.abs().amax(dim=(1, 2, 3), keepdim=True) / 127
            assert ((stored[name] - value).abs() <= 0.501 * step).all()
            rounded += not torch.equal(stored[name], value)
        else:
            assert torch.equal(stored[name], value)
    assert rounded > 20


def test_what_was_exported_is_read_back_as_it_is_stored(folder: Path):
    stored = as_stored(read_network(folder / "weights.pt")).state_dict()
    for name, value in read_exported(folder / "ivos-made").state_dict().items():
        if ".heads.0." not in name and ".heads.1." not in name:  # those serve training alone
            torch.testing.assert_close(value, stored[name], rtol=1e-3, atol=1e-5)
