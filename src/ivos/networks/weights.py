"""Networks by the name of their configuration, and their weights on disk in half precision."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch

from ivos.errors import WeightsError
from ivos.networks.efficientnet import EfficientNetLite0, imagenet_weights
from ivos.networks.ipn import COMPACT, IPN, PAPER

CONFIGURATIONS = {"compact": COMPACT, "paper": PAPER}


def fresh_network(configuration: str, *, imagenet: bool = False) -> IPN:
    """A network with random weights, its encoders from ImageNet if asked."""
    if configuration not in CONFIGURATIONS:
        known = ", ".join(sorted(CONFIGURATIONS))
        raise WeightsError(f"no network configuration called {configuration!r}; known: {known}")
    net = IPN(CONFIGURATIONS[configuration])
    if imagenet:
        state = None
        for encoder in (net.interaction.encoder, net.propagation.encoder):
            if not isinstance(encoder, EfficientNetLite0):
                raise WeightsError(
                    f"no ImageNet weights come with ivos for {configuration!r}: "
                    "start from a file instead (see docs/guides/training.md)"
                )
            state = state or imagenet_weights()
            encoder.load_imagenet(state)
    return net


def save_weights(net: IPN, path: Path) -> None:
    """Write configuration and weights (float16), whole or not at all."""
    half = {name: value.detach().half().contiguous() for name, value in net.state_dict().items()}
    configuration = next(name for name, config in CONFIGURATIONS.items() if config == net.config)
    beside = path.with_name(path.name + ".tmp")
    torch.save({"configuration": configuration, "weights": half}, beside)
    beside.replace(path)


def load_weights(net: IPN, path: Path) -> None:
    """Read weights that ``save_weights`` wrote into ``net``; raises WeightsError."""
    configuration, weights = _read(path)
    if CONFIGURATIONS.get(configuration) != net.config:
        raise WeightsError(f"{path} holds weights of {configuration!r}, not of this network")
    try:
        net.load_state_dict({name: value.float() for name, value in weights.items()})
    except RuntimeError as error:
        raise WeightsError(f"{path} does not fit this version of the network: {error}") from None


def read_network(path: Path) -> IPN:
    """The network that ``save_weights`` wrote to ``path``; raises WeightsError."""
    net = fresh_network(_read(path)[0])
    load_weights(net, path)
    return net


def _read(path: Path) -> tuple[str, dict[str, torch.Tensor]]:
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        return str(saved["configuration"]), dict(saved["weights"])
    except FileNotFoundError:
        raise WeightsError(f"no weights at {path}") from None
    except (RuntimeError, KeyError, TypeError, EOFError, pickle.UnpicklingError, OSError):
        raise WeightsError(f"{path} does not hold weights that ivos has written") from None
