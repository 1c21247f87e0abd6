"""Writes the page's ``protocol.js`` from ``protocol.py`` and ``values.py``, so that they agree.

    python -m ivos.server.page_protocol

Knows nothing of what the messages are for.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from pathlib import Path

from ivos.server import protocol, values

PAGE_FILE = Path(__file__).parent / "page" / "protocol.js"

_SCALARS = {int: "number", float: "number", str: "string", bool: "boolean", type(None): "null"}


def page_protocol() -> str:
    """The text of ``protocol.js``: version, bound, and a JSDoc type for each message and value."""
    parts = [
        "// @ts-check\n"
        "/** Messages between page and server. Made from `server/protocol.py` by\n"
        " * `python -m ivos.server.page_protocol`: do not change it by hand. */\n",
        f"export const VERSION = {protocol.VERSION};\n",
        "/** A stroke has at most so many points. */\n"
        f"export const MAX_POINTS = {values.MAX_POINTS};\n",
    ]
    parts += [_typedef(message) for message in _messages()]
    parts += [
        f"/** @typedef {{{' | '.join(m.__name__ for m in typing.get_args(union))}}} {name} */\n"
        for name, union in (("Command", protocol.Command), ("ServerEvent", protocol.Event))
    ]
    return "\n".join(parts)


def _messages() -> list[type]:
    """The dataclasses of values and protocol in the order they are written there."""
    return [
        member
        for module in (values, protocol)
        for member in vars(module).values()
        if inspect.isclass(member)
        and dataclasses.is_dataclass(member)
        and member.__module__ == module.__name__
    ]


def _typedef(message: type) -> str:
    hints = typing.get_type_hints(message)
    about = (message.__doc__ or "").strip().splitlines()[0]
    fields = "".join(
        f" * @property {{{_page_type(hints[field.name])}}} {field.name}\n"
        for field in dataclasses.fields(message)
    )
    return f"/** {about}\n * @typedef {{object}} {message.__name__}\n{fields} */\n"


def _page_type(hint: object) -> str:
    """A Python annotation as TypeScript writes it."""
    if isinstance(hint, type) and hint in _SCALARS:
        return _SCALARS[hint]
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return hint.__name__
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return " | ".join(f'"{value}"' for value in args)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(_page_type(arg) for arg in args)
    if origin is dict:
        return f"Record<{_page_type(args[0])}, {_page_type(args[1])}>"
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        item = _page_type(args[0])
        return f"({item})[]" if "|" in item else f"{item}[]"
    if origin is tuple:
        return f"[{', '.join(_page_type(arg) for arg in args)}]"
    raise TypeError(f"the page has no type for {hint!r}")


if __name__ == "__main__":
    PAGE_FILE.write_text(page_protocol(), encoding="utf-8")
