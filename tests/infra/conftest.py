"""An emulated account, and fleets that are deployed in it."""

from collections.abc import Iterator

import pytest
from aws.emulator.client import EmulatedAWS
from infra.fleet import Account, Fleet


@pytest.fixture(scope="session")
def account() -> Iterator[EmulatedAWS]:
    """One account for all tests; each has a stack with a name of its own."""
    with Account() as account:
        yield account


@pytest.fixture(scope="session")
def fleet(account: EmulatedAWS, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """A fleet that is deployed, for tests that leave it as it is."""
    fleet = Fleet(account, tmp_path_factory.mktemp("fleet"), "fleet")
    deployed = fleet.aws("deploy", "--yes")
    assert deployed.returncode == 0, deployed.stderr
    return fleet
