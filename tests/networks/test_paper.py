"""The published configuration has the sizes of the paper (method.md 1.4 to 1.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

torch = pytest.importorskip("torch")

if TYPE_CHECKING:
    from ivos.networks.ipn import IPN


def meta(*shape: int) -> torch.Tensor:
    return torch.empty(shape, device="meta")


def count(module: torch.nn.Module) -> float:
    """Parameters in millions."""
    return sum(parameter.numel() for parameter in module.parameters()) / 1e6


def test_both_networks_have_as_many_parameters_as_published(paper_shapes: IPN):
    # Folded norms have one bias a channel where stored ones have two numbers: 0.03 M less.
    assert count(paper_shapes.interaction) == pytest.approx(46.5, abs=0.05)
    assert count(paper_shapes.propagation) == pytest.approx(143.5, abs=0.05)


def test_most_of_the_propagation_network_is_where_the_paper_has_it(paper_shapes: IPN):
    assert count(paper_shapes.propagation.decoder.top[0]) == pytest.approx(85, abs=0.1)
    assert count(paper_shapes.propagation.reference) == pytest.approx(16.8, abs=0.05)


def test_features_are_tapped_at_strides_4_to_32(paper_shapes: IPN):
    features = paper_shapes.interaction.encoder(meta(1, 3, 256, 256), meta(1, 3, 256, 256))
    assert [tuple(f.shape[1:]) for f in features] == [
        (256, 64, 64),
        (512, 32, 32),
        (1024, 16, 16),
        (2048, 8, 8),
    ]


def test_the_reference_is_2048_by_8_by_8_and_stays_so_when_it_is_aggregated(paper_shapes: IPN):
    mask = meta(2, 1, 256, 256)
    _, reference = paper_shapes.interact(meta(2, 3, 256, 256), mask, mask, mask)
    assert reference.shape == (2, 2048, 8, 8)
    assert paper_shapes.aggregate(reference, reference).shape == (2, 2048, 8, 8)


def test_both_networks_have_heads_at_strides_32_16_8_and_4(paper_shapes: IPN):
    mask = meta(1, 1, 256, 256)
    frame = meta(1, 3, 256, 256)
    logits, reference = paper_shapes.interact(frame, mask, mask, mask)
    # The finest head, at stride 4, is brought to the crop's size.
    assert [head.shape[-1] for head in logits] == [8, 16, 32, 256]
    assert [head.shape[-1] for head in paper_shapes.propagate(reference, frame, mask, mask)] == [
        8,
        16,
        32,
        256,
    ]
    assert all(head.out_channels == 2 for head in paper_shapes.interaction.decoder.heads)


def test_one_logit_says_what_the_pair_of_classes_says():
    from ivos.networks.decoder import Decoder, DecoderConfig

    torch.manual_seed(0)
    config = DecoderConfig(
        top=(8,), widths=(8,), depthwise=(False,), light=False, classes=2, heads=1
    )
    decoder = Decoder(config, (6, 12), hints=0)
    features = (torch.rand(1, 6, 4, 4), torch.rand(1, 12, 2, 2))
    logits, last = decoder(features, torch.zeros(1, 1, 64, 64))
    pair = torch.nn.functional.interpolate(
        decoder.heads[0](last.relu()), scale_factor=16, mode="bilinear", align_corners=False
    )
    torch.testing.assert_close(logits[-1].sigmoid(), pair.softmax(dim=1)[:, 1:])
