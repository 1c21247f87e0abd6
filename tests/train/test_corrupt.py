"""Wrong masks: from slightly to grossly, and always masks."""

from __future__ import annotations

import numpy as np
import pytest

from ivos.train.corrupt import corrupt


def masks() -> tuple[np.ndarray, np.ndarray]:
    target = np.zeros((2, 60, 80), np.bool_)
    others = np.zeros_like(target)
    target[0, 15:45, 15:45] = target[1, 17:47, 18:48] = True
    others[:, 20:50, 55:75] = True
    return target, others


def overlap(soft: np.ndarray, truth: np.ndarray) -> float:
    found = soft > 0.5
    return (found & truth).sum() / max(1, (found | truth).sum())


def overlaps(gross: float) -> list[float]:
    target, others = masks()
    return [
        overlap(corrupt(target, others, np.random.default_rng(seed), gross=gross), target)
        for seed in range(60)
    ]


@pytest.mark.parametrize("gross", [0.0, 1.0])
def test_wrong_masks_are_probabilities_of_the_same_shape(gross: float):
    target, others = masks()
    for seed in range(40):
        wrong = corrupt(target, others, np.random.default_rng(seed), gross=gross)
        assert wrong.shape == target.shape
        assert wrong.dtype == np.float32
        assert wrong.min() >= 0
        assert wrong.max() <= 1


def test_slightly_wrong_ones_stay_close_and_grossly_wrong_ones_do_not():
    slight, gross = overlaps(0.0), overlaps(1.0)
    assert min(slight) > 0.5
    assert np.mean(slight) > 0.75
    assert np.mean(gross) < 0.6
    assert min(gross) == 0


def test_gross_ones_are_of_many_kinds():
    target, others = masks()
    kinds = set()
    for seed in range(80):
        wrong = corrupt(target, others, np.random.default_rng(seed), gross=1.0) > 0.5
        other = wrong[others].mean() > 0.5
        kinds.add((bool(wrong.any()), bool(other), bool(wrong[target].mean() > 0.7)))
    assert (False, False, False) in kinds  # nothing
    assert (True, True, False) in kinds  # another object's
    assert (True, True, True) in kinds  # both together
    assert (True, False, False) in kinds  # a part only
    assert (True, False, True) in kinds  # leaking


def test_masks_without_an_object_can_be_wrong_too():
    nothing = np.zeros((2, 40, 40), np.bool_)
    for seed in range(30):
        wrong = corrupt(nothing, nothing, np.random.default_rng(seed), gross=0.7)
        assert wrong.min() >= 0
        assert wrong.max() <= 1


def test_the_same_seed_is_wrong_in_the_same_way():
    target, others = masks()
    one, other = (corrupt(target, others, np.random.default_rng(9), gross=0.5) for _ in range(2))
    assert np.array_equal(one, other)
