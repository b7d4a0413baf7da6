"""Explanations of errors from AWS: what is wrong, and the command that fixes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from bactofleet.core.errors import ConfigurationError

LOG_IN = "log in: `aws sso login`, or `aws configure` for keys of your own"
RENEW = "renew it: `aws sso login`, or fetch new temporary keys"
SET_CLOCK = "set this machine's clock: `timedatectl set-ntp true`"


@dataclass(frozen=True)
class Fault:
    """An error and how to fix it."""

    message: str
    remedy: str
    is_denied: bool = False
    """Whether the only problem is a missing permission."""


# https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html and
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_CODES = {
    **dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException"), Fault("the session token has expired", RENEW)
    ),
    **dict.fromkeys(
        (
            "AuthFailure",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ),
        Fault("AWS does not know these credentials", LOG_IN),
    ),
    **dict.fromkeys(
        ("RequestExpired", "RequestTimeTooSkewed"),
        Fault("this machine's clock and that of AWS differ too much", SET_CLOCK),
    ),
}
# Errors for a wrong clock from services that check the signature's date first, such as STS:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
_CLOCK_WORDS = ("Signature expired", "Signature not yet current")
DENIED = {"403", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_BY_TYPE = (
    (
        (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError),
        Fault("there are no AWS credentials", LOG_IN),
    ),
    ((SSOError, TokenRetrievalError), Fault("the login has expired", RENEW)),
    (
        (NoRegionError,),
        Fault("no AWS region is chosen", "give --region, or `export AWS_REGION=us-east-1`"),
    ),
)


def error_code(error: Exception) -> str:
    """Return the error code of a service's answer, "" if no service answered."""
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""


def explain(error: Exception) -> Fault:
    """Explain an exception of botocore to the user."""
    for kinds, fault in _BY_TYPE:
        if isinstance(error, kinds):
            return fault
    if isinstance(error, ProfileNotFound):
        return Fault(str(error), "set AWS_PROFILE to another:  `aws configure list-profiles`")
    if isinstance(error, EndpointConnectionError | ConnectTimeoutError | HTTPClientError):
        return Fault(str(error), "check the network and the region's name")
    is_late = any(words in str(error) for words in _CLOCK_WORDS)
    code = "RequestTimeTooSkewed" if is_late else error_code(error)
    if code in _CODES:
        return _CODES[code]
    if code in DENIED:
        remedy = "ask for this permission, or use a role that has it (docs/aws.md)"
        return Fault(f"permission denied: {error}", remedy, is_denied=True)
    return Fault(str(error), "docs/aws.md may help")


@contextmanager
def translated() -> Iterator[None]:
    """Turn any error from AWS in the block into a `ConfigurationError` with a remedy."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        fault = explain(error)
        raise ConfigurationError([f"AWS: {fault.message}; {fault.remedy}"]) from error
