"""A session with AWS in a configured region."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.exceptions import NoRegionError

from bactofleet.aws.settings import effective_settings


def open_session(region: str | None) -> Any:
    """Open a session in `region`, else in that of the settings, else in boto3's default region.

    Raises `NoRegionError` if there is none.
    """
    session = boto3.Session(region_name=region or effective_settings().get("region"))
    if not session.region_name:
        raise NoRegionError
    return session
