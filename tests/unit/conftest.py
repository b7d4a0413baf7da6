"""What all unit tests share.

Property-based tests leave no database behind, and a busy machine is no failure.
"""

import functools
import json
import os
from collections.abc import Iterator

import botocore.session
import pytest
from botocore.loaders import create_loader
from hypothesis import settings
from support.archive_server import archive, archive_server  # noqa: F401 (fixtures)
from support.cohorts import cohort, s3  # noqa: F401 (fixtures)
from support.searches import archives, small_batches  # noqa: F401 (fixtures)
from support.tools import tools  # noqa: F401 (fixture)

from bactofleet import __version__
from bactofleet.core import versions

settings.register_profile("bactofleet", database=None, deadline=None, max_examples=100)
settings.load_profile("bactofleet")


@pytest.fixture(autouse=True, scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Take versions from a list, as in the image, not from the tools of this machine."""
    path = tmp_path_factory.mktemp("image") / "versions.json"
    path.write_text(json.dumps({"bactofleet": __version__, "prokka": "1.14.6", "pigz": "2.8"}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(versions, "IMAGE_VERSIONS", path)
        yield


@pytest.fixture(autouse=True, scope="session")
def disk() -> Iterator[None]:
    """Do not wait for the disk: no test takes the power away."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def models_of_aws() -> Iterator[None]:
    """Read the models of AWS's services once, not for each session: they are the large part."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", functools.cache(create_loader))
        yield
