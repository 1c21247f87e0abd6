"""A person at the page: draws, presses keys, and looks at the pixels."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from ivos.types import Mask
from tests.fakes import MovingSquares

MARGIN = 14
"""Between the frame and the window, as in view.js."""
ALPHA = 0.5


class Worker:
    """Drives a page with mouse and keyboard only, and compares what is painted with the truth."""

    def __init__(self, page: Page, video: MovingSquares, pictures: Path) -> None:
        self.page = page
        self.video = video
        self._pictures = pictures

    def open(self, address: str) -> Worker:
        self.page.goto(address)
        self.ready()
        return self

    def ready(self) -> None:
        """Wait until the session is on screen."""
        expect(self.page.locator("#work")).to_be_visible()
        expect(self.page.locator("#saved")).to_contain_text("saved")

    def say(self, selector: str) -> Locator:
        return self.page.locator(selector)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def seek(self, frame: int) -> None:
        self.page.fill("#frameno", str(frame))
        self.page.locator("#frameno").press("Enter")
        self.page.locator("#canvas").focus()
        expect(self.page.locator("#timeline")).to_have_attribute("aria-valuenow", str(frame))

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the frame (fractions) is in the window, with the frame fitted."""
        box = self.page.locator("#canvas").bounding_box()
        assert box is not None
        height, width = self.video.size
        scale = min((box["width"] - 2 * MARGIN) / width, (box["height"] - 2 * MARGIN) / height)
        left = box["x"] + (box["width"] - width * scale) / 2
        top = box["y"] + (box["height"] - height * scale) / 2
        return left + x * width * scale, top + y * height * scale

    def drag(self, *points: tuple[float, float], button: Literal["left", "right"] = "left") -> None:
        """Press, go through the points, let go."""
        self.page.mouse.move(*self.at(*points[0]))
        self.page.mouse.down(button=button)
        for point in points[1:]:
            self.page.mouse.move(*self.at(*point), steps=5)
        self.page.mouse.up(button=button)

    def scribble(
        self, object_id: int, frame: int, *, button: Literal["left", "right"] = "left"
    ) -> None:
        """A stroke along an object's diagonal; waits for the answer."""
        count = self.answers()
        ends = [self.video.point(object_id, frame, at) for at in (0.3, 0.7)]
        self.drag(*ends, button=button)
        self.answered(count)

    def answers(self) -> int:
        """How many strokes were answered so far."""
        return int(self.page.locator("#answer").get_attribute("data-count") or 0)

    def answered(self, before: int) -> None:
        answer = self.page.locator(f'#answer[data-count="{before + 1}"]')
        answer.wait_for(state="attached")
        expect(self.page.locator("#saved")).to_contain_text("saved")

    def propagate(self) -> None:
        self.press("t")
        # What is left of a run, not the run itself: that may be over before it can be seen.
        undo = self.page.locator("#undo")
        expect(undo).to_have_attribute("data-tip", re.compile("^Undo: Propagate"))
        self.run_over()

    def run_over(self) -> None:
        self.page.locator("#propagate").wait_for()

    def painted(self) -> NDArray[np.uint8]:
        """(H, W, 3): what is on the canvas where the frame is, at the video's size."""
        url = self.page.evaluate("() => document.getElementById('canvas').toDataURL()")
        image = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB")
        box = self.page.locator("#canvas").bounding_box()
        assert box is not None
        (left, top), (right, bottom) = self.at(0, 0), self.at(1, 1)
        place = (left - box["x"], top - box["y"], right - box["x"], bottom - box["y"])
        height, width = self.video.size
        return np.asarray(image.resize((width, height), Image.Resampling.BOX, box=place))

    def matte(self) -> Mask:
        """What the page shows as object: the bright part of its matte view."""
        self.page.mouse.move(640, 8)  # away from the frame: the brush's ring is drawn on it
        self.press("Alt+4")
        self.complete("matte")
        found: Mask = self.painted().mean(axis=2) > 127
        self.press("Alt+1")
        self.complete("overlay")
        return found

    def complete(self, look: str) -> None:
        """Wait until everything that this view shows has come."""
        shown = re.compile(rf"^{look} \d+ complete$")
        expect(self.page.locator("#canvas")).to_have_attribute("data-shown", shown)

    def overlap(self, object_ids: tuple[int, ...], frame: int) -> float:
        """IoU of what the page shows with the truth of these objects."""
        truth = np.isin(self.video.truth(frame), object_ids)
        shown = self.matte()
        return float((truth & shown).sum() / max(1, (truth | shown).sum()))

    def picture(self, name: str) -> None:
        """Keep a screenshot of this state for people to look at."""
        self._pictures.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self._pictures / f"{name}.png")
