"""The loss of a mask: it pulls the right way, empty masks and strokes included."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from ivos.train.loss import batch_iou, mask_loss, mean_loss, soft_dice  # noqa: E402


def truth() -> torch.Tensor:
    mask = torch.zeros(1, 1, 16, 16)
    mask[..., 4:12, 4:12] = 1
    return mask


def test_it_pulls_each_pixel_towards_the_truth():
    logits = torch.zeros(1, 1, 16, 16, requires_grad=True)
    logits_off = logits + 0.01 * torch.randn(1, 1, 16, 16)
    mask_loss([logits_off], truth()).backward()
    assert (logits.grad[truth() > 0] < 0).all()
    assert (logits.grad[truth() == 0] > 0).all()


def test_nearer_to_the_truth_costs_less():
    sign = 2 * truth() - 1
    losses = [mask_loss([scale * sign], truth()).item() for scale in (-3.0, 0.0, 1.0, 3.0, 9.0)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.02


def test_the_hardest_pixels_count():
    one_wrong = 8 * (2 * truth() - 1)
    one_wrong[0, 0, 0, 0] = 8
    assert mask_loss([one_wrong], truth()) > mask_loss([8 * (2 * truth() - 1)], truth()) + 0.1


def test_where_nothing_is_meant_finding_nothing_is_right():
    empty = torch.zeros(1, 1, 16, 16)
    logits = torch.zeros(1, 1, 16, 16, requires_grad=True)
    mask_loss([logits], empty).backward()
    assert (logits.grad > 0).all()
    assert mask_loss([torch.full((1, 1, 16, 16), -12.0)], empty) < 0.01
    assert soft_dice(torch.full((1, 1, 16, 16), -20.0), empty) == pytest.approx(0, abs=1e-4)


def test_coarse_heads_are_compared_with_a_coarse_truth():
    right = 8 * (2 * truth() - 1)
    coarse = 8 * (2 * torch.nn.functional.avg_pool2d(truth(), 4) - 1)
    good, bad = mask_loss([coarse, right], truth()), mask_loss([-coarse, right], truth())
    assert good < 0.01
    assert bad > good + 1


def test_what_a_person_said_counts_on_its_own():
    logits = torch.randn(2, 1, 16, 16)
    target = truth().repeat(2, 1, 1, 1)
    strokes = torch.zeros_like(target)
    strokes[0, 0, 6, 6] = strokes[0, 0, 0, 3] = 1
    pixels = torch.nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    spoken = (pixels[0, 0, 6, 6] + pixels[0, 0, 0, 3]) / 2
    difference = mask_loss([logits], target, strokes) - mask_loss([logits], target)
    # The second item has no strokes.
    torch.testing.assert_close(difference, 0.3 * spoken / 2, atol=1e-5, rtol=1e-4)


def test_no_strokes_at_all_change_nothing():
    logits = torch.randn(1, 1, 16, 16)
    without = mask_loss([logits], truth())
    torch.testing.assert_close(mask_loss([logits], truth(), torch.zeros(1, 1, 16, 16)), without)


def test_overlap_is_of_the_thresholded_masks():
    found = torch.full((3, 1, 16, 16), -1.0)
    found[0, :, 4:12, 4:8] = 1  # half of it
    target = truth().repeat(3, 1, 1, 1)
    target[2] = 0
    assert batch_iou(found, target).tolist() == [0.5, 0.0, 1.0]


def test_every_crop_counts_alike_however_crops_come_together():
    torch.manual_seed(0)
    logits, strokes = torch.randn(5, 1, 16, 16), (torch.rand(5, 1, 16, 16) > 0.9).float()
    right = (torch.rand(5, 1, 16, 16) > 0.5).float()
    whole = mean_loss([((logits,), right, strokes)])
    for cuts in ([1, 4], [2, 3], [1, 1, 3]):
        parts = zip(*(values.split(cuts) for values in (logits, right, strokes)), strict=True)
        torch.testing.assert_close(mean_loss([((a,), b, c) for a, b, c in parts]), whole)
