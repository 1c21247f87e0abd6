"""The simulated user: where it looks, and what it draws there.

Pure functions of label maps, and a robot that draws as the one of the DAVIS interactive
benchmark does. Everything repeats exactly for one seed. Knows nothing of sessions or datasets.
"""

from ivos.simulate.errors import error_regions, worst_frame
from ivos.simulate.first import first_frame, first_scribbles
from ivos.simulate.robot import Robot

__all__ = ["Robot", "error_regions", "first_frame", "first_scribbles", "worst_frame"]
