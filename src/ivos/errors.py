"""What can go wrong for a person, as one tree of exceptions.

    IvosError               anything that a person can cause or mend
      InvalidInput          what was given is not what is needed (exit code 2)
        InvalidInteraction  a stroke, click, box or mask that cannot be used
        VideoError          a video that is missing, broken, or not a video
        RecipeError         a training recipe with an unknown or impossible setting
      CannotDo              the request is right, but the world stands against it (exit code 1)
        WeightsError        weights that are missing, damaged, or of another network
        ProjectError        a project that is damaged, newer than this program, or in use
        OutputError         a folder that cannot be written, a disk that is full, a file in the way

Each message is one line: what, where, and how to mend it. Knows nothing of terminals or HTTP.
"""

from __future__ import annotations


class IvosError(Exception):
    """Anything that a person can cause or mend; its text is one line for them."""


class InvalidInput(IvosError):
    """What was given is not what is needed."""


class InvalidInteraction(InvalidInput):
    """A stroke, click, box or mask that cannot be used."""


class VideoError(InvalidInput):
    """A video that is missing, broken, or not a video."""


class RecipeError(InvalidInput):
    """A training recipe with an unknown or impossible setting."""


class CannotDo(IvosError):
    """The request is right, but the world stands against it."""


class WeightsError(CannotDo):
    """Weights that are missing, damaged, or of another network."""


class ProjectError(CannotDo):
    """A project that is damaged, newer than this program, or in use."""


class OutputError(CannotDo):
    """A folder that cannot be written, a disk that is full, or a file in the way."""
