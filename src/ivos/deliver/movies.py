"""Movies: with alpha (ProRes 4444, VP9), mattes, other backgrounds, overlays, GIF."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    GifOptions,
    MovieOptions,
    OverlayOptions,
)
from ivos.deliver.paint import Colours, background, colour_table, composite, overlay
from ivos.deliver.sound import Sound
from ivos.errors import InvalidInput
from ivos.masks import DAVIS_PALETTE
from ivos.types import LabelMap, Progress, SoftMask, Video


def prores(crf: int | None) -> Codec:
    """ProRes 4444: 10-bit colour, alpha in as many bits as FFmpeg takes (10)."""
    del crf  # quality is the format's own
    return Codec(
        "mov",
        "prores_ks",
        "yuva444p10le",
        {"profile": "4444", "alpha_bits": "16", "vendor": "apl0"},
    )


def vp9(crf: int | None) -> Codec:
    """VP9 with alpha, which browsers play."""
    quality = str(18 if crf is None else crf)
    # Frames that are never shown (alt-ref) do not work with alpha in WebM.
    options = {"crf": quality, "b": "0", "auto-alt-ref": "0", "row-mt": "1", "cpu-used": "4"}
    return Codec("webm", "libvpx-vp9", "yuva420p", options | {"deadline": "good"})


def h264(crf: int | None) -> Codec:
    """H.264 that everything plays."""
    quality = str(18 if crf is None else crf)
    return Codec("mp4", "libx264", "yuv420p", {"crf": quality, "preset": "medium"}, even=True)


def _matte_mov(crf: int | None) -> Codec:
    del crf
    return Codec("mov", "prores_ks", "yuv422p10le", {"profile": "hq", "vendor": "apl0"})


def _lossless(crf: int | None) -> Codec:
    del crf
    return Codec("matroska", "ffv1", "gray", {"level": "3", "slicecrc": "1"})


_MATTES = {".mp4": h264, ".mov": _matte_mov, ".mkv": _lossless}


def write_prores(job: Job, out: Path, options: MovieOptions) -> Iterator[Progress]:
    """ProRes 4444 in MOV, straight alpha: the picture's own colours, and the matte."""
    yield from _movie(job, out, options, prores(options.crf), _with_alpha(job, options))


def write_webm(job: Job, out: Path, options: MovieOptions) -> Iterator[Progress]:
    """VP9 in WebM, straight alpha."""
    yield from _movie(job, out, options, vp9(options.crf), _with_alpha(job, options))


def write_matte(job: Job, out: Path, options: MovieOptions) -> Iterator[Progress]:
    """The alpha alone, as grey: H.264 in .mp4, ProRes in .mov, or exact (FFV1) in .mkv."""
    alpha = _alpha_of(job, options)
    suffix = out.suffix
    if suffix not in _MATTES:
        raise InvalidInput(f"matte cannot be {suffix}: choose {', '.join(_MATTES)} with -o")

    def grey(frame: int) -> NDArray[np.uint8]:
        return np.rint(alpha(frame) * 255).astype(np.uint8)

    def rgb(frame: int) -> NDArray[np.uint8]:
        return np.repeat(grey(frame)[..., None], 3, axis=2)

    codec = _MATTES[suffix](options.crf)
    if codec.pixels != "gray":
        yield from _movie(job, out, options, codec, rgb)
    else:
        yield from _movie(job, out, options, codec, grey, Colour(full_range=True))


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
    chosen = range(len(video)) if frames is None else frames
    meter = Meter(len(chosen))
    with (
        new_file(path, overwrite=overwrite) as part,
        MovieWriter(
            part,
            h264(None),
            size=video.size,
            times=Times.of(video, chosen),
            colour=Colour.of(video),
        ) as movie,
    ):
        for frame in chosen:
            movie.write(overlay(video[frame], labels_of(frame), colours))
            yield meter.tick(frame)


def write_gif(job: Job, out: Path, options: GifOptions) -> Iterator[Progress]:
    """The overlay as an animated GIF that repeats; one palette for all frames."""
    height, width = job.video.size
    factor = min(1.0, options.width / width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    colours = _colours(job)

    def small(frame: int) -> Image.Image:
        picture = overlay(job.video[frame], job.labels(frame), colours, options.opacity)
        return Image.fromarray(picture).resize(size, Image.Resampling.BOX)

    shown = _spaced(job, 1 / options.fps)
    palette = _palette([small(frame) for frame in shown[:: -(-len(shown) // 16)]])
    start = job.video.timestamp(shown[0])
    ticks = [round(100 * (job.video.timestamp(frame) - start)) for frame in shown]
    end = job.video.timestamp(job.frames[-1]) + 1 / job.video.fps - start
    meter = Meter(len(shown))
    with GifWriter(out, size, palette, max(2, round(100 * end) - ticks[-1])) as gif:
        for frame, at in zip(shown, ticks, strict=True):
            gif.write(small(frame), at)
            yield meter.tick(frame)


def _spaced(job: Job, seconds: float) -> list[int]:
    """Frames at least ``seconds`` apart (but for rounding), from the first on."""
    shown: list[int] = []
    due = -1.0
    for frame in job.frames:
        at = job.video.timestamp(frame)
        if at >= due - 1e-6:
            shown.append(frame)
            due = max(due, at) + seconds if due >= 0 and at - due < seconds else at + seconds
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
    options: MovieOptions | OverlayOptions,
    codec: Codec,
    pixels: Callable[[int], Pixels],
    colour: Colour | None = None,
) -> Iterator[Progress]:
    """Write what ``pixels`` gives for each frame, with the source's times, tags and sound."""
    meter = Meter(len(job.frames))
    with MovieWriter(
        out,
        codec,
        size=job.video.size,
        times=Times.of(job.video, job.frames),
        colour=colour or Colour.of(job.video),
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
