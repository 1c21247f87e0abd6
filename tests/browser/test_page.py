"""The page in a real browser, used as a person uses it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PICTURES, SQUARES, Server, new_page
from tests.browser.worker import Worker

GOOD = 0.8


def test_a_stroke_changes_the_mask_where_it_should(worker: Worker):
    worker.seek(3)
    worker.say("#palette").click()  # the safe colours: on red, red would not be seen
    worker.picture("01-empty")
    before = worker.painted().astype(int)
    worker.scribble(1, 3)
    worker.picture("02-stroke")
    assert worker.overlap((1,), 3) > GOOD
    changed = np.abs(worker.painted().astype(int) - before).max(axis=2) > 12
    inside = SQUARES.mask(1, 3)
    assert changed[inside].mean() > 0.5
    assert changed[~inside].mean() < 0.05
    expect(worker.say("#objects .object")).to_have_count(1)


def test_a_stroke_that_fails_after_its_early_answer_does_not_stay_on_the_page(
    page: Page, stumbling: Server
):
    worker = Worker(page, SQUARES, PICTURES).open(stumbling.address)
    worker.seek(3)
    worker.scribble(1, 3)
    worker.seek(5)
    page.mouse.move(640, 8)
    empty = worker.painted().astype(int)
    worker.drag(SQUARES.point(1, 5, 0.3), SQUARES.point(1, 5, 0.7))
    expect(worker.say("#toasts")).to_contain_text("try again")
    page.mouse.move(640, 8)
    worker.complete("overlay")
    assert np.abs(worker.painted() - empty).max() <= 12
    worker.seek(3)
    assert worker.overlap((1,), 3) > GOOD


def test_two_objects_through_the_video_and_back_after_a_reload(worker: Worker):
    worker.scribble(1, 0)
    worker.press("a")
    expect(worker.say("#objects .object")).to_have_count(2)
    worker.scribble(2, 0)
    worker.propagate()
    worker.picture("03-propagated")
    worker.seek(7)
    assert worker.overlap((1, 2), 7) > GOOD
    worker.page.reload()
    worker.ready()
    expect(worker.say("#objects .object")).to_have_count(2)
    worker.seek(7)
    assert worker.overlap((1, 2), 7) > GOOD
    worker.press("1", "h")  # hide the first object: only the second is left
    expect(worker.say("#objects .object.off")).to_have_count(1)
    assert worker.overlap((2,), 7) > GOOD


def test_a_name_is_typed_without_setting_off_keys(worker: Worker):
    worker.scribble(1, 0)
    worker.say("#objects .name").dblclick()
    worker.page.keyboard.type("Stone t")
    worker.press("Enter")
    expect(worker.say("#objects .name")).to_contain_text("Stone t")
    worker.press("F2")
    worker.page.keyboard.type("Left square")
    worker.press("Escape")
    expect(worker.say("#objects .name")).to_contain_text("Stone t")
    expect(worker.say("#undo")).to_have_attribute("data-tip", "Undo: Change the name of Stone t")
    assert worker.say("#cancel").count() == 0


def test_correcting_undoing_and_redoing(worker: Worker):
    worker.scribble(1, 0)
    worker.propagate()
    worker.seek(9)
    worker.press("e")
    count = worker.answers()
    middle = SQUARES.point(1, 9)
    worker.drag((middle[0] - 0.05, middle[1]), (middle[0] + 0.05, middle[1]))
    worker.answered(count)
    erased = worker.matte()
    assert not erased[SQUARES.mask(1, 9)].all()
    worker.propagate()
    worker.press("d")
    expect(worker.say("#comparebar")).to_be_visible()
    worker.picture("04-compare")
    worker.press("d")
    for words in ("Propagate", "Paint Object 1", "Propagate", "Draw Object 1"):
        expect(worker.say("#undo")).to_have_attribute("data-tip", re.compile(f"^Undo: {words}"))
        worker.press("Control+z")
    expect(worker.say("#undo")).to_be_disabled()
    expect(worker.say("#objects .object")).to_have_count(0)
    for left in (3, 2, 1, 0):
        worker.press("Control+Shift+z")
        expect(worker.say(f'body[data-undone="{left}"]')).to_be_attached()
    expect(worker.say("#redo")).to_be_disabled()
    np.testing.assert_array_equal(worker.matte(), erased)


def test_the_right_button_takes_away(worker: Worker):
    worker.scribble(1, 0)
    assert worker.overlap((1,), 0) > GOOD
    worker.scribble(1, 0, button="right")
    assert worker.matte().mean() < 0.01


def test_taking_away_is_about_the_object_under_the_stroke(worker: Worker):
    worker.scribble(1, 0)
    worker.press("a")
    expect(worker.say("#objects .object")).to_have_count(2)
    worker.scribble(2, 0)
    expect(worker.say("#objects .object.on")).to_contain_text("Object 2")
    worker.scribble(1, 0, button="right")
    expect(worker.say("#objects .object.on")).to_contain_text("Object 1")
    assert worker.overlap((2,), 0) > GOOD


def test_a_box_and_a_click_are_prompts_too(worker: Worker):
    worker.press("r")
    worker.drag((0.4, 0.4), (0.4, 0.4))
    expect(worker.say("#toasts")).to_contain_text("Drag from one corner")
    count = worker.answers()
    worker.drag((0.4, 0.4), (0.2, 0.2))
    worker.answered(count)
    worker.press("c")
    worker.drag(SQUARES.point(1, 0), SQUARES.point(1, 0))
    worker.answered(count + 1)
    assert worker.overlap((1,), 0) > 0.7
    worker.say("#history").click()
    expect(worker.say("dialog li")).to_have_count(2)


def test_a_run_can_be_watched_drawn_beside_and_cancelled(slow_worker: Worker):
    worker = slow_worker
    worker.scribble(1, 0)
    worker.press("t")
    worker.say("#cancel").wait_for()
    expect(worker.say(".runwords")).to_contain_text("left")
    worker.seek(12)
    worker.press("a")
    worker.drag(SQUARES.point(1, 12, 0.3), SQUARES.point(1, 12, 0.7))
    worker.picture("05-running")
    worker.press("Escape")
    worker.run_over()
    expect(worker.say("#toasts")).to_contain_text("their masks are kept")
    known = worker.say("#objects .object").first.inner_text()
    assert "16 of 16" not in known
    assert worker.overlap((1,), 12) > GOOD  # the stroke was not lost
    worker.propagate()
    expect(worker.say("#objects .object").nth(1)).to_contain_text("16 of 16")


@pytest.fixture
def mortal(folder: Path) -> Iterator[Server]:
    """A server of the test's own, which may be killed."""
    server = Server(folder, "--open", "squares.mkv").start()
    yield server
    server.stop()


def test_a_killed_server_loses_nothing_and_the_page_comes_back(page: Page, mortal: Server):
    server = mortal
    worker = Worker(page, SQUARES, PICTURES).open(server.address)
    worker.seek(5)
    worker.scribble(1, 5)
    worker.propagate()
    shown = worker.matte()
    server.kill()
    expect(worker.say("#notice")).to_contain_text("does not answer")
    worker.picture("06-server-gone")
    server.start()
    worker.ready()
    expect(worker.say("#notice")).to_be_hidden()
    expect(worker.say("#objects .object")).to_contain_text("16 of 16")
    worker.seek(5)
    np.testing.assert_array_equal(worker.matte(), shown)
    expect(worker.say("#undo")).to_be_enabled()


def test_everything_by_keyboard(worker: Worker):
    worker.scribble(1, 0)
    worker.propagate()
    worker.press("End")
    expect(worker.say("#timeline")).to_have_attribute("aria-valuenow", "15")
    worker.press("PageUp")
    expect(worker.say("#timeline")).to_have_attribute("aria-valuenow", "0")
    worker.press("n")
    expect(worker.say("#timeline")).not_to_have_attribute("aria-valuenow", "0")
    worker.press("Enter")
    expect(worker.say("#framecard button")).to_contain_text("Accepted")
    worker.press("Home", "i", "Shift+ArrowRight", "o")
    expect(worker.say("#propagate")).to_contain_text("frames 0–10")
    worker.press("v")
    expect(worker.say('[data-name="outline"]')).to_have_attribute("aria-checked", "true")
    worker.picture("07-outline")
    worker.press("x")
    expect(worker.say("#sign")).to_have_text("−")
    worker.press("?")
    expect(worker.say("dialog")).to_contain_text("Shortcuts")
    worker.picture("08-shortcuts")
    worker.press("Escape")
    expect(worker.say("dialog")).to_be_hidden()
    worker.press("Space")
    expect(worker.say("#play")).to_have_attribute("aria-label", "Pause")
    worker.press("Space")
    expect(worker.say("#play")).to_have_attribute("aria-label", "Play")
    worker.page.keyboard.press("Tab")
    assert worker.page.evaluate("() => document.activeElement !== document.body")


def test_exporting_and_taking_it_away(worker: Worker, folder: Path):
    worker.press("Control+e")
    expect(worker.say("#toasts")).to_contain_text("nothing to export yet")
    worker.scribble(1, 0)
    worker.propagate()
    worker.press("Control+e")
    worker.say('[data-kind="overlay"]').click()
    worker.picture("09-export")
    worker.say('[data-kind="davis"]').click()
    worker.say("#startexport").click()
    link = worker.say(".toast a")
    link.wait_for()
    assert len(list((folder / "squares-exports" / "davis").glob("*.png"))) == 16
    with worker.page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == "squares-davis.zip"


def test_a_broken_upload_is_refused_in_words_and_leaves_nothing(
    worker: Worker, films: Path, clip: Path
):
    page = worker.page
    before = {path.name for path in films.iterdir()}
    worker.press("Control+o")
    page.locator("#pickvideo").set_input_files(
        {"name": "broken.mp4", "mimeType": "video/mp4", "buffer": b"no video at all"}
    )
    expect(page.locator(".problem")).to_contain_text("broken.mp4")
    worker.picture("10-broken-upload")
    assert {path.name for path in films.iterdir()} == before
    page.locator("#pickvideo").set_input_files(
        {"name": "mine.mkv", "mimeType": "video/x-matroska", "buffer": clip.read_bytes()}
    )
    expect(page.locator("#name")).to_have_text("mine")
    assert (films / "mine.ivos").exists()


def test_the_second_tab_is_told_and_may_take_over(worker: Worker, server: Server, browser: Browser):
    worker.scribble(1, 0)
    second = new_page(browser)
    try:
        other = Worker(second, SQUARES, PICTURES).open(server.address)
        expect(other.say("#notice")).to_contain_text("another tab")
        other.picture("11-second-tab")
        expect(other.say("#objects .object")).to_have_count(1)
        other.say("#takeover").click()
        expect(other.say("#notice")).to_be_hidden()
        expect(worker.say("#notice")).to_contain_text("another tab")
        other.press("a")
        expect(worker.say("#objects .object")).to_have_count(2)
    finally:
        second.context.close()


def test_brushed_pixels_are_exactly_the_ones_under_the_brush(worker: Worker):
    worker.press("b")
    count = worker.answers()
    worker.drag((0.5, 0.5), (0.6, 0.5))
    worker.answered(count)
    shown = worker.matte()
    rows, columns = np.nonzero(shown)
    height, width = SQUARES.size
    brush = round(height / 24)
    assert abs((rows.min() + rows.max() + 1) / 2 / height - 0.5) < 0.02
    assert abs(np.ptp(rows) + 1 - brush) <= 1
    assert abs(np.ptp(columns) + 1 - (0.1 * width + brush)) <= 2


@pytest.mark.parametrize(("name", "wide", "high"), [("laptop", 1280, 720), ("tablet", 1024, 700)])
def test_nothing_is_cut_off_on_a_small_screen(worker: Worker, name: str, wide: int, high: int):
    worker.page.set_viewport_size({"width": wide, "height": high})
    worker.press("0")
    worker.scribble(1, 0)
    worker.picture(f"12-{name}")
    for selector in ("#export", "#propagate", "#check", "#tools", "#timeline", "#help"):
        box = worker.say(selector).bounding_box()
        assert box is not None, selector
        assert box["x"] >= 0, selector
        assert box["x"] + box["width"] <= wide + 0.5, selector
        assert box["y"] + box["height"] <= high + 0.5, selector


def test_every_control_has_a_name_for_those_who_cannot_see_it(worker: Worker):
    worker.scribble(1, 0)
    nameless = worker.page.evaluate((Path(__file__).parent / "nameless.js").read_text())
    assert nameless == []


def test_text_can_be_read(worker: Worker):
    """WCAG AA: 4.5 : 1 for text on its ground; what is disabled is exempt."""
    worker.scribble(1, 0)
    poor = worker.page.evaluate((Path(__file__).parent / "contrast.js").read_text())
    assert poor == []
