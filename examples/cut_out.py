"""The main job in Python: strokes on one frame, masks on all of them.

Usage: ``python examples/cut_out.py``
"""

from pathlib import Path

import ivos

HERE = Path(__file__).parent


def main() -> None:
    """Cut out the rabbit and say how much of each tenth frame it covers."""
    video = ivos.open_video(HERE / "bunny.mp4")
    session = ivos.Session(video, ivos.load_networks())
    for interaction in ivos.read_scribbles(HERE / "bunny.json"):
        session.interact(interaction)
        for progress in session.propagate():
            print(f"\r{progress.done}/{progress.total}", end="", flush=True)
    print()
    for frame in range(0, len(video), 10):
        share = (session.labels(frame) == 1).mean()
        print(f"frame {frame:3d}: {share:.0%} rabbit")


if __name__ == "__main__":
    main()
