"""Reading the authors' two checkpoints into the published configuration.

Their layout, by key: ``Encoder.conv1`` and its companions for masks and strokes, ``Encoder.bn1``,
``Encoder.res2`` to ``res5``; ``Decoder.ResFM`` (two of them in the propagation network),
``Decoder.RF4`` to ``RF2``, ``Decoder.pred5`` to ``pred2``; ``SEFA`` (feature aggregation) in the
propagation network. A ``module.`` before every key, left by parallel training, is taken off.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from ivos.errors import WeightsError
from ivos.networks.decoder import Decoder, RefineBlock, ResidualBlock
from ivos.networks.ipn import IPN, PAPER
from ivos.networks.resnet import ResNet50
from ivos.networks.weights import read_checkpoint

_STAGES = ("res2", "res3", "res4", "res5")
_MASKS_OF_INTERACTION = ("conv1_m", "conv1_p", "conv1_n")
_MASKS_OF_PROPAGATION = ("conv1_m", "conv1_x")


def read_authors(interaction: Path, propagation: Path) -> IPN:
    """The published network with the weights of the authors' ``I_*.pth`` and ``P_*.pth``."""
    first, second = _read(interaction), _read(propagation)
    try:
        # Which is which shows here, before the time that a large network takes to be made.
        _ = first["Decoder.ResFM.conv1.weight"], second["SEFA.fc1.weight"]
        net = IPN(PAPER)
        _encoder(net.interaction.encoder, first, _MASKS_OF_INTERACTION)
        _decoder(net.interaction.decoder, first, ("ResFM",))
        _encoder(net.propagation.encoder, second, _MASKS_OF_PROPAGATION)
        _decoder(net.propagation.decoder, second, ("ResFM1", "ResFM2"))
        _take(net.propagation.reference.get_submodule("first"), second, "SEFA.fc1")
        _take(net.propagation.reference.get_submodule("second"), second, "SEFA.fc2")
    except KeyError as error:
        raise WeightsError(
            f"{interaction} and {propagation} are not the authors' two checkpoints, "
            f"interaction first: {error} is missing"
        ) from None
    except (RuntimeError, TypeError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(
            f"{interaction} and {propagation} are not the authors' two checkpoints: {reason}"
        ) from None
    return net


def _read(path: Path) -> dict[str, Tensor]:
    return {key.removeprefix("module."): value for key, value in read_checkpoint(path).items()}


def _encoder(encoder: nn.Module, state: Mapping[str, Tensor], masks: tuple[str, ...]) -> None:
    assert isinstance(encoder, ResNet50)
    with torch.no_grad():
        encoder.extra.weight.copy_(torch.cat([state[f"Encoder.{m}.weight"] for m in masks], dim=1))
        assert encoder.extra.bias is not None
        encoder.extra.bias.copy_(state[f"Encoder.{masks[0]}.bias"])
    part = {key.removeprefix("Encoder."): value for key, value in state.items()}
    encoder.load_imagenet(part, _STAGES)


def _decoder(decoder: Decoder, state: Mapping[str, Tensor], top: tuple[str, ...]) -> None:
    for block, name in zip(decoder.top, top, strict=True):
        _residual(block, state, f"Decoder.{name}")
    for step, name in zip(decoder.steps, ("RF4", "RF3", "RF2"), strict=True):
        assert isinstance(step, RefineBlock)
        _residual(step.skip, state, f"Decoder.{name}.ResFS")
        _residual(step.merge, state, f"Decoder.{name}.ResMM")
    for head, name in zip(decoder.heads, ("pred5", "pred4", "pred3", "pred2"), strict=True):
        _take(head, state, f"Decoder.{name}")


def _residual(block: nn.Module, state: Mapping[str, Tensor], name: str) -> None:
    assert isinstance(block, ResidualBlock)
    _take(block.first, state, f"{name}.conv1")
    _take(block.second, state, f"{name}.conv2")
    if block.shortcut is not None:
        _take(block.shortcut, state, f"{name}.downsample")


def _take(layer: nn.Module, state: Mapping[str, Tensor], name: str) -> None:
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    assert layer.bias is not None
    with torch.no_grad():
        layer.weight.copy_(state[f"{name}.weight"])
        layer.bias.copy_(state[f"{name}.bias"])
