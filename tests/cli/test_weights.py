"""``ivos weights``: list, verify, export, import and average."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ivos.cli import main
from ivos.runtime import weights
from ivos.runtime.onnx import OnnxNetworks


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights as training writes them."""
    torch = pytest.importorskip("torch")
    from ivos.networks.weights import fresh_network, save_weights

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("trained") / "weights.pt"
    save_weights(fresh_network("compact"), path, {"recipe": {"name": "made"}, "steps": 5})
    return path


@pytest.fixture(scope="module")
def exported(trained: Path) -> Path:
    """The same as a folder that the runtime loads, made by the command itself."""
    pytest.importorskip("onnx")
    folder = trained.parent / "exported"
    facts = ("--fact", "licence=CC-BY-NC-4.0", "--fact", 'figures={"J": 0.5}')
    assert main(["weights", "export", str(trained), "-o", str(folder), *facts]) == 0
    return folder


def test_exported_weights_can_be_run_and_say_how_they_were_made(exported: Path):
    card = weights.check(exported)
    spec = weights.spec_of(card, exported)
    assert OnnxNetworks(exported, spec, threads=1).spec.name == "ivos-compact"
    assert card["recipe"] == {"name": "made"}
    assert card["steps"] == 5
    assert card["licence"] == "CC-BY-NC-4.0"
    assert card["figures"] == {"J": 0.5}
    assert sorted(path.name for path in exported.parent.iterdir()) == ["exported", "weights.pt"]


def test_verify_finds_damage(exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["weights", "verify", str(exported)]) == 0
    assert "whole, 3 files" in capsys.readouterr().out
    broken = tmp_path / "broken"
    shutil.copytree(exported, broken)
    with (broken / "propagate.onnx").open("r+b") as file:
        file.seek(1000)
        file.write(b"\x00\x01")
    assert main(["weights", "verify", str(broken)]) == 1
    assert "propagate.onnx is damaged" in capsys.readouterr().err


def test_exported_graphs_come_back_to_be_trained_further(
    trained: Path, exported: Path, tmp_path: Path
):
    import torch

    from ivos.networks.export import as_stored
    from ivos.networks.weights import read_facts, read_network

    out = tmp_path / "start.pt"
    assert main(["weights", "import", str(exported), "-o", str(out)]) == 0
    before = as_stored(read_network(trained)).state_dict()
    after = read_network(out).state_dict()
    coarse = {name for name in before if ".heads.0." in name or ".heads.1." in name}
    for name, value in before.items():
        if name not in coarse:
            torch.testing.assert_close(after[name], value, rtol=1e-3, atol=1e-6)
    assert read_facts(out)["imported_from"] == ["exported"]


@pytest.mark.parametrize(
    ("options", "shares"),
    [([], (0.5, 0.5)), (["--share", "0.5", "--propagation-share", "0.25"], (0.5, 0.25))],
)
def test_the_mean_of_two_lies_between_them_by_its_shares(
    trained: Path, tmp_path: Path, options: list[str], shares: tuple[float, float]
):
    import torch

    from ivos.networks.weights import fresh_network, read_facts, read_network, save_weights

    torch.manual_seed(1)
    save_weights(fresh_network("compact"), tmp_path / "other.pt", {"steps": 9})
    out = tmp_path / "mean.pt"
    inputs = [str(trained), str(tmp_path / "other.pt")]
    assert main(["weights", "average", *inputs, "-o", str(out), *options]) == 0
    first, second = (read_network(Path(path)).state_dict() for path in inputs)
    for name, value in read_network(out).state_dict().items():
        share = shares[0] if name.startswith("interaction.") else shares[1]
        expected = (1 - share) * first[name] + share * second[name]
        assert torch.allclose(value, expected, rtol=2e-3, atol=1e-4), name
    facts = read_facts(out)
    assert facts["mean_of"] == ["weights.pt", "other.pt"]
    assert facts["steps"] == 9


def test_the_first_of_two_may_be_softened_before_their_mean(trained: Path, tmp_path: Path):
    from ivos.networks.weights import read_network

    out = tmp_path / "soft.pt"
    inputs = [str(trained), str(trained)]
    more = ["--share", "0", "--soften", "0.25", "-o", str(out)]
    assert main(["weights", "average", *inputs, *more]) == 0
    before, after = (read_network(path).state_dict() for path in (trained, out))
    for name, value in after.items():
        part = 0.5 if "_key." in name else 1  # distances are squares
        torch_close(value, part * before[name])


def torch_close(value, expected) -> None:
    import torch

    torch.testing.assert_close(value, expected, rtol=2e-3, atol=1e-4)


def test_nothing_is_overwritten_unless_told(
    trained: Path, exported: Path, capsys: pytest.CaptureFixture[str]
):
    before = (exported / "card.json").read_bytes()
    assert main(["weights", "export", str(trained), "-o", str(exported)]) == 1
    assert "--overwrite it" in capsys.readouterr().err
    assert (exported / "card.json").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["export", "none.pt", "-o", "out"], 1, "no weights at none.pt"),
        (["export", "none.pt", "-o", "out", "--fact", "x"], 2, "write it as KEY=VALUE"),
        (["import", "a", "b", "c", "-o", "out"], 2, "two checkpoints, interaction first"),
        (["import", "a.pth", "b.pth", "-o", "out"], 1, "no weights at a.pth"),
        (["average", "a.pt", "b.pt", "-o", "out"], 1, "no weights at a.pt"),
        (["average", "a.pt", "b.pt", "-o", "out", "--share", "2"], 2, "--share must lie in 0..1"),
        (
            ["average", "a.pt", "b.pt", "-o", "out", "--soften", "0"],
            2,
            "--soften must be more than",
        ),
        (["verify", "nothing"], 1, "no weights called 'nothing'"),
    ],
)
def test_mistakes_are_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    said: str,
):
    if arguments[0] != "verify":
        pytest.importorskip("torch")
        pytest.importorskip("onnx")
    monkeypatch.chdir(tmp_path)
    assert main(["weights", *arguments]) == code
    captured = capsys.readouterr()
    assert said in captured.err
    assert len(captured.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_list_tells_what_ships(capsys: pytest.CaptureFixture[str]):
    assert main(["weights", "list", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == set(weights.names())
    assert main(["weights", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(": hash " in line for line in lines) == len(weights.names())


@pytest.mark.parametrize(
    "arguments", [["import", "a.pth", "b.pth"], ["average", "a.pt", "b.pt"], ["export", "a.pt"]]
)
def test_what_needs_torch_says_so_where_it_is_missing(tmp_path: Path, arguments: list[str]):
    code = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "from ivos.cli import main\n"
        f"sys.exit(main(['weights', *{arguments!r}, '-o', {str(tmp_path / 'out')!r}]))\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert done.stderr == "error: this needs torch: pip install 'ivos[train]'\n"
