"""What people take away, and masks that they bring: datasets, movies with alpha, measurements.

Reads masks through ``MaskSource`` only; knows nothing of networks, terminals or the web.
"""

from ivos.deliver.incoming import Incoming, Matching
from ivos.deliver.kinds import KINDS, Export, Kind, export, prepare
from ivos.deliver.movies import write_overlay
from ivos.deliver.readers import FORMS, read_masks
from ivos.deliver.source import MaskSource

__all__ = [
    "FORMS",
    "KINDS",
    "Export",
    "Incoming",
    "Kind",
    "MaskSource",
    "Matching",
    "export",
    "prepare",
    "read_masks",
    "write_overlay",
]
