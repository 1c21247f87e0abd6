"""What the documentation shows can be used as it stands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ivos.session.scribbles import read_scribbles

ROOT = Path(__file__).parents[1]


def test_the_scribbles_that_the_guide_shows_are_scribbles():
    guide = (ROOT / "docs/guides/command-line.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```json\n(.*?)```", guide, re.DOTALL)
    (interaction,) = read_scribbles(json.loads(shown))
    assert interaction.frame == 1
    assert interaction.object_ids == (1,)


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")], ids=lambda p: p.stem
)
def test_links_inside_the_project_lead_somewhere(page: Path):
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []
