"""What all unit tests share.

Property-based tests leave no database behind, and a busy machine is no failure.
"""

from collections.abc import Iterator

import pytest
from hypothesis import settings
from support.archive_server import Archive, serve
from support.cohorts import cohort, s3  # noqa: F401 (fixtures)
from support.searches import archives, small_batches  # noqa: F401 (fixtures)
from support.tools import tools  # noqa: F401 (fixture)

from bactofleet.archives import retry, sra

settings.register_profile("bactofleet", database=None, deadline=None, max_examples=100)
settings.load_profile("bactofleet")


@pytest.fixture(scope="session")
def archive_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """Archives on this machine."""
    with serve(tmp_path_factory.mktemp("authority")) as archive:
        yield archive


@pytest.fixture
def archive(archive_server: Archive, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """Archives that know nothing yet; the environment leads there, pauses are short."""
    archive_server.clear()
    monkeypatch.setattr(retry, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(sra, "PAUSE_S", 0)
    for name, value in archive_server.environment.items():
        monkeypatch.setenv(name, value)
    return archive_server
