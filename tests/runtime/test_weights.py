"""Weights by name or folder, the network in them, and everything that can be wrong with them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from ivos.errors import WeightsError
from ivos.runtime import weights
from ivos.runtime.protocol import Networks, side_by_side, stack_references
from ivos.session import Session
from tests.fakes import FAKE_SPEC, ColourNetworks, MovingSquares

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

CROP = ["batch", 1, "side", "side"]
FRAME = ["batch", 3, "side", "side"]
REFERENCE = ["batch", 8, "height", "width"]


def saved(path: Path, nodes: list, inputs: dict, outputs: dict, constants: dict) -> None:
    """Write a graph whose constants are float16, cast to float32: as ours are."""
    casts = [
        helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT)
        for name in constants
    ]
    halves = [
        numpy_helper.from_array(np.asarray(value, np.float16), f"{name}.half")
        for name, value in constants.items()
    ]
    value_of = helper.make_tensor_value_info
    graph = helper.make_graph(
        casts + nodes,
        path.stem,
        [value_of(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [value_of(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        initializer=halves,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def made(folder: Path, channels: int = 8) -> Path:
    """A tiny set of weights: interact follows the strokes, propagate its neighbour's mask."""
    folder.mkdir()
    node = helper.make_node
    saved(
        folder / "interact.onnx",
        [
            node("Sub", ["positive", "negative"], ["strokes"]),
            node("Mul", ["strokes", "twelve"], ["wanted"]),
            node("Add", ["wanted", "previous"], ["logits"]),
            node("AveragePool", ["frame"], ["small"], kernel_shape=[32, 32], strides=[32, 32]),
            node("Conv", ["small", "filters"], ["reference"]),
        ],
        {"frame": FRAME, "previous": CROP, "positive": CROP, "negative": CROP},
        {"logits": CROP, "reference": ["batch", channels, "height", "width"]},
        {"twelve": 12.0, "filters": np.ones((channels, 3, 1, 1))},
    )
    saved(
        folder / "aggregate.onnx",
        [node("Concat", ["reference", "previous_reference"], ["aggregated"], axis=3)],
        {"reference": REFERENCE, "previous_reference": ["batch", 8, "height", "earlier"]},
        {"aggregated": ["batch", 8, "height", "both"]},
        {},
    )
    saved(
        folder / "propagate.onnx",
        [
            node("Sub", ["neighbour", "half"], ["signed"]),
            node("Mul", ["signed", "twenty"], ["sure"]),
            node("ReduceMean", ["reference"], ["mean"], axes=[1, 2, 3], keepdims=1),
            node("Mul", ["mean", "nothing"], ["zero"]),
            node("ReduceMean", ["frame"], ["grey"], axes=[1], keepdims=1),
            node("Mul", ["grey", "nothing"], ["dark"]),
            node("Mul", ["previous", "nothing"], ["old"]),
            node("Sum", ["sure", "zero", "dark", "old"], ["logits"]),
        ],
        {
            "reference": ["batch", channels, "height", "width"],
            "frame": FRAME,
            "neighbour": CROP,
            "previous": CROP,
        },
        {"logits": CROP},
        {"half": 0.5, "twenty": 20.0, "nothing": 0.0},
    )
    described(folder)
    return folder


def described(folder: Path, **changes: object) -> None:
    files = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.onnx")
    }
    card = {"name": "tiny", "spec": asdict(FAKE_SPEC), "files": files} | changes
    (folder / "card.json").write_text(json.dumps(card))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made(tmp_path / "tiny")


def crops(count: int, side: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    frame = rng.random((count, 3, side, side), np.float32)
    return frame, *(rng.random((count, 1, side, side), np.float32) for _ in range(3))


def test_networks_run_at_any_batch_crop_and_width_of_reference(folder: Path):
    networks = weights.load(folder, threads=1)
    assert isinstance(networks, Networks)
    assert networks.spec == FAKE_SPEC
    for count, side in [(1, 64), (5, 96)]:
        frame, previous, positive, negative = crops(count, side)
        logits, reference = networks.interact(frame, previous, positive, negative)
        np.testing.assert_allclose(logits, 12 * (positive - negative) + previous, atol=1e-4)
        assert reference.shape == (count, 8, side // 32, side // 32)
        wider = networks.aggregate(reference, networks.aggregate(reference, reference))
        assert wider.shape[-1] == 3 * reference.shape[-1]
        found = networks.propagate(wider, frame, positive, previous)
        np.testing.assert_allclose(found, 20 * (positive - 0.5), atol=1e-4)
        assert found.dtype == np.float32


def test_a_batch_comes_to_the_same_as_its_items(folder: Path):
    networks = weights.load(folder, threads=1)
    frame, *masks = crops(3, 64)
    together = networks.interact(frame, *masks)
    for i in range(3):
        one = networks.interact(frame[i : i + 1], *(mask[i : i + 1] for mask in masks))
        for whole, part in zip(together, one, strict=True):
            np.testing.assert_allclose(whole[i : i + 1], part, atol=1e-6)


def test_equal_inputs_give_equal_bits(folder: Path):
    inputs = crops(2, 64)
    first = weights.load(folder).interact(*inputs)
    second = weights.load(folder).interact(*inputs)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_session_runs_on_them_and_is_repeated_bit_by_bit(folder: Path):
    found = []
    for _ in range(2):
        video = MovingSquares(length=4)
        session = Session(video, weights.load(folder, threads=1))
        session.interact(video.drawn(1))
        for _ in session.propagate():
            pass
        session.interact(video.drawn(3))
        for _ in session.propagate():
            pass
        found.append(np.stack([session.labels(t) for t in range(4)]))
    np.testing.assert_array_equal(found[0], found[1])
    assert set(np.unique(found[0])) == {0, 1, 2}


def test_a_name_that_is_no_weights_is_answered_with_those_there_are(tmp_path: Path):
    with pytest.raises(WeightsError, match=r"no weights called 'nope'.*ship with ivos: "):
        weights.load("nope")
    with pytest.raises(WeightsError, match="no weights called"):
        weights.load(tmp_path)


def damaged(folder: Path) -> None:
    data = bytearray((folder / "propagate.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "propagate.onnx").write_bytes(data)


def not_onnx(folder: Path) -> None:
    (folder / "propagate.onnx").write_bytes(b"not a network")
    described(folder)


def swapped(folder: Path) -> None:
    (folder / "propagate.onnx").write_bytes((folder / "aggregate.onnx").read_bytes())
    described(folder)


def other_channels(folder: Path) -> None:
    described(folder, spec={**asdict(FAKE_SPEC), "reference_channels": 9})


def edited(folder: Path, text: str) -> None:
    (folder / "card.json").write_text(text)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (damaged, "propagate.onnx is damaged: its SHA-256 is"),
        (lambda f: (f / "interact.onnx").unlink(), "interact.onnx cannot be read"),
        (not_onnx, "propagate.onnx is not a network that ONNX Runtime can run"),
        (swapped, "propagate.onnx has the inputs reference, previous_reference, not reference"),
        (other_channels, "wants references of 8 channels, but the card says 9"),
        (lambda f: edited(f, "{"), "card.json cannot be read"),
        (lambda f: edited(f, "[]"), "holds no JSON object"),
        (lambda f: edited(f, "{}"), "names no files"),
        (lambda f: described(f, files={"../x": "0"}), "outside its folder"),
        (lambda f: described(f, files={}), "names no files"),
        (lambda f: described(f, spec=None), "has no spec"),
        (lambda f: described(f, spec={"crop_size": 64}), "spec is incomplete"),
        (lambda f: described(f, spec={**asdict(FAKE_SPEC), "wings": 2}), "wings.*update ivos"),
    ],
)
def test_weights_that_are_missing_damaged_or_foreign_are_told_in_one_line(
    folder: Path, spoil: Callable[[Path], object], words: str
):
    spoil(folder)
    with pytest.raises(WeightsError, match=words) as raised:
        weights.load(folder)
    assert "\n" not in str(raised.value)


def test_cards_of_older_weights_may_name_what_no_longer_says_anything(folder: Path):
    described(folder, spec={**asdict(FAKE_SPEC), "outline_share": 0.6})
    assert weights.load(folder).spec == FAKE_SPEC


def test_files_that_the_card_does_not_name_are_not_run(folder: Path):
    digest = hashlib.sha256((folder / "interact.onnx").read_bytes()).hexdigest()
    described(folder, files={"interact.onnx": digest})
    with pytest.raises(WeightsError, match=r"does not name aggregate\.onnx, propagate\.onnx"):
        weights.load(folder)


def test_the_torch_runtime_says_what_it_needs(tmp_path: Path):
    with pytest.raises(WeightsError, match="PyTorch runtime needs"):
        weights.load(tmp_path / "none.pt", runtime="torch")


def test_no_source_lets_a_file_of_weights_run_code():
    for path in Path(weights.__file__).parent.parent.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        for call in source.split("torch.load(")[1:]:
            arguments = call[: call.index("\n\n")] if "\n\n" in call else call
            assert "weights_only=True" in arguments[:200], path


def test_weights_that_ship_are_whole():
    for name in weights.names():
        card = weights.check(weights.find(name))
        assert card["name"] == name
        assert weights.spec_of(card, Path(name)).crop_size % 32 == 0


def test_references_of_any_width_are_stacked_with_nothing_on_the_right():
    narrow, wide = np.ones((2, 3, 4), np.float32), np.ones((2, 3, 8), np.float32)
    stacked = stack_references([narrow, wide])
    assert stacked.shape == (2, 2, 3, 8)
    assert stacked[0, :, :, 4:].max() == 0
    assert stacked[0, :, :, :4].min() == 1


def test_references_of_any_height_lie_side_by_side_with_nothing_below():
    low, high = np.full((2, 3, 4), 1, np.float16), np.full((2, 5, 5), 2, np.float32)
    joined = side_by_side([low, high])
    assert joined.shape == (2, 5, 9)
    assert joined.dtype == np.float32
    assert (joined[:, :3, :4] == 1).all()
    assert not joined[:, 3:, :4].any()
    assert (joined[:, :, 4:] == 2).all()


def test_the_fakes_are_networks():
    assert isinstance(ColourNetworks(), Networks)
