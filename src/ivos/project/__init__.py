"""A project is one SQLite file, ``name.ivos``: it loses nothing, and undo has no end."""

from ivos.project.check import integrity
from ivos.project.file import drop_log, put_in_place
from ivos.project.identity import VideoIdentity
from ivos.project.log import LoggedStep, SessionLog, read_log
from ivos.project.owner import Owner, ProjectInUse
from ivos.project.project import SUFFIX, Project
from ivos.project.recover import Recovered, recover
from ivos.project.replay import Replayed, replay
from ivos.project.store import ProjectStore

__all__ = [
    "SUFFIX",
    "LoggedStep",
    "Owner",
    "Project",
    "ProjectInUse",
    "ProjectStore",
    "Recovered",
    "Replayed",
    "SessionLog",
    "VideoIdentity",
    "drop_log",
    "integrity",
    "put_in_place",
    "read_log",
    "recover",
    "replay",
]
