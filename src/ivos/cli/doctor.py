"""``ivos doctor [PROJECT]``: is everything there that ivos needs, and is a project whole?"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from ivos import __version__
from ivos.errors import InvalidInput, IvosError

_NEEDED = ("numpy", "onnxruntime", "opencv-python-headless", "av", "pillow", "fastapi", "uvicorn")
_EXTRA = {"torch": "training and the PyTorch runtime", "scikit-image": "ivos evaluate"}
_CODECS = {"h264": "r", "hevc": "r", "vp9": "r", "av1": "r", "prores": "r", "libx264": "w"}
_LITTLE_DISK = 1 << 30
_MODES = {"r": "decode", "w": "encode"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    ok: bool
    details: str
    """What was found; where it is not ok, how to mend it."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("doctor", help="check this installation, or a project file")
    parser.add_argument("project", type=Path, nargs="?", metavar="PROJECT", help="a .ivos file")
    parser.add_argument("--recover", type=Path, metavar="OUT", help="save what is whole of it")
    parser.add_argument("--video", type=Path, metavar="PATH", help="with --recover: its video")
    parser.add_argument("--json", action="store_true", help="print JSON to stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the findings; the exit code is 1 where one of them is bad."""
    if args.recover is not None:
        if args.project is None:
            raise InvalidInput("--recover needs a project: ivos doctor PROJECT --recover OUT")
        findings = [*recovered(args.project, args.recover, args.video)]
    else:
        findings = [*installation()] if args.project is None else [*project(args.project)]
    if args.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            print(f"{'ok ' if finding.ok else 'BAD'}  {finding.what}: {finding.details}")
    bad = sum(not finding.ok for finding in findings)
    if bad:
        print(f"{bad} of {len(findings)} checks failed", file=sys.stderr)
    return 1 if bad else 0


def installation() -> Iterator[Finding]:
    """Look at Python, packages, weights, codecs and disks."""
    new_enough = sys.version_info >= (3, 11)
    yield Finding("ivos", True, f"{__version__} on {platform.system()} {platform.machine()}")
    yield Finding("python", new_enough, platform.python_version() + " (3.11 or newer is needed)")
    for name in _NEEDED:
        version = _version(name)
        yield Finding(name, version is not None, version or "is missing: pip install ivos")
    for name, purpose in _EXTRA.items():
        yield Finding(name, True, _version(name) or f"not installed (only for {purpose})")
    yield from _weights()
    yield from _codecs()
    for what, folder in {"this folder": Path.cwd(), "temporary files": _temporary()}.items():
        free = shutil.disk_usage(folder).free
        ok = free > _LITTLE_DISK
        mend = "" if ok else ": free some space"
        yield Finding(f"disk for {what}", ok, f"{free / (1 << 30):.1f} GB free in {folder}{mend}")


def project(path: Path) -> Iterator[Finding]:
    """Look for damage in a project file."""
    from ivos.project.check import integrity

    problems = integrity(path)
    for problem in problems:
        yield Finding(str(path), False, problem)
    if not problems:
        yield Finding(str(path), True, "whole")


def recovered(path: Path, out: Path, video: Path | None) -> Iterator[Finding]:
    """Save what is whole of a damaged project, and say what is lost."""
    from ivos.project import recover

    report = recover(path, out, video=video)
    yield Finding(str(out), True, f"{report.steps} steps and {report.masks} masks are saved")
    for lost in report.lost:
        yield Finding("lost", False, lost)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _weights() -> Iterator[Finding]:
    from ivos.runtime import weights

    names = weights.names()
    if weights.DEFAULT not in names:
        yield Finding(f"weights {weights.DEFAULT}", False, "are missing: install ivos again")
    for name in names:
        try:
            weights.check(weights.find(name))
        except IvosError as error:
            yield Finding(f"weights {name}", False, str(error))
        else:
            yield Finding(f"weights {name}", True, "their hashes are as the card says")


def _codecs() -> Iterator[Finding]:
    from av.codec import Codec
    from av.codec.codec import UnknownCodecError

    for name, mode in _CODECS.items():
        try:
            Codec(name, "w" if mode == "w" else "r")
        except UnknownCodecError:
            details = f"this FFmpeg cannot {_MODES[mode]} it: pip install --force-reinstall av"
            yield Finding(f"codec {name}", False, details)
        else:
            yield Finding(f"codec {name}", True, f"FFmpeg can {_MODES[mode]} it")


def _temporary() -> Path:
    return Path(tempfile.gettempdir())
