"""The networks run by ONNX Runtime: the default, on every platform, without PyTorch.

Three files, ``interact.onnx``, ``aggregate.onnx`` and ``propagate.onnx``, whose inputs are named
like the arguments of ``Networks``; batch, crop and reference may have any size. Their weights may
be float16 followed by casts, which ONNX Runtime folds once, when it loads them; it computes in
float32. ``weights.load`` checks the files before they come here.
"""

from __future__ import annotations

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
        self._runs = {name: _opened(folder / f"{name}.onnx", threads) for name in INPUTS}
        channels = self._runs["propagate"].get_inputs()[0].shape[1]
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
        feeds = {
            key: np.ascontiguousarray(array, np.float32)
            for key, array in zip(INPUTS[name], arrays, strict=True)
        }
        outputs: list[Array] = self._runs[name].run(None, feeds)
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
