"""Movies: with alpha (ProRes 4444, VP9), mattes, other backgrounds, overlays, GIF."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ivos.deliver.edges import Edges
from ivos.deliver.encode import Codec, Colour, GifWriter, MovieWriter, Pixels, Times
from ivos.deliver.files import new_file
from ivos.deliver.job import Job, Meter
from ivos.deliver.options import (
    AlphaOptions,
    BackgroundOptions,
    EditingOptions,
    GifOptions,
    MovieOptions,
    OverlayOptions,
)
from ivos.deliver.paint import Colours, background, colour_table, composite, overlay
from ivos.deliver.sound import Sound
from ivos.deliver.source import pixel_aspect
from ivos.errors import InvalidInput
from ivos.masks import DAVIS_PALETTE
from ivos.types import LabelMap, Progress, SoftMask, Video

PRORES_4444 = Codec(
    "mov", "prores_ks", "yuva444p10le", {"profile": "4444", "alpha_bits": "16", "vendor": "apl0"}
)
"""10-bit colour, and alpha in as many bits as FFmpeg takes from that pixel format: 10."""
PRORES_HQ = Codec("mov", "prores_ks", "yuv422p10le", {"profile": "hq", "vendor": "apl0"})
_SHORTEST = 2
"""Hundredths of a second: what stays for less in a GIF, players show for ten."""
LOSSLESS_GREY = Codec("matroska", "ffv1", "gray", {"level": "3", "slicecrc": "1"})


def vp9(crf: int | None) -> Codec:
    """VP9 with alpha, which browsers play."""
    quality = str(18 if crf is None else crf)
    # Frames that are never shown (alt-ref) do not work with alpha in WebM.
    options = {"crf": quality, "b": "0", "auto-alt-ref": "0", "row-mt": "1", "cpu-used": "4"}
    return Codec("webm", "libvpx-vp9", "yuva420p", options | {"deadline": "good"})


def h264(crf: int | None) -> Codec:
    """H.264 that everything plays."""
    if crf is not None and crf > 51:
        raise InvalidInput(f"crf {crf}: H.264 takes 0 (best) to 51")
    quality = str(18 if crf is None else crf)
    return Codec("mp4", "libx264", "yuv420p", {"crf": quality, "preset": "medium"}, even=True)


def write_prores(job: Job, out: Path, options: EditingOptions) -> Iterator[Progress]:
    """ProRes 4444 in MOV, straight alpha: the picture's own colours, and the matte."""
    yield from _movie(job, out, options, PRORES_4444, _with_alpha(job, options))


def write_webm(job: Job, out: Path, options: MovieOptions) -> Iterator[Progress]:
    """VP9 in WebM, straight alpha."""
    yield from _movie(job, out, options, vp9(options.crf), _with_alpha(job, options))


def write_matte(job: Job, out: Path, options: MovieOptions) -> Iterator[Progress]:
    """The alpha alone, as grey: H.264 in .mp4, ProRes in .mov, or exact (FFV1) in .mkv."""
    alpha = _alpha_of(job, options)

    def grey(frame: int) -> NDArray[np.uint8]:
        return np.rint(alpha(frame) * 255).astype(np.uint8)

    def rgb(frame: int) -> NDArray[np.uint8]:
        return np.repeat(grey(frame)[..., None], 3, axis=2)

    suffix = out.suffix.lower()
    if suffix != ".mp4" and options.crf is not None:
        raise InvalidInput(f"a matte in {suffix} has no crf: leave it out, or write .mp4")
    if suffix == ".mkv":
        yield from _movie(job, out, options, LOSSLESS_GREY, grey, Colour(full_range=True))
    else:
        codec = PRORES_HQ if suffix == ".mov" else h264(options.crf)
        yield from _movie(job, out, options, codec, rgb)


def write_background(job: Job, out: Path, options: BackgroundOptions) -> Iterator[Progress]:
    """The objects on a colour, an image, or the blurred or grey picture: H.264 in MP4."""
    behind = background(options.background, job.video.size)
    alpha = _alpha_of(job, options)

    def mixed(frame: int) -> Pixels:
        picture = job.video[frame]
        return composite(picture, alpha(frame), behind(picture))

    yield from _movie(job, out, options, h264(options.crf), mixed)


def write_overlay_movie(job: Job, out: Path, options: OverlayOptions) -> Iterator[Progress]:
    """The video with coloured masks on it: H.264 in MP4."""
    colours = _colours(job)

    def painted(frame: int) -> Pixels:
        return overlay(job.video[frame], job.labels(frame), colours, options.opacity)

    yield from _movie(job, out, options, h264(options.crf), painted)


def write_overlay(
    path: Path,
    video: Video,
    labels_of: Callable[[int], LabelMap],
    frames: range | None = None,
    *,
    colours: Colours = DAVIS_PALETTE,
    overwrite: bool = True,
) -> Iterator[Progress]:
    """Write ``path`` (.mp4): the video with coloured masks on it; yields after each frame.

    ``labels_of(frame)`` is (H, W) uint8 of object ids, ``colours`` (256, 3) RGB. The file
    appears when the last frame is done. Raises OutputError.
    """
    with new_file(path, overwrite=overwrite) as part:
        yield from draw_overlay(part, video, labels_of, frames, colours=colours)


def draw_overlay(
    path: Path,
    video: Video,
    labels_of: Callable[[int], LabelMap],
    frames: range | None = None,
    *,
    colours: Colours = DAVIS_PALETTE,
) -> Iterator[Progress]:
    """``write_overlay`` straight to ``path``: for a place inside a folder that is not done yet."""
    chosen = range(len(video)) if frames is None else frames
    meter = Meter(len(chosen))
    with MovieWriter(
        path,
        h264(None),
        size=video.size,
        times=Times.of(video, chosen),
        colour=Colour.of(video),
        aspect=pixel_aspect(video),
    ) as movie:
        for frame in chosen:
            movie.write(overlay(video[frame], labels_of(frame), colours))
            yield meter.tick(frame)


def write_gif(job: Job, out: Path, options: GifOptions) -> Iterator[Progress]:
    """The overlay as an animated GIF that repeats; one palette for all frames."""
    height, width = job.video.size
    shown_width = width * float(pixel_aspect(job.video))  # GIF players know square pixels only
    factor = min(1.0, options.width / shown_width)
    size = (max(1, round(shown_width * factor)), max(1, round(height * factor)))
    colours = _colours(job)

    def small(frame: int) -> Image.Image:
        picture = overlay(job.video[frame], job.labels(frame), colours, options.opacity)
        return Image.fromarray(picture).resize(size, Image.Resampling.BOX)

    shown = _spaced(job, 1 / options.fps)
    palette = _palette([small(frame) for frame in [*shown][:: -(-len(shown) // 16)]])
    end = job.video.timestamp(job.frames[-1]) + 1 / job.video.fps
    last = round(100 * (end - job.video.timestamp(job.frames[0]))) - max(shown.values())
    meter = Meter(len(shown))
    with GifWriter(out, size, palette, max(_SHORTEST, last)) as gif:
        for frame, at in shown.items():
            gif.write(small(frame), at)
            yield meter.tick(frame)


def _spaced(job: Job, seconds: float) -> dict[int, int]:
    """Frames from the first on, on average at least ``seconds`` apart, and when each is shown, in
    hundredths of a second from the first.
    """
    shown: dict[int, int] = {}
    start = due = job.video.timestamp(job.frames[0])
    tick = -_SHORTEST
    for frame in job.frames:
        at = job.video.timestamp(frame)
        if at + 1e-6 >= due and round(100 * (at - start)) >= tick + _SHORTEST:
            shown[frame] = tick = round(100 * (at - start))
            due = max(due + seconds, at)
    return shown


def _palette(samples: list[Image.Image]) -> Image.Image:
    """An image with the 256 colours that suit ``samples`` best."""
    width, height = samples[0].size
    sheet = Image.new("RGB", (width, height * len(samples)))
    for index, sample in enumerate(samples):
        sheet.paste(sample, (0, height * index))
    return sheet.quantize(256, method=Image.Quantize.MEDIANCUT)


def _movie(
    job: Job,
    out: Path,
    options: EditingOptions | OverlayOptions,
    codec: Codec,
    pixels: Callable[[int], Pixels],
    colour: Colour | None = None,
) -> Iterator[Progress]:
    """Write what ``pixels`` gives for each frame, with the source's times, tags and sound."""
    meter = Meter(len(job.frames))
    colour = colour or Colour.of(job.video)
    if codec.encoder == "prores_ks":  # it has no way to say that it is anything else
        colour = replace(colour, full_range=False)
    with MovieWriter(
        out,
        codec,
        size=job.video.size,
        times=Times.of(job.video, job.frames),
        colour=colour,
        aspect=pixel_aspect(job.video),
        sound=Sound.of(job.video, job.frames) if options.audio else None,
    ) as movie:
        for frame in job.frames:
            movie.write(pixels(frame))
            yield meter.tick(frame)


def _alpha_of(job: Job, options: AlphaOptions) -> Callable[[int], SoftMask]:
    edges = Edges.of(options)
    return lambda frame: edges.alpha(job.video[frame], job.soft_of_all(frame))


def _with_alpha(job: Job, options: AlphaOptions) -> Callable[[int], Pixels]:
    alpha = _alpha_of(job, options)

    def rgba(frame: int) -> Pixels:
        matte = np.rint(alpha(frame) * 65535).astype(np.uint16)
        found: NDArray[np.uint16] = np.dstack([job.video[frame] * np.uint16(257), matte])
        return found

    return rgba


def _colours(job: Job) -> Colours:
    return colour_table({item.object_id: item.colour for item in job.objects}, DAVIS_PALETTE)
