"""A session with AWS whose credentials may be renewed from outside while it is open."""

from collections.abc import Callable
from typing import Any

import boto3
import botocore.session
from botocore.credentials import CredentialProvider, Credentials
from botocore.exceptions import NoCredentialsError


class RenewableCredentials(Credentials):  # type: ignore[misc]
    """Credentials from the chain of providers, which is searched again on request.

    botocore itself renews credentials with an expiry time, but it reads a credentials file, or
    notices a login, only once per session.
    """

    def __init__(self) -> None:
        super().__init__(access_key="", secret_key="")
        self._current: Credentials | None = None
        self.renew()

    def renew(self) -> None:
        """Ask all providers again."""
        self._current = botocore.session.Session().get_credentials()

    def get_frozen_credentials(self) -> Any:
        """Return the keys and the token for one request."""
        if self._current is None:
            raise NoCredentialsError
        return self._current.get_frozen_credentials()

    def get_deferred_property(self, property_name: str) -> Callable[[], Any]:
        """Return a function that returns a property, such as the account's id."""
        return lambda: getattr(self._current, property_name, None)


class _Provider(CredentialProvider):  # type: ignore[misc]
    METHOD = "renewable"

    def __init__(self, credentials: RenewableCredentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> RenewableCredentials:
        return self._credentials


def open_session(region: str | None) -> tuple[Any, RenewableCredentials]:
    """Open a session; all its clients use the returned credentials."""
    credentials = RenewableCredentials()
    core = botocore.session.Session()
    core.get_component("credential_provider").insert_before("env", _Provider(credentials))
    return boto3.session.Session(botocore_session=core, region_name=region), credentials
