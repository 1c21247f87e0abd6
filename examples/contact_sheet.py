"""One picture of a whole result: evenly chosen frames with their masks, numbered.

Usage: ``python examples/contact_sheet.py VIDEO OUT/masks sheet.png``
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ivos.masks import DAVIS_PALETTE, read_label_map
from ivos.types import Frame, LabelMap
from ivos.video import open_video

COLUMNS, ROWS = 4, 6
WIDTH = 480


def main(video_path: Path, masks: Path, sheet_path: Path) -> None:
    """Write the sheet: the outline of each object, and all else dimmed."""
    with open_video(video_path) as video:
        named = {video.frame_name(frame): frame for frame in range(len(video))}
        found = [named[path.stem] for path in sorted(masks.glob("*.png"))]
        chosen = np.unique(np.linspace(0, len(found) - 1, COLUMNS * ROWS).round().astype(int))
        height = round(WIDTH * video.size[0] / video.size[1])
        rows = -(-len(chosen) // COLUMNS)
        sheet = Image.new("RGB", (COLUMNS * WIDTH, rows * height))
        for place, index in enumerate(chosen):
            frame = found[index]
            labels = read_label_map(masks / f"{video.frame_name(frame)}.png")
            tile = Image.fromarray(shown(video[frame], labels)).resize((WIDTH, height))
            ImageDraw.Draw(tile).text((6, 4), str(frame), fill="white")
            sheet.paste(tile, (place % COLUMNS * WIDTH, place // COLUMNS * height))
    sheet.save(sheet_path)


def shown(frame: Frame, labels: LabelMap) -> Frame:
    """``frame`` (H, W, 3): object 1 as it is, others in their colour, all else dark; outlined."""
    grey = frame.mean(axis=2, keepdims=True) * 0.35
    tinted = 0.5 * grey + 0.5 * DAVIS_PALETTE[labels]
    others = np.where(labels[..., None] > 1, tinted, grey)
    result = np.where(labels[..., None] == 1, frame, others).astype(np.uint8)
    edge = np.zeros(labels.shape, bool)
    for step in (1, 2):
        edge[:, step:] |= labels[:, step:] != labels[:, :-step]
        edge[step:] |= labels[step:] != labels[:-step]
    result[edge] = np.maximum(DAVIS_PALETTE[labels[edge]], 60)
    return result


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:]))
