"""Which of several trained networks propagates best? On scenes of stills that none has seen.

    python -m benchmarks.scenes STILLS --scenes 80 runs/a/weights.pt runs/b/weights.pt

Six sequences tell networks apart by what one flamingo does. Here every scene has other things: the
stills that recipes hold out (the last 500 in name order), put together as in training, played two
rounds by a simulated person. Plain scenes, scenes whose first frame is far from the others, and
scenes in which the same thing is there twice. What is filmed moves as a still does, so this says
whether the right thing is followed, not how well limbs are.

With ``--looks`` the interaction network looks a second time at each mask that is propagated, as in
a session, and with ``--noted`` what it sees is remembered for the rest of the round.

Printed: J inside the crops of the propagation network after each round, and how much each network
differs from the first one in round 1, with the standard error over scenes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ivos.networks.ipn import IPN
from ivos.networks.weights import read_network
from ivos.train.data import Footage, read_stills
from ivos.train.game import Play
from ivos.train.loss import batch_iou
from ivos.train.rounds import play
from ivos.train.scenes import Scene, SceneMix, make_scene

HELD_OUT = 500
FRAMES, ROUNDS, BATCH = 6, 2, 4
KINDS = {"plain": (0.0, 0.0), "leap": (1.0, 0.0), "twins": (0.0, 1.0)}
"""Shares of scenes that leap, and that have twins."""


def main() -> int:
    """Play all scenes with all networks and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("stills", type=Path)
    parser.add_argument("weights", type=Path, nargs="+")
    parser.add_argument("--scenes", type=int, default=80, help="of each kind")
    parser.add_argument("--looks", action="store_true", help="look a second time")
    parser.add_argument("--noted", action="store_true", help="and remember what is seen")
    args = parser.parse_args()
    if args.noted and not args.looks:
        parser.error("--noted needs --looks: what is remembered is what they see")
    cv2.setNumThreads(1)
    footage = Footage(
        [s for s in read_stills(args.stills, hold_out=0)[-HELD_OUT:] if s.mask.any()], ()
    )
    networks = {path: read_network(path).eval() for path in args.weights}
    print("| scenes | weights | J, round 1 | round 2 | round 1, less the first |")
    print("|---|---|---|---|---|")
    for kind, (leaps, twins) in KINDS.items():
        mix = SceneMix(length=FRAMES, video_share=0.0, clip_share=0.0, leaps=leaps, twins=twins)
        found: dict[Path, list[NDArray[np.float64]]] = {path: [] for path in networks}
        for number in range(-(-args.scenes // BATCH)):
            rng = np.random.default_rng(1000 + number)
            scenes = [make_scene(footage, mix, rng) for _ in range(BATCH)]
            for path, net in networks.items():
                how = rules(net, looks=args.looks, noted=args.noted)
                found[path].append(played(net, scenes, how, number))
        first = np.concatenate(found[args.weights[0]])
        for path, scores in found.items():
            J = np.concatenate(scores)
            less = J[:, 0] - first[:, 0]
            error = less.std() / np.sqrt(len(less))
            means = " | ".join(f"{score:.3f}" for score in J.mean(axis=0))
            print(f"| {kind} | {path} | {means} | {less.mean():+.3f} ± {error:.3f} |", flush=True)
    return 0


def rules(net: IPN, *, looks: bool, noted: bool) -> Play:
    """How the scenes are played. Nothing is learnt, so only what is propagated comes out."""
    return Play(
        crop=net.config.crop,
        rounds=ROUNDS,
        fresh=1.0,
        given=0.0,
        nothing=0.0,
        again=float(looks),
        noted=float(noted),
        interaction_learns=False,
    )


def played(net: IPN, scenes: Sequence[Scene], how: Play, seed: int) -> NDArray[np.float64]:
    """(scenes, ROUNDS): J of what is propagated, the mean over a round's frames."""
    with torch.no_grad():
        steps = [
            batch_iou(output.logits[-1], output.truth).numpy()
            for output in play(net, scenes, how, np.random.default_rng(seed))
        ]
    return np.stack(steps, axis=1).reshape(len(scenes), ROUNDS, -1).mean(axis=2)


if __name__ == "__main__":
    raise SystemExit(main())
