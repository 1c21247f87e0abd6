"""``ivos train RECIPE``: train networks, stop, and go on."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ivos.errors import InvalidInput


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("train", help="train networks from a recipe")
    parser.add_argument("recipe", type=Path, metavar="RECIPE", help="a TOML file, see configs/")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="settings",
        help="change a setting of the recipe; phases.0.steps=10 reaches into a phase",
    )
    parser.add_argument("--resume", action="store_true", help="go on from the run's checkpoint")
    parser.add_argument(
        "--runs", type=Path, default=Path("runs"), help="folder of runs (default: runs)"
    )
    parser.add_argument("--until", type=int, metavar="STEP", help="stop early, at this step")
    parser.add_argument("--threads", type=int, help="threads of PyTorch (default: all cores)")
    parser.add_argument(
        "--workers", type=int, default=1, help="processes that make scenes (default: 1)"
    )
    parser.add_argument("--device", default="cpu", help="cpu (default), cuda, cuda:1, mps")
    parser.add_argument("--json", action="store_true", help="one JSON object a step to stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train until the recipe ends, reporting as it goes."""
    settings = {}
    for setting in args.settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise InvalidInput(f"--set {setting}: write it as KEY=VALUE")
        settings[key] = value
    try:
        from ivos.train.loop import train
        from ivos.train.memory import keep_freed_memory
        from ivos.train.recipe import Recipe
    except ModuleNotFoundError as error:
        raise InvalidInput(f"training needs {error.name}: pip install 'ivos[train]'") from None
    recipe = Recipe.from_toml(args.recipe, settings)
    folder = args.runs / recipe.name
    keep_freed_memory()
    for progress in train(
        recipe,
        folder,
        resume=args.resume,
        until=args.until,
        threads=args.threads,
        workers=args.workers,
        device=args.device,
    ):
        if args.json:
            print(
                json.dumps(
                    {"step": progress.step, "loss": progress.loss, "overlaps": progress.overlaps}
                ),
                flush=True,
            )
        elif progress.step % 10 == 0 or progress.step == progress.steps:
            overlaps = ", ".join(f"{kind} {value:.3f}" for kind, value in progress.overlaps.items())
            print(
                f"step {progress.step} of {progress.steps}: loss {progress.loss:.3f}, {overlaps}; "
                f"{progress.seconds_left / 60:.0f} min left",
                file=sys.stderr,
                flush=True,
            )
    print(f"weights: {folder / 'weights.pt'}", file=sys.stderr)
    return 0
