"""The light and the colours that a scene is filmed in."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ivos.types import Frame


def photographed(images: Frame, rng: np.random.Generator, *, far: int = 0) -> Frame:
    """Colour, contrast and light jitter of (T, H, W, 3): much of it shared by the clip, a little in
    each frame. Each of the first ``far`` frames was taken in another light than the others.
    """
    gain = rng.uniform(0.8, 1.25) * rng.uniform(0.95, 1.05, 3)
    lift = rng.uniform(-15, 15)
    tint = _tint(rng)
    blur = rng.uniform(0.5, 1.5) if rng.random() < 0.15 else 0.0
    others = rng.uniform(0.85, 1.15, far)
    done = np.empty_like(images)
    for t, image in enumerate(images):
        levels = np.arange(256, dtype=np.float32)[:, None]
        light = gain * (others[t] if t < far else 1.0)
        table = levels * (light * rng.uniform(0.95, 1.05)) + lift + rng.uniform(-5, 5)
        done[t] = cv2.LUT(image, np.clip(table, 0, 255).astype(np.uint8)[:, None, :])
        done[t] = cv2.transform(done[t], tint)
        if blur:
            done[t] = cv2.GaussianBlur(done[t], (0, 0), blur)
    return done


def _tint(rng: np.random.Generator) -> NDArray[np.float32]:
    """(3, 3): colours turned about the grey axis and made stronger or weaker; grey now and then."""
    turned, strength = rng.normal(0, 0.25), rng.uniform(0.5, 1.5)
    if rng.random() < 0.05:
        strength = 0.0
    axis = np.full(3, 3**-0.5)
    turn = cv2.Rodrigues(axis * turned)[0]
    grey = np.outer(np.ones(3), [0.299, 0.587, 0.114])
    tint: NDArray[np.float32] = (grey + strength * (turn - grey @ turn)).astype(np.float32)
    return tint
