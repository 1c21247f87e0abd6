"""What a person expects of the page without thinking: keys, small windows, reloads, bad news."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import PICTURES, SQUARES, Server, new_page
from tests.browser.worker import Worker


def frame_is(worker: Worker, frame: int) -> None:
    expect(worker.say("#timeline")).to_have_attribute("aria-valuenow", str(frame))


def test_after_a_press_of_the_mouse_keys_are_for_the_work(worker: Worker):
    worker.say('[data-name="outline"]').click()
    worker.press("ArrowRight")
    frame_is(worker, 1)
    expect(worker.say('[data-name="outline"]')).to_have_attribute("aria-checked", "true")
    worker.say("#opacity").click()
    worker.press("ArrowRight")
    frame_is(worker, 2)
    worker.say('[data-action="next"]').click()
    worker.press("Space")
    expect(worker.say("#play")).to_have_attribute("aria-label", "Pause")
    worker.press("Space", "Home")
    worker.say("#help").click()
    expect(worker.say("dialog")).to_contain_text("Shortcuts")
    worker.press("Escape", "ArrowRight")
    frame_is(worker, 1)


def test_after_tab_keys_are_for_the_control(worker: Worker):
    worker.say('[data-name="overlay"]').focus()
    worker.press("ArrowRight")
    expect(worker.say('[data-name="outline"]')).to_be_focused()
    expect(worker.say('[data-name="outline"]')).to_have_attribute("aria-checked", "true")
    frame_is(worker, 0)
    worker.say('[data-action="next"]').focus()
    worker.press("Enter", "Enter")
    frame_is(worker, 2)


def test_the_keyboard_stays_on_its_control_when_the_list_is_made_anew(worker: Worker):
    worker.press("a", "a")
    expect(worker.say("#objects .object")).to_have_count(2)
    worker.say('[data-key="hide 1"]').focus()
    worker.press("Enter")
    expect(worker.say("#objects .object.off")).to_have_count(1)
    expect(worker.say('[data-key="hide 1"]')).to_be_focused()


def five_objects_and_a_run(worker: Worker) -> None:
    for number in range(1, 6):
        worker.press("a")
        expect(worker.say("#objects .object.on")).to_contain_text(f"Object {number}")
    worker.scribble(1, 0)
    worker.press("t")
    worker.say("#cancel").wait_for()


def test_nothing_is_out_of_reach_with_five_objects_and_a_run(slow_worker: Worker):
    worker = slow_worker
    five_objects_and_a_run(worker)
    script = (Path(__file__).parent / "clipped.js").read_text()
    for wide, high in ((1366, 768), (1366, 650), (1280, 480), (900, 700), (640, 360)):
        worker.page.set_viewport_size({"width": wide, "height": high})
        worker.picture(f"13-run-{wide}x{high}")
        assert worker.page.evaluate(script) == [], (wide, high)
        if high > 400:  # else the page is scrolled
            box = worker.say("#cancel").bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= high
            expect(worker.say("#objects .object.on")).to_be_in_viewport(ratio=0.9)
    worker.press("Escape")
    worker.run_over()


def test_a_run_that_is_cancelled_says_at_once_that_it_stops(slow_worker: Worker):
    slow_worker.scribble(1, 0)
    slow_worker.press("t")
    slow_worker.say("#cancel").wait_for()
    said = "() => { cancel.click(); return document.getElementById('cancel').textContent; }"
    assert slow_worker.page.evaluate(said) == "Stopping…"
    slow_worker.run_over()


def test_a_stroke_during_a_run_is_said_to_wait(slow_worker: Worker):
    slow_worker.scribble(1, 0)
    slow_worker.press("t")
    slow_worker.say("#cancel").wait_for()
    slow_worker.drag(SQUARES.point(1, 0, 0.3), SQUARES.point(1, 0, 0.7))
    expect(slow_worker.say("#saved")).to_have_text("1 stroke waits for the run")
    slow_worker.press("Escape")
    slow_worker.run_over()


@pytest.fixture
def mortal(folder: Path) -> Iterator[Server]:
    """A slow server of the test's own, which may be killed."""
    server = Server(folder, "--open", "squares.mkv", "--pause", "0.35").start()
    yield server
    server.stop()


def test_a_kill_during_a_run_costs_no_stroke_and_no_storm_of_requests(page: Page, mortal: Server):
    asked: list[str] = []
    worker = Worker(page, SQUARES, PICTURES).open(mortal.address)
    worker.scribble(1, 0)
    worker.press("t")
    worker.say("#cancel").wait_for()
    worker.seek(12)
    worker.press("a")
    worker.drag(SQUARES.point(2, 12, 0.3), SQUARES.point(2, 12, 0.7))
    expect(worker.say("#saved")).to_have_text("1 stroke waits for the run")
    mortal.kill()
    expect(worker.say("#notice")).to_contain_text("does not answer")
    page.on("request", lambda request: asked.append(request.url))
    worker.press("End", "ArrowLeft", "End")
    page.wait_for_timeout(2500)
    worker.picture("16-server-gone-in-a-run")
    assert len(asked) < 12
    mortal.start()
    worker.ready()
    expect(worker.say("#undo")).to_have_attribute("data-tip", "Undo: Draw Object 2 on frame 12")
    expect(worker.say(".toast.error")).to_have_count(0)


def test_a_frame_that_cannot_be_read_is_said_once_and_takes_no_strokes(worker: Worker):
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=400, json={"detail": "frame 9 is damaged"})

    worker.page.route("**/frames/9", refuse)
    worker.seek(9)
    expect(worker.say("#toasts")).to_contain_text("frame 9 is damaged")
    worker.page.wait_for_timeout(2000)
    assert len(asked) < 6
    assert worker.painted().std() < 20  # a plain one, not the picture of another frame
    worker.drag((0.4, 0.5), (0.6, 0.5))
    expect(worker.say("#toasts")).to_contain_text("nothing can be drawn on it")
    expect(worker.say("#objects .object")).to_have_count(0)


def test_a_wrong_choice_of_an_export_is_said_inside_the_dialog(worker: Worker):
    worker.scribble(1, 0)
    worker.press("Control+e")
    worker.say('[data-kind="gif"]').click()
    worker.page.fill('[data-option="width"]', "wide")
    worker.say("#startexport").click()
    expect(worker.say("dialog [role=alert]")).to_have_text("Width: 'wide' is not a number")
    worker.picture("14-wrong-choice")
    expect(worker.say("dialog")).to_be_visible()


def test_what_is_chosen_is_seen_in_forced_colours(worker: Worker):
    worker.scribble(1, 0)
    worker.page.emulate_media(forced_colors="active")
    worker.picture("15-forced-colours")

    def ground(selector: str) -> tuple[int, ...]:
        """The commonest colour of what is really painted there."""
        image = Image.open(io.BytesIO(worker.say(selector).screenshot())).convert("RGB")
        return max(image.getcolors(1 << 24) or [])[1]

    for chosen, other in (
        ('[data-name="scribble"]', '[data-name="box"]'),
        ('[data-name="overlay"]', '[data-name="matte"]'),
        ("#objects .object.on", "#framecard"),
    ):
        assert ground(chosen) != ground(other), chosen


def test_a_tab_that_is_reloaded_keeps_its_frame_and_its_work(
    worker: Worker, server: Server, browser: Browser
):
    worker.seek(7)
    second = new_page(browser)
    try:
        other = Worker(second, SQUARES, PICTURES).open(server.address)
        expect(other.say("#notice")).to_contain_text("another tab")
        worker.page.reload()
        worker.ready()
        frame_is(worker, 7)
        expect(worker.say("#notice")).to_be_hidden()
        expect(other.say("#notice")).to_contain_text("another tab")
    finally:
        second.context.close()


def test_checking_says_when_it_begins_again_and_what_has_no_mask_is_not_accepted(worker: Worker):
    worker.press("Enter")
    worker.scribble(1, 0)
    worker.press("ArrowRight", "Enter")
    expect(worker.say("#toasts")).to_contain_text("Frame 1 has no mask yet")
    worker.propagate()
    for _ in range(21):
        worker.press("n")
    expect(worker.say("#toasts")).to_contain_text("again")


@pytest.mark.parametrize("storage", ["localStorage", "sessionStorage"])
def test_a_browser_that_remembers_nothing_shows_the_page(page: Page, server: Server, storage: str):
    denied = "get() { throw new DOMException('denied', 'SecurityError'); }"
    page.add_init_script(f"Object.defineProperty(window, '{storage}', {{ {denied} }})")
    worker = Worker(page, SQUARES, PICTURES).open(server.address)
    worker.press("ArrowRight")
    frame_is(worker, 1)
