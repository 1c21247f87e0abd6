"""What is each part of the method worth? The benchmark with one thing changed at a time.

    python -m benchmarks.ablations ROOT --sequences boat,dance-jump --resolution 360p --write

Every row is the shipped network and session with one change that needs no training: a part taken
away, the published rule in place of ours, or something that was tried and is not in use. Figures go
to benchmarks/results/ablations.json; ``--only`` measures some rows anew and keeps the others;
``--unseen`` takes weights that have not seen the sequences in place of those that ship;
``--write`` puts the table into docs/decisions/ablations.md.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from benchmarks.sequences import Parts, chosen, parser

from ivos.evaluate import Dataset, Evaluation, Protocol, evaluate
from ivos.evaluate.corrections import first_frame_similarity
from ivos.evaluate.session_methods import SessionMethod
from ivos.runtime.protocol import Array, Networks, NetworkSpec
from ivos.session import Settings

RESULTS = Path(__file__).parent / "results" / "ablations.json"
PAGE = Path(__file__).parent.parent / "docs" / "decisions" / "ablations.md"
BEGIN, END = "<!-- table: benchmarks/ablations.py --write -->", "<!-- end of table -->"


class Wrapped:
    """Networks with another spec; each variant overrides one of the three functions."""

    def __init__(self, inner: Networks, **spec: Any) -> None:
        self.inner = inner
        self.spec: NetworkSpec = replace(inner.spec, **spec)

    def interact(
        self, frame: Array, previous: Array, positive: Array, negative: Array
    ) -> tuple[Array, Array]:
        return self.inner.interact(frame, previous, positive, negative)

    def aggregate(self, reference: Array, previous_reference: Array) -> Array:
        return self.inner.aggregate(reference, previous_reference)

    def propagate(self, reference: Array, frame: Array, neighbour: Array, previous: Array) -> Array:
        return self.inner.propagate(reference, frame, neighbour, previous)


class NewestOnly(Wrapped):
    """The reference is that of the last corrected frame; earlier rounds are forgotten."""

    def aggregate(self, reference: Array, previous_reference: Array) -> Array:
        return reference


class NoReference(Wrapped):
    """Nothing is remembered of any annotated frame."""

    def propagate(self, reference: Array, frame: Array, neighbour: Array, previous: Array) -> Array:
        return self.inner.propagate(np.zeros_like(reference), frame, neighbour, previous)


class NoPrevious(Wrapped):
    """The propagation network is never told last round's mask."""

    def propagate(self, reference: Array, frame: Array, neighbour: Array, previous: Array) -> Array:
        neutral = np.full_like(previous, self.spec.neutral)
        return self.inner.propagate(reference, frame, neighbour, neutral)


class Rounded(Wrapped):
    """Masks are rounded to 0 and 1 before they lead on; the neutral value stays."""

    def propagate(self, reference: Array, frame: Array, neighbour: Array, previous: Array) -> Array:
        known = np.where(previous == self.spec.neutral, previous, previous.round())
        return self.inner.propagate(reference, frame, neighbour.round(), known)


class Flipped(Wrapped):
    """The interaction network's answer is the mean of two: as seen, and mirrored."""

    def interact(
        self, frame: Array, previous: Array, positive: Array, negative: Array
    ) -> tuple[Array, Array]:
        seen = (frame, previous, positive, negative)
        logits, reference = self.inner.interact(*seen)
        mirrored = [np.ascontiguousarray(plane[..., ::-1]) for plane in seen]
        other, _ = self.inner.interact(*mirrored)
        return (logits + other[..., ::-1]) / 2, reference


class FlippedEverywhere(Flipped):
    """So does the propagation network."""

    def propagate(self, reference: Array, frame: Array, neighbour: Array, previous: Array) -> Array:
        logits = self.inner.propagate(reference, frame, neighbour, previous)
        mirrored = [np.ascontiguousarray(p[..., ::-1]) for p in (frame, neighbour, previous)]
        other = self.inner.propagate(reference, *mirrored)
        mean: Array = (logits + other[..., ::-1]) / 2
        return mean


@contextmanager
def naive() -> Iterator[None]:
    """Every round goes through the whole clip and replaces what was there, but for the frames that
    a person has drawn on.
    """

    def whole(frame: int, _settled: Any, length: int, _barriers: Any = ()) -> tuple[range, range]:
        return range(frame + 1, length), range(frame - 1, -1, -1)

    with (
        patch("ivos.session.rounds.spans", whole),
        patch("ivos.session.propagation.blend_weight", lambda *_: 1.0),
    ):
        yield


@contextmanager
def unblended() -> Iterator[None]:
    """Rounds end at annotated frames, but replace what was there in place of fading into it."""
    with patch("ivos.session.propagation.blend_weight", lambda *_: 1.0):
        yield


@contextmanager
def changed_whole() -> Iterator[None]:
    """What a round has changed on the neighbour is changed here too, however far off."""
    with patch("ivos.session.propagation.change_share", lambda _: 1.0):
        yield


@contextmanager
def lost() -> Iterator[None]:
    """An object that a round loses is lost."""
    with patch("ivos.session.propagation.not_lost", lambda new, _old, _drawn: new):
        yield


@contextmanager
def not_looked_for() -> Iterator[None]:
    """Nothing counts as vanished, so nothing is looked for where it was last seen or elsewhere."""
    with patch("ivos.session.search._VANISHED", 0.0):
        yield


@dataclass(frozen=True, slots=True)
class Variant:
    """One row: what is changed."""

    words: str
    networks: Callable[[Networks], Networks] = lambda networks: networks
    settings: Settings = field(default_factory=Settings)
    around: Callable[[], AbstractContextManager[None]] = nullcontext


def _spec(**changes: Any) -> Callable[[Networks], Networks]:
    return lambda networks: Wrapped(networks, **changes)


VARIANTS: Mapping[str, Variant] = {
    "shipped": Variant("**as it ships**"),
    "newest": Variant("only the newest annotated frame is remembered", NewestOnly),
    "no-reference": Variant("no annotated frame is remembered", NoReference),
    "no-previous": Variant("last round's mask is withheld from propagation", NoPrevious),
    "no-change": Variant(
        "last round's mask as it was (published), without the neighbour's change",
        _spec(carry_changes=False),
    ),
    "whole-change": Variant(
        "the neighbour's change counts whole at any distance", around=changed_whole
    ),
    "lost": Variant("an object that a later round loses is lost", around=lost),
    "no-search": Variant("what vanishes is not looked for", around=not_looked_for),
    "rounded": Variant("masks rounded to 0 and 1 before they lead on", Rounded),
    "unblended": Variant("rounds end at annotated frames, but do not fade", around=unblended),
    "naive": Variant("naive: every round replaces the whole clip", around=naive),
    "union": Variant("crop around both masks (published)", _spec(follow_neighbour=False)),
    "no-zoom": Variant("one look at a first stroke, at the whole frame", _spec(zoom_looks=0)),
    "one-zoom": Variant("one closer look in place of two", _spec(zoom_looks=1)),
    "crop-224": Variant("all crops 224", settings=Settings(crop_size=224)),
    "crop-288": Variant("all crops 288", settings=Settings(crop_size=288)),
    "crop-320": Variant("all crops 320", settings=Settings(crop_size=320)),
    "propagation-256": Variant("crops of 256 for propagation", _spec(propagation_crop=256)),
    "propagation-320": Variant("crops of 320 for propagation", _spec(propagation_crop=320)),
    "no-steady": Variant("masks are kept as they are found on each frame", _spec(steady=0.0)),
    "no-second-look": Variant(
        "propagated masks are not looked at a second time", _spec(second_look=0.0)
    ),
    "all-second-looks": Variant(
        "propagated masks are looked at a second time in all rounds", _spec(second_look_later=True)
    ),
    "no-detail": Variant("no look in detail at what is drawn on", _spec(detail_side=0.0)),
    "margin": Variant(
        "the interaction network's crops as wide as propagation's", _spec(interaction_margin=None)
    ),
    "flip": Variant("interaction network: mean with the mirrored crop", Flipped),
    "flip-all": Variant("both networks: mean with the mirrored crop", FlippedEverywhere),
}


def main() -> int:
    """Measure what is asked for, print and keep the table."""
    arguments = parser(__doc__)
    arguments.add_argument("--rounds", type=int, default=8)
    arguments.add_argument("--only", nargs="*", choices=VARIANTS, default=[*VARIANTS])
    arguments.add_argument("--out", type=Path, default=RESULTS)
    arguments.add_argument("--write", action="store_true", help="put the table into the page")
    args = arguments.parse_args()
    dataset, played = chosen(args)
    kept = json.loads(args.out.read_text()) if args.out.exists() else {}
    kept = {name: row for name, row in kept.items() if row["weights"] == _hashes(played)}
    for name in args.only:
        kept[name] = _measured(VARIANTS[name], dataset, played, args.rounds)
        args.out.write_text(json.dumps(kept, indent=2) + "\n")
        print(name, json.dumps(kept[name]), flush=True)
    table = _table({name: kept[name] for name in VARIANTS if name in kept})
    print(table)
    if args.write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.partition(END)[2]}")
    return 0


def _hashes(played: Parts) -> list[str]:
    return [networks.spec.weights_hash for networks, _ in played]


def _measured(variant: Variant, dataset: Dataset, played: Parts, rounds: int) -> dict[str, Any]:
    clock = time.process_time
    protocol = Protocol(rounds=rounds)
    evaluation = Evaluation(protocol)
    with variant.around():
        for networks, names in played:
            changed = variant.networks(networks)
            method = SessionMethod(changed, clock=clock, settings=variant.settings)
            for _ in evaluate(dataset, names, method, protocol, evaluation, clock=clock):
                pass
    summary, found = evaluation.summary(), evaluation.corrections()
    answers = [turn.answer for turn in evaluation.turns]
    frames = sum(answer.propagated for answer in answers)
    seconds = sum(answer.propagating for answer in answers)
    return {
        "weights": _hashes(played),
        "J_AND_F": [mean.by("J_AND_F") for mean in summary.per_round],
        "auc": summary.auc,
        "first_frame_J": first_frame_similarity(evaluation.turns),
        "before": found.before,
        "after": found.after,
        "carry": found.carry,
        "carry_where_wrong": found.carry_where_wrong,
        "milliseconds_a_frame": 1000 * seconds / max(1, frames),
    }


def _table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    head = "| changed | J&F round 1 | round 4 | round 8 | AUC | drawn frame, J | corrected frame, J | carry | to frames as wrong | ms a frame |"  # noqa: E501
    lines = [head, "|" + "---|" * 10]
    for name, row in rows.items():
        curve = row["J_AND_F"]
        gain = f"{row['before']:.3f} → {row['after']:.3f}" if row["before"] is not None else "–"
        carry = [
            f"{row[k]:.2f}" if row[k] is not None else "–" for k in ("carry", "carry_where_wrong")
        ]
        cells = [
            VARIANTS[name].words,
            *(f"{curve[min(k, len(curve)) - 1]:.3f}" for k in (1, 4, 8)),
            f"{row['auc']:.3f}",
            f"{row['first_frame_J']:.3f}",
            gain,
            *carry,
            f"{row['milliseconds_a_frame']:.0f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
