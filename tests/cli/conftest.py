"""A tiny video whose truth is known, its scribbles, and networks that need no weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from ivos.cli import main
from ivos.types import Interaction, Scribble
from tests.fakes import ColourNetworks, MovingSquares

LENGTH = 8


@pytest.fixture(autouse=True)
def colour_networks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever weights are asked for, networks that tell objects by their colour."""
    if "real_weights" not in request.keywords:
        monkeypatch.setattr("ivos.runtime.weights.load", lambda *_, **__: ColourNetworks())


@pytest.fixture
def squares() -> MovingSquares:
    return MovingSquares(LENGTH)


@pytest.fixture
def clip(tmp_path: Path, squares: MovingSquares) -> Path:
    return write_video(tmp_path / "squares.mkv", squares)


def write_video(path: Path, squares: MovingSquares) -> Path:
    """Losslessly, so that the truth stays true."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        stream.height, stream.width = squares.size
        stream.pix_fmt = "bgr0"
        stream.time_base = Fraction(1, 25)
        for number in range(len(squares)):
            frame = av.VideoFrame.from_ndarray(squares[number], format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            output.mux(stream.encode(frame.reformat(format="bgr0")))
        output.mux(stream.encode())
    return path


def davis(interactions: dict[int, Interaction], length: int = LENGTH) -> dict[str, Any]:
    """The DAVIS form of what was drawn on some frames."""
    scribbles: list[list[dict[str, Any]]] = [[] for _ in range(length)]
    for frame, interaction in interactions.items():
        for prompt in interaction.prompts:
            assert isinstance(prompt, Scribble)
            path = [list(point) for point in prompt.path]
            scribbles[frame].append({"path": path, "object_id": prompt.object_id})
    return {"sequence": "squares", "scribbles": scribbles}


@pytest.fixture
def scribbles(tmp_path: Path, squares: MovingSquares) -> Path:
    """Both squares, drawn on frame 3."""
    path = tmp_path / "scribbles.json"
    path.write_text(json.dumps(davis({3: squares.drawn(3)})))
    return path


@pytest.fixture
def ivos(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command line: exit code, stdout, stderr."""

    def run(*words: object) -> tuple[int, str, str]:
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
