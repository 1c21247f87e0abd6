"""The command line: one small module a verb, each parses, calls the engine, and prints.

Data goes to stdout (``--json``), people's words and progress to stderr. A user's mistake is one
line, with exit code 2 (bad usage or input) or 1 (could not be done), never a traceback.
Nothing heavy is imported before a verb runs.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import NoReturn

from ivos import __version__
from ivos.errors import InvalidInput, IvosError

VERBS = (
    "segment",
    "serve",
    "project",
    "export",
    "import_",
    "replay",
    "evaluate",
    "train",
    "weights",
    "info",
    "doctor",
)
"""Modules of this package, in the order of ``ivos --help``. Each has ``add_parser(subparsers)``,
which sets ``run``: a function from the parsed arguments to an exit code."""


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message} (see: {self.prog} --help)\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of all verbs."""
    parser = _Parser(
        prog="ivos",
        description="Cut objects out of video with a few scribbles.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"ivos {__version__}")
    subparsers = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in VERBS:
        import_module(f"ivos.cli.{verb}").add_parser(subparsers)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    args = build_parser().parse_args(arguments)
    if isinstance(sys.stdout, TextIOWrapper):  # names on the disk may hold what is no text
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code: int = args.run(args)
    except InvalidInput as error:
        return _complain(error, 2)
    except IvosError as error:
        return _complain(error, 1)
    except KeyboardInterrupt:
        return _complain("stopped", 130)
    except BrokenPipeError:  # whoever read our stdout has gone, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _complain(what: object, code: int) -> int:
    print(f"error: {what}", file=sys.stderr)
    return code
