"""Files and folders that appear whole or not at all, and the names they get.

Everything is written beside its final place under a name that starts with a dot, and renamed
when it is complete; so a crash, a full disk or a cancelled export leaves nothing half-written
under the final name. What a killed export left behind goes when the same target is written again.
"""

from __future__ import annotations

import errno
import itertools
import os
import re
import shutil
import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ivos.errors import InvalidInput, OutputError

_numbers = itertools.count()
_UNSAFE = re.compile(r'[\x00-\x1f/\\:*?"<>|]+')
_HINTS = {
    errno.ENOSPC: "the disk is full: free some space, or choose another place with {flag}",
    errno.EDQUOT: "your quota is used up: free some space, or choose another place with {flag}",
    errno.EACCES: "no permission to write there: choose another place with {flag}",
    errno.EPERM: "no permission to write there: choose another place with {flag}",
    errno.EROFS: "the disk is read-only: choose another place with {flag}",
    errno.ENOENT: "no such folder: check the spelling",
    errno.EEXIST: "part of that path is a file, not a folder: choose another place with {flag}",
    errno.ENOTDIR: "part of that path is a file, not a folder: choose another place with {flag}",
    errno.ENAMETOOLONG: "that name is too long for this disk: choose a shorter one with {flag}",
}
_KINDS_HINT = "choose another kind, or leave out --audio"


@contextmanager
def new_file(
    target: Path, *, overwrite: bool, flag: str = "-o", ffmpeg_hint: str = _KINDS_HINT
) -> Iterator[Path]:
    """A path to write one file to; it becomes ``target`` when the block ends without an error.

    Errors name ``flag`` as the option that ``target`` came from, and ``ffmpeg_hint`` as the way
    out where FFmpeg refuses. Raises OutputError where ``target`` exists and may not be
    overwritten, or cannot be written.
    """
    check_free(target, overwrite=overwrite, flag=flag)
    with _part_of(target, overwrite, flag, ffmpeg_hint) as part:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)


@contextmanager
def new_folder(
    target: Path,
    *,
    overwrite: bool,
    suffixes: frozenset[str],
    ffmpeg_hint: str = _KINDS_HINT,
) -> Iterator[Path]:
    """A new folder to fill; it becomes ``target`` when the block ends without an error.

    An older ``target`` is replaced as a whole, and only where it holds nothing but files
    with one of ``suffixes`` (``.png``), so that a slip cannot delete a folder of other things.
    Where ``target`` is a link, what it leads to is replaced, and the link stays.
    """
    if target.is_symlink():
        target = Path(os.path.realpath(target))
    if _holding(target, "-o", target.is_file):
        raise OutputError(f"{target} is a file: name a folder to write with -o")
    empty = target.is_dir() and not any(target.iterdir())
    if target.is_dir() and not empty and overwrite:
        _check_only(target, suffixes)
    with _part_of(target, overwrite or empty, "-o", ffmpeg_hint) as part:
        part.mkdir()
        yield part
        if target.is_dir():
            old = _hidden(target, "old")
            target.rename(old)
            part.rename(target)
            shutil.rmtree(old)
        else:
            part.rename(target)


def check_free(target: Path, *, overwrite: bool, flag: str = "-o") -> None:
    """Raises OutputError where ``target`` cannot become a file, or exists and is to stay."""
    check_name(target, flag)
    if _holding(target, flag, target.is_dir):
        raise OutputError(f"{target} is a folder: name a file to write with {flag}")
    if target.exists() and not target.is_file():
        raise OutputError(f"{target} is a device or a pipe: name a file to write with {flag}")
    _check_overwrite(target, overwrite, flag)


def _check_overwrite(target: Path, overwrite: bool, flag: str) -> None:
    if target.exists() and not overwrite:
        raise OutputError(
            f"{target} exists: pass --overwrite to replace it, or choose another {flag}"
        )


@contextmanager
def _part_of(target: Path, overwrite: bool, flag: str, ffmpeg_hint: str) -> Iterator[Path]:
    check_name(target, flag)
    _check_overwrite(target, overwrite, flag)
    part = _hidden(target, "part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target)
        yield part
    except OSError as error:
        raise _one_line(target, error, flag) from error
    except av.FFmpegError as error:
        raise OutputError(
            f"cannot write {target}: FFmpeg does not take it ({error.strerror}): {ffmpeg_hint}"
        ) from error
    finally:
        _remove(part)


def check_name(target: Path, flag: str = "-o") -> None:
    """Raises OutputError where a path does not say what is to be written is called."""
    if target.name in ("", ".."):
        raise OutputError(f"{target}: name a file or folder to write with {flag}")


def check_apart(target: Path, kept: Iterable[Path], flag: str = "-o") -> None:
    """Raises OutputError where ``target`` is, holds or lies in one of ``kept``.

    Those are what the work itself comes from, which no ``--overwrite`` may replace. What links in
    a folder of images lead to is kept, too.
    """
    real = Path(os.path.realpath(target))
    for place in kept:
        whole = Path(os.path.realpath(place))
        origins = [whole]
        if whole.is_dir():
            links = (entry for entry in whole.iterdir() if entry.is_symlink())
            origins += [Path(os.path.realpath(link)) for link in links]
        inside = whole.is_dir() and _is_in(real, whole)
        if inside or any(_is_in(origin, real) for origin in origins):
            raise OutputError(
                f"{target}: {place}, which this is made from, is or lies there and is never "
                f"overwritten: choose another {flag}"
            )


def _is_in(path: Path, place: Path) -> bool:
    """Whether ``path`` is ``place`` or lies in it, though the disk may not tell a from A."""
    if path.is_relative_to(place):
        return True
    try:
        found = place.stat()
    except OSError:
        return False
    for part in (path, *path.parents):
        with suppress(OSError):
            if os.path.samestat(part.stat(), found):
                return True
    return False


def _holding(target: Path, flag: str, question: Callable[[], bool]) -> bool:
    """The answer of the disk about ``target``. Raises OutputError, for names that it refuses."""
    try:
        return question()
    except OSError as error:
        raise _one_line(target, error, flag) from error


def _one_line(target: Path, error: OSError, flag: str) -> OutputError:
    hint = _HINTS.get(error.errno or 0) or error.strerror or str(error)
    return OutputError(f"cannot write {target}: {hint.replace('{flag}', flag)}")


def _hidden(target: Path, what: str) -> Path:
    name = f".{target.stem}.{os.getpid()}-{next(_numbers)}.{what}{target.suffix}"
    return target.with_name(name)


def _remove(path: Path) -> None:
    with suppress(OSError):  # what cannot be removed now goes with the next export
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _remove_leftovers(target: Path) -> None:
    """Remove what exports to ``target`` by processes that are no more left behind."""
    stem, suffix = re.escape(target.stem), re.escape(target.suffix)
    name = re.compile(rf"\.{stem}\.(\d+)-\d+\.(part|old){suffix}")
    for path in target.parent.iterdir():
        match = name.fullmatch(path.name)
        if match and not _alive(int(match[1])):
            if match[2] == "old" and not target.exists():
                path.rename(target)  # killed between two renames: the old export is still whole
            else:
                _remove(path)


def _alive(process: int) -> bool:
    if os.name == "nt":  # there, signal 0 would end the process; files in use refuse to go anyway
        return process == os.getpid()
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _check_only(folder: Path, suffixes: frozenset[str]) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix.lower() not in suffixes:
            raise OutputError(
                f"{folder} holds {path.relative_to(folder)}, which is no part of such an export: "
                "it is not overwritten; choose another folder with -o"
            )


def fill(template: str, tokens: Mapping[str, str]) -> str:
    """``template`` with each ``{token}`` replaced; values become safe parts of a file name.

    Raises InvalidInput for an unknown token or a lone brace.
    """
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError as error:
        raise InvalidInput(f"name {template!r}: {error}; tokens look like {{name}}") from None
    text = ""
    for literal, token, _, _ in pieces:
        text += literal
        if token is None:
            continue
        if token not in tokens:
            known = " ".join(f"{{{name}}}" for name in tokens)
            raise InvalidInput(f"name {template!r}: no token {{{token}}} here; there are {known}")
        text += safe(tokens[token])
    return text


def tokens_in(template: str) -> frozenset[str]:
    """The names of the tokens in ``template``; nothing is checked."""
    return frozenset(re.findall(r"(?<!{)(?:{{)*{(\w+)}", template))


def safe(text: str) -> str:
    """``text`` as one part of a file name on any system: no separators, never empty."""
    return _UNSAFE.sub("_", text).strip(" .") or "_"


def inside(folder: Path, name: str) -> Path:
    """``folder / name``, its parents made. Raises InvalidInput where it would lie outside."""
    path = Path(name)
    if path.is_absolute() or ".." in path.parts:
        raise InvalidInput(f"name {name!r} leads out of the output folder: leave out '/' and '..'")
    whole = folder / path
    whole.parent.mkdir(parents=True, exist_ok=True)
    return whole


def write_png(path: Path, pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
    """Write (H, W) of 8 or 16 bits, or (H, W, 4) of 8, as PNG."""
    Image.fromarray(pixels).save(path, format="PNG", compress_level=4)
