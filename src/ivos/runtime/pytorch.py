"""The networks run by PyTorch: to validate training, for GPUs, and to check ONNX Runtime by."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from ivos.networks.ipn import IPN
from ivos.networks.weights import read_network
from ivos.runtime.protocol import Array, NetworkSpec


class TorchNetworks:
    """An ``IPN`` behind the protocol. ``device`` is any that PyTorch knows."""

    def __init__(self, net: IPN, *, device: str = "cpu", threads: int | None = None) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self._device = torch.device(device)
        self._net = net.eval().to(self._device)
        self._spec = spec_of(net)

    @classmethod
    def from_file(
        cls, path: Path, *, device: str = "cpu", threads: int | None = None
    ) -> TorchNetworks:
        """Networks from weights that training has written; raises WeightsError."""
        return cls(read_network(path), device=device, threads=threads)

    @property
    def spec(self) -> NetworkSpec:
        """What a caller must know."""
        return self._spec

    @torch.inference_mode()
    def interact(
        self, frame: Array, previous: Array, positive: Array, negative: Array
    ) -> tuple[Array, Array]:
        """See ``Networks.interact``."""
        logits, reference = self._net.interact(
            *map(self._in, (frame, previous, positive, negative))
        )
        return logits[-1].cpu().numpy(), reference.cpu().numpy()

    @torch.inference_mode()
    def aggregate(self, reference: Array, previous_reference: Array) -> Array:
        """See ``Networks.aggregate``."""
        joined: Array = (
            self._net.aggregate(self._in(reference), self._in(previous_reference)).cpu().numpy()
        )
        return joined

    @torch.inference_mode()
    def propagate(self, reference: Array, frame: Array, neighbour: Array, previous: Array) -> Array:
        """See ``Networks.propagate``."""
        logits = self._net.propagate(*map(self._in, (reference, frame, neighbour, previous)))
        found: Array = logits[-1].cpu().numpy()
        return found

    def _in(self, array: Array) -> torch.Tensor:
        # A copy: PyTorch takes neither negative strides nor arrays that may not be written.
        return torch.from_numpy(np.array(array, np.float32, order="C")).to(self._device)


def spec_of(net: IPN) -> NetworkSpec:
    """What a caller must know of a network, its weights' hash among it."""
    digest = hashlib.sha256()
    for name, value in sorted(net.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().half().contiguous().numpy().tobytes())
    config, reference = net.config, net.propagation.reference
    return NetworkSpec(
        **asdict(config.crop),
        name=config.name,
        weights_hash=digest.hexdigest(),
        reference_channels=reference.channels,
        reference_stride=reference.stride,
        memory_slots=config.memory.slots if config.memory else 1,
    )
