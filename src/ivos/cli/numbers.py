"""What several verbs ask of the numbers that they are given."""

from __future__ import annotations

from ivos.errors import InvalidInput


def check_threads(threads: int | None) -> None:
    """Raises InvalidInput for a number of threads that cannot be; None leaves it open."""
    if threads is not None and threads < 1:
        raise InvalidInput(f"{threads} threads are too few; give 1 or more")
