"""Only our own page, on this machine, or whoever has the token."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from ivos.cli.serve import access_for
from ivos.errors import InvalidInput
from ivos.server.guard import Access
from tests.server.conftest import HOST, ORIGIN, PROTOCOL, opened, serving

TOKEN = "a-token-that-is-long-enough"


def test_a_rebound_name_is_refused(client: TestClient):
    answer = client.get("/api/places", headers={"host": "evil.example:8000"})
    assert answer.status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000"])
def test_this_machines_names_are_ours(client: TestClient, host: str):
    assert client.get("/api/places", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:9999", "null"])
def test_a_foreign_page_changes_nothing(client: TestClient, folder: Path, origin: str):
    answer = client.post("/api/open", json={"path": "clip.mkv"}, headers={"origin": origin})
    assert answer.status_code == 403
    assert not (folder / "clip.ivos").exists()


def test_a_form_of_a_foreign_page_is_refused_even_without_an_origin(client: TestClient):
    client.headers.pop("x-ivos-protocol")
    answer = client.post("/api/open", data={"path": "clip.mkv"})
    assert answer.status_code == 403


def test_a_foreign_page_cannot_show_our_frames(client: TestClient):
    key = opened(client)
    answer = client.get(f"/api/session/{key}/frames/0", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403


@pytest.mark.parametrize("headers", [HOST | {"origin": "https://evil.example"}, HOST])
def test_the_socket_is_only_for_our_own_page(client: TestClient, headers: dict[str, str]):
    key = opened(client)
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(f"/api/session/{key}/live", headers=headers),
    ):
        pass


def test_the_page_loads_nothing_from_elsewhere(client: TestClient):
    answer = client.get("/")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "//" not in answer.text.replace("<!doctype html>", "").replace("http://www.w3.org", "")
    assert client.get("/docs").status_code == 200
    assert client.get("/openapi.json").status_code == 200


def test_no_file_of_the_page_names_another_server():
    page = Path(__file__).parents[2] / "src/ivos/server/page"
    for path in page.iterdir():
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text, path
        assert "https://" not in text, path


class TestWithAToken:
    @pytest.fixture
    def guarded(self, folder: Path):
        access = Access(frozenset({"127.0.0.1"}), TOKEN, any_address=True)
        with serving(folder, access=access) as browser:
            yield browser

    def test_nothing_is_answered_without_it(self, guarded: TestClient):
        for path in ("/", "/api/hello", "/api/places", "/docs", "/openapi.json"):
            assert guarded.get(path).status_code == 401, path
        assert guarded.get("/healthz").status_code == 200

    def test_the_printed_address_lets_in_and_leaves_no_token_behind(self, guarded: TestClient):
        answer = guarded.get("/", params={"token": TOKEN}, follow_redirects=False)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/"
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert guarded.get("/api/places").status_code == 200

    def test_a_wrong_token_is_as_good_as_none(self, guarded: TestClient):
        assert guarded.get("/", params={"token": TOKEN + "x"}).status_code == 401
        bearer = {"authorization": f"Bearer {TOKEN[:-1]}"}
        assert guarded.get("/api/places", headers=bearer).status_code == 401

    def test_scripts_send_it_as_a_bearer(self, guarded: TestClient):
        bearer = {"authorization": f"Bearer {TOKEN}"}
        assert guarded.get("/api/places", headers=bearer).status_code == 200

    def test_the_socket_needs_it_as_well(self, guarded: TestClient):
        bearer = {"authorization": f"Bearer {TOKEN}"}
        key = guarded.post("/api/open", json={"path": "clip.mkv"}, headers=bearer).json()["key"]
        with (
            pytest.raises(WebSocketDisconnect),
            guarded.websocket_connect(f"/api/session/{key}/live", headers=ORIGIN),
        ):
            pass

    def test_it_answers_to_addresses_but_not_to_unknown_names(self, guarded: TestClient):
        bearer = PROTOCOL | {"authorization": f"Bearer {TOKEN}"}
        good = guarded.get("/api/places", headers=bearer | {"host": "192.168.1.7:8000"})
        bad = guarded.get("/api/places", headers=bearer | {"host": "rebound.example"})
        assert (good.status_code, bad.status_code) == (200, 421)


def test_another_host_always_has_a_token_and_loopback_need_not():
    assert access_for("127.0.0.1", None).token is None
    assert len(str(access_for("0.0.0.0", None).token)) >= 24
    assert access_for("0.0.0.0", None).token != access_for("0.0.0.0", None).token


def test_a_short_token_is_refused():
    with pytest.raises(InvalidInput, match="16"):
        access_for("0.0.0.0", "secret")
