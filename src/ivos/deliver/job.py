"""One export, made concrete: which frames, which objects, what the files are called."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from ivos.deliver.files import fill, safe, tokens_in
from ivos.deliver.options import Options, parse_frames
from ivos.deliver.source import MaskSource, NamedObject
from ivos.errors import InvalidInput
from ivos.types import LabelMap, ObjectId, Progress, SoftMask, Video


@dataclass(frozen=True)
class Job:
    """What an export works through."""

    source: MaskSource
    kind: str
    frames: range
    objects: tuple[NamedObject, ...]
    start_frame: int | None
    template: str | None
    date: str

    @classmethod
    def of(cls, source: MaskSource, kind: str, options: Options) -> Job:
        """Look up frames and objects. Raises InvalidInput for any that are not there."""
        return cls(
            source=source,
            kind=kind,
            frames=parse_frames(options.frames, len(source.video)),
            objects=_chosen(source.objects, options.objects),
            start_frame=options.start_frame,
            template=getattr(options, "name", None),
            date=options.date or date.today().isoformat(),
        )

    @property
    def video(self) -> Video:
        """The frames."""
        return self.source.video

    def labels(self, frame: int) -> LabelMap:
        """(H, W) uint8 of the chosen objects' ids; zeros elsewhere."""
        kept = np.zeros(256, np.uint8)
        for item in self.objects:
            kept[item.object_id] = item.object_id
        return kept[self.source.labels(frame)]

    def soft(self, item: NamedObject, frame: int) -> SoftMask:
        """(H, W) float32 from 0 to 1; zeros where ``item`` has no mask."""
        found = self.source.soft(item.object_id, frame)
        return np.zeros(self.video.size, np.float32) if found is None else found

    def soft_of_all(self, frame: int) -> SoftMask:
        """(H, W) float32: how likely each pixel is any of the chosen objects.

        Their probabilities are exclusive (soft aggregation), so they add up.
        """
        total = np.zeros(self.video.size, np.float32)
        for item in self.objects:
            total += self.soft(item, frame)
        return np.minimum(total, 1.0)

    def number(self, frame: int) -> int:
        """The number that ``frame`` carries in names that count."""
        return frame + (self.start_frame or 0)

    def frame_name(self, frame: int, digits: int = 5) -> str:
        """What ``{frame}`` stands for: the source's own name, unless a start frame was given."""
        if self.start_frame is None:
            return self.video.frame_name(frame)
        return f"{self.number(frame):0{digits}d}"

    def file_name(self, default: str, frame: str, item: NamedObject | None = None) -> str:
        """The name, without suffix, of one file inside the output folder.

        Raises InvalidInput where all frames, or all objects, would get the same name.
        """
        template = self.template or default
        text = fill(template, self.tokens(item) | {"frame": frame})
        present = tokens_in(template)
        if "frame" not in present:
            raise InvalidInput(f"name {template!r} gives all frames one file: add {{frame}} to it")
        if item and len(self.objects) > 1 and not present & {"object", "object_id"}:
            raise InvalidInput(
                f"name {template!r} gives all objects one file: add {{object}} to it"
            )
        return text

    def one_by_one(self) -> list[Job]:
        """The same for each object alone."""
        return [replace(self, objects=(item,)) for item in self.objects]

    def tokens(self, item: NamedObject | None = None) -> dict[str, str]:
        """The values of all tokens but ``{frame}``; of ``item``, or of the only object."""
        if item is None and len(self.objects) == 1:
            item = self.objects[0]
        return {
            "name": self.video.name,
            "kind": self.kind,
            "date": self.date,
            "object": self._name_of(item) if item else "all",
            "object_id": str(item.object_id) if item else "all",
        }

    def _name_of(self, item: NamedObject) -> str:
        """The object's name; with its id where another object's files would get the same."""
        return distinct_names(self.source.objects, safe)[item.object_id]


def distinct_names(
    objects: Sequence[NamedObject], clean: Callable[[str], str]
) -> dict[ObjectId, str]:
    """A name for each object that is another's nowhere, not even once ``clean`` has been over it.

    Names that one object has alone stay; the others get their id, as often as it takes.
    """
    keys = {item.object_id: clean(item.name).lower() for item in objects}  # A is a on some disks
    often = Counter(keys.values())
    taken = {key for key, count in often.items() if count == 1}
    names = {}
    for item in objects:
        name = item.name
        if often[keys[item.object_id]] > 1:
            name += f"-{item.object_id}"
            while clean(name).lower() in taken:
                name += f"-{item.object_id}"
            taken.add(clean(name).lower())
        names[item.object_id] = name
    return names


def _chosen(objects: Sequence[NamedObject], wanted: Sequence[int | str]) -> tuple[NamedObject, ...]:
    if not objects:
        raise InvalidInput("there are no objects yet: draw on a frame first, or import masks")
    picked: dict[int, NamedObject] = {}
    for want in wanted:
        found = [item for item in objects if str(want) in (str(item.object_id), item.name)]
        if not found:
            known = ", ".join(f"{item.object_id} ({item.name})" for item in objects)
            raise InvalidInput(f"no object {want!r}; there are {known}")
        picked |= {item.object_id: item for item in found}
    chosen = picked.values() if wanted else objects
    return tuple(sorted(chosen, key=lambda item: item.object_id))


@dataclass
class Meter:
    """Counts frames as they are done, and guesses how long the rest will take."""

    total: int
    clock: Callable[[], float] = time.monotonic
    done: int = 0
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.clock()

    def tick(self, frame: int) -> Progress:
        """One more is done."""
        self.done += 1
        pace = (self.clock() - self.started) / self.done
        return Progress(frame, self.done, self.total, pace * (self.total - self.done))
