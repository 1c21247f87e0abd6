"""Short clips with several objects, one of them meant: the only way to know which is to listen.

A scene is a background that moves (a real clip, or a still under a camera path) and objects cut
out of stills, each on a path of its own, before and behind one another. The object that is meant is
drawn at random, so that neither saliency nor "the pasted one" tells it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ivos.train.data import Clip, Footage, Still
from ivos.train.light import photographed
from ivos.train.motion import chain, fitted, inverse_grid, path, pose
from ivos.types import Frame, Mask


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """images (T, H, W, 3) uint8; target and others (T, H, W): the object meant, and the rest.

    part (T, H, W) is a piece of the target, the same one in all frames: something that a person may
    want to take away from it, or may want alone. With ``leap`` the first frame lies far from the
    second one. Before all these come ``apart`` frames that are far from each other: there to be
    remembered. ``rival`` is 1 or -1 where the scene after or before this one shows the same, and
    means another object of it: the masks of the two compete, as in a session.
    """

    images: Frame
    target: Mask
    others: Mask
    part: Mask
    leap: bool = False
    apart: int = 0
    rival: int = 0

    def played(self) -> Scene:
        """The scene without the frames that are only there to be remembered."""
        frames = slice(self.apart, None)
        return replace(
            self,
            images=self.images[frames],
            target=self.target[frames],
            others=self.others[frames],
            part=self.part[frames],
            apart=0,
        )


@dataclass(frozen=True, slots=True)
class SceneMix:
    """How scenes are put together."""

    length: int
    """Frames a scene, with those that are ``apart``."""
    video_share: float
    """Share of scenes on real clips; the others are on stills."""
    clip_share: float = 0.3
    """Share of pasted objects that come from clips, with their real motion."""
    twins: float = 0.0
    """Share of scenes in which what was filmed is there twice, side by side, and nothing else is:
    only where it was, and how it moves, tells the one from the other."""
    leaps: float = 0.0
    """Share of scenes whose first frame is far from the others, in place, pose and light: what is
    remembered of an annotated frame is read from far away, too."""
    apart: int = 0
    """Frames before the others, far from them and from each other."""
    gaps: tuple[float, ...] = (0.4, 0.25, 0.15, 0.1, 0.05, 0.05)
    """Shares of the steps between neighbouring frames of a real clip: 1, 2, 3 and so on."""


_SIZES = ((192, 320), (208, 272), (240, 240), (272, 208))
"""Of scenes on stills: about as large as they are, or crops of them would be nothing but blur."""
_CLIP_SIZE = (270, 480)
"""Of scenes on real clips, which are kept larger: closer views are as sharp as a session's."""
_MOST_TRIES = 8
_MOST_GAP_OF_PARTS = 2
"""A side of an object is the same piece of it only while it hardly moves."""
_LEAST_AREA = 0.004
_LEAST_OWN = 0.1
"""Of an object and its mirror images, what is the object's own where it is in sight."""
_LEAST_LEAP = 10
"""Frames of a real clip that a leap is long at least, where the clip is long enough."""


def make_scene(footage: Footage, mix: SceneMix, rng: np.random.Generator) -> Scene:
    """One scene; its target is visible in at least one frame of those that are played."""
    return _make(footage, mix, rng, rivals=False)[0]


def make_rivals(footage: Footage, mix: SceneMix, rng: np.random.Generator) -> Sequence[Scene]:
    """One scene twice, with another object meant each time, both to be seen on a frame of those
    that are played; once where it has no two such objects.
    """
    return _make(footage, mix, rng, rivals=True)


def _make(
    footage: Footage, mix: SceneMix, rng: np.random.Generator, *, rivals: bool
) -> Sequence[Scene]:
    leap = bool(mix.leaps and mix.length > 1 and rng.random() < mix.leaps)
    mix = replace(mix, leaps=float(leap))  # this one leaps, with all that is pasted, or does not
    for _ in range(_MOST_TRIES):
        images, labels, parts = _layers(footage, mix, rng)
        played = labels[mix.apart :]
        shown = {i: _shown(played == i) for i in np.unique(played) if i}
        seen = [i for i, frames in shown.items() if frames.any()]
        if seen:
            break
    else:
        seen = [1]
    meant = int(rng.choice(seen))
    images = photographed(images, rng, far=mix.apart + leap)
    beside = [i for i in seen if i != meant and (shown[i] & shown[meant]).any()] if rivals else []
    pair = [meant, int(rng.choice(beside))] if beside else [meant]
    targets = [labels == label for label in pair]
    return [
        Scene(images, target, (labels > 0) & ~target, parts & target, leap, mix.apart, rival)
        for target, rival in zip(targets, (1, -1) if beside else (0,), strict=True)
    ]


def _shown(masks: Mask) -> NDArray[np.bool_]:
    """(T,): on which frames of (T, H, W) there is enough to be seen."""
    shown: NDArray[np.bool_] = masks.mean(axis=(1, 2)) > _LEAST_AREA
    return shown


def _layers(
    footage: Footage, mix: SceneMix, rng: np.random.Generator
) -> tuple[Frame, NDArray[np.uint8], Mask]:
    """The composed frames, which layer's object is seen at each pixel (0: none), and its part."""
    clip = None
    if footage.clips and rng.random() < mix.video_share:
        clip = footage.clips[int(rng.integers(len(footage.clips)))]
        view = _view(clip, rng)
        images, first, parts = _real(clip, view, mix, rng)
        extra = int(rng.choice(4, p=[0.45, 0.3, 0.15, 0.1]))
    else:
        size = _SIZES[int(rng.integers(len(_SIZES)))]
        images, first, parts = _filmed(
            footage.stills[int(rng.integers(len(footage.stills)))], size, mix, rng
        )
        extra = int(rng.choice(4, p=[0.15, 0.4, 0.3, 0.15]))
    labels = first.astype(np.uint8)
    if rng.random() < mix.twins and first.any():
        twin = _Cutout([*images.copy()], [*first], [*parts])
        if clip is not None:  # the second one moves on its own: as the first did at another time
            then = _real(clip, view, replace(mix, leaps=0.0), rng)
            twin = _Cutout(*map(list, then)) if then[1].any() else twin
        _paste(images, labels, parts, twin, 2, mix, rng, beside=True)
        return images, labels, parts
    for layer in range(extra):
        cutout = _cut_out(footage, mix, rng)
        if cutout is not None:
            _paste(images, labels, parts, cutout, 2 + layer, mix, rng)
    return images, labels, parts


def _view(clip: Clip, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random affine from the frames of a clip to the canvas."""
    height, width = _CLIP_SIZE
    fit = fitted(clip.masks.shape[1:], _CLIP_SIZE)
    return chain(pose(rng, width, height, turn=8, scale=(0.9, 1.7), shift=0.1, flip=True), fit)


def _real(
    clip: Clip, view: NDArray[np.float64], mix: SceneMix, rng: np.random.Generator
) -> tuple[Frame, Mask, Mask]:
    """Frames of a real clip, at random gaps, either way, as ``view`` shows them; masks, parts."""
    chosen, gap = _frames_of(len(clip.images), mix, rng)
    height, width = _CLIP_SIZE
    border = cv2.BORDER_REFLECT_101
    images: Frame = np.stack(
        [cv2.warpAffine(clip.images[t], view, (width, height), borderMode=border) for t in chosen]
    )
    masks: list[Mask] = []
    for t in chosen:
        mask = clip.masks[t] * np.uint8(255)
        masks.append(cv2.warpAffine(mask, view, (width, height), borderMode=border) > 127)
    return images, np.stack(masks), np.stack(_parts_of(masks, gap, rng))


def _frames_of(
    count: int, mix: SceneMix, rng: np.random.Generator
) -> tuple[NDArray[np.int64], int]:
    """Which of a clip's frames to take, either way, and the gap between them.

    After a leap from any frame far away the others are neighbours; those that are apart may be any.
    """
    if mix.apart:
        rest, _ = _frames_of(count, replace(mix, length=mix.length - mix.apart, apart=0), rng)
        return np.concatenate([rng.integers(count, size=mix.apart), rest]), _LEAST_LEAP
    if mix.leaps:
        chosen, _ = _frames_of(count, replace(mix, length=mix.length - 1, leaps=0.0), rng)
        far = [t for t in range(count) if np.abs(chosen - t).min() >= _LEAST_LEAP]
        first = int(rng.choice(far)) if far else int(rng.integers(count))
        return np.array([first, *chosen]), _LEAST_LEAP
    largest = max(1, (count - 1) // max(1, mix.length - 1))
    gap = min(largest, 1 + int(rng.choice(len(mix.gaps), p=mix.gaps)))
    start = int(rng.integers(0, count - gap * (mix.length - 1)))
    chosen = np.arange(start, start + gap * mix.length, gap)[: mix.length]
    return (chosen[::-1] if rng.random() < 0.5 else chosen), gap


def _parts_of(masks: Sequence[Mask], gap: int, rng: np.random.Generator) -> list[Mask]:
    """The same side of the object in all frames; nothing where it moves too far for that."""
    across, beyond = bool(rng.random() < 0.5), bool(rng.random() < 0.5)
    at = rng.uniform(0.25, 0.75)
    if gap > _MOST_GAP_OF_PARTS:
        return [np.zeros_like(mask) for mask in masks]
    return [_side(mask, across=across, beyond=beyond, at=at) for mask in masks]


def _filmed(
    still: Still, size: tuple[int, int], mix: SceneMix, rng: np.random.Generator
) -> tuple[Frame, Mask, Mask]:
    """A still under a moving, slightly rubbery camera; its masks, and a part's."""
    height, width = size
    fit = fitted(still.mask.shape, size)
    steps = path(
        rng,
        width,
        height,
        mix.length,
        turn=8,
        zoom=0.08,
        shift=0.06,
        leaps=mix.leaps > 0,
        apart=mix.apart,
    )
    first = pose(rng, width, height, turn=15, scale=(0.9, 1.4), shift=0.08, flip=True)
    part = _part_of(still, rng)
    border = cv2.BORDER_REFLECT_101
    images = []
    masks: list[Mask] = []
    parts: list[Mask] = []
    for step in steps:
        grid = inverse_grid(chain(step, first, fit), size, 0.012 * width, rng)
        images.append(cv2.remap(still.image, *grid, cv2.INTER_LINEAR, borderMode=border))
        own = cv2.remap(still.mask * np.uint8(255), *grid, cv2.INTER_LINEAR) > 127
        mirrored, there = (
            cv2.remap(mask * np.uint8(255), *grid, cv2.INTER_LINEAR, borderMode=border) > 127
            for mask in (still.mask, part)
        )
        masks.append(_itself(mirrored, own))
        parts.append(there & masks[-1])
    return np.stack(images), np.stack(masks), np.stack(parts)


def _itself(mirrored: Mask, own: Mask) -> Mask:
    """The object and what of its mirror images beyond the still's edge hangs together with it.

    A mirror image on its own is another one that looks alike; where only that is in sight, it is
    the object.
    """
    if own.sum() < _LEAST_OWN * mirrored.sum():
        return mirrored
    _, pieces = cv2.connectedComponents(mirrored.astype(np.uint8))
    kept: Mask = np.isin(pieces, np.unique(pieces[own & mirrored])) & mirrored
    return kept


def _part_of(still: Still, rng: np.random.Generator) -> Mask:
    """A piece of the still's object: what is of one colour and hangs together, else one side of it.

    Networks that have seen only whole objects fill in what a person takes away.
    """
    whole = still.mask
    ys, xs = np.nonzero(whole)
    if not len(ys):
        return whole
    smooth = cv2.GaussianBlur(still.image, (0, 0), 2)
    barrier = np.pad((~whole).astype(np.uint8), 1, constant_values=1)
    for _ in range(3):
        seed = int(rng.integers(len(ys)))
        tolerance = (float(rng.uniform(6, 30)),) * 3
        flooded = barrier.copy()
        flags = 4 | (2 << 8) | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE
        start = int(xs[seed]), int(ys[seed])
        cv2.floodFill(smooth, flooded, start, (0, 0, 0), tolerance, tolerance, flags)
        part: Mask = cv2.medianBlur((flooded[1:-1, 1:-1] == 2).astype(np.uint8), 5) > 0
        if 0.06 < part.sum() / len(ys) < 0.6:
            return part
    across, beyond = bool(rng.random() < 0.5), bool(rng.random() < 0.5)
    return _side(whole, across=across, beyond=beyond, at=rng.uniform(0.25, 0.75))


def _side(mask: Mask, *, across: bool, beyond: bool, at: float) -> Mask:
    """The pixels of ``mask`` on one side of a line through its box, ``at`` of the way."""
    where = np.nonzero(mask)[int(across)]
    if not len(where):
        return mask
    line = where.min() + at * (where.max() - where.min())
    grid = np.arange(mask.shape[int(across)])
    side = (grid > line) == beyond
    kept: Mask = mask & (side[None, :] if across else side[:, None])
    return kept


@dataclass(frozen=True, slots=True)
class _Cutout:
    """An object to paste, with what surrounds it: of a still once, of a clip frame by frame."""

    images: Sequence[Frame]
    masks: Sequence[Mask]
    parts: Sequence[Mask]


def _cut_out(footage: Footage, mix: SceneMix, rng: np.random.Generator) -> _Cutout | None:
    """An object of a still, or one of a clip with the motion that it really has."""
    if not footage.clips or rng.random() >= mix.clip_share:
        still = footage.stills[int(rng.integers(len(footage.stills)))]
        if not still.mask.any():
            return None
        return _Cutout([still.image], [still.mask], [_part_of(still, rng)])
    clip = footage.clips[int(rng.integers(len(footage.clips)))]
    chosen, gap = _frames_of(len(clip.images), mix, rng)
    ys, xs = np.nonzero(clip.masks[chosen].any(axis=0))
    if not len(ys):
        return None
    box = slice(max(0, ys.min() - 3), ys.max() + 4), slice(max(0, xs.min() - 3), xs.max() + 4)
    masks = [clip.masks[t][box] for t in chosen]
    return _Cutout([clip.images[t][box] for t in chosen], masks, _parts_of(masks, gap, rng))


def _paste(
    images: Frame,
    labels: NDArray[np.uint8],
    parts: Mask,
    cutout: _Cutout,
    label: int,
    mix: SceneMix,
    rng: np.random.Generator,
    *,
    beside: bool = False,
) -> None:
    """Put the object onto all frames along a path; in front, or behind what is there.

    With ``beside`` it is put next to where it was cut out, about as large or smaller.
    """
    height, width = labels.shape[1:]
    ys, xs = np.nonzero(np.any(cutout.masks, axis=0))
    box = max(float(np.ptp(xs)), float(np.ptp(ys))) + 1
    scale = np.exp(rng.uniform(np.log(0.12), np.log(0.8))) * min(height, width) / box
    scale = float(rng.uniform(0.6, 1.1)) if beside else min(scale, 2.5)
    centre = xs.min() + np.ptp(xs) / 2, ys.min() + np.ptp(ys) / 2
    angle, flip = np.deg2rad(rng.normal(0, 12)), rng.choice([-1, 1])
    turn = scale * np.array(
        [[np.cos(angle) * flip, -np.sin(angle)], [np.sin(angle) * flip, np.cos(angle)]]
    )
    place = np.array([rng.uniform(0.1, 0.9) * width, rng.uniform(0.15, 0.85) * height])
    if beside:
        way = rng.choice([-1, 1]) * rng.uniform(0.6, 1.2), rng.uniform(-0.3, 0.3)
        place = np.array(centre) + np.array(way) * (np.ptp(xs) + 1, np.ptp(ys) + 1)
        place = np.clip(place, 0, (width, height))
    first = np.hstack([turn, (place - turn @ np.array(centre))[:, None]])
    size_px = scale * box
    shift = 0.25 * size_px / width
    at = (float(place[0]), float(place[1]))
    steps = path(
        rng,
        width,
        height,
        mix.length,
        turn=10,
        zoom=0.1,
        shift=shift,
        at=at,
        leaps=mix.leaps > 0,
        apart=mix.apart,
    )
    behind = rng.random() < 0.3
    gain, lift = rng.uniform(0.75, 1.25), rng.uniform(-20, 20)
    rubber = 0.03 * size_px if len(cutout.masks) == 1 else 0.0
    for t, step in enumerate(steps):
        source = min(t, len(cutout.masks) - 1)
        grid = inverse_grid(chain(step, first), (height, width), rubber, rng)
        alpha = cv2.GaussianBlur(cutout.masks[source].astype(np.float32), (0, 0), 0.7)
        cover = cv2.remap(alpha, *grid, cv2.INTER_LINEAR)
        if behind:
            cover = cover * (labels[t] == 0)
        if not cover.any():
            continue
        image = cv2.remap(cutout.images[source], *grid, cv2.INTER_LINEAR).astype(np.float32)
        image = np.clip(image * gain + lift, 0, 255)
        images[t] = (images[t] + (image - images[t]) * cover[..., None]).astype(np.uint8)
        covered = cover > 0.5
        labels[t][covered] = label
        part = cutout.parts[source].astype(np.uint8)
        parts[t][covered] = cv2.remap(part, *grid, cv2.INTER_NEAREST)[covered] > 0
