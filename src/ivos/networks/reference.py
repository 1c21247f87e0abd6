"""What the propagation network knows of the annotated frames: two kinds of reference.

Both have the same three verbs. ``write`` makes a reference of one annotated frame, ``join`` puts
the newest one together with those of earlier rounds, ``read`` adds what a reference says to the
features of another frame. Feature maps come as tuples from fine to coarse, the last at stride 32.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_NOTHING = 1e4
"""Taken from the similarity of positions that hold nothing; far more than any real similarity."""
_SOFTNESS = 0.1
"""Of distances between new keys: features from ImageNet are so long that each position would read
one other alone, from which nothing is learnt, and which one is up to rounding in bfloat16."""


class AggregatedReference(nn.Module):
    """The published reference: the deepest feature, aggregated channel by channel over rounds.

    Feature aggregation as in method.md 1.6: both references are pooled, two layers weigh them
    against each other for every channel. The result is laid beside the target's deepest feature.
    """

    def __init__(self, width: int) -> None:
        """``width``: channels C of the deepest feature."""
        super().__init__()
        self.channels = width
        self.stride = 32
        self.first = nn.Linear(2 * width, width)
        self.second = nn.Linear(width, 2 * width)

    def widened(self, widths: tuple[int, ...]) -> tuple[int, ...]:
        """Channels of the features after ``read``."""
        return (*widths[:-1], widths[-1] + self.channels)

    def write(
        self,
        features: tuple[Tensor, ...],
        decoded: Tensor,  # noqa: ARG002 - the other reference wants it
        probs: Tensor,  # noqa: ARG002
    ) -> Tensor:
        """The deepest feature itself, (B, C, S/32, S/32)."""
        return features[-1]

    def join(self, reference: Tensor, earlier: Tensor) -> Tensor:
        """(B, C, h, w) twice -> the same: per channel a weighted mean."""
        pooled = torch.cat([reference.mean((2, 3)), earlier.mean((2, 3))], dim=1)
        scores = self.second(F.relu(self.first(pooled))).unflatten(1, (self.channels, 2))
        weights: Tensor = scores.softmax(dim=2)[..., None, None]
        return weights[:, :, 0] * reference + weights[:, :, 1] * earlier

    def read(self, reference: Tensor, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The reference before the deepest feature, position by position, without alignment."""
        return (*features[:-1], torch.cat([reference, features[-1]], dim=1))


class MemoryReference(nn.Module):
    """Slots of keys and values at stride 16, one per annotated frame, read by attention.

    After Oh et al., *Space-Time Memory Networks* (2019), with the distance of Cheng et al., *STCN*
    (2021). A reference is (B, 1 + key + value, S/16, slots * S/16), its slots side by side.
    Channel 0 is 1 where something is remembered, so that zero padding is read as nothing.
    """

    def __init__(
        self, written: int, asking: int, decoded: int, *, key: int, value: int, slots: int
    ) -> None:
        """Channels at stride 16: ``written`` of the interaction network's encoder, ``asking`` of
        the propagation network's, and ``decoded`` of the interaction network's decoder.
        """
        super().__init__()
        self.channels = 1 + key + value
        self.stride = 16
        self.key_width, self.value_width, self.slots = key, value, slots
        self.write_key = nn.Conv2d(written, key, 1)
        self.read_key = nn.Conv2d(asking, key, 1)
        self.soften(_SOFTNESS)
        if written == asking:
            self.read_key.load_state_dict(self.write_key.state_dict())
        self.value = nn.Conv2d(decoded + 1, value, 1)

    def soften(self, share: float) -> None:
        """Make all distances between keys this part of what they are."""
        with torch.no_grad():
            for layer in (self.write_key, self.read_key):
                for values in layer.parameters():
                    values.mul_(share**0.5)

    def widened(self, widths: tuple[int, ...]) -> tuple[int, ...]:
        """Channels of the features after ``read``."""
        return (*widths[:-2], widths[-2] + self.value_width, widths[-1])

    def write(self, features: tuple[Tensor, ...], decoded: Tensor, probs: Tensor) -> Tensor:
        """One slot: keys from the encoder, values from the decoder and the mask it came to.

        decoded (B, decoded, S/16, S/16), probs (B, 1, S, S).
        """
        coarse = F.avg_pool2d(probs, self.stride)
        value = self.value(torch.cat([F.relu(decoded), coarse], dim=1))
        return torch.cat([torch.ones_like(coarse), self.write_key(features[-2]), value], dim=1)

    def join(self, reference: Tensor, earlier: Tensor) -> Tensor:
        """The newest slot first, then earlier ones, as many as are kept."""
        both = torch.cat([reference, earlier], dim=3)
        return both[..., : self.slots * reference.shape[3]]

    def read(self, reference: Tensor, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """What each position finds in the memory, laid after the features at stride 16."""
        at16 = features[-2]
        with torch.autocast(at16.device.type, enabled=False):
            found = self._found(reference.float(), at16.float())
        return (*features[:-2], torch.cat([at16, found], dim=1), features[-1])

    def _found(self, reference: Tensor, at16: Tensor) -> Tensor:
        """(B, value, S/16, S/16), in float32: distances are differences of large sums."""
        widths = [1, self.key_width, self.value_width]
        held, key, value = torch.split(reference.flatten(2), widths, dim=1)
        query = self.read_key(at16).flatten(2)
        # Negative squared distance; |query|^2 is the same for all positions and cancels.
        similarity = 2 * key.transpose(1, 2) @ query - key.square().sum(1).unsqueeze(2)
        similarity = similarity / self.key_width**0.5 - _NOTHING * (1 - held).transpose(1, 2)
        found = (value * held) @ similarity.softmax(dim=1)
        read: Tensor = found.unflatten(2, at16.shape[-2:])
        return read
