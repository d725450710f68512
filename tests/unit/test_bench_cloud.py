"""The strict cloud as a process of the benchmark's: what it is asked over its pipe."""

import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection
from threading import Thread

import pytest

from bench.cloud import serve
from tests.cloud import Behaviour

LONG = 10**7
"""More letters than any pipe holds at once."""


@pytest.fixture
def pipe() -> Iterator[Connection]:
    """The benchmark's end of it. The cloud serves the other one in a thread: to spawn a process
    starts a further one, which outlives the test."""
    ours, theirs = multiprocessing.Pipe()

    def run() -> None:
        with theirs:
            serve(theirs, "http://127.0.0.1:1", Behaviour())

    cloud = Thread(target=run)
    cloud.start()
    yield ours
    ours.close()
    cloud.join()


def test_a_long_answer_comes_whole(pipe: Connection) -> None:
    """As that with the times of all calls of five thousand environments is."""
    assert pipe.recv().startswith("http://")

    pipe.send(("x" * LONG,))

    with pytest.raises(ValueError, match="knows no 'x") as told:
        raise pipe.recv()
    assert len(str(told.value)) > LONG
