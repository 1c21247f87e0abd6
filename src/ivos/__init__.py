"""Cut objects out of video with a few scribbles."""

__version__ = "0.1.0"
