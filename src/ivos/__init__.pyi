from ivos.deliver import export as export
from ivos.errors import IvosError as IvosError
from ivos.runtime.weights import load as load_networks
from ivos.session import Session as Session
from ivos.session.scribbles import read_scribbles as read_scribbles
from ivos.types import Box as Box
from ivos.types import Click as Click
from ivos.types import Interaction as Interaction
from ivos.types import PaintedMask as PaintedMask
from ivos.types import Scribble as Scribble
from ivos.video import open_video as open_video

__version__: str
__all__ = [
    "Box",
    "Click",
    "Interaction",
    "IvosError",
    "PaintedMask",
    "Scribble",
    "Session",
    "__version__",
    "export",
    "load_networks",
    "open_video",
    "read_scribbles",
]
