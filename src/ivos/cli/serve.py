"""``ivos serve [VIDEO|PROJECT|FOLDER]``: the web page, on this machine."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ivos.cli.numbers import check_threads
from ivos.errors import InvalidInput

if TYPE_CHECKING:
    from ivos.runtime.protocol import Networks
    from ivos.server.guard import Access
    from ivos.server.places import Places

PORT = 8471


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser(
        "serve",
        help="the web page: draw, propagate, correct, export",
        description="Open the page on a video, a project (NAME.ivos) or a folder. Work on "
        "clip.mp4 is kept in clip.ivos beside it as soon as it is done.",
    )
    parser.add_argument(
        "what",
        nargs="?",
        type=Path,
        default=Path(),
        metavar="VIDEO|PROJECT|FOLDER",
        help="what to open; the page sees only the folder that it is in (default: this folder)",
    )
    parser.add_argument("--port", type=int, default=PORT, help=f"default: {PORT}; 0 picks one")
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="answer other machines too, under this address (0.0.0.0: all); then a token is needed",
    )
    parser.add_argument("--token", help="the token to ask for (default with --host: a new one)")
    parser.add_argument("--no-browser", action="store_true", help="do not open the page")
    parser.add_argument("--weights", metavar="NAME", help="weights by name, file or folder")
    parser.add_argument("--runtime", choices=("onnx", "torch"), default="onnx")
    parser.add_argument("--threads", type=int, metavar="N", help="threads; one a core by default")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    check_threads(args.threads)
    if not 0 <= args.port <= 65535:
        raise InvalidInput(f"--port {args.port}: give 1 to 65535, or 0 to have one picked")
    from ivos.server.app import create_app
    from ivos.server.opening import FileOpener
    from ivos.server.serving import bound
    from ivos.server.serving import run as run_server

    places, first = find(args.what)
    access = access_for(args.host, args.token)
    opener = FileOpener(places, _networks(args))
    app = create_app(places, opener, access=access, first=first)
    listener = bound(args.host, args.port)
    address = address_of(args.host, listener.getsockname()[1], access.token)

    def ready() -> None:
        print(f"ivos is at {address}  (Ctrl+C stops it; nothing is lost)", file=sys.stderr)
        if not args.no_browser:
            import webbrowser

            webbrowser.open(address)

    with suppress(KeyboardInterrupt):  # Ctrl+C is how it is meant to end
        run_server(app, listener, ready)
    return 0


def find(what: Path) -> tuple[Places, str | None]:
    """The folder that the page may see, and what it opens at once. Raises InvalidInput."""
    from ivos.project import SUFFIX, Project
    from ivos.server.places import Places, holds_images

    if not what.exists():
        raise InvalidInput(f"{what}: no such file or folder")
    real = what.resolve()
    if real.is_dir() and not holds_images(real):
        return Places(real), None
    also: frozenset[Path] = frozenset()
    if real.suffix == SUFFIX and real.is_file():
        with Project.open(real, read_only=True) as project:
            also = frozenset({project.video_identity.find(real).resolve()})
    return Places(real.parent, also=also), real.name


def access_for(host: str, token: str | None) -> Access:
    """Who may speak to a server bound to ``host``: beyond this machine, whoever has the token."""
    from ivos.server.guard import LOOPBACK, Access
    from ivos.server.serving import ANY_ADDRESS

    if token is not None and len(token) < 16:
        raise InvalidInput("a token of fewer than 16 characters can be guessed: give a longer one")
    if host in LOOPBACK:
        return Access(token=token)
    hosts = LOOPBACK | {host.lower()}
    return Access(hosts, token or secrets.token_urlsafe(24), any_address=host in ANY_ADDRESS)


def address_of(host: str, port: int, token: str | None) -> str:
    """The address to open: with the token, which the page turns into a cookie at once."""
    from ivos.server.serving import ANY_ADDRESS

    name = "127.0.0.1" if host in ANY_ADDRESS else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"?token={token}" if token else "")


def _networks(args: argparse.Namespace) -> Callable[[], Networks]:
    def load() -> Networks:
        from ivos.runtime import weights

        return weights.load(
            args.weights or weights.DEFAULT, runtime=args.runtime, threads=args.threads
        )

    return load
