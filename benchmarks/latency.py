"""Milliseconds from letting go of the mouse to the repainted mask, in a real browser.

    python benchmarks/latency.py [--video examples/bunny.mp4] [--frame 60] [--strokes 20]

Starts ``ivos serve`` with the shipped network, opens the page in Chromium, draws strokes of two
kinds in turn, and reads what the page measured itself: from ``pointerup`` to the refresh of the
screen after the mask was drawn. Beside it stands the processor time that server and browser spent
on a stroke, since on a machine that does other work only that is worth comparing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
RESULT = Path(__file__).parent / "results" / "latency.json"
MARGIN = 14  # around the fitted frame, as in the page's view.js
WARM_UP = 3
STROKES = (
    ([(0.345, 0.13), (0.38, 0.3), (0.42, 0.45), (0.44, 0.6)], "left"),
    ([(0.145, 0.47), (0.16, 0.52)], "right"),
    ([(0.163, 0.165), (0.2, 0.2)], "left"),
    ([(0.48, 0.42), (0.5, 0.5)], "right"),
)


def main() -> None:
    """Measure, write the result down, and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--video", type=Path, default=ROOT / "examples" / "bunny.mp4")
    parser.add_argument("--frame", type=int, default=60)
    parser.add_argument("--strokes", type=int, default=20)
    parser.add_argument("--browser", default=os.environ.get("IVOS_BROWSER") or "chromium")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(shutil.copy(args.video, folder))
        result = measure(clip, args.frame, args.strokes, str(shutil.which(args.browser)))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


def measure(clip: Path, frame: int, strokes: int, browser: str) -> dict[str, object]:
    """Draw ``strokes`` strokes on one frame; every fourth begins a new round by undoing."""
    command = [sys.executable, "-m", "ivos.cli", "serve", str(clip), "--port", "0", "--no-browser"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        address = next(word for word in server.stderr.readline().split() if word.startswith("http"))
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=browser, args=["--no-sandbox", "--disable-gpu"]
            )
            page = chromium.new_page(viewport={"width": 1280, "height": 720})
            page.set_default_timeout(120_000)
            page.goto(address)
            page.fill("#frameno", str(frame))
            page.press("#frameno", "Enter")
            page.locator(f'#canvas[data-shown="overlay {frame} complete"]').wait_for()
            took, spent = _strokes(page, server.pid, strokes)
            size = page.evaluate("() => [innerWidth, innerHeight]")
            chromium.close()
    finally:
        server.terminate()
        server.wait()
    return {
        "what": "pointerup to repainted mask, in the page",
        "milliseconds": {"median": statistics.median(took), "best": min(took), "worst": max(took)},
        "server_processor_milliseconds": {"median": statistics.median(spent), "best": min(spent)},
        "strokes": len(took),
        "window": size,
        "load_average": os.getloadavg()[0],
        "processors": os.cpu_count(),
    }


def _strokes(page: Page, server: int, wanted: int) -> tuple[list[float], list[float]]:
    took, spent = [], []
    for number in range(WARM_UP + wanted):
        points, button = STROKES[number % len(STROKES)]
        if number % len(STROKES) == 0 and number:
            for _ in STROKES:
                page.keyboard.press("Control+z")
            page.locator(f'body[data-undone="{len(STROKES)}"]').wait_for(state="attached")
        before = _processor_time(server)
        _drag(page, points, button)
        answer = page.locator(f'#answer[data-count="{number + 1}"]')
        answer.wait_for(state="attached")
        if number >= WARM_UP:
            took.append(round(float(answer.get_attribute("data-ms") or "nan"), 1))
            spent.append(round(_processor_time(server) - before, 1))
        page.wait_for_timeout(300)
    return took, spent


def _drag(page: Page, points: Iterable[tuple[float, float]], button: str) -> None:
    box = page.locator("#canvas").bounding_box()
    height, width = page.evaluate(
        "() => document.getElementById('canvas').dataset.size.split(' ').map(Number)"
    )
    assert box is not None
    scale = min((box["width"] - 2 * MARGIN) / width, (box["height"] - 2 * MARGIN) / height)
    left = box["x"] + (box["width"] - width * scale) / 2
    top = box["y"] + (box["height"] - height * scale) / 2
    for number, (x, y) in enumerate(points):
        page.mouse.move(left + x * width * scale, top + y * height * scale, steps=4)
        if number == 0:
            page.mouse.down(button=button)
    page.mouse.up(button=button)


def _processor_time(pid: int) -> float:
    """Milliseconds of processor that a process has used, all threads together (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
