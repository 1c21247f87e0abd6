"""One thread owns the session; long work never keeps it from answering."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ivos.server.worker import Worker


@pytest.fixture
def troubles() -> list[BaseException]:
    return []


@pytest.fixture
def worker(troubles: list[BaseException]) -> Iterator[Worker]:
    one = Worker(troubles.append)
    yield one
    one.close(lambda: None)


def test_jobs_are_done_in_order_on_one_thread(worker: Worker):
    done: list[tuple[int, str]] = []

    def note(number: int) -> None:
        done.append((number, threading.current_thread().name))

    for future in [worker.submit(lambda n=n: note(n)) for n in range(5)]:
        future.result(timeout=10)
    assert [number for number, _ in done] == [0, 1, 2, 3, 4]
    assert {name for _, name in done} == {"ivos-session"}


def test_an_error_in_a_job_is_its_callers_alone(worker: Worker, troubles: list[BaseException]):
    with pytest.raises(ZeroDivisionError):
        worker.submit(lambda: 1 // 0).result(timeout=10)
    assert worker.submit(lambda: 3).result(timeout=10) == 3
    assert troubles == []


def test_jobs_come_between_the_steps_of_a_run(worker: Worker):
    gate, steps = threading.Semaphore(0), []

    def run() -> Iterator[None]:
        for number in range(3):
            gate.acquire(timeout=10)
            steps.append(number)
            yield

    worker.submit(lambda: worker.start(run())).result(timeout=10)
    gate.release()
    assert worker.submit(lambda: len(steps)).result(timeout=10) <= 1
    gate.release(2)
    while worker.submit(lambda: worker.running).result(timeout=10):
        pass
    assert steps == [0, 1, 2]


def test_a_run_that_fails_is_told_of_and_the_thread_goes_on(
    worker: Worker, troubles: list[BaseException]
):
    def run() -> Iterator[None]:
        yield
        raise MemoryError("no room")

    worker.submit(lambda: worker.start(run())).result(timeout=10)
    while worker.submit(lambda: worker.running).result(timeout=10):
        pass
    assert [str(error) for error in troubles] == ["no room"]
    assert worker.submit(lambda: 3).result(timeout=10) == 3


def test_closing_ends_a_run_where_it_is(troubles: list[BaseException]):
    ended: list[str] = []

    def run() -> Iterator[None]:
        try:
            while True:
                yield
        finally:
            ended.append("run")

    worker = Worker(troubles.append)
    worker.submit(lambda: worker.start(run())).result(timeout=10)
    worker.close(lambda: ended.append("session"))
    assert ended == ["run", "session"]
    assert troubles == []


def test_a_mistake_of_ours_is_said_and_not_waited_for(folder):
    from tests.fakes import ColourNetworks
    from tests.server.conftest import opened, page, serving

    class Broken(ColourNetworks):
        def propagate(self, reference, frame, neighbour, previous):
            raise RuntimeError("a bug")

    with serving(folder, networks=Broken()) as client, page(client, opened(client)) as one:
        one.stroke()
        ended = one.propagate()
        assert "a bug" in ended["error"]
        assert one.until("snapshot")["run"] is None
        assert one.stroke()["type"] == "done"
