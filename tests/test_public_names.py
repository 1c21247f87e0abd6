"""What programs start from: ``import ivos`` is light, and each public name leads somewhere."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ivos


@pytest.mark.parametrize("name", ivos.__all__)
def test_each_public_name_can_be_imported(name: str):
    assert getattr(ivos, name) is not None


def test_the_stub_names_the_same_as_the_package():
    stub = ast.parse(Path(ivos.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    lists = [node.value for node in stub.body if isinstance(node, ast.Assign)]
    assert sorted(ast.literal_eval(lists[0])) == sorted(ivos.__all__)
    imported = {
        alias.asname or alias.name
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported | {"__version__"} == set(ivos.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'Sesion'"):
        _ = ivos.Sesion  # type: ignore[attr-defined]


def test_importing_the_package_imports_nothing_else():
    code = "import sys, ivos; print(*[m for m in sys.modules if m.startswith('ivos.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
