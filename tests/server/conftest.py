"""A server on fakes, and a page that speaks the protocol with it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from starlette.testclient import TestClient, WebSocketTestSession

from ivos.server.app import create_app
from ivos.server.guard import Access
from ivos.server.opening import FileOpener
from ivos.server.places import Places
from ivos.server.protocol import VERSION
from tests.fakes import ColourNetworks, MovingSquares

HOST = {"host": "127.0.0.1:8000"}
ORIGIN = HOST | {"origin": "http://127.0.0.1:8000"}
PROTOCOL = {"x-ivos-protocol": str(VERSION)}
SQUARES = MovingSquares(length=10, size=(96, 128))


def write_video(path: Path, video: MovingSquares = SQUARES) -> Path:
    """A made video as a lossless file."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        stream.height, stream.width = video.size
        stream.pix_fmt = "bgr0"
        for frame in range(len(video)):
            image = np.ascontiguousarray(video[frame])
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        output.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made video, written once."""
    return write_video(tmp_path_factory.mktemp("made") / "clip.mkv")


@pytest.fixture
def folder(tmp_path: Path, clip: Path) -> Path:
    """An opened folder with one video, ``clip.mkv``."""
    opened = tmp_path / "opened"
    opened.mkdir()
    shutil.copy(clip, opened)
    return opened


Client = Callable[..., TestClient]


@pytest.fixture
def client(folder: Path) -> Iterator[TestClient]:
    """A browser on the loopback address."""
    with serving(folder) as browser:
        yield browser


@contextmanager
def serving(
    folder: Path,
    *,
    access: Access = Access(),  # noqa: B008
    upload_limit: int = 1 << 20,
    networks: ColourNetworks | None = None,
    also: frozenset[Path] = frozenset(),
    first: str | None = None,
) -> Iterator[TestClient]:
    places = Places(folder, upload_limit=upload_limit, also=also)
    opener = FileOpener(places, lambda: networks or ColourNetworks())
    app = create_app(places, opener, access=access, first=first)
    with TestClient(app, base_url="http://127.0.0.1:8000", headers=PROTOCOL) as browser:
        yield browser


class Page:
    """What the page does, without a browser: says hello, asks, and keeps what it hears."""

    def __init__(self, socket: WebSocketTestSession) -> None:
        self._socket = socket
        self._number = 0
        self.heard: list[dict[str, Any]] = []
        self.masks: list[bytes] = []

    def next(self) -> dict[str, Any]:
        """The next message that is not a mask; masks are kept."""
        while True:
            message = self._socket.receive()
            if message["type"] == "websocket.close":
                return {"type": "hung up", "code": message["code"]}
            if message.get("bytes") is not None:
                self.masks.append(message["bytes"])
                continue
            found: dict[str, Any] = json.loads(message["text"])
            self.heard.append(found)
            return found

    def until(self, kind: str) -> dict[str, Any]:
        """The next message of this kind."""
        while (message := self.next())["type"] != kind:
            assert message["type"] != "hung up", f"waiting for {kind}"
        return message

    def ask(self, kind: str, /, **fields: Any) -> dict[str, Any]:
        """Send a command, and return what the server answered to it."""
        number = self.send(kind, **fields)
        while True:
            message = self.next()
            assert message["type"] != "hung up"
            if message.get("id") == number:
                return message

    def send(self, kind: str, /, **fields: Any) -> int:
        self._number += 1
        self.say(json.dumps({"type": kind, "id": self._number, **fields}))
        return self._number

    def say(self, text: str) -> None:
        """Send what need not be a command."""
        self._socket.send_text(text)

    def leave(self) -> None:
        """Hang up, as a tab that is closed or reloaded."""
        self._socket.close()

    def stroke(self, object_id: int = 1, frame: int = 0) -> dict[str, Any]:
        """Draw along an object's diagonal, as a person would."""
        path = [list(SQUARES.point(object_id, frame, at)) for at in (0.3, 0.7)]
        prompt = {"kind": "scribble", "object_id": object_id, "path": path, "positive": True}
        return self.ask("interact", frame=frame, prompts=[prompt])

    def propagate(self, start: int | None = None, stop: int | None = None) -> dict[str, Any]:
        """Propagate both ways, to the end."""
        self.start_run(start, stop)
        return self.until("run_ended")

    def start_run(
        self, start: int | None = None, stop: int | None = None, *, across_cuts: bool = False
    ) -> None:
        """Propagate both ways, to be watched."""
        ways = {"forward": True, "backward": True, "across_cuts": across_cuts}
        assert self.ask("propagate", start=start, stop=stop, **ways)["type"] == "done"

    def snapshot(self) -> dict[str, Any]:
        """The last snapshot that was heard."""
        return next(m for m in reversed(self.heard) if m["type"] == "snapshot")


def opened(client: TestClient, path: str = "clip.mkv", *, take_over: bool = False) -> str:
    answer = client.post("/api/open", json={"path": path, "take_over": take_over})
    assert answer.status_code == 200, answer.text
    key: str = answer.json()["key"]
    return key


@contextmanager
def page(
    client: TestClient, key: str, *, name: str = "one", take_over: bool = False
) -> Iterator[Page]:
    """A page that has been welcomed and has heard all there is."""
    with client.websocket_connect(f"/api/session/{key}/live", headers=ORIGIN) as socket:
        hello = {"type": "hello", "version": VERSION, "client": name, "take_over": take_over}
        socket.send_text(json.dumps(hello))
        one = Page(socket)
        one.until("snapshot")
        yield one
