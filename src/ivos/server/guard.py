"""Who may speak to the server: this machine's own page, or one who has the token.

A page on the internet can make a browser send requests to 127.0.0.1. Three things stop it: the
``Host`` must be ours (against DNS rebinding), what changes anything must come from our own
``Origin`` (against forged requests and foreign WebSockets), and must carry a header that no form
can send. Beyond this machine a token is needed for everything.

An ASGI layer in front of the whole application; knows nothing of what lies behind it.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ivos.server.protocol import version_problem

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
PROTOCOL_HEADER = "x-ivos-protocol"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN_PATHS = frozenset({"/healthz"})

HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' blob: data:; connect-src 'self'; style-src 'self'; "
        "script-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Access:
    """Under which names the server answers, and the token that it asks for, if any.

    With ``any_address`` every numeric address counts as ours: for a server bound to all of them.
    """

    hosts: frozenset[str] = LOOPBACK
    token: str | None = None
    any_address: bool = False

    def knows(self, host: str) -> bool:
        """Whether ``host`` (a name, no port) is one of ours."""
        if host in self.hosts:
            return True
        return self.any_address and _is_address(host)

    def accepts(self, token: str | None) -> bool:
        """Whether ``token`` opens the door; compared in constant time."""
        if self.token is None:
            return True
        return token is not None and hmac.compare_digest(token.encode(), self.token.encode())


class Guard:
    """Refuses what does not come from our own page, in one line that says how to mend it."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {
            key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]
        }
        if scope["type"] == "http" and (visitor := self._with_token_in_address(scope, headers)):
            await visitor(scope, receive, send)
        elif problem := self._problem(scope, headers):
            await _refuse(problem, scope, receive, send)
        else:
            await self._app(scope, receive, _with_headers(send))

    def _problem(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        """The HTTP status and the words for what is wrong with a request, if anything is."""
        host = _host_name(headers.get("host", ""))
        if not self._access.knows(host):
            return 421, f"this server does not answer to the name {host!r}: use http://127.0.0.1"
        if scope["path"] not in OPEN_PATHS and not self._access.accepts(_token(headers)):
            return 401, "a token is needed: open the whole address that `ivos serve` printed"
        if scope["type"] == "websocket":
            return None if _is_own_origin(headers) else (403, "this page is not from this server")
        if "origin" in headers and not _is_own_origin(headers):
            return 403, f"a page from {headers['origin']} may not use this server"
        if scope["path"].startswith("/api/") and headers.get("sec-fetch-site") == "cross-site":
            return 403, "a page from elsewhere may not use this server"
        if scope["method"] not in SAFE_METHODS:
            return _version_refusal(headers)
        return None

    def _with_token_in_address(self, scope: Scope, headers: dict[str, str]) -> ASGIApp | None:
        """``/?token=…`` becomes a cookie, so that the token leaves the address bar."""
        query = parse_qs(scope["query_string"].decode("latin-1"))
        token = query.get("token", [None])[0]
        ours = self._access.knows(_host_name(headers.get("host", "")))
        if scope["path"] != "/" or token is None or not ours or not self._access.accepts(token):
            return None
        answer = RedirectResponse("/", status_code=303, headers=HEADERS)
        answer.set_cookie("ivos_token", token, httponly=True, samesite="strict", path="/")
        return answer


def _version_refusal(headers: dict[str, str]) -> tuple[int, str] | None:
    """Writes must say which protocol they speak; that no foreign form can say it is the point."""
    said = headers.get(PROTOCOL_HEADER, "")
    if not said.isdigit():
        return 403, "the header X-Ivos-Protocol is missing: reload the page"
    problem = version_problem(int(said))
    return (426, problem) if problem else None


def _host_name(header: str) -> str:
    """``127.0.0.1`` of ``127.0.0.1:8471``; ``::1`` of ``[::1]:8471``."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_own_origin(headers: dict[str, str]) -> bool:
    origin = headers.get("origin", "")
    scheme, _, rest = origin.partition("://")
    return scheme in ("http", "https") and rest.lower() == headers.get("host", "").lower()


def _token(headers: dict[str, str]) -> str | None:
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return bearer.strip()
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return None
    return cookies["ivos_token"].value if "ivos_token" in cookies else None


async def _refuse(problem: tuple[int, str], scope: Scope, receive: Receive, send: Send) -> None:
    status, words = problem
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 4403, "reason": words})
        return
    await JSONResponse({"detail": words}, status, headers=HEADERS)(scope, receive, send)


def _with_headers(send: Send) -> Callable[[Message], Awaitable[None]]:
    """``send``, adding the headers that keep the page from loading or leaking anything."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            have = {key for key, _ in message["headers"]}
            message["headers"] = [
                *message["headers"],
                *((k.encode(), v.encode()) for k, v in HEADERS.items() if k.encode() not in have),
            ]
        await send(message)

    return send_with_headers
