"""``ivos weights``: what is installed and whether it is whole; import, average, export."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ivos.errors import InvalidInput, OutputError

if TYPE_CHECKING:
    from ivos.networks.ipn import IPN


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser(
        "weights", help="list, verify, import, average and export weights"
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    action = actions.add_parser("list", help="the weights that ship with this installation")
    action.add_argument("--json", action="store_true", help="print JSON to stdout")
    action.set_defaults(run=_list)

    action = actions.add_parser("verify", help="check every file against its card")
    action.add_argument(
        "weights", nargs="*", metavar="WEIGHTS", help="names or folders (default: all that ship)"
    )
    action.set_defaults(run=_verify)

    action = actions.add_parser(
        "import",
        help="read the authors' two checkpoints, a ResNet-50, or exported graphs",
        description="Two files: the authors' I_*.pth and P_*.pth. One file: a ResNet-50 with "
        "torchvision's names, for both encoders of the published network. One folder: exported "
        "graphs of a compact network, to train them further.",
    )
    action.add_argument("sources", nargs="+", type=Path, metavar="SOURCE")
    action.add_argument(
        "-o", "--out", type=Path, required=True, help="NAME.pt for training, or a folder to run"
    )
    action.add_argument("--overwrite", action="store_true", help="replace what is there")
    action.set_defaults(run=_import)

    action = actions.add_parser(
        "average",
        help="the mean of two points of one training run",
        description="Two weights.pt of one run. Their mean is often better than either.",
    )
    action.add_argument("first", type=Path, metavar="FIRST.pt")
    action.add_argument("second", type=Path, metavar="SECOND.pt")
    action.add_argument("-o", "--out", type=Path, required=True, help="NAME.pt")
    action.add_argument(
        "--share", type=float, default=0.5, help="how much of SECOND, from 0 to 1 (default: 0.5)"
    )
    action.add_argument(
        "--propagation-share",
        type=float,
        metavar="SHARE",
        help="the same for the propagation network alone (default: as --share)",
    )
    action.add_argument(
        "--soften",
        type=float,
        default=1.0,
        metavar="PART",
        help="what distances in the memory of FIRST are multiplied by beforehand, as the recipe of "
        "SECOND says (default: 1)",
    )
    action.add_argument("--overwrite", action="store_true", help="replace what is there")
    action.set_defaults(run=_average)

    action = actions.add_parser("export", help="make a folder to run from a training's weights.pt")
    action.add_argument("weights", type=Path, metavar="WEIGHTS.pt")
    action.add_argument("-o", "--out", type=Path, required=True, help="the folder")
    action.add_argument(
        "--fact",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a line for the card, such as licence=CC-BY-NC-4.0; JSON values are kept as such",
    )
    action.add_argument("--overwrite", action="store_true", help="replace what is there")
    action.set_defaults(run=_export)


def _list(args: argparse.Namespace) -> int:
    from ivos.runtime import weights

    cards = {name: weights.read_card(weights.find(name)) for name in weights.names()}
    if args.json:
        print(json.dumps(cards, indent=2))
        return 0
    if not cards:
        print("no weights ship with this installation", file=sys.stderr)
    for name, card in cards.items():
        print(_described(name, card))
    return 0


def _described(name: str, card: Mapping[str, Any]) -> str:
    """A few lines about a set of weights."""
    spec = card.get("spec", {})
    facts = [f"hash {str(spec.get('weights_hash', 'unknown'))[:12]}"]
    facts.append(f"crop {spec.get('crop_size', 'unknown')}")
    facts.append(f"licence: {card.get('licence', 'not stated')}")
    lines = [f"{name}: {', '.join(facts)}"]
    figures = card.get("figures")
    if isinstance(figures, Mapping):
        lines += [f"  {key}: {value}" for key, value in figures.items()]
    return "\n".join(lines)


def _verify(args: argparse.Namespace) -> int:
    from ivos.runtime import weights

    for name in args.weights or weights.names():
        card = weights.check(weights.find(name))
        print(f"{name}: whole, {len(card['files'])} files as its card says")
    return 0


def _import(args: argparse.Namespace) -> int:
    _may_write(args.out, args.overwrite)
    try:
        from ivos.networks.authors import read_authors
        from ivos.networks.export import read_exported
        from ivos.networks.weights import imagenet_resnet
        from ivos.train.ship import ship
    except ModuleNotFoundError as error:
        raise _needs(error) from None
    match args.sources:
        case [interaction, propagation]:
            net = read_authors(interaction, propagation)
        case [folder] if folder.is_dir():
            net = read_exported(folder)
        case [file]:
            net = imagenet_resnet(file)
        case _:
            raise InvalidInput("give two checkpoints, interaction first, or one file or folder")
    facts = {"imported_from": [path.name for path in args.sources]}
    as_file = args.out if args.out.suffix == ".pt" else args.out.with_name(args.out.name + ".pt")
    _save(net, as_file, facts)
    if as_file != args.out:
        try:
            ship(as_file, args.out, {})
        finally:
            as_file.unlink()
    print(f"weights: {args.out}", file=sys.stderr)
    return 0


def _average(args: argparse.Namespace) -> int:
    _may_write(args.out, args.overwrite)
    share = args.share
    of_propagation = share if args.propagation_share is None else args.propagation_share
    for option, value in (("--share", share), ("--propagation-share", of_propagation)):
        if not 0 <= value <= 1:
            raise InvalidInput(f"{option} must lie in 0..1, not {value:g}")
    if not 0 < args.soften <= 1:
        raise InvalidInput(f"--soften must be more than 0 and at most 1, not {args.soften:g}")
    try:
        from ivos.networks.weights import averaged, read_facts
    except ModuleNotFoundError as error:
        raise _needs(error) from None
    net = averaged(
        args.first,
        args.second,
        interaction=share,
        propagation=of_propagation,
        soften=args.soften,
    )
    facts = {
        "mean_of": [args.first.name, args.second.name],
        "share_of_second": {"interaction": share, "propagation": of_propagation},
        "first_softened": args.soften,
    }
    _save(net, args.out, read_facts(args.second) | facts)
    print(f"weights: {args.out}", file=sys.stderr)
    return 0


def _save(net: IPN, path: Path, facts: Mapping[str, Any]) -> None:
    from ivos.networks.weights import save_weights

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_weights(net, path, facts)
    except (OSError, RuntimeError) as error:
        raise OutputError(f"{path} cannot be written: {str(error).splitlines()[0]}") from None


def _export(args: argparse.Namespace) -> int:
    _may_write(args.out, args.overwrite)
    facts = dict(_fact(text) for text in args.fact)
    try:
        from ivos.train.ship import ship
    except ModuleNotFoundError as error:
        raise _needs(error) from None
    card = ship(args.weights, args.out, facts)
    print(f"card: {card}", file=sys.stderr)
    return 0


def _fact(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise InvalidInput(f"--fact {text}: write it as KEY=VALUE")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _may_write(out: Path, overwrite: bool) -> None:
    if overwrite:
        return
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise OutputError(f"{out} is there already: --overwrite it, or choose another name")


def _needs(error: ModuleNotFoundError) -> InvalidInput:
    return InvalidInput(f"this needs {error.name}: pip install 'ivos[train]'")
