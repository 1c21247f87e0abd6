"""No path outside the opened folder can be read or written."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from ivos.project import Project
from ivos.server.places import OutsideError, Places
from tests.server.conftest import opened, page, serving

BAD = [
    "../secret.mkv",
    "/etc/passwd",
    "sub/../../secret.mkv",
    "..",
    "..\\secret.mkv",
    "C:\\secret.mkv",
    "\\\\host\\share",
    "clip.mkv\0.png",
]


@pytest.fixture
def secret(folder: Path) -> Path:
    return Path(shutil.copy(folder / "clip.mkv", folder.parent / "secret.mkv"))


@pytest.mark.parametrize("path", BAD)
def test_a_path_that_leads_out_is_refused(folder: Path, secret: Path, path: str):
    with pytest.raises(OutsideError):
        Places(folder).inside(path)


@pytest.mark.parametrize("path", BAD)
def test_opening_and_listing_stay_inside(client: TestClient, secret: Path, path: str):
    assert client.post("/api/open", json={"path": path}).status_code == 403
    assert client.get("/api/places", params={"folder": path}).status_code == 403


def test_a_link_that_leads_out_is_neither_listed_nor_opened(
    client: TestClient, folder: Path, secret: Path
):
    (folder / "link.mkv").symlink_to(secret)
    (folder / "away").symlink_to(folder.parent)
    names = {place["name"] for place in client.get("/api/places").json()["places"]}
    assert names == {"clip.mkv"}
    assert client.post("/api/open", json={"path": "link.mkv"}).status_code == 403
    assert client.post("/api/open", json={"path": "away/secret.mkv"}).status_code == 403


def test_a_link_inside_is_as_good_as_a_file(client: TestClient, folder: Path):
    (folder / "same.mkv").symlink_to(folder / "clip.mkv")
    assert client.post("/api/open", json={"path": "same.mkv"}).status_code == 200


def test_a_project_about_a_video_outside_is_refused(folder: Path, secret: Path):
    from ivos.video import open_video

    Project.create(folder / "sneaky.ivos", open_video(secret), secret).close()
    with serving(folder) as client:
        answer = client.post("/api/open", json={"path": "sneaky.ivos"})
        assert answer.status_code == 403
        assert str(folder.parent) not in answer.text
    with serving(folder, also=frozenset({secret.resolve()})) as client:
        assert client.post("/api/open", json={"path": "sneaky.ivos"}).status_code == 200


def test_the_pages_own_files_do_not_lead_out(client: TestClient):
    for path in ("/../protocol.py", "/..%2fprotocol.py", "/%2e%2e/protocol.py"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("name", ["..", "%2e%2e", "..%2fclip.mkv", "%2fetc%2fpasswd", "nothing"])
def test_downloads_are_exports_only(client: TestClient, name: str):
    key = opened(client)
    answer = client.get(f"/api/session/{key}/exports/{name}")
    assert answer.status_code in (400, 403, 404)


class TestUploads:
    def put(self, client: TestClient, name: str, data: bytes):
        return client.put(f"/api/uploads/{name}", content=data)

    def test_a_video_arrives_whole_and_opens(self, client: TestClient, folder: Path):
        data = (folder / "clip.mkv").read_bytes()
        answer = self.put(client, "new.mkv", data)
        assert answer.json() == {"path": "new.mkv"}
        assert (folder / "new.mkv").read_bytes() == data
        opened(client, "new.mkv")

    def test_a_project_arrives_as_it_is_whatever_was_left_of_a_deleted_one(self, folder: Path):
        path, log = folder / "clip.ivos", folder / "clip.ivos-wal"
        with serving(folder) as client:
            opened(client)
        data = path.read_bytes()
        with serving(folder) as client, page(client, opened(client)) as one:
            one.stroke()
            left = log.read_bytes()
        path.unlink()
        log.write_bytes(left)
        with serving(folder) as client:
            assert self.put(client, "clip.ivos", data).json() == {"path": "clip.ivos"}
            assert {entry.name for entry in folder.iterdir()} == {"clip.ivos", "clip.mkv"}
            with page(client, opened(client, "clip.ivos")) as one:
                assert one.snapshot()["steps"] == []

    def test_nothing_is_overwritten(self, client: TestClient, folder: Path):
        data = (folder / "clip.mkv").read_bytes()
        assert self.put(client, "clip.mkv", data).json() == {"path": "clip (2).mkv"}

    @pytest.mark.parametrize("data", [b"", b"this is not a video", b"\x00\x00\x00\x18ftypmp42"])
    def test_a_broken_one_is_refused_in_the_words_of_the_command_line_and_leaves_nothing(
        self, client: TestClient, folder: Path, data: bytes
    ):
        answer = self.put(client, "broken.mp4", data)
        assert answer.status_code == 400
        assert "broken.mp4" in answer.json()["detail"]
        assert str(folder) not in answer.json()["detail"]
        assert [path.name for path in folder.iterdir()] == ["clip.mkv"]

    @pytest.mark.parametrize("name", ["..%2fevil.mp4", ".hidden.mp4", "a%2fb.mp4", "c:%5Cx.mp4"])
    def test_a_name_that_is_a_path_is_refused(self, client: TestClient, folder: Path, name: str):
        assert self.put(client, name, b"x").status_code in (403, 404, 405)
        assert [path.name for path in folder.iterdir()] == ["clip.mkv"]

    def test_only_videos_and_projects_are_taken(self, client: TestClient):
        answer = self.put(client, "evil.html", b"<script>")
        assert answer.status_code == 400
        assert ".mp4" in answer.json()["detail"]

    def test_a_file_that_is_too_large_is_refused_whether_it_says_so_or_not(self, folder: Path):
        with serving(folder, upload_limit=1000) as client:
            said = self.put(client, "big.mp4", bytes(5000))
            streamed = client.put("/api/uploads/big.mp4", content=(bytes(600) for _ in range(4)))
        assert (said.status_code, streamed.status_code) == (413, 413)
        assert [path.name for path in folder.iterdir()] == ["clip.mkv"]


class TestMasks:
    def png(self, pixels: np.ndarray) -> bytes:
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "PNG")
        return out.getvalue()

    def test_a_mask_becomes_the_mask_of_the_frame(self, client: TestClient):
        key = opened(client)
        pixels = np.zeros((96, 128), np.uint8)
        pixels[10:20, 30:50] = 255
        with page(client, key) as one:
            answer = client.post(
                f"/api/session/{key}/masks/3?object_id=2", content=self.png(pixels)
            )
            assert answer.json() == {"objects": [2]}
            one.until("masks_changed")
            assert one.snapshot()["annotated"] == [3]

    @pytest.mark.parametrize("data", [b"", b"nonsense", b"\x89PNG\r\n\x1a\n"])
    def test_what_is_not_a_picture_is_refused(self, client: TestClient, data: bytes):
        key = opened(client)
        answer = client.post(f"/api/session/{key}/masks/0?object_id=1", content=data)
        assert answer.status_code == 400
        assert "the mask" in answer.json()["detail"]

    def test_a_mask_of_another_size_is_refused(self, client: TestClient):
        key = opened(client)
        data = self.png(np.full((10, 10), 255, np.uint8))
        answer = client.post(f"/api/session/{key}/masks/0?object_id=1", content=data)
        assert answer.status_code == 400
