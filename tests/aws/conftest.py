"""The emulated AWS as fixtures; see emulator/README.md."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from aws.batch_helpers import Gate
from aws.emulator.client import EmulatedAWS


@pytest.fixture
def start_aws() -> Iterator[Callable[..., EmulatedAWS]]:
    """Start an emulated AWS with options; it is stopped after the test."""
    with ExitStack() as started:
        yield lambda **options: started.enter_context(EmulatedAWS(**options))


@pytest.fixture
def aws(start_aws: Callable[..., EmulatedAWS]) -> EmulatedAWS:
    """An emulated AWS of the test's own, that runs containers."""
    return start_aws()


@pytest.fixture(scope="session")
def session_aws() -> Iterator[EmulatedAWS]:
    """One emulated AWS for all tests that share it."""
    with EmulatedAWS() as aws:
        yield aws


@pytest.fixture
def shared_aws(session_aws: EmulatedAWS) -> Iterator[EmulatedAWS]:
    """The shared emulated AWS, without faults; for tests that look at their own jobs only."""
    yield session_aws
    session_aws.clear_faults()


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """A gate for jobs; none is kept longer than the test."""
    gate = Gate(tmp_path)
    yield gate
    gate.open()
