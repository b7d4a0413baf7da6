"""The emulated AWS as fixtures; see emulator/README.md."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from emulator.client import EmulatedAWS


@pytest.fixture
def start_aws() -> Iterator[Callable[..., EmulatedAWS]]:
    """Start an emulated AWS with options; it is stopped after the test."""
    with ExitStack() as started:
        yield lambda **options: started.enter_context(EmulatedAWS(**options))


@pytest.fixture
def aws(start_aws: Callable[..., EmulatedAWS]) -> EmulatedAWS:
    """An emulated AWS that runs containers."""
    return start_aws()
