"""Bind an address and run the application until it is stopped.

Knows nothing of terminals: whoever calls says what people should read.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from ivos.errors import CannotDo

ANY_ADDRESS = frozenset({"0.0.0.0", "::"})


def bound(host: str, port: int) -> socket.socket:
    """A listening socket. With port 0 the system picks a free one. Raises CannotDo."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        why = error.strerror or str(error)
        raise CannotDo(f"cannot listen on {host}:{port}: {why}; try another --port") from None
    listener.listen(64)
    return listener


def run(app: ASGIApp, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until interrupted. ``ready`` is called once, when connections are accepted."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        ws="websockets-sansio",
        ws_max_size=64 << 20,
        timeout_graceful_shutdown=3,
        server_header=False,
    )
    server = _Announcing(config, ready)
    server.run(sockets=[listener])


class _Announcing(uvicorn.Server):
    """A server that says when it is up."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()
