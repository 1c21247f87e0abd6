"""What the tests of projects share."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ivos.project import Project
from ivos.video import open_video
from tests.fakes import ColourNetworks, MovingSquares

_MEMORY = Path("/dev/shm")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder, in memory where the system has such: each step waits for its disk."""
    if not _MEMORY.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=_MEMORY) as found:
        yield Path(found)


def write_squares(folder: Path, squares: MovingSquares) -> Path:
    """A folder of images that shows ``squares``."""
    folder.mkdir()
    for frame in range(len(squares)):
        Image.fromarray(squares[frame]).save(folder / f"{frame:05d}.png")
    return folder


@pytest.fixture
def squares() -> MovingSquares:
    return MovingSquares(length=8)


@pytest.fixture
def source(folder: Path, squares: MovingSquares) -> Path:
    """Where the video lies."""
    return write_squares(folder / "squares", squares)


@pytest.fixture
def project(folder: Path, source: Path) -> Iterator[Project]:
    """A new project, on disk."""
    with Project.create(folder / "squares.ivos", open_video(source), source) as created:
        yield created


def work(project: Project, squares: MovingSquares) -> None:
    """A session with a step of every kind, one of them cancelled and some undone."""
    session = project.session(ColourNetworks())
    session.add_object(2, name="green", colour=(1, 2, 3))
    session.interact(squares.drawn(1))
    for _ in session.propagate(stop=6):
        pass
    session.change_object(1, name="red")
    session.lock([2, 3], 1)
    session.unlock([3], 1)
    session.set_masks(5, {2: squares.mask(2, 5)}, annotate=True)
    progress = session.propagate(forward=False)
    next(progress)
    next(progress)
    progress.close()  # type: ignore[attr-defined]
    session.reject(session.head, [4])
    session.set_masks(7, {3: squares.mask(1, 7).astype(np.float32) * 0.7}, annotate=False)
    session.interact(squares.drawn(7, [1]))
    for _ in session.propagate():
        pass
    session.remove_object(3)
    session.interact(squares.drawn(0, [2]))
    session.interact(squares.drawn(0, [1]))
    session.undo()
