"""What can be asked of an export: typed, checked when made, and strict about spelling."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

from ivos.errors import InvalidInput

EDGES = ("refine", "soft", "hard")
_MOST = 1e9
"""Of a scale or tolerance: beyond it, areas and the borders of masks are no numbers any more."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What every kind understands."""

    frames: str | range | None = None
    """``a:b``: from frame a up to, not including, frame b; either may be left out."""
    objects: tuple[int | str, ...] = ()
    """Ids or names; none means all."""
    start_frame: int | None = None
    """The number that frame 0 of the video carries in file names (1001 in film)."""
    date: str | None = None
    """What ``{date}`` stands for; today, as 2026-11-22, when left out."""
    overwrite: bool = False
    """Replace what is there."""

    def __post_init__(self) -> None:
        if self.start_frame is not None and self.start_frame < 0:
            raise InvalidInput(f"start frame {self.start_frame} is below 0: give 0 or more")

    @classmethod
    def of(cls, kind: str, given: Mapping[str, object]) -> Self:
        """Options from keyword arguments. Raises InvalidInput for one that ``kind`` lacks."""
        known = {field.name for field in fields(cls)}
        if unknown := sorted(given.keys() - known):
            raise InvalidInput(
                f"{kind} has no option {', '.join(unknown)}; it has {', '.join(sorted(known))}"
            )
        return cls(**given)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class NamedOptions(Options):
    """For folders whose files may be called anything."""

    name: str | None = None
    """Names of the files inside the output folder, with tokens and without suffix."""


@dataclass(frozen=True, kw_only=True)
class TreeOptions(Options):
    """For dataset trees."""

    images: bool = False
    """Write the frames too, as JPEG, where the layout has a place for them."""


@dataclass(frozen=True, kw_only=True)
class DavisOptions(NamedOptions, TreeOptions):
    """For DAVIS: a flat folder of PNGs, or the whole layout."""

    tree: bool = False
    """Write ``Annotations/<resolution>/<name>/`` and ``ImageSets/2017/val.txt``."""
    resolution: str = "480p"
    """The name of that folder; it says nothing of the size."""


@dataclass(frozen=True, kw_only=True)
class LabelOptions(Options):
    """For annotation files with categories."""

    category: str | None = None
    """One category for all objects; without it, each name is a category."""


@dataclass(frozen=True, kw_only=True)
class TreeLabelOptions(TreeOptions, LabelOptions):
    """For trees with categories."""


@dataclass(frozen=True, kw_only=True)
class MotsOptions(Options):
    """For MOTS PNG."""

    class_id: int = 1
    """The class that all objects get (in KITTI MOTS 1 is car, 2 is pedestrian)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.class_id <= 64 or self.class_id == 10:
            raise InvalidInput(f"class id {self.class_id}: give 1 to 64; 10 means 'ignore' in MOTS")


@dataclass(frozen=True, kw_only=True)
class CvatOptions(Options):
    """For CVAT's XML."""

    shapes: str = "polygon"
    """``polygon`` (tracks that can be edited, no holes) or ``mask`` (exact, one frame each)."""
    tolerance: float = 1.0
    """How far, in pixels, a polygon may stray from the mask's border; 0 is exact and large."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.shapes not in ("polygon", "mask"):
            raise InvalidInput(f"shapes {self.shapes!r}: choose polygon or mask")
        if not 0 <= self.tolerance <= _MOST:
            raise InvalidInput(f"tolerance {self.tolerance:g}: give 0 to {_MOST:g} pixels")


@dataclass(frozen=True, kw_only=True)
class MeasureOptions(Options):
    """For the table of measurements."""

    scale: float | None = None
    """Units a pixel: with 0.25 and ``um``, 4 pixels are a micrometre."""
    unit: str = "unit"
    """What the unit is called in the header."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scale is not None and not 1 / _MOST <= self.scale <= _MOST:
            raise InvalidInput(
                f"scale {self.scale:g}: give the units of one pixel, {1 / _MOST:g} to {_MOST:g}"
            )


@dataclass(frozen=True, kw_only=True)
class AlphaOptions(Options):
    """For everything with soft edges."""

    edges: str = "refine"
    """``refine`` (follow the picture), ``soft`` (as the network says) or ``hard``."""
    radius: int | None = None
    """How far, in pixels, refinement looks; by default a 60th of the picture's height."""
    grow: float = 0.0
    """Pixels to move the edge outwards; inwards where below 0."""
    shrink: float = 0.0
    """Pixels to move the edge inwards."""
    feather: float = 0.0
    """Pixels over which the edge fades further."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.edges not in EDGES:
            raise InvalidInput(f"edges {self.edges!r}: choose {', '.join(EDGES)}")
        if self.radius is not None and not 1 <= self.radius <= 500:
            raise InvalidInput(f"radius {self.radius}: give 1 to 500 pixels")
        for name in ("feather", "grow", "shrink"):
            lowest, value = -500 if name == "grow" else 0, getattr(self, name)
            if not lowest <= value <= 500:  # nor is nan
                raise InvalidInput(f"{name} {value:g}: give {lowest} to 500 pixels")


@dataclass(frozen=True, kw_only=True)
class EditingOptions(AlphaOptions):
    """For movies of one quality."""

    audio: bool = False
    """Carry the source's sound over."""


@dataclass(frozen=True, kw_only=True)
class MovieOptions(EditingOptions):
    """For movies of any quality."""

    crf: int | None = None
    """Quality of lossy codecs, 0 (best) to 51, or to 63 for VP9; each kind has its own default."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.crf is not None and not 0 <= self.crf <= 63:
            raise InvalidInput(f"crf {self.crf}: give 0 (best) to 51, or to 63 for VP9")


@dataclass(frozen=True, kw_only=True)
class BackgroundOptions(MovieOptions):
    """For the objects on another background."""

    background: str = "#00b140"
    """A colour (``#00b140``, ``white``), an image file, ``blur`` or ``grey``."""


@dataclass(frozen=True, kw_only=True)
class OverlayOptions(Options):
    """For pictures with coloured masks on top."""

    opacity: float = 0.5
    """Of the colour, from 0 to 1."""
    audio: bool = False
    """Carry the source's sound over."""
    crf: int | None = None
    """Quality of H.264, 0 (best) to 51."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.opacity <= 1:
            raise InvalidInput(f"opacity {self.opacity:g}: give 0 to 1")
        if self.crf is not None and not 0 <= self.crf <= 51:
            raise InvalidInput(f"crf {self.crf}: give 0 (best) to 51")


@dataclass(frozen=True, kw_only=True)
class GifOptions(Options):
    """For GIF."""

    opacity: float = 0.5
    """Of the colour, from 0 to 1."""
    width: int = 480
    """Pixels at most; smaller pictures keep their size."""
    fps: float = 12.5
    """Frames a second at most; GIF counts in hundredths of a second."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.opacity <= 1:
            raise InvalidInput(f"opacity {self.opacity:g}: give 0 to 1")
        if self.width < 1 or not 0 < self.fps <= 50:
            raise InvalidInput("a GIF needs a width of at least 1 pixel and at most 50 fps")


@dataclass(frozen=True, kw_only=True)
class SequenceOptions(NamedOptions, AlphaOptions):
    """For numbered pictures with alpha."""


@dataclass(frozen=True, kw_only=True)
class ExrOptions(SequenceOptions):
    """For EXR."""

    colour: bool = True
    """Write R, G, B (linear light, premultiplied) beside the mattes."""


def parse_frames(frames: str | range | None, length: int) -> range:
    """The frames meant by ``a:b`` in a video of ``length`` frames.

    Raises InvalidInput for another form, or where no frame is left.
    """
    if frames is None:
        return range(length)
    if isinstance(frames, str):
        match = re.fullmatch(r"\s*(\d*)\s*:\s*(\d*)\s*", frames)
        if not match:
            raise InvalidInput(f"frames {frames!r}: write a:b, as 0:100 for the first hundred")
        frames = range(int(match[1] or 0), int(match[2] or length))
    if frames.step != 1 or not 0 <= frames.start < frames.stop <= length:
        raise InvalidInput(
            f"frames {frames.start}:{frames.stop}: the video has frames 0:{length}, "
            "give a part of that"
        )
    return frames
