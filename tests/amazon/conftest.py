"""Fixtures around the simulator: one process for the session, an empty world for every test."""

from collections.abc import Iterator

import pytest

from tests.amazon.harness import Amazon


@pytest.fixture(scope="session")
def amazon_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Amazon]:
    """The simulator's process, shared by all tests of the session."""
    with Amazon.running(tmp_path_factory.mktemp("amazon")) as amazon:
        yield amazon


@pytest.fixture
def amazon(amazon_process: Amazon) -> Amazon:
    """An empty simulator."""
    amazon_process.reset()
    return amazon_process
