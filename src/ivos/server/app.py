"""The HTTP routes and the socket: from addresses to rooms, from errors to answers.

One project is open at a time. Knows nothing of networks or masks.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol

import numpy as np
from fastapi import Body, FastAPI, Query, Request, Response, WebSocket
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import TypeAdapter, ValidationError
from starlette.types import ASGIApp
from starlette.websockets import WebSocketDisconnect

from ivos import __version__
from ivos.errors import CannotDo, InvalidInput, IvosError
from ivos.masks import read_binary_mask, read_label_map
from ivos.project import SUFFIX, ProjectInUse, drop_log, put_in_place
from ivos.server import exports
from ivos.server.guard import Access, Guard
from ivos.server.places import OutsideError, Places, TooLarge
from ivos.server.protocol import (
    VERSION,
    BadMessage,
    Failed,
    Refused,
    read_command,
    read_hello,
    version_problem,
    write,
)
from ivos.server.room import Opened, Room, Seat
from ivos.server.values import KindValue, OpenedValue, PlacesValue
from ivos.types import BACKGROUND, VOID, Mask, ObjectId, Video

PAGE = Path(__file__).parent / "page"
MASK_LIMIT = 64 << 20


class Opener(Protocol):
    """How files become sessions; handed in, so that tests open fakes."""

    def video(self, source: Path) -> Video:
        """Another handle on a video. Raises VideoError."""
        ...

    def source(self, path: Path) -> Path:
        """The video behind a path: itself, or a project's video. Raises IvosError."""
        ...

    def project(self, path: Path, source: Path) -> Path:
        """Where the work on ``path``, whose video is ``source``, is kept. Raises IvosError."""
        ...

    def open(self, path: Path, *, take_over: bool = False) -> Opened:
        """A session on a video or project, on the calling thread; ``take_over`` from another
        process. Raises IvosError.
        """
        ...

    def check_upload(self, path: Path) -> None:
        """Raises IvosError where an uploaded file cannot be used."""
        ...


class Sessions:
    """The one room that is open, and how another is opened in its place."""

    def __init__(self, places: Places, opener: Opener, first: str | None) -> None:
        self.places = places
        self.opener = opener
        self.first = first
        """What to open at once: a path inside the folder."""
        self.room: Room | None = None
        self._lock = asyncio.Lock()

    async def hello(self) -> Room | None:
        """The room that is open; the first page finds what is to be opened at once. A page that
        comes meanwhile waits for it. Raises IvosError, until something is open.
        """
        async with self._lock:
            if self.room is None and self.first is not None:
                return await self._open(self.first, take_over=False)
            return self.room

    async def open(self, relative: str, *, take_over: bool = False) -> Room:
        """Open a path of the folder; then the room that was open is closed. Raises IvosError."""
        async with self._lock:
            return await self._open(relative, take_over=take_over)

    async def _open(self, relative: str, *, take_over: bool) -> Room:
        path = self.places.inside(relative)
        source = await asyncio.to_thread(self.opener.source, path)
        project = await asyncio.to_thread(self.opener.project, path, source)
        before = self.room
        reason = "another video was opened in this server: open it again to go on"
        if before is not None and before.path.resolve() == project.resolve():
            self.room = None
            await before.close(reason)  # first, since it holds what is to be opened again
            before = None
        folder = path.parent / f"{path.stem}-exports"
        loop = asyncio.get_running_loop()

        def room() -> Room:
            opener = self.opener
            return Room(
                lambda: opener.open(path, take_over=take_over),
                lambda: opener.video(source),
                folder,
                loop,
            )

        self.room, self.first = await asyncio.to_thread(room), None
        if before is not None:
            await before.close(reason)
        return self.room

    def of(self, key: str) -> Room:
        """The room with this key. Raises CannotDo where it is gone."""
        if self.room is None or self.room.key != key:
            raise CannotDo("this session is closed: open the video again")
        return self.room

    async def close(self) -> None:
        """The server ends."""
        if self.room is not None:
            await self.room.close("the server was stopped: start `ivos serve` again to go on")


def create_app(
    places: Places,
    opener: Opener,
    *,
    access: Access = Access(),  # noqa: B008 (frozen)
    first: str | None = None,
) -> ASGIApp:
    """The whole application, guarded. ``first`` is opened when the first page asks what is open."""
    sessions = Sessions(places, opener, first)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await sessions.close()

    app = FastAPI(
        title="ivos",
        version=__version__,
        description="Cut objects out of video with a few scribbles.",
        docs_url=None,  # FastAPI's own page loads its parts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    app.add_exception_handler(IvosError, _answer_error)
    _add_places(app, sessions)
    _add_looking(app, sessions)
    _add_files(app, sessions)
    _add_socket(app, sessions)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> FileResponse:
        return FileResponse(PAGE / "docs.html")

    app.mount("/", StaticFiles(directory=PAGE, html=True), name="page")
    return Guard(app, access)


async def _answer_error(_: Request, error: Exception) -> JSONResponse:
    """The same words as on the command line, with a status that fits."""
    status = 400 if isinstance(error, InvalidInput) else 409
    if isinstance(error, OutsideError):
        status = 403
    if isinstance(error, TooLarge):
        status = 413
    in_use = isinstance(error, ProjectInUse)
    return JSONResponse({"detail": str(error), "in_use": in_use}, status)


def _add_places(app: FastAPI, sessions: Sessions) -> None:
    @app.get("/healthz", tags=["server"])
    async def health() -> dict[str, str]:
        """Whether the server is alive."""
        return {"status": "ok", "version": __version__}

    @app.get("/api/hello", tags=["server"])
    async def hello() -> dict[str, Any]:
        """The protocol's version, and the key of the session that is open, if one is; else what
        went wrong, and the path that another program has open.
        """
        said = {"version": VERSION, "key": None, "problem": None, "in_use": None}
        try:
            room = await sessions.hello()
        except IvosError as error:
            in_use = sessions.first if isinstance(error, ProjectInUse) else None
            return said | {"problem": str(error), "in_use": in_use}
        return said | {"key": room.key if room is not None else None}

    @app.get("/api/places", tags=["open"])
    async def places(folder: str = "") -> PlacesValue:
        """What can be opened in a folder inside the opened one."""
        return await asyncio.to_thread(sessions.places.list, folder)

    @app.post("/api/open", tags=["open"])
    async def open_place(
        path: Annotated[str, Body()], take_over: Annotated[bool, Body()] = False
    ) -> OpenedValue:
        """Open a video, a folder of images or a project; what was open is closed."""
        room = await sessions.open(path, take_over=take_over)
        return OpenedValue(room.key, VERSION)

    @app.put("/api/uploads/{name}", tags=["open"])
    async def upload(name: str, request: Request) -> dict[str, str]:
        """Put a video or project into the folder; it is checked before it gets its name."""
        said = request.headers.get("content-length", "")
        length = int(said) if said.isdigit() else None
        temporary = await sessions.places.receive(name, request.stream(), length)
        try:
            await asyncio.to_thread(sessions.opener.check_upload, temporary)
        except IvosError as error:
            words = str(error).replace(str(temporary), name)
            raise InvalidInput(words) from None
        else:
            final = sessions.places.free_name(name)
            if final.suffix == SUFFIX:
                put_in_place(temporary, final)
            else:
                temporary.replace(final)
        finally:
            temporary.unlink(missing_ok=True)
            drop_log(temporary)  # looking into a project leaves one
        return {"path": sessions.places.relative(final)}


def _add_looking(app: FastAPI, sessions: Sessions) -> None:
    @app.get("/api/session/{key}/frames/{frame}", tags=["look"], response_class=Response)
    async def picture(key: str, frame: int, height: int | None = None) -> Response:
        """A frame as JPEG, at most ``height`` high."""
        data = await sessions.of(key).pictures.jpeg(frame, height)
        kept = {"cache-control": "private, max-age=3600, immutable"}
        return Response(data, media_type="image/jpeg", headers=kept)

    @app.get("/api/session/{key}/labels/{frame}", tags=["look"], response_class=Response)
    async def labels(key: str, frame: int, before: int | None = None) -> Response:
        """The object ids of a frame, packed (see packets.py); ``before`` a step, if given."""
        data = await sessions.of(key).with_desk(lambda desk: desk.labels(frame, before))
        return _packet(data)

    @app.get("/api/session/{key}/soft/{frame}", tags=["look"], response_class=Response)
    async def soft(key: str, frame: int, objects: str = "") -> Response:
        """How likely each pixel is one of these objects (ids with commas), packed."""
        ids = [int(part) for part in objects.split(",") if part.isdigit()]
        data = await sessions.of(key).with_desk(lambda desk: desk.soft(frame, ids))
        return _packet(data)


def _packet(data: bytes) -> Response:
    return Response(
        data, media_type="application/octet-stream", headers={"cache-control": "no-store"}
    )


def _add_files(app: FastAPI, sessions: Sessions) -> None:
    @app.post("/api/session/{key}/masks/{frame}", tags=["files"])
    async def import_masks(
        key: str, frame: int, request: Request, object_id: Annotated[int | None, Query()] = None
    ) -> dict[str, list[int]]:
        """Put a mask (PNG) on a frame: object ids as the PNG has them, or all that is not black
        as ``object_id``.
        """
        data = b""
        async for chunk in request.stream():
            data += chunk
            if len(data) > MASK_LIMIT:
                raise TooLarge(
                    f"a mask of more than {MASK_LIMIT >> 20} MB: is it a PNG of one frame?"
                )
        masks = await asyncio.to_thread(_masks_of, data, object_id)
        await sessions.of(key).with_desk(lambda desk: desk.import_masks(frame, masks))
        return {"objects": sorted(masks)}

    @app.get("/api/kinds", tags=["files"])
    async def kinds() -> list[KindValue]:
        """Everything that can be exported."""
        return list(exports.kinds())

    @app.get("/api/session/{key}/exports/{name}", tags=["files"], response_class=Response)
    async def download(key: str, name: str) -> Response:
        """An export of this project; a folder comes as a ZIP."""
        room = sessions.of(key)
        inside = Places(room.exports_folder)
        path = inside.inside(name)
        if path.parent != room.exports_folder.resolve() or not path.exists():
            raise InvalidInput(f"there is no export called {name!r}")
        title = f"{room.exports_folder.name.removesuffix('-exports')}-{path.name}"
        if path.is_file():
            return FileResponse(path, filename=title)
        quoted = title.encode("ascii", "replace").decode().replace('"', "'")
        headers = {"content-disposition": f'attachment; filename="{quoted}.zip"'}
        return StreamingResponse(
            exports.zipped(path), media_type="application/zip", headers=headers
        )


def _masks_of(data: bytes, object_id: ObjectId | None) -> dict[ObjectId, Mask]:
    """The masks of a PNG. Raises InvalidInput."""
    with tempfile.TemporaryDirectory() as folder:  # a file that is open cannot be read on Windows
        path = Path(folder) / "mask.png"
        path.write_bytes(data)
        try:
            if object_id is not None:
                return {object_id: read_binary_mask(path)}
            labels = read_label_map(path)
        except InvalidInput as error:
            raise InvalidInput(str(error).replace(str(path), "the mask")) from None
    ids = [int(i) for i in np.unique(labels) if i not in (BACKGROUND, VOID)]
    if not ids:
        raise InvalidInput("the mask is empty: no pixel of it belongs to an object")
    return {i: labels == i for i in ids}


def _add_socket(app: FastAPI, sessions: Sessions) -> None:
    @app.websocket("/api/session/{key}/live")
    async def live(socket: WebSocket, key: str) -> None:
        """Commands in, events and masks out; the messages are those of protocol.py."""
        await socket.accept()
        try:
            hello = read_hello(await socket.receive_text())
            if problem := version_problem(hello.version):
                raise InvalidInput(problem)
            room = sessions.of(key)
        except CannotDo as error:
            await socket.close(4404, str(error))
            return
        except InvalidInput as error:
            await socket.send_text(write(Refused(str(error))))
            await socket.close(4400, "refused")
            return
        except WebSocketDisconnect:
            return
        seat = await room.sit_down(hello)
        sending = asyncio.create_task(_send_all(socket, seat))
        try:
            while True:
                _hear(room, seat, await socket.receive_text())
        except InvalidInput as error:  # a page that does not keep to the protocol at all
            seat.put(Refused(str(error)))
            seat.put(None)
            await sending
        except WebSocketDisconnect:
            pass
        finally:
            sending.cancel()
            room.stand_up(seat)


@dataclass(frozen=True, slots=True)
class _Numbered:
    """All that must be understood of a command to answer it."""

    id: int


_NUMBERED = TypeAdapter(_Numbered)


def _hear(room: Room, seat: Seat, text: str) -> None:
    """One command; it fails where it breaks the protocol. Raises BadMessage where it has no id."""
    try:
        room.hear(seat, read_command(text))
    except BadMessage as error:
        try:
            number = _NUMBERED.validate_json(text).id
        except ValidationError:
            raise error from None
        seat.put(Failed(number, str(error)))


async def _send_all(socket: WebSocket, seat: Seat) -> None:
    """Send what the seat is to be told until it is to hear no more."""
    while (message := await seat.outbox.get()) is not None:
        if isinstance(message, bytes):
            await socket.send_bytes(message)
        else:
            await socket.send_text(write(message))
    await socket.close(1000)
