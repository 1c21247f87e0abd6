"""Page and server speak of the same things, and say so when they do not."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import get_args

import pytest
from starlette.testclient import TestClient

from ivos.server import protocol
from ivos.server.page_protocol import PAGE_FILE, page_protocol
from ivos.server.protocol import (
    VERSION,
    BadMessage,
    Command,
    Done,
    Event,
    read_command,
    version_problem,
    write,
)
from tests.server.conftest import ORIGIN, PROTOCOL, opened


def test_the_pages_types_are_those_of_the_server():
    assert PAGE_FILE.read_text() == page_protocol(), (
        "run: python -m ivos.server.page_protocol, and commit what it writes"
    )


def test_every_message_has_its_own_name_and_every_command_a_number():
    names = [member.type for union in (Command, Event) for member in get_args(union)]
    assert len(names) == len(set(names))
    for command in get_args(Command):
        assert "id" in {field.name for field in fields(command)}, command


def test_a_message_survives_the_wire():
    assert json.loads(write(Done(4, 0.25, False))) == {
        "id": 4,
        "seconds": 0.25,
        "waiting": False,
        "type": "done",
    }


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ({"type": "dance", "id": 1}, "dance"),
        ({"id": 1}, "type"),
        ({"type": "interact", "id": 1, "frame": -1, "prompts": []}, "frame"),
        ({"type": "paint", "id": 1, "frame": 0, "object_id": 0, "erase": False, "runs": [0, 1]},
         "object_id"),
        ({"type": "lock", "id": 1, "start": "a", "stop": 2, "object_id": None, "locked": True},
         "start"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_command_is_named(message: dict[str, object], named: str):
    with pytest.raises(BadMessage, match=named):
        read_command(json.dumps(message))


@pytest.mark.parametrize("point", [[1.5, 0.2], [float("nan"), 0.2], [0.2]])
def test_points_outside_the_frame_are_not_a_message(point: list[float]):
    prompt = {"kind": "click", "object_id": 1, "path": [point], "positive": True}
    with pytest.raises(BadMessage):
        read_command(json.dumps({"type": "interact", "id": 1, "frame": 0, "prompts": [prompt]}))


def test_a_page_of_another_version_is_told_what_to_do():
    assert version_problem(VERSION) is None
    assert "reload the page" in str(version_problem(VERSION - 1))
    assert "restart `ivos serve`" in str(version_problem(VERSION + 1))


def test_the_socket_refuses_another_version_in_one_line(client: TestClient):
    key = opened(client)
    with client.websocket_connect(f"/api/session/{key}/live", headers=ORIGIN) as socket:
        hello = {"type": "hello", "version": VERSION + 1, "client": "a", "take_over": False}
        socket.send_text(json.dumps(hello))
        answer = json.loads(socket.receive_text())
    assert answer["type"] == "refused"
    assert str(VERSION + 1) in answer["reason"]
    assert "\n" not in answer["reason"]


def test_requests_of_another_version_are_refused_too(client: TestClient):
    answer = client.post(
        "/api/open",
        json={"path": "clip.mkv"},
        headers=PROTOCOL | {"x-ivos-protocol": str(VERSION + 1)},
    )
    assert answer.status_code == 426
    assert "restart `ivos serve`" in answer.json()["detail"]


def test_the_version_is_in_the_page():
    assert f"export const VERSION = {protocol.VERSION};" in PAGE_FILE.read_text()
