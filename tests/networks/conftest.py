"""Networks for the tests of this folder: made once, on one thread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ivos.networks.ipn import IPN


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def compact() -> IPN:
    """A compact network with random weights, always the same."""
    torch = pytest.importorskip("torch")
    from ivos.networks.weights import fresh_network

    torch.manual_seed(0)
    net = fresh_network("compact").eval()
    net.requires_grad_(False)
    return net


@pytest.fixture(scope="session")
def paper_shapes() -> IPN:
    """The published network without numbers: shapes only, on the meta device."""
    torch = pytest.importorskip("torch")
    from ivos.networks.ipn import IPN, PAPER

    with torch.device("meta"):
        return IPN(PAPER)
