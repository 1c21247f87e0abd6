"""The networks run by ONNX Runtime: the default, on every platform, without PyTorch.

Three files, ``interact.onnx``, ``aggregate.onnx`` and ``propagate.onnx``, whose inputs are named
like the arguments of ``Networks``; batch, crop and reference may have any size. Their weights may
be float16 followed by casts, or eight bits followed by a scale, which ONNX Runtime folds once, when
it loads them; it computes in float32. ``weights.load`` checks the files before they come here.

A crop is too small for several threads to share it well. Where there are at least as many crops as
threads, each thread therefore works on crops of its own; fewer crops are shared by all threads.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as failures

from ivos.errors import WeightsError
from ivos.runtime.protocol import Array, NetworkSpec

INPUTS = {
    "interact": ("frame", "previous", "positive", "negative"),
    "aggregate": ("reference", "previous_reference"),
    "propagate": ("reference", "frame", "neighbour", "previous"),
}
"""The three graphs, and the names of their inputs in order."""

_MANY = ("interact", "propagate")
"""The graphs that are given many crops at a time."""
_ERRORS_AND_WORSE = 3  # ONNX Runtime's number for it

_FAILURES = (  # they share no base class of their own
    failures.Fail,
    failures.InvalidArgument,
    failures.InvalidGraph,
    failures.InvalidProtobuf,
    failures.NoSuchFile,
    failures.NotImplemented,
    failures.RuntimeException,
)


class OnnxNetworks:
    """Networks in a folder of three ONNX files; raises WeightsError where they are not that.

    ``threads`` is how many each call may use, None for one a core. On one machine and with one
    number of threads, equal inputs give equal bits.
    """

    def __init__(self, folder: Path, spec: NetworkSpec, *, threads: int | None = None) -> None:
        self._spec = spec
        self._threads = threads or os.cpu_count() or 1
        self._shared = {name: _opened(folder / f"{name}.onnx", threads) for name in INPUTS}
        own = _MANY if self._threads > 1 else ()
        self._own = {name: _opened(folder / f"{name}.onnx", 1) for name in own}
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="ivos-network")
        channels = self._shared["propagate"].get_inputs()[0].shape[1]
        if isinstance(channels, int) and channels != spec.reference_channels:
            raise WeightsError(
                f"{folder / 'propagate.onnx'} wants references of {channels} channels, "
                f"but the card says {spec.reference_channels}: take both from one export"
            )

    @property
    def spec(self) -> NetworkSpec:
        """What a caller must know."""
        return self._spec

    def interact(
        self, frame: Array, previous: Array, positive: Array, negative: Array
    ) -> tuple[Array, Array]:
        """See ``Networks.interact``."""
        logits, reference = self._run("interact", frame, previous, positive, negative)
        return logits, reference

    def aggregate(self, reference: Array, previous_reference: Array) -> Array:
        """See ``Networks.aggregate``."""
        return self._run("aggregate", reference, previous_reference)[0]

    def propagate(self, reference: Array, frame: Array, neighbour: Array, previous: Array) -> Array:
        """See ``Networks.propagate``."""
        return self._run("propagate", reference, frame, neighbour, previous)[0]

    def _run(self, name: str, *arrays: Array) -> list[Array]:
        if name not in self._own or len(arrays[0]) < self._threads:
            return _ran(self._shared[name], name, arrays)
        parts = zip(*(np.array_split(array, self._threads) for array in arrays), strict=True)
        ran = self._pool.map(lambda part: _ran(self._own[name], name, part), parts)
        return [np.concatenate(outputs) for outputs in zip(*ran, strict=True)]


def _ran(session: onnxruntime.InferenceSession, name: str, arrays: Sequence[Array]) -> list[Array]:
    feeds = {
        key: np.ascontiguousarray(array, np.float32)
        for key, array in zip(INPUTS[name], arrays, strict=True)
    }
    outputs: list[Array] = session.run(None, feeds)
    return outputs


def _opened(path: Path, threads: int | None) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = _ERRORS_AND_WORSE
    # The networks take turns: threads of one that wait, spinning, would take the other one's cores.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except _FAILURES as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(f"{path} is not a network that ONNX Runtime can run: {first}") from None
    names = tuple(entry.name for entry in session.get_inputs())
    if names != INPUTS[path.stem]:
        wanted = ", ".join(INPUTS[path.stem])
        raise WeightsError(f"{path} has the inputs {', '.join(names)}, not {wanted}")
    return session
