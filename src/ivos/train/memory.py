"""How the C library hands out memory while training."""

from __future__ import annotations

import ctypes
import platform

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # names of mallopt(3)
_NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, to use it again; says whether the C library does so.

    glibc gives arrays over 32 MB back to the system at once, and each training step then pays for
    clearing the same gigabytes page by page. Only glibc is like that; elsewhere nothing is done.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, _NEVER))
