"""The compressed form of COCO's run lengths: a short printable string.

The counts themselves (column by column, background first) come from ``ivos.masks``. From the
third on, each count is written as its difference to the one before the last; every number
becomes groups of five bits, lowest first, each shifted into the printable characters from '0',
with a sixth bit that says whether more follow; the last group's highest bit is the sign.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ivos.errors import InvalidInput


def compress_counts(counts: Sequence[int]) -> str:
    """COCO's string for ``counts``, as pycocotools writes it."""
    text = bytearray()
    for index, count in enumerate(counts):
        rest = count - counts[index - 2] if index > 2 else count
        more = True
        while more:
            group = rest & 0x1F
            rest >>= 5
            more = rest != (-1 if group & 0x10 else 0)
            text.append(48 + (group | 0x20 if more else group))
    return text.decode("ascii")


def expand_counts(text: str | Iterable[int]) -> list[int]:
    """The counts in COCO's string; lists of counts (the uncompressed form) pass through.

    Raises InvalidInput where it is cut short, or a count falls below zero.
    """
    if not isinstance(text, str):
        return [int(count) for count in text]
    counts: list[int] = []
    number = shift = 0
    for character in text:
        group = ord(character) - 48
        number |= (group & 0x1F) << shift
        shift += 5
        if group & 0x20:
            continue
        if group & 0x10:
            number -= 1 << shift
        if len(counts) > 2:
            number += counts[-2]
        counts.append(number)
        number = shift = 0
    if shift or any(count < 0 for count in counts):
        raise InvalidInput("a run-length mask is damaged: its string is cut short or changed")
    return counts
