"""The two-object set: both objects, one over the other, and the same for one seed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from ivos.errors import InvalidInput, OutputError
from ivos.evaluate.dataset import Dataset
from ivos.masks import read_label_map
from ivos.train.two_objects import TwoObjects, two_objects, write_sequence
from tests.train.made import clip, write_clips

ROOT = Path(__file__).resolve().parents[2]


def made(seed: int = 0, length: int = 9) -> list[TwoObjects]:
    return list(two_objects([clip("a", 12), clip("b", 12)], length=length, seed=seed))


def test_each_sequence_has_both_objects_and_one_hides_the_other():
    for sequence in made():
        assert sequence.images.shape == (9, 54, 96, 3)
        assert set(np.unique(sequence.labels)) == {0, 1, 2}
        areas = [(sequence.labels == n).sum(axis=(1, 2)) for n in (1, 2)]
        assert min(area.min() for area in areas) < 0.5 * max(area.max() for area in areas)


def test_every_second_time_the_pasted_one_is_in_front():
    first, second = made()
    whole = clip("a", 12).masks[:9].sum(axis=(1, 2))
    assert ((first.labels == 1).sum(axis=(1, 2)) < whole).any()
    assert ((second.labels == 1).sum(axis=(1, 2)) == whole).all()


def test_the_same_seed_makes_the_same_set_and_another_one_another():
    one, same, other = made(1), made(1), made(2)
    for a, b, c in zip(one, same, other, strict=True):
        assert np.array_equal(a.images, b.images)
        assert np.array_equal(a.labels, b.labels)
        assert not np.array_equal(a.labels, c.labels)


def test_it_takes_two_sequences_that_show_something():
    with pytest.raises(InvalidInput, match="two sequences or more"):
        list(two_objects([clip("a", 4)], length=4, seed=0))
    blank = clip("blank", 4)
    blank.masks[:] = False
    with pytest.raises(InvalidInput, match="blank does not show its object"):
        list(two_objects([clip("a", 4), blank], length=4, seed=0))


def test_what_is_written_is_a_dataset_that_can_be_evaluated(tmp_path: Path):
    for sequence in made():
        write_sequence(sequence, tmp_path, "360p")
    dataset = Dataset.find(tmp_path)
    loaded = dataset.load("a-and-b")
    assert loaded.object_ids == (1, 2)
    assert len(loaded.truth) == len(loaded.video) == 9
    path = tmp_path / "Annotations/360p/b-and-a/00003.png"
    assert np.array_equal(read_label_map(path), made()[1].labels[3])
    with pytest.raises(OutputError, match="there already"):
        write_sequence(made()[0], tmp_path, "360p")


def script(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.make_two_objects", *map(str, arguments)]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    environment = os.environ | {"PYTHONPATH": paths}
    return subprocess.run(
        command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True
    )


def test_the_script_writes_outside_the_repository_only(tmp_path: Path):
    write_clips(tmp_path / "davis", ("a", "b", "c"), 5)
    size = ("--size", "96x54", "--sequences", "a,b")
    done = script(tmp_path / "davis", tmp_path / "out", *size)
    assert done.returncode == 0, done.stderr
    assert Dataset.find(tmp_path / "out").load("b-and-a").object_ids == (1, 2)
    refused = script(tmp_path / "davis", ROOT / "two", *size)
    assert refused.returncode == 2
    assert "never committed" in refused.stderr
    assert not (ROOT / "two").exists()
