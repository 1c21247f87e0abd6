"""The kinds of deliverables, as one table, and ``export``, which makes any of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ivos.deliver import coco, cvat, datasets, images, measure, movies
from ivos.deliver.files import check_apart, check_name, fill, new_file, new_folder, tokens_in
from ivos.deliver.job import Job
from ivos.deliver.options import (
    BackgroundOptions,
    CvatOptions,
    DavisOptions,
    EditingOptions,
    ExrOptions,
    GifOptions,
    LabelOptions,
    MeasureOptions,
    MotsOptions,
    MovieOptions,
    NamedOptions,
    Options,
    OverlayOptions,
    SequenceOptions,
    TreeLabelOptions,
)
from ivos.deliver.source import MaskSource, origin
from ivos.errors import InvalidInput
from ivos.types import Progress


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of deliverable."""

    description: str
    suffixes: tuple[str, ...]
    """Of the file, the usual one first; for a folder, of the files in it."""
    folder: bool
    options: type[Options]
    write: Callable[[Job, Path, Any], Iterator[Progress]]
    """Fills a new file or folder; the last argument is of type ``options``."""


_PNG = (".png",)

KINDS: dict[str, Kind] = {
    "davis": Kind(
        "indexed PNGs with the DAVIS palette, flat or as the DAVIS tree",
        (".png", ".jpg", ".txt"),
        True,
        DavisOptions,
        datasets.write_davis,
    ),
    "binary": Kind(
        "black and white PNGs, a folder an object", _PNG, True, NamedOptions, datasets.write_binary
    ),
    "soft16": Kind(
        "16-bit PNGs of probabilities, a folder an object",
        _PNG,
        True,
        NamedOptions,
        datasets.write_soft16,
    ),
    "youtube-vos": Kind(
        "the YouTube-VOS tree: indexed PNGs and meta.json",
        (".png", ".jpg", ".json"),
        True,
        TreeLabelOptions,
        datasets.write_youtube_vos,
    ),
    "mots": Kind(
        "MOTS PNGs: class id times 1000 plus object id, 16-bit",
        _PNG,
        True,
        MotsOptions,
        datasets.write_mots,
    ),
    "coco": Kind(
        "COCO instances with RLE masks, an image a frame",
        (".json",),
        False,
        LabelOptions,
        coco.write_coco,
    ),
    "ytvis": Kind(
        "YouTube-VIS JSON with RLE masks, an annotation an object",
        (".json",),
        False,
        LabelOptions,
        coco.write_ytvis,
    ),
    "cvat": Kind("CVAT for video 1.1 XML", (".xml",), False, CvatOptions, cvat.write_cvat),
    "csv": Kind(
        "measurements: area, centroid, box, perimeter, speed",
        (".csv",),
        False,
        MeasureOptions,
        measure.write_measurements,
    ),
    "prores4444": Kind(
        "ProRes 4444 movie with alpha", (".mov",), False, EditingOptions, movies.write_prores
    ),
    "webm": Kind("VP9 movie with alpha", (".webm",), False, MovieOptions, movies.write_webm),
    "matte": Kind(
        "the alpha alone, as a grey movie",
        (".mp4", ".mov", ".mkv"),
        False,
        MovieOptions,
        movies.write_matte,
    ),
    "background": Kind(
        "the objects on a colour, an image, or the blurred or grey picture",
        (".mp4",),
        False,
        BackgroundOptions,
        movies.write_background,
    ),
    "overlay": Kind(
        "the video with coloured masks",
        (".mp4",),
        False,
        OverlayOptions,
        movies.write_overlay_movie,
    ),
    "gif": Kind("a small overlay that repeats", (".gif",), False, GifOptions, movies.write_gif),
    "png": Kind("RGBA pictures: name.1001.png", _PNG, True, SequenceOptions, images.write_rgba_png),
    "exr": Kind(
        "half-float EXR with a layer an object: name.1001.exr (needs ivos[exr])",
        (".exr",),
        True,
        ExrOptions,
        images.write_exr,
    ),
}
"""By the name that ``ivos export`` knows them by."""


@dataclass(frozen=True, slots=True)
class Export:
    """An export that has been checked and can be run, once."""

    kind: Kind
    options: Options
    work: tuple[tuple[Job, Path], ...]

    @property
    def targets(self) -> tuple[Path, ...]:
        """The files or folders that it makes."""
        return tuple(target for _, target in self.work)

    def run(self) -> Iterator[Progress]:
        """Make them one after the other, yielding after each frame."""
        total, before = sum(len(job.frames) for job, _ in self.work), 0
        for job, target in self.work:
            with self._place(target) as part:
                for progress in self.kind.write(job, part, self.options):
                    yield replace(
                        progress,
                        done=before + progress.done,
                        total=total - len(job.frames) + progress.total,
                        seconds_left=progress.seconds_left * (total - before) / len(job.frames),
                    )
            before += len(job.frames)

    def _place(self, target: Path) -> AbstractContextManager[Path]:
        if not self.kind.folder:
            return new_file(target, overwrite=self.options.overwrite)
        suffixes = frozenset(self.kind.suffixes)
        return new_folder(target, overwrite=self.options.overwrite, suffixes=suffixes)


def export(source: MaskSource, kind: str, out: str | Path, **options: object) -> Iterator[Progress]:
    """Write ``source`` as ``kind`` to ``out``, yielding after each frame.

    ``options`` are the fields of ``KINDS[kind].options``. ``out`` may hold the tokens ``{name}``,
    ``{kind}``, ``{date}``, ``{object}`` and ``{object_id}``; with one of the last two, each object
    is written to its own. Until the last frame is done nothing is seen under the final name; to
    cancel, close the iterator. Raises InvalidInput for what cannot be meant, and OutputError where
    ``out`` exists (without ``overwrite``) or cannot be written. Not even ``overwrite`` replaces the
    video itself.
    """
    return prepare(source, kind, out, kept=(), **options).run()


def prepare(
    source: MaskSource,
    kind: str,
    out: str | Path,
    *,
    kept: Collection[Path] = (),
    **options: object,
) -> Export:
    """``export``, checked but not begun. Raises InvalidInput, and OutputError for a bad ``out``.

    What is ``kept`` (the project) is not replaced either.
    """
    if kind not in KINDS:
        raise InvalidInput(f"no kind of export is called {kind!r}; there are {', '.join(KINDS)}")
    entry = KINDS[kind]
    asked = entry.options.of(kind, options)
    job = Job.of(source, kind, asked)
    separate = tokens_in(str(out)) & {"object", "object_id"}
    jobs = job.one_by_one() if separate else [job]
    work = tuple((each, _target(entry, kind, str(out), each)) for each in jobs)
    for _, target in work:
        check_apart(target, [*kept, *origin(source.video)])
    return Export(entry, asked, work)


def _target(entry: Kind, kind: str, out: str, job: Job) -> Path:
    tokens = job.tokens()
    path = Path(fill(out, tokens))
    check_name(path)
    if entry.folder:
        return path
    if not path.suffix:
        return path.with_name(path.name + entry.suffixes[0])
    if path.suffix.lower() not in entry.suffixes:
        raise InvalidInput(f"{kind} is written as {' or '.join(entry.suffixes)}, not {path.suffix}")
    return path
