"""Interactive sessions: rounds of drawing, propagating and correcting, on any video and network."""

from ivos.session.journal import JSON, Action, Step
from ivos.session.session import Session
from ivos.session.settings import Settings
from ivos.session.state import ObjectInfo, OpenFrame, State
from ivos.session.store import MemoryStore, Store
from ivos.session.view import SessionView

__all__ = [
    "JSON",
    "Action",
    "MemoryStore",
    "ObjectInfo",
    "OpenFrame",
    "Session",
    "SessionView",
    "Settings",
    "State",
    "Step",
    "Store",
]
