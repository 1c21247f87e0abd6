"""Made stills, clips and scenes, and networks that know the answer by its colour."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ivos.train.data import Clip, Footage, Still
from ivos.train.scenes import Scene


def still(number: int, size: tuple[int, int] = (60, 80)) -> Still:
    """A coloured disc on noise; which colour and where follows from ``number``."""
    rng = np.random.default_rng(number)
    image = rng.integers(60, 120, (*size, 3), dtype=np.uint8)
    mask = np.zeros(size, np.uint8)
    at = int(rng.integers(25, size[1] - 25)), int(rng.integers(20, size[0] - 20))
    cv2.circle(mask, at, 15, 1, -1)
    image[mask > 0] = rng.integers(0, 256, 3)
    return Still(image, mask > 0)


def clip(name: str, length: int, size: tuple[int, int] = (54, 96)) -> Clip:
    """A bright square that moves two pixels a frame."""
    images = np.full((length, *size, 3), 70, np.uint8)
    masks = np.zeros((length, *size), np.bool_)
    for t in range(length):
        masks[t, 15:40, 10 + 2 * t : 40 + 2 * t] = True
    images[masks] = (220, 200, 30)
    return Clip(name, images, masks)


def footage() -> Footage:
    return Footage([still(n) for n in range(5)], [clip("moving", 6)])


def write_stills(folder: Path, count: int) -> None:
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    for n in range(count):
        made = still(n)
        Image.fromarray(made.image).save(folder / "images" / f"{n:02d}.png")
        Image.fromarray(made.mask.astype(np.uint8)).save(folder / "masks" / f"{n:02d}.png")


def write_clips(root: Path, names: Iterable[str], length: int) -> None:
    for name in names:
        made = clip(name, length)
        for part, frames in (("JPEGImages", made.images), ("Annotations", made.masks)):
            folder = root / part / "360p" / name
            folder.mkdir(parents=True)
            for t, frame in enumerate(frames):
                Image.fromarray(frame.astype(np.uint8)).save(folder / f"{t:05d}.png")


def write_recipe(folder: Path, data: Path) -> Path:
    """A recipe of three steps on ``data``, with both kinds of scenes."""
    path = folder / "tiny.toml"
    path.write_text(
        f"""
name = "tiny"
stills = "{(data / "stills").as_posix()}"
hold_out_stills = 1
clips = "{(data / "clips").as_posix()}"
hold_out_clips = ["second"]
start = "random"
warm_up = 1
save_every = 2
pictures_every = 2

[[phases]]
steps = 2
batch = 1
frames = 2
rounds = 1
video_share = 0.5
crop = 64
fresh = 0.5
given = 0.5

[[phases]]
steps = 1
batch = 1
frames = 2
rounds = 2
video_share = 1
crop = 64
fresh = 1
given = 0
"""
    )
    return path


STEP = 30
"""Red of a frame's background in ``scene`` says which frame it is, in steps of this."""


def scene(length: int = 3, size: tuple[int, int] = (96, 96)) -> Scene:
    """A green rectangle that is meant, a blue one that is not; red says which frame it is."""
    target = np.zeros((length, *size), np.bool_)
    others = np.zeros_like(target)
    target[:, 30:70, 20:60] = True
    others[:, 30:70, 70:90] = True
    images = np.zeros((length, *size, 3), np.uint8)
    images[..., 0] = STEP * np.arange(1, length + 1)[:, None, None]
    images[..., 1] = 255 * target
    images[..., 2] = 255 * others
    part = target.copy()
    part[:, :, 40:] = False
    return Scene(images, target, others, part)


def frame_of(image: Tensor) -> int:
    """Which frame of ``scene`` a crop (3, S, S) is of."""
    return round(float(image[0].max()) * 255 / STEP) - 1


class ColourNetworks(torch.nn.Module):
    """Finds what is green; on frames in ``wrong`` its left half and the blue one instead.

    Remembers what it was given. One parameter takes part in everything that it puts out. Its
    references say which call they are from.
    """

    def __init__(self, wrong: Iterable[int] = ()) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(16.0))
        self.wrong = set(wrong)
        self.interactions: list[dict[str, Tensor]] = []
        self.propagations: list[dict[str, Tensor]] = []

    def interact(self, frame: Tensor, previous: Tensor, positive: Tensor, negative: Tensor):
        given = {"frame": frame, "previous": previous, "positive": positive, "negative": negative}
        self.interactions.append(given)
        reference = self.weight * torch.full((len(frame), 2, 1, 1), float(len(self.interactions)))
        return self._logits(frame), reference

    def aggregate(self, reference: Tensor, previous_reference: Tensor) -> Tensor:
        return torch.cat([reference, previous_reference], dim=3)

    def propagate(self, reference: Tensor, frame: Tensor, neighbour: Tensor, previous: Tensor):
        given = {"reference": reference, "frame": frame, "neighbour": neighbour}
        self.propagations.append(given | {"previous": previous})
        return self._logits(frame)

    def _logits(self, frame: Tensor) -> tuple[Tensor]:
        found = frame[:, 1:2].clone()
        for item, image in zip(found, frame, strict=True):
            if frame_of(image) in self.wrong:
                columns = (image[1] > 0.5).any(dim=0).nonzero()
                item[:, :, int(columns.float().mean()) :] = 0
                item += image[2:3]
        return (self.weight * (found - 0.5),)
