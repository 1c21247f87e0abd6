"""Footage, data folders and networks for the tests of training: small, and made here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``stills`` (six pairs) and ``clips`` (a DAVIS tree of two sequences)."""
    pytest.importorskip("torch")
    from tests.train.made import write_clips, write_stills

    root = tmp_path_factory.mktemp("data")
    write_stills(root / "stills", 6)
    write_clips(root / "clips", ("first", "second"), 5)
    return root


@pytest.fixture
def recipe_file(data: Path, tmp_path: Path) -> Path:
    """A recipe of three steps on ``data``, with both kinds of scenes."""
    from tests.train.made import write_recipe

    return write_recipe(tmp_path, data)
