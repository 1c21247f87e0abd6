"""What people take away: datasets, movies with alpha, mattes, pictures and measurements.

Reads masks through ``MaskSource`` only; knows nothing of networks, terminals or the web.
"""

from ivos.deliver.kinds import KINDS, Kind, export
from ivos.deliver.movies import write_overlay
from ivos.deliver.source import MaskSource

__all__ = ["KINDS", "Kind", "MaskSource", "export", "write_overlay"]
