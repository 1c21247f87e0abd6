"""Writing a network as three ONNX files with float16 weights.

The weights are stored as float16 and cast to float32 inside the graph: ONNX Runtime does the casts
once, when it loads the file, and computes in float32.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import helper, numpy_helper
from torch import Tensor, nn

from ivos.errors import WeightsError
from ivos.networks.ipn import IPN
from ivos.networks.weights import fresh_network

GRAPHS = ("interact", "aggregate", "propagate")

_OPSET = 17
_HALF = ".half"
_SMALLEST_TO_HALVE = 64
"""Weights with fewer values stay in float32: nothing is gained by halving them."""


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
            )
        _halve(path)
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
    for name in GRAPHS:
        path = folder / f"{name}.onnx"
        try:
            graph = onnx.load(str(path)).graph
        except (OSError, DecodeError) as error:
            raise WeightsError(f"{path} cannot be read: {error}") from None
        for weight in graph.initializer:
            key = weight.name.removeprefix("net.").removesuffix(_HALF)
            if key in state:
                found[key] = torch.from_numpy(numpy_helper.to_array(weight).astype(np.float32))
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


def _halve(path: Path) -> None:
    """Store the file's float32 weights as float16, each followed by a cast back."""
    model = onnx.load(str(path))
    graph = model.graph
    casts = []
    for weight in graph.initializer:
        if weight.data_type != onnx.TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(weight)
        if values.size < _SMALLEST_TO_HALVE:
            continue
        name = weight.name
        half = name + _HALF
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), half))
        casts.append(helper.make_node("Cast", [half], [name], to=onnx.TensorProto.FLOAT))
    for cast in reversed(casts):
        graph.node.insert(0, cast)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
