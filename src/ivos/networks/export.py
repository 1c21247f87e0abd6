"""Writing a network as three ONNX files with small weights.

Large kernels are stored in eight bits, with a scale for each channel that they make, and other
weights as float16. The graphs make float32 of them: ONNX Runtime does so once, when it loads the
file, and computes in float32.
"""

from __future__ import annotations

import copy
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from torch import Tensor, nn

from ivos.errors import WeightsError
from ivos.networks.ipn import IPN
from ivos.networks.weights import fresh_network

GRAPHS = ("interact", "aggregate", "propagate")

_OPSET = 17
_FLOAT = onnx.TensorProto.FLOAT
_HALF, _BYTES, _SCALE = ".half", ".bytes", ".scale"
_SMALLEST_TO_HALVE = 64
"""Weights with fewer values stay in float32: nothing is gained by halving them."""
_SMALLEST_IN_BYTES = 16384
"""Kernels with fewer values stay in float16: they are a twentieth of the file."""


class _Interact(nn.Module):
    def __init__(self, net: IPN) -> None:
        super().__init__()
        self.net = net

    def forward(
        self, frame: Tensor, previous: Tensor, positive: Tensor, negative: Tensor
    ) -> tuple[Tensor, Tensor]:
        logits, reference = self.net.interact(frame, previous, positive, negative)
        return logits[-1], reference


class _Aggregate(nn.Module):
    def __init__(self, net: IPN) -> None:
        super().__init__()
        self.net = net

    def forward(self, reference: Tensor, previous_reference: Tensor) -> Tensor:
        return self.net.aggregate(reference, previous_reference)


class _Propagate(nn.Module):
    def __init__(self, net: IPN) -> None:
        super().__init__()
        self.net = net

    def forward(
        self, reference: Tensor, frame: Tensor, neighbour: Tensor, previous: Tensor
    ) -> Tensor:
        return self.net.propagate(reference, frame, neighbour, previous)[-1]


def export(net: IPN, folder: Path) -> tuple[Path, ...]:
    """Write ``interact.onnx``, ``aggregate.onnx`` and ``propagate.onnx``; returns their paths.

    Batch, crop and reference may have any size.
    """
    folder.mkdir(parents=True, exist_ok=True)
    net = net.eval().cpu().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    side = net.config.crop.crop_size
    position = side // net.propagation.reference.stride
    slots = net.config.memory.slots if net.config.memory else 1
    image, mask = torch.rand(2, 3, side, side), torch.rand(2, 1, side, side)
    reference = torch.rand(2, net.propagation.reference.channels, position, position)
    wide = torch.cat([reference] * slots, dim=3)
    crop, memory = {0: "batch", 2: "side", 3: "side"}, {0: "batch", 2: "height", 3: "width"}
    graphs: list[tuple[str, nn.Module, dict[str, Tensor], dict[str, dict[int, str]]]] = [
        (
            "interact",
            _Interact(net),
            {"frame": image, "previous": mask, "positive": mask, "negative": mask},
            {"logits": crop, "reference": memory},
        ),
        (
            "aggregate",
            _Aggregate(net),
            {"reference": reference, "previous_reference": wide},
            {"aggregated": memory},
        ),
        (
            "propagate",
            _Propagate(net),
            {"reference": wide, "frame": image, "neighbour": mask, "previous": mask},
            {"logits": crop},
        ),
    ]
    paths = []
    for name, module, inputs, outputs in graphs:
        path = folder / f"{name}.onnx"
        shapes = {key: memory if "reference" in key else crop for key in inputs}
        if "previous_reference" in shapes:
            shapes["previous_reference"] = {0: "batch", 2: "height", 3: "earlier_width"}
        with warnings.catch_warnings():
            # Tracing warns of each Python number taken from a shape; those here are fixed strides.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module,
                tuple(inputs.values()),
                str(path),
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_axes=shapes | outputs,
                opset_version=_OPSET,
                dynamo=False,
                do_constant_folding=False,  # weights keep their names; ONNX Runtime folds
            )
        _shrink(path)
        paths.append(path)
    return tuple(paths)


def read_exported(folder: Path, configuration: str = "compact") -> IPN:
    """The network whose graphs ``export`` wrote to ``folder``, to train it further.

    The coarser heads, which only serve training, are not in the graphs: they are new. Raises
    WeightsError where the graphs are not those of such a network.
    """
    net = fresh_network(configuration)
    state = net.state_dict()
    found: dict[str, Tensor] = {}
    for graph_name in GRAPHS:
        path = folder / f"{graph_name}.onnx"
        try:
            graph = onnx.load(str(path)).graph
        except (OSError, DecodeError) as error:
            raise WeightsError(f"{path} cannot be read: {error}") from None
        values = {weight.name: numpy_helper.to_array(weight) for weight in graph.initializer}
        for name, value in values.items():
            stem = name.removesuffix(_HALF).removesuffix(_BYTES)
            key = stem.removeprefix("net.")
            if key in state:
                scale = values[stem + _SCALE] if name.endswith(_BYTES) else 1
                found[key] = torch.from_numpy(value.astype(np.float32) * scale)
    absent = [name for name in state if name not in found and not _is_coarse_head(name, net)]
    if absent:
        raise WeightsError(f"{folder} is no {configuration} network: {absent[0]} is missing")
    try:
        net.load_state_dict(found, strict=False)
    except RuntimeError as error:
        first = str(error).splitlines()[0]
        raise WeightsError(f"{folder} is no {configuration} network: {first}") from None
    return net


def _is_coarse_head(name: str, net: IPN) -> bool:
    last = len(net.interaction.decoder.heads) - 1
    return ".heads." in name and f".heads.{last}." not in name


def as_stored(net: IPN) -> IPN:
    """A copy of ``net`` with the weights that ``export`` stores, to run or to hash."""
    stored = copy.deepcopy(net)
    with torch.no_grad():
        for weight in stored.parameters():
            values = weight.detach().cpu().numpy()
            if _in_bytes(values):
                weight.copy_(torch.from_numpy(np.multiply(*_as_bytes(values))))
    return stored


def _in_bytes(values: NDArray[np.float32]) -> bool:
    return values.ndim == 4 and values.size >= _SMALLEST_IN_BYTES


def _as_bytes(values: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """(O, I, h, w) -> integers of that shape and scales (O, 1, 1, 1) whose product it nearly is."""
    largest = np.abs(values).max(axis=(1, 2, 3), keepdims=True)
    scale = (np.maximum(largest, np.finfo(np.float32).tiny) / 127).astype(np.float32)
    return np.rint(values / scale).astype(np.int8), scale


def _shrink(path: Path) -> None:
    """Store the file's float32 weights small, each followed by what makes float32 of it again."""
    model = onnx.load(str(path))
    graph = model.graph
    nodes = []
    for weight in [*graph.initializer]:
        if weight.data_type != _FLOAT:
            continue
        name, values = weight.name, numpy_helper.to_array(weight)
        if _in_bytes(values):
            integers, scale = _as_bytes(values)
            weight.CopyFrom(numpy_helper.from_array(integers, name + _BYTES))
            graph.initializer.append(numpy_helper.from_array(scale, name + _SCALE))
            whole = f"{name}.whole"
            nodes.append(helper.make_node("Cast", [name + _BYTES], [whole], to=_FLOAT))
            nodes.append(helper.make_node("Mul", [whole, name + _SCALE], [name]))
        elif values.size >= _SMALLEST_TO_HALVE:
            weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name + _HALF))
            nodes.append(helper.make_node("Cast", [name + _HALF], [name], to=_FLOAT))
    for node in reversed(nodes):
        graph.node.insert(0, node)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
