"""The weights that ship, run by PyTorch and by ONNX Runtime: the same networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ivos.errors import WeightsError
from ivos.runtime import weights

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from tests.networks.made import crops  # noqa: E402


def shipped() -> Path:
    if weights.DEFAULT not in weights.names():
        pytest.skip("the weights that ship are not there yet")
    return weights.find()


@pytest.mark.real_weights
def test_the_shipped_graphs_are_the_network_with_their_own_weights():
    """The graphs' weights, put back into the PyTorch network, give the same probabilities."""
    from ivos.networks.export import read_exported
    from ivos.runtime.pytorch import TorchNetworks

    folder = shipped()
    fast, slow = weights.load(folder, threads=1), TorchNetworks(read_exported(folder), threads=1)
    for fact in ("name", "reference_channels", "reference_stride", "memory_slots", "neutral"):
        assert getattr(fast.spec, fact) == getattr(slow.spec, fact), fact
    for batch, side in ((1, 224), (5, 96)):
        frame, previous, positive, negative = (t.numpy() for t in crops(batch, side))
        masks = []
        for networks in (fast, slow):
            logits, reference = networks.interact(frame, previous, positive, negative)
            memory = networks.aggregate(reference, reference)
            carried = networks.propagate(memory, frame, positive, previous)
            masks.append([1 / (1 + np.exp(-found)) for found in (logits, carried)])
        for ours, theirs in zip(*masks, strict=True):
            assert np.abs(ours - theirs).max() < 1e-3


def test_pytorch_wants_a_file_of_weights(tmp_path: Path):
    with pytest.raises(WeightsError, match="needs a file of weights"):
        weights.load(tmp_path, runtime="torch")
