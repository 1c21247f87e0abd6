"""What a page asks for happens, is told to everyone, and is on disk."""

from __future__ import annotations

import base64
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from starlette.testclient import TestClient

from ivos.deliver import kinds
from ivos.deliver.kinds import Export
from ivos.project import Project
from ivos.runtime.protocol import Array
from ivos.server import room
from ivos.server.exports import checked_options
from ivos.server.opening import FileOpener, OpenedProject
from ivos.server.packets import HEADER, pack_labels, pack_soft
from ivos.server.values import MAX_POINTS
from ivos.types import Frame, Progress
from tests.fakes import FAKE_SPEC, ColourNetworks, MovingSquares
from tests.server.conftest import SQUARES, opened, page, serving, write_video


def labels_of(packet: bytes) -> tuple[int, NDArray[np.uint8]]:
    """The frame number and the whole label map (or soft mask) of a packet."""
    _, _, frame, _, height, width, top, left, bottom, right = HEADER.unpack_from(packet)
    whole = np.zeros((height, width), np.uint8)
    box = np.frombuffer(zlib.decompress(packet[HEADER.size :]), np.uint8)
    whole[top:bottom, left:right] = box.reshape(bottom - top, right - left)
    return frame, whole


def fetched(client: TestClient, key: str, what: str) -> NDArray[np.uint8]:
    answer = client.get(f"/api/session/{key}/{what}")
    assert answer.status_code == 200, answer.text
    return labels_of(answer.content)[1]


def overlap(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float((a & b).sum() / max(1, (a | b).sum()))


class SlowNetworks(ColourNetworks):
    """Networks that propagate only when they are let."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Semaphore(0)

    def propagate(self, reference: Array, frame: Array, neighbour: Array, previous: Array) -> Array:
        self.gate.acquire(timeout=20)
        return super().propagate(reference, frame, neighbour, previous)


@pytest.fixture
def two_shots(folder: Path) -> Path:
    """The squares, then a chequered wall in other colours: another shot."""
    chequers = np.indices((96, 128)).sum(axis=0) // 24 % 2
    wall = np.where(chequers[..., None] == 1, (250, 220, 20), (10, 20, 90)).astype(np.uint8)

    class Shots(MovingSquares):
        def __getitem__(self, frame: int) -> Frame:
            return super().__getitem__(frame) if frame < 10 else wall

    return write_video(folder / "shots.mkv", Shots(length=20, size=(96, 128)))


@pytest.mark.parametrize("labels", [np.zeros((5, 7), np.uint8), np.eye(6, dtype=np.uint8) * 9])
def test_a_packet_holds_the_whole_label_map(labels: NDArray[np.uint8]):
    frame, found = labels_of(pack_labels(12, 3, labels))
    assert frame == 12
    np.testing.assert_array_equal(found, labels)


def test_soft_masks_are_rounded_to_eight_bits():
    soft = np.array([[0, 0.5], [0.998, 1]], np.float32)
    np.testing.assert_array_equal(labels_of(pack_soft(0, 0, soft))[1], [[0, 128], [254, 255]])


def test_a_stroke_is_answered_with_the_mask_of_its_frame(client: TestClient):
    key = opened(client)
    with page(client, key) as one:
        assert one.stroke(1, frame=2)["type"] == "done"
        frame, labels = labels_of(one.masks[0])
        assert frame == 2
        assert overlap(labels == 1, SQUARES.mask(1, 2)) > 0.8
        assert one.snapshot()["open"][0]["prompts"][0]["object_id"] == 1


def test_a_large_object_is_shown_before_it_is_looked_at_in_detail(folder: Path):
    class Hesitating(ColourNetworks):
        asked = 0

        def interact(
            self, frame: Array, previous: Array, positive: Array, negative: Array
        ) -> tuple[Array, Array]:
            self.asked += 1
            logits, reference = super().interact(frame, previous, positive, negative)
            return (logits if self.asked == 1 else np.full_like(logits, 9.0)), reference

    with serving(folder, networks=Hesitating(replace(FAKE_SPEC, detail_side=15.0))) as client:
        key = opened(client)
        with page(client, key) as one:
            assert one.stroke(1, frame=2)["type"] == "done"
            early, final = (labels_of(packet)[1] for packet in one.masks)
        assert overlap(early == 1, SQUARES.mask(1, 2)) > 0.8
        assert (final == 1).sum() > 1.5 * (early == 1).sum()
        np.testing.assert_array_equal(fetched(client, key, "labels/2"), final)


def test_a_round_is_on_disk_before_the_page_hears_of_it(client: TestClient, folder: Path):
    key = opened(client)
    with page(client, key) as one:
        one.stroke()
        one.propagate()
        with Project.open(folder / "clip.ivos", read_only=True) as project:
            assert [step.action.kind for step in project.store.steps()] == ["interact", "propagate"]


def test_propagation_says_how_far_it_is_and_fills_every_frame(client: TestClient):
    key = opened(client)
    with page(client, key) as one:
        one.stroke(1, frame=4)
        ended = one.propagate()
        running = [m["run"] for m in one.heard if m["type"] == "running"]
        assert [run["done"] for run in running] == list(range(1, 10))
        assert running[-1]["seconds_left"] == 0
        assert not ended["cancelled"]
        one.until("masks_changed")
        assert one.snapshot()["objects"][0]["masked"] == [[0, 10]]
        for frame in (0, 9):
            assert (
                overlap(fetched(client, key, f"labels/{frame}") == 1, SQUARES.mask(1, frame)) > 0.8
            )


def test_in_and_out_bound_a_propagation(client: TestClient):
    key = opened(client)
    with page(client, key) as one:
        one.stroke(1, frame=4)
        one.propagate(3, 7)
        one.until("masks_changed")
        assert one.snapshot()["objects"][0]["masked"] == [[3, 7]]


def test_cancelling_keeps_what_is_done(folder: Path):
    slow = SlowNetworks()
    with serving(folder, networks=slow) as client, page(client, opened(client)) as one:
        one.stroke()
        slow.gate.release(2)
        one.start_run()
        one.until("running")
        one.send("cancel")
        slow.gate.release(100)
        ended = one.until("run_ended")
        assert ended["cancelled"]
        assert 0 < ended["done"] < 9
        one.until("masks_changed")
        assert one.snapshot()["objects"][0]["masked"] == [[0, 1 + ended["done"]]]
        assert one.snapshot()["run"] is None


def test_a_stroke_during_a_run_is_shown_at_once_and_kept_for_after_it(folder: Path):
    slow = SlowNetworks()
    with serving(folder, networks=slow) as client, page(client, opened(client)) as one:
        one.stroke(1, frame=0)
        before = len(one.masks)
        one.start_run(None, 6)
        slow.gate.release(1)
        one.until("running")
        threading.Timer(0.2, slow.gate.release).start()  # the stroke is heard between two steps
        answer = one.stroke(2, frame=8)
        assert answer["waiting"]
        frame, preview = labels_of(one.masks[before])
        assert frame == 8
        assert overlap(preview == 2, SQUARES.mask(2, 8)) > 0.8
        slow.gate.release(100)
        if not any(m["type"] == "run_ended" for m in one.heard):
            one.until("run_ended")
        while one.snapshot()["waiting"] or 8 not in one.snapshot()["annotated"]:
            one.next()
        assert one.snapshot()["undo"] == "Draw Object 2 on frame 8"


def during(slow: SlowNetworks, ask: Callable[..., dict], *args: object, **fields: object) -> dict:
    """What a page is answered between two steps of a run."""
    threading.Timer(0.2, slow.gate.release).start()
    return ask(*args, **fields)


def test_strokes_that_wait_for_a_run_are_kept_when_the_server_is_stopped(folder: Path):
    slow = SlowNetworks()
    with serving(folder, networks=slow) as client, page(client, opened(client)) as one:
        one.stroke(1, frame=0)
        one.start_run()
        slow.gate.release()
        one.until("running")
        assert during(slow, one.stroke, 2, frame=8)["waiting"]
        slow.gate.release()
    with Project.open(folder / "clip.ivos", read_only=True) as project:
        steps = [(step.action.kind, step.action.frame) for step in project.store.steps()]
    assert steps == [("interact", 0), ("propagate", None), ("interact", 8)]


def test_strokes_that_wait_for_a_run_are_kept_when_it_dies(folder: Path):
    class Dying(SlowNetworks):
        def propagate(self, *args: Array) -> Array:
            super().propagate(*args)
            if self.batches["propagate"][2:]:
                raise MemoryError("no room")
            return args[2]

    slow = Dying()
    with serving(folder, networks=slow) as client, page(client, opened(client)) as one:
        one.stroke(1, frame=0)
        one.start_run()
        assert during(slow, one.stroke, 2, frame=8)["waiting"]
        slow.gate.release(100)
        assert "no room" in one.until("run_ended")["error"]
        after = one.until("snapshot")
        assert (after["waiting"], after["undo"]) == (0, "Draw Object 2 on frame 8")


def test_every_brush_stroke_of_a_run_stays_in_sight(folder: Path):
    slow = SlowNetworks()
    with serving(folder, networks=slow) as client, page(client, opened(client)) as one:
        one.stroke(1, frame=0)
        one.start_run()
        during(slow, one.stroke, 2, frame=8)
        for row in (2, 4):
            brushed = {"object_id": 1, "erase": False, "runs": [row * 128, 20]}
            during(slow, one.ask, "paint", frame=8, **brushed)
        shown = [labels for frame, labels in map(labels_of, one.masks) if frame == 8][-1]
        assert (shown[[2, 4], :20] == 1).all()
        assert overlap(shown == 2, SQUARES.mask(2, 8)) > 0.8
        slow.gate.release(100)


def test_what_cannot_be_done_during_a_run_says_so(folder: Path):
    slow = SlowNetworks()
    with serving(folder, networks=slow) as client, page(client, opened(client)) as one:
        one.stroke()
        one.start_run()
        for kind in ("undo", "redo"):
            assert "propagation is running" in one.ask(kind)["message"]
        slow.gate.release(100)
        one.until("run_ended")


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("remove_object", {"object_id": 1}),
        ("reject", {"step": 2, "start": 0, "stop": 10, "object_id": None}),
    ],
)
def test_masks_stay_what_they_are_while_they_are_exported(folder: Path, kind: str, fields: dict):
    class Held(Export):
        def run(self) -> Iterator[Progress]:
            for progress in super().run():
                yield progress
                gate.acquire(timeout=20)

    gate = threading.Semaphore(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kinds, "Export", Held)
        with serving(folder) as client, page(client, opened(client)) as one:
            one.stroke()
            one.propagate()
            one.ask("export", kind="davis", options={})
            threading.Timer(0.2, gate.release).start()
            assert "an export is running" in one.ask(kind, **fields)["message"]
            gate.release(100)
            one.until("run_ended")
            assert one.ask(kind, **fields)["type"] == "done"


def test_a_brush_sets_exactly_its_pixels(client: TestClient):
    key = opened(client)
    with page(client, key) as one:
        runs = [5 * 128 + 10, 20, 6 * 128 + 10, 20]
        assert one.ask("paint", frame=1, object_id=3, erase=False, runs=runs)["type"] == "done"
        expected = np.zeros((96, 128), np.uint8)
        expected[5:7, 10:30] = 3
        np.testing.assert_array_equal(fetched(client, key, "labels/1"), expected)
        one.ask("paint", frame=1, object_id=3, erase=True, runs=[5 * 128, 128])
        expected[5] = 0
        np.testing.assert_array_equal(fetched(client, key, "labels/1"), expected)


def test_a_brush_stroke_outside_the_frame_is_refused(client: TestClient):
    with page(client, opened(client)) as one:
        answer = one.ask("paint", frame=0, object_id=1, erase=False, runs=[96 * 128 - 2, 5])
        assert "outside the frame" in answer["message"]


def test_accepted_frames_keep_their_masks(client: TestClient):
    key = opened(client)
    with page(client, key) as one:
        one.stroke(1, frame=0)
        one.propagate()
        one.ask("lock", start=5, stop=6, object_id=None, locked=True)
        locked = fetched(client, key, "labels/5")
        one.ask("paint", frame=9, object_id=1, erase=True, runs=[0, 96 * 128])
        one.propagate()
        np.testing.assert_array_equal(fetched(client, key, "labels/5"), locked)
        assert "locked" in one.stroke(1, frame=5)["message"]


def test_undo_and_redo_go_through_everything_and_outlive_the_server(folder: Path):
    with serving(folder) as client, page(client, opened(client)) as one:
        one.stroke()
        one.propagate()
        one.ask("change_object", object_id=1, name="Cat", colour=None, hidden=None, locked=None)
        after = one.snapshot()
    with serving(folder) as client:
        key = opened(client)
        with page(client, key) as one:
            assert one.snapshot() == after
            assert one.ask("undo")["type"] == "done"
            assert one.snapshot()["objects"][0]["name"] == "Object 1"
            one.ask("undo")
            one.ask("undo")
            assert one.snapshot()["objects"] == []
            assert "nothing to undo" in one.ask("undo")["message"]
            for _ in range(3):
                one.ask("redo")
            assert one.snapshot()["objects"] == after["objects"]
            assert overlap(fetched(client, key, "labels/9") == 1, SQUARES.mask(1, 9)) > 0.8


def test_before_and_after_a_round_can_be_compared_and_taken_back(client: TestClient):
    key = opened(client)
    with page(client, key) as one:
        one.stroke(1, frame=0)
        one.propagate()
        first = fetched(client, key, "labels/4")
        one.ask("paint", frame=9, object_id=1, erase=False, runs=[0, 128 * 4])
        one.propagate()
        step = one.until("snapshot")["last_run"]
        np.testing.assert_array_equal(fetched(client, key, f"labels/4?before={step}"), first)
        one.ask("reject", step=step, start=4, stop=5, object_id=None)
        np.testing.assert_array_equal(fetched(client, key, "labels/4"), first)


def test_the_review_knows_every_frame_with_a_mask(client: TestClient):
    with page(client, opened(client)) as one:
        one.stroke(1, frame=0)
        one.propagate(0, 6)
        track = bytearray([255] * 10)
        one.ask("add_object", name=None)
        for message in one.heard:
            if message["type"] == "review" and message["object_id"] == 1:
                values = base64.b64decode(message["confidence"])
                track[message["start"] : message["start"] + len(values)] = values
        assert all(value <= 200 for value in track[:6])
        assert all(value == 255 for value in track[6:])


def test_objects_are_added_named_and_removed(client: TestClient):
    with page(client, opened(client)) as one:
        one.ask("add_object", name="Left")
        one.ask("add_object", name=None)
        one.ask("change_object", object_id=2, name=None, colour=[1, 2, 3], hidden=True, locked=None)
        objects = one.snapshot()["objects"]
        assert [thing["name"] for thing in objects] == ["Left", "Object 2"]
        assert (objects[1]["colour"], objects[1]["hidden"]) == ([1, 2, 3], True)
        one.ask("remove_object", object_id=1)
        assert [thing["object_id"] for thing in one.snapshot()["objects"]] == [2]
        assert "no object 7" in one.ask("remove_object", object_id=7)["message"]


class TestTwoTabs:
    def test_the_second_looks_on_and_may_take_over(self, client: TestClient):
        key = opened(client)
        with page(client, key, name="one") as one, page(client, key, name="two") as two:
            assert [m["driving"] for m in two.heard if m["type"] == "welcome"] == [False]
            assert "another tab" in two.stroke()["message"]
            one.stroke()
            assert two.until("snapshot")["head"] == 1
            assert two.ask("take_over")["type"] == "done"
            assert one.until("driving")["driving"] is False
            assert "another tab" in one.stroke()["message"]
            assert two.stroke()["type"] == "done"

    def test_who_is_left_drives_once_the_other_does_not_come_back(
        self, client: TestClient, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(room, "COME_BACK", 0.1)
        key = opened(client)
        with page(client, key, name="two") as two, page(client, key, name="one") as one:
            assert one.ask("take_over")["type"] == "done"
            assert two.until("driving")["driving"] is False
            one.leave()
            assert two.until("driving")["driving"] is True
            assert two.stroke()["type"] == "done"

    def test_a_tab_that_is_reloaded_goes_on_driving(self, client: TestClient):
        key = opened(client)
        with page(client, key, name="one") as one, page(client, key, name="two") as two:
            one.leave()
            with page(client, key, name="three") as three:
                assert "another tab" in three.stroke()["message"]
            with page(client, key, name="one") as again:
                assert again.stroke()["type"] == "done"
                assert "another tab" in two.stroke()["message"]

    def test_opening_another_video_sends_the_page_away_with_words(
        self, client: TestClient, folder: Path
    ):
        (folder / "other.mkv").write_bytes((folder / "clip.mkv").read_bytes())
        with page(client, opened(client)) as one:
            opened(client, "other.mkv")
            assert "another video" in one.until("closed")["reason"]

    def test_a_video_that_cannot_be_opened_leaves_the_open_one_and_its_run(self, folder: Path):
        (folder / "broken.mkv").write_bytes(b"no video at all")
        slow = SlowNetworks()
        with serving(folder, networks=slow) as client, page(client, opened(client)) as one:
            one.stroke()
            one.start_run()
            for path in ("broken.mkv", "missing.mkv"):
                assert client.post("/api/open", json={"path": path}).status_code in (400, 404, 409)
            assert client.get("/api/hello").json()["key"] is not None
            slow.gate.release(100)
            ended = one.until("run_ended")
            assert (ended["cancelled"], ended["done"]) == (False, 9)

    def test_what_is_open_can_be_opened_again(self, client: TestClient):
        with page(client, opened(client)) as one:
            one.stroke()
        with page(client, opened(client)) as one:
            assert one.snapshot()["annotated"] == [0]


def test_a_tab_that_comes_while_the_video_is_being_opened_waits_for_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    opening, plain = threading.Event(), FileOpener.open

    def slowly(self: FileOpener, path: Path, *, take_over: bool = False) -> OpenedProject:
        opening.set()
        time.sleep(0.5)
        return plain(self, path, take_over=take_over)

    monkeypatch.setattr(FileOpener, "open", slowly)
    with serving(folder, first="clip.mkv") as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.get, "/api/hello")
        assert opening.wait(20)
        second = client.get("/api/hello").json()
        assert second["key"] is not None
        assert second == first.result(timeout=20).json()


def test_a_second_server_on_one_project_is_told_and_may_take_over(folder: Path):
    with serving(folder) as first, page(first, opened(first)) as one:
        one.stroke()
        with serving(folder) as second:
            refused = second.post("/api/open", json={"path": "clip.mkv"})
            assert refused.status_code == 409
            assert refused.json()["in_use"]
            taken = second.post("/api/open", json={"path": "clip.mkv", "take_over": True})
            assert taken.status_code == 200
            assert one.stroke()["type"] == "failed"


def test_the_first_page_can_take_over_what_another_program_has_open(folder: Path):
    with (
        serving(folder) as first,
        page(first, opened(first)),
        serving(folder, first="clip.mkv") as second,
    ):
        for _ in range(2):  # also after a reload
            hello = second.get("/api/hello").json()
            assert (hello["key"], hello["in_use"]) == (None, "clip.mkv")
            assert "in use" in hello["problem"]
        opened(second, "clip.mkv", take_over=True)
        assert second.get("/api/hello").json()["key"] is not None


def test_every_kind_is_offered_and_exports_can_be_fetched(client: TestClient, folder: Path):
    key = opened(client)
    names = {kind["name"] for kind in client.get("/api/kinds").json()}
    assert {"davis", "coco", "prores4444", "csv", "png"} <= names
    with page(client, key) as one:
        one.stroke()
        one.propagate()
        one.ask("export", kind="coco", options={})
        ended = one.until("run_ended")
        assert (ended["folder"], ended["result"]) == ("clip-exports", "coco.json")
        assert client.get(f"/api/session/{key}/exports/coco.json").json()["annotations"]
        one.ask("export", kind="davis", options={"frames": "2:5"})
        one.until("run_ended")
        pictures = sorted(path.name for path in (folder / "clip-exports/davis").iterdir())
        assert pictures == ["00002.png", "00003.png", "00004.png"]
        zipped = client.get(f"/api/session/{key}/exports/davis")
        assert zipped.content[:2] == b"PK"


@pytest.mark.parametrize("name", ["{client}", "{name}", "{object}", "take }"])
def test_braces_in_a_folders_name_are_part_of_it(folder: Path, name: str):
    place = folder / name
    place.mkdir()
    (folder / "clip.mkv").rename(place / "clip.mkv")
    with serving(folder) as client, page(client, opened(client, f"{name}/clip.mkv")) as one:
        one.stroke()
        assert one.ask("export", kind="davis", options={})["type"] == "done"
        assert one.until("run_ended")["error"] is None
        assert (place / "clip-exports/davis/00000.png").is_file()
        assert [path.name for path in folder.iterdir()] == [name]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("background", {"background": "/etc/passwd"}),
        ("background", {"background": "../secret.png"}),
        ("png", {"name": "../../evil"}),
        ("png", {"overwrite": True}),
        ("nothing", {}),
    ],
)
def test_the_page_can_give_an_export_no_path(client: TestClient, kind: str, options: dict):
    with page(client, opened(client)) as one:
        one.stroke()
        assert one.ask("export", kind=kind, options=options)["type"] == "failed"


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("overlay", {"opacity": "abc"}, "Opacity: 'abc' is not a number"),
        ("gif", {"width": "10.7"}, "Width: give a whole number, not 10.7"),
        ("webm", {"crf": "1e999"}, "Quality (CRF): '1e999' is not a number"),
        ("png", {"edges": "round"}, "Edges: 'round' is not one of"),
        ("background", {"audio": "x"}, "Sound: 'x' is neither yes nor no"),
    ],
)
def test_a_choice_that_cannot_be_read_is_named_in_one_line(
    client: TestClient, kind: str, options: dict, words: str
):
    with page(client, opened(client)) as one:
        one.stroke()
        assert words in one.ask("export", kind=kind, options=options)["message"]


def test_a_decimal_comma_is_a_decimal_point():
    checked = checked_options("png", {"grow": "-1,5", "feather": 2, "start_frame": "1001"})
    assert checked == {"grow": -1.5, "feather": 2.0, "start_frame": 1001}


def test_a_run_says_what_it_does_from_the_search_for_the_shot_on(folder: Path):
    slow = SlowNetworks()
    with serving(folder, networks=slow) as client, page(client, opened(client)) as one:
        one.stroke(1, frame=4)
        one.start_run()
        slow.gate.release(100)
        one.until("run_ended")
        runs = [m["run"] for m in one.heard if m["type"] == "snapshot" and m["run"]]
        assert [run["title"] for run in runs] == [
            "Looking where the shot begins and ends",
            "Propagating both ways",
        ]


def test_frames_are_pictures_of_the_size_that_was_asked_for(client: TestClient):
    key = opened(client)
    answer = client.get(f"/api/session/{key}/frames/3")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content[:2] == b"\xff\xd8"
    assert client.get(f"/api/session/{key}/frames/99").status_code == 400
    assert client.get(f"/api/session/{'x' * 12}/frames/0").status_code == 409


def test_a_command_that_breaks_the_bounds_fails_and_the_session_goes_on(client: TestClient):
    with page(client, opened(client)) as one:
        path = [[at % 1000 / 1000, 0.5] for at in range(MAX_POINTS + 1)]
        prompt = {"kind": "scribble", "object_id": 1, "path": path, "positive": True}
        answer = one.ask("interact", frame=0, prompts=[prompt])
        assert answer["type"] == "failed"
        assert "path" in answer["message"]
        assert "does not understand" in one.ask("dance")["message"]
        assert one.stroke()["type"] == "done"


@pytest.mark.parametrize("said", ["{", "[7]", '{"type": "cancel"}', '{"id": "x"}', "[" * 9999])
def test_a_page_that_talks_nonsense_is_told_and_hung_up_on(client: TestClient, said: str):
    with page(client, opened(client)) as one:
        one.say(said)
        assert "does not understand" in one.until("refused")["reason"]
        assert one.next()["type"] == "hung up"


def test_a_run_stays_in_its_shot_unless_told_otherwise(folder: Path, two_shots: Path):
    with serving(folder) as client, page(client, opened(client, "shots.mkv")) as one:
        one.stroke(1, frame=2)
        one.propagate()
        one.until("masks_changed")
        assert one.snapshot()["cuts"] == [10]
        assert one.snapshot()["objects"][0]["masked"] == [[0, 10]]
        one.start_run(across_cuts=True)
        one.until("run_ended")
        one.until("masks_changed")
        assert one.snapshot()["objects"][0]["masked"] == [[0, 20]]


def test_looking_does_not_wait_for_a_run(folder: Path):
    slow = SlowNetworks()
    with serving(folder, networks=slow) as client:
        key = opened(client)
        with page(client, key) as one:
            one.stroke(1, frame=3)
            one.start_run()
            slow.gate.release(1)
            began = time.monotonic()
            slow.gate.release(1)
            fetched(client, key, "labels/3")
            assert time.monotonic() - began < 5
            slow.gate.release(100)
            one.until("run_ended")
