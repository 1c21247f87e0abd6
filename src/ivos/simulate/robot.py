"""The DAVIS robot: strokes through the middle of what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ivos.errors import InvalidInput
from ivos.simulate.errors import error_regions
from ivos.simulate.skeleton import bezier, longest_paths, medial_axis, opened
from ivos.types import LabelMap, Mask, ObjectId, Scribble


@dataclass(frozen=True, slots=True, kw_only=True)
class Robot:
    """A user who draws one line through each region that is wrong.

    The defaults are those of the DAVIS interactive service (Caelles et al., 2018). Two robots with
    the same settings draw the same lines on the same masks.
    """

    kernel_size: float = 0.2
    """Diameter of the opening, as a fraction of the square root of a region's area."""
    max_kernel_radius: float = 16.0
    """Its largest radius in pixels."""
    min_nb_nodes: int = 4
    """Lines of fewer pixels are not drawn."""
    nb_points: int = 1000
    """Points of a drawn line."""
    seed: int = 0
    """Settles ties in the middle line."""

    def __post_init__(self) -> None:
        if self.kernel_size < 0 or self.max_kernel_radius < 0:
            raise InvalidInput("the robot's kernel_size and max_kernel_radius cannot be negative")
        if self.min_nb_nodes < 1 or self.nb_points < 1:
            raise InvalidInput("the robot's min_nb_nodes and nb_points must be at least 1")

    def correct(
        self, truth: LabelMap, prediction: LabelMap, object_ids: Iterable[ObjectId]
    ) -> tuple[Scribble, ...]:
        """Strokes on all that ``prediction`` (H, W) has wrong; none where that is too small.

        First those of the background, then each object's in the order given.
        """
        return tuple(
            stroke
            for object_id, region in error_regions(truth, prediction, object_ids)
            for stroke in self.draw(region, object_id)
        )

    def draw(self, region: Mask, object_id: ObjectId) -> Iterator[Scribble]:
        """One stroke for each connected part of the middle line of ``region`` (H, W)."""
        height, width = region.shape
        kept = opened(region, self.kernel_size, self.max_kernel_radius)
        pixels = medial_axis(kept, self.seed)
        for path in longest_paths(pixels, self.min_nb_nodes):
            points = bezier(path, self.nb_points) / (width, height)
            yield Scribble(object_id, tuple((float(x), float(y)) for x, y in points))
