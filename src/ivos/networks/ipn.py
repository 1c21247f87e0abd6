"""The two networks of IPN and what joins them, as three functions (method.md 1.1 to 1.6).

Knows nothing of sessions, files or devices. Two configurations of the same classes: ``PAPER`` is
the published network, ``COMPACT`` the one that ships and runs in real time on two cores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from ivos.crop import CropSpec
from ivos.networks.decoder import Decoder, DecoderConfig
from ivos.networks.efficientnet import EfficientNetLite
from ivos.networks.reference import AggregatedReference, MemoryReference
from ivos.networks.resnet import ResNet50

MASKS_OF_INTERACTION = 3
"""Previous mask, positive strokes, negative strokes."""
MASKS_OF_PROPAGATION = 2
"""Previous round's mask of this frame, neighbour frame's mask."""


Encoder: TypeAlias = Literal["efficientnet-lite2", "resnet50"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryConfig:
    """A reference that keeps several annotated frames apart."""

    key: int
    """Channels by which positions find each other."""
    value: int
    """Channels that are found."""
    slots: int
    """Annotated frames that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """Everything that makes one IPN; numbers only."""

    name: str
    interaction_encoder: Encoder
    propagation_encoder: Encoder
    crop: CropSpec
    interaction: DecoderConfig
    propagation: DecoderConfig
    memory: MemoryConfig | None
    """None for the published reference, aggregated channel by channel."""


def _published(top: tuple[int, ...]) -> DecoderConfig:
    return DecoderConfig(
        top=top,
        widths=(256, 256, 256),
        depthwise=(False, False, False),
        light=False,
        classes=2,
        heads=4,
    )


PAPER = NetworkConfig(
    name="ipn-paper",
    interaction_encoder="resnet50",
    propagation_encoder="resnet50",
    crop=CropSpec(),
    interaction=_published((256,)),
    propagation=_published((1024, 256)),
    memory=None,
)

_LIGHT = DecoderConfig(
    top=(128,),
    widths=(96, 64, 48, 16),
    depthwise=(False, True, True, True),
    light=True,
    classes=1,
    heads=3,
)

COMPACT = NetworkConfig(
    name="ivos-compact",
    interaction_encoder="efficientnet-lite2",
    propagation_encoder="efficientnet-lite2",
    crop=CropSpec(
        crop_size=256,
        propagation_crop=288,
        interaction_margin=0.15,
        minimum_side=0,
        minimum_fraction=0.25,
        neutral_is_everywhere=False,
        follow_neighbour=True,
        zoom_first_round=True,
        zoom_looks=2,
        zoom_with_found=True,
        wider_looks=2,
        detail_side=120.0,
        carry_changes=True,
        second_look=0.8,
        second_look_strokes=0.5,
        second_look_crop=224,
        second_look_later=False,
        noted_every=5,
        noted_frames=2,
        steady=0.9,
        antialias=True,
    ),
    interaction=_LIGHT,
    propagation=_LIGHT,
    memory=MemoryConfig(key=64, value=64, slots=8),
)


def _encoder(kind: Encoder, masks: int) -> EfficientNetLite | ResNet50:
    return ResNet50(masks) if kind == "resnet50" else EfficientNetLite(masks)


def _reference(
    config: NetworkConfig, channels: tuple[int, ...], theirs: tuple[int, ...]
) -> AggregatedReference | MemoryReference:
    """``channels`` are those of the propagation network's encoder, ``theirs`` the other's."""
    if config.memory is None:
        return AggregatedReference(theirs[-1])
    return MemoryReference(
        theirs[-2],
        channels[-2],
        config.interaction.widths[0],
        key=config.memory.key,
        value=config.memory.value,
        slots=config.memory.slots,
    )


class InteractionNetwork(nn.Module):
    """Strokes on one frame -> its mask, and features to remember it by."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.encoder = _encoder(config.interaction_encoder, MASKS_OF_INTERACTION)
        self.decoder = Decoder(config.interaction, self.encoder.channels, MASKS_OF_INTERACTION)

    def forward(
        self, frame: Tensor, previous: Tensor, positive: Tensor, negative: Tensor
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...], Tensor]:
        """Returns all heads' logits, the encoder's features, and the decoder's at stride 16."""
        masks = torch.cat([previous, positive, negative], dim=1)
        features = self.encoder(frame, masks)
        logits, decoded = self.decoder(features, masks)
        return logits, features, decoded


class PropagationNetwork(nn.Module):
    """The neighbour frame's mask and the reference -> this frame's mask."""

    def __init__(self, config: NetworkConfig, theirs: tuple[int, ...]) -> None:
        """``theirs``: channels of the interaction network's encoder."""
        super().__init__()
        self.encoder = _encoder(config.propagation_encoder, MASKS_OF_PROPAGATION)
        self.reference = _reference(config, self.encoder.channels, theirs)
        widened = self.reference.widened(self.encoder.channels)
        self.decoder = Decoder(config.propagation, widened, MASKS_OF_PROPAGATION)

    def forward(
        self, reference: Tensor, frame: Tensor, neighbour: Tensor, previous: Tensor
    ) -> tuple[Tensor, ...]:
        """Returns all heads' logits, finest last."""
        masks = torch.cat([previous, neighbour], dim=1)
        features = self.reference.read(reference, self.encoder(frame, masks))
        logits: tuple[Tensor, ...] = self.decoder(features, masks)[0]
        return logits


class IPN(nn.Module):
    """Interaction and propagation networks, joined by the reference.

    All crops are (B, channels, S, S) with S a multiple of 32; frames RGB in 0..1, masks and strokes
    in 0..1, a mask that is not known yet 0.5 everywhere. Logits are those of the object; the finest
    head comes last and is (B, 1, S, S), the coarser ones serve training.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.interaction = InteractionNetwork(config)
        self.propagation = PropagationNetwork(config, self.interaction.encoder.channels)

    def interact(
        self, frame: Tensor, previous: Tensor, positive: Tensor, negative: Tensor
    ) -> tuple[tuple[Tensor, ...], Tensor]:
        """Strokes -> logits of all heads, and this round's reference."""
        logits, features, decoded = self.interaction(frame, previous, positive, negative)
        return logits, self.propagation.reference.write(features, decoded, logits[-1].sigmoid())

    def aggregate(self, reference: Tensor, previous_reference: Tensor) -> Tensor:
        """This round's reference joined with that of the rounds before."""
        return self.propagation.reference.join(reference, previous_reference)

    def propagate(
        self, reference: Tensor, frame: Tensor, neighbour: Tensor, previous: Tensor
    ) -> tuple[Tensor, ...]:
        """Reference and masks -> logits of all heads."""
        logits: tuple[Tensor, ...] = self.propagation(reference, frame, neighbour, previous)
        return logits
