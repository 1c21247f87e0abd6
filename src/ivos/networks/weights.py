"""Networks by the name of their configuration, and their weights on disk in half precision."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ivos.errors import WeightsError
from ivos.networks.efficientnet import EfficientNetLite, imagenet_weights
from ivos.networks.ipn import (
    COMPACT,
    IPN,
    MASKS_OF_INTERACTION,
    MASKS_OF_PROPAGATION,
    PAPER,
)
from ivos.networks.reference import MemoryReference
from ivos.networks.resnet import ResNet50

CONFIGURATIONS = {"compact": COMPACT, "paper": PAPER}

_AS_DRAWN = 0.25
"""How much of a positive stroke a neighbour's mask is at first: with none, what is carried on fades
(J&F .68 after one round, .75 with a quarter, nothing trained)."""


def fresh_network(configuration: str, *, imagenet: bool = False) -> IPN:
    """A network with random weights, its encoders from ImageNet if asked."""
    if configuration not in CONFIGURATIONS:
        known = ", ".join(sorted(CONFIGURATIONS))
        raise WeightsError(f"no network configuration called {configuration!r}; known: {known}")
    net = IPN(CONFIGURATIONS[configuration])
    if imagenet:
        for encoder in (net.interaction.encoder, net.propagation.encoder):
            if not isinstance(encoder, EfficientNetLite):
                raise WeightsError(
                    f"no ImageNet weights come with ivos for {configuration!r}: "
                    "start from a file instead (see docs/guides/training.md)"
                )
            encoder.load_imagenet(imagenet_weights())
    return net


def save_weights(net: IPN, path: Path, facts: Mapping[str, Any] | None = None) -> None:
    """Write configuration and weights (float16), whole or not at all.

    ``facts``, plain values only, say how they were made; ``read_facts`` gives them back.
    """
    half = {
        name: value.detach().half().contiguous().cpu() for name, value in net.state_dict().items()
    }
    configuration = next(name for name, config in CONFIGURATIONS.items() if config == net.config)
    beside = path.with_name(path.name + ".tmp")
    saved = {"configuration": configuration, "weights": half, "facts": dict(facts or {})}
    torch.save(saved, beside)
    beside.replace(path)


def load_weights(net: IPN, path: Path) -> None:
    """Read weights that ``save_weights`` wrote into ``net``; raises WeightsError."""
    configuration, weights = _read(path)
    if CONFIGURATIONS.get(configuration) != net.config:
        raise WeightsError(f"{path} holds weights of {configuration!r}, not of this network")
    try:
        net.load_state_dict({name: value.float() for name, value in weights.items()})
    except (RuntimeError, AttributeError) as error:
        first = str(error).splitlines()[0]
        raise WeightsError(f"{path} does not fit this version of the network: {first}") from None


def take_parts(net: IPN, path: Path, beginnings: Sequence[str]) -> None:
    """Read those weights into ``net`` whose names begin so; they may be of another network.

    Raises WeightsError where there is none of a name, or it does not fit.
    """
    _, weights = _read(path)
    taken: dict[str, torch.Tensor] = {}
    for beginning in beginnings:
        part = {k: v.float() for k, v in weights.items() if f"{k}.".startswith(f"{beginning}.")}
        if not part:
            raise WeightsError(f"{path} has no part called {beginning!r}")
        taken |= part
    try:
        rest = net.load_state_dict(taken, strict=False).unexpected_keys
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise WeightsError(f"{path} does not fit the network: {reason}") from None
    if rest:
        raise WeightsError(f"{path} holds {rest[0]}, which the network does not have")


def soften_memory(net: IPN, share: float) -> None:
    """Make distances in the memory of ``net`` this part of what they are, so that each position
    reads from more than the one that is most like it. Raises WeightsError where it has no memory.
    """
    reference = net.propagation.reference
    if not isinstance(reference, MemoryReference):
        raise WeightsError("soften: this network has no memory with distances")
    reference.soften(share)


def begin_alike(net: IPN) -> None:
    """Give the propagation network of ``net`` the encoder and decoder of its interaction network.

    A neighbour's mask enters it as the last mask does there, with a little of a positive stroke, so
    that it follows masks from the first step on; what is read from memory and the last round's mask
    do not count yet. Positions of the two find each other in a memory from the start, too: they ask
    as they are written. Raises WeightsError where the two are not built alike.
    """
    theirs, ours = net.interaction.state_dict(), net.propagation.state_dict()
    try:
        for name, weights in theirs.items():
            if name == "encoder.extra.weight":
                weights = _alike(weights)
            elif ours[name].shape != weights.shape:
                ours[name].zero_()
                ours[name][:, : weights.shape[1] - MASKS_OF_INTERACTION] = weights[
                    :, :-MASKS_OF_INTERACTION
                ]
                ours[name][:, -MASKS_OF_PROPAGATION:] = _alike(weights[:, -MASKS_OF_INTERACTION:])
                continue
            ours[name].copy_(weights)
        reference = net.propagation.reference
        if isinstance(reference, MemoryReference):
            reference.read_key.load_state_dict(reference.write_key.state_dict())
    except (KeyError, RuntimeError, IndexError):
        raise WeightsError(
            f"the networks of {net.config.name} are not built alike: "
            "the one cannot begin as the other"
        ) from None


def _alike(weights: torch.Tensor) -> torch.Tensor:
    """Weights for last mask, positive and negative strokes -> for last and neighbour's mask."""
    neighbour = weights[:, 0] + _AS_DRAWN * weights[:, 1]
    return torch.stack([torch.zeros_like(neighbour), neighbour], dim=1)


def read_network(path: Path) -> IPN:
    """The network that ``save_weights`` wrote to ``path``; raises WeightsError."""
    net = fresh_network(_read(path)[0])
    load_weights(net, path)
    return net


def averaged(
    first: Path, second: Path, *, interaction: float, propagation: float, soften: float = 1.0
) -> IPN:
    """The mean of two networks of one run: the second one's share, 0..1, for each of the two.

    Distances in the memory of the first are made the part ``soften`` of what they are beforehand,
    where the run of the second began so.

    Points of one run lie so close together that the network between them is better than either
    (Wortsman et al., *Model soups*, 2022). The reference belongs to propagation. Raises
    WeightsError.
    """
    net, other = read_network(first), read_network(second)
    if net.config != other.config:
        raise WeightsError(f"{first} and {second} are not weights of the same configuration")
    if soften != 1:
        soften_memory(net, soften)
    others = dict(other.named_parameters())
    with torch.no_grad():
        for name, value in net.named_parameters():
            value.lerp_(
                others[name], interaction if name.startswith("interaction.") else propagation
            )
    return net


def imagenet_resnet(path: Path) -> IPN:
    """A published network whose encoders start from a ResNet-50 with stored norms.

    ``path``: a state dict with the names of torchvision's ResNet-50. Raises WeightsError.
    """
    net, state = fresh_network("paper"), read_checkpoint(path)
    try:
        for encoder in (net.interaction.encoder, net.propagation.encoder):
            assert isinstance(encoder, ResNet50)
            encoder.load_imagenet(state)
    except (KeyError, RuntimeError, TypeError, AttributeError) as error:
        first = str(error).splitlines()[0]
        raise WeightsError(f"{path} holds no ResNet-50 with torchvision's names: {first}") from None
    return net


def read_facts(path: Path) -> dict[str, Any]:
    """What ``save_weights`` was told of how the weights in ``path`` were made."""
    return dict(read_checkpoint(path).get("facts", {}))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What ``torch.save`` wrote to ``path``, tensors and plain values only; raises WeightsError."""
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WeightsError(f"no weights at {path}") from None
    except (RuntimeError, ValueError, KeyError, EOFError, pickle.UnpicklingError, OSError):
        raise WeightsError(
            f"{path} is not a PyTorch file of weights, or it is damaged: copy it again"
        ) from None
    if not isinstance(saved, Mapping):
        raise WeightsError(f"{path} holds no state dict but a {type(saved).__name__}")
    return {str(key): value for key, value in saved.items()}


def _read(path: Path) -> tuple[str, dict[str, torch.Tensor]]:
    saved = read_checkpoint(path)
    try:
        return str(saved["configuration"]), dict(saved["weights"])
    except (KeyError, TypeError, ValueError):
        raise WeightsError(f"{path} does not hold weights that ivos has written") from None
