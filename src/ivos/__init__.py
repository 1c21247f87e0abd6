"""Cut objects out of video with a few scribbles.

The names in ``__all__`` are what programs start from; each is imported when it is first used, so
that ``import ivos`` costs nothing. Their types stand in ``__init__.pyi``.
"""

from importlib import import_module

__version__ = "0.1.0"

_WHERE = {
    "Box": "ivos.types",
    "Click": "ivos.types",
    "Interaction": "ivos.types",
    "IvosError": "ivos.errors",
    "PaintedMask": "ivos.types",
    "Scribble": "ivos.types",
    "Session": "ivos.session",
    "export": "ivos.deliver",
    "load_networks": "ivos.runtime.weights:load",
    "open_video": "ivos.video",
    "read_scribbles": "ivos.session.scribbles",
}

__all__ = ["__version__", *_WHERE]  # noqa: PLE0604 (all of them are strings)


def __getattr__(name: str) -> object:
    """Import a public name when it is asked for (PEP 562)."""
    if name not in _WHERE:
        raise AttributeError(f"module 'ivos' has no attribute {name!r}")
    module, _, attribute = _WHERE[name].partition(":")
    return getattr(import_module(module), attribute or name)
