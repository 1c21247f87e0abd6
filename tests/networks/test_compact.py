"""The compact configuration: sizes, crops, and items that do not see each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

torch = pytest.importorskip("torch")

from tests.networks.made import crops  # noqa: E402

if TYPE_CHECKING:
    from ivos.networks.ipn import IPN


@pytest.mark.parametrize("side", [64, 96, 224])
def test_it_takes_crops_of_any_multiple_of_32(compact: IPN, side: int):
    given = crops(1, side)
    logits, reference = compact.interact(*given)
    assert logits[-1].shape == (1, 1, side, side)
    assert reference.shape == (1, 129, side // 16, side // 16)
    carried = compact.propagate(reference, given.frame, given.previous, given.positive)
    assert carried[-1].shape == (1, 1, side, side)
    # Coarser heads, for training, at strides 8 and 4; the last one is at stride 2.
    assert [head.shape[-1] for head in carried[:-1]] == [side // 8, side // 4]


def test_a_batch_equals_its_items(compact: IPN):
    given = crops(3, 64)
    logits, references = compact.interact(*given)
    joined = compact.aggregate(references, references.flip(0))
    carried = compact.propagate(joined, given.frame, given.previous, given.positive)[-1]
    for i in range(3):
        one = given.item(i)
        logits_of_one, reference = compact.interact(*one)
        torch.testing.assert_close(logits[-1][i : i + 1], logits_of_one[-1], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(references[i : i + 1], reference, atol=1e-4, rtol=1e-4)
        alone = compact.propagate(joined[i : i + 1], one.frame, one.previous, one.positive)[-1]
        torch.testing.assert_close(carried[i : i + 1], alone, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("which", range(3))
def test_the_interaction_network_sees_each_of_its_maps(compact: IPN, which: int):
    given = crops(1, 64)
    blank = [*given]
    blank[1 + which] = torch.zeros_like(blank[1 + which])
    assert not torch.equal(compact.interact(*given)[0][-1], compact.interact(*blank)[0][-1])


@pytest.mark.parametrize("which", range(3))
def test_the_propagation_network_sees_reference_neighbour_and_previous_mask(
    compact: IPN, which: int
):
    given = crops(1, 64)
    reference = compact.interact(*given)[1]
    inputs = [reference, given.frame, given.previous, given.positive]
    changed = [*inputs]
    at = (0, 2, 3)[which]
    changed[at] = inputs[at].flip(-1)
    assert not torch.equal(compact.propagate(*inputs)[-1], compact.propagate(*changed)[-1])


def test_positive_and_negative_strokes_are_told_apart(compact: IPN):
    given = crops(1, 64)
    swapped = given._replace(positive=given.negative, negative=given.positive)
    assert not torch.equal(compact.interact(*given)[0][-1], compact.interact(*swapped)[0][-1])


def test_both_networks_learn_from_what_the_propagation_network_puts_out(compact: IPN):
    compact.requires_grad_(True)
    try:
        given = crops(1, 64)
        _, reference = compact.interact(*given)
        logits = compact.propagate(reference, given.frame, given.previous, given.positive)
        logits[-1].sum().backward()
        gradient = compact.interaction.encoder.stem.weight.grad
        assert gradient is not None
        assert gradient.abs().sum() > 0
    finally:
        compact.zero_grad(set_to_none=True)
        compact.requires_grad_(False)
