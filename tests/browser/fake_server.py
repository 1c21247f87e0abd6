"""A server for the browser tests: real everything, but networks that know only colours.

    python -m tests.browser.fake_server FOLDER [--open NAME] [--port N] [--pause S] [--stumble]

Prints the address once it is up. ``--pause`` makes each network call take longer, so that a run can
be watched and cancelled. ``--stumble`` lets every second stroke fail after its early answer.
"""

from __future__ import annotations

import argparse
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ivos.errors import CannotDo
from ivos.runtime.protocol import Array
from ivos.server.app import create_app
from ivos.server.opening import FileOpener
from ivos.server.places import Places
from ivos.server.serving import bound, run
from tests.fakes import FAKE_SPEC, ColourNetworks


class SlowColourNetworks(ColourNetworks):
    """Fakes with crops fine enough to look at, and a pause in each step of a propagation."""

    def __init__(self, pause: float) -> None:
        super().__init__(replace(FAKE_SPEC, crop_size=256))
        self._pause = pause

    def propagate(self, reference: Array, frame: Array, neighbour: Array, previous: Array) -> Array:
        time.sleep(self._pause)
        return super().propagate(reference, frame, neighbour, previous)


class StumblingNetworks(SlowColourNetworks):
    """Look in detail at what was found, which changes nothing and fails every second time."""

    def __init__(self, pause: float) -> None:
        super().__init__(pause)
        self.spec = replace(self.spec, detail_side=30.0)
        self._looks = 0

    def interact(
        self, frame: Array, previous: Array, positive: Array, negative: Array
    ) -> tuple[Array, Array]:
        logits, reference = super().interact(frame, previous, positive, negative)
        if len(frame) == 1:
            return logits, reference
        self._looks += 1
        if self._looks % 2 == 0:
            raise CannotDo("the parts cannot be looked at: try again")
        return (previous - 0.5) * 20, reference


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--open")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--pause", type=float, default=0.0)
    parser.add_argument("--stumble", action="store_true")
    args = parser.parse_args()
    listener = bound("127.0.0.1", args.port)
    places = Places(args.folder, upload_limit=20 << 20)
    kind = StumblingNetworks if args.stumble else SlowColourNetworks
    opener = FileOpener(places, lambda: kind(args.pause))
    app = create_app(places, opener, first=args.open)
    port = listener.getsockname()[1]
    with suppress(KeyboardInterrupt):
        run(app, listener, lambda: print(f"http://127.0.0.1:{port}", flush=True))


if __name__ == "__main__":
    main()
