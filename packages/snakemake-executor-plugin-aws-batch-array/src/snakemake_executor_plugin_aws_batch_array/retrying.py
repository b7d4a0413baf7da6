"""Temporary errors of AWS and of this machine's disk, and waiting until they have passed."""

import errno
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from itertools import count
from typing import Any, TypeVar

import urllib3.exceptions
from boto3.exceptions import S3UploadFailedError
from botocore import exceptions as aws
from botocore.exceptions import BotoCoreError, ClientError

T = TypeVar("T")

FIRST_PAUSE_S = 1.0
MAX_PAUSE_S = 60.0
TOLD_EVERY_S = 60.0

# What a call to AWS may raise; `get_wait_reason` says which errors are temporary.
AWS_ERRORS = (
    ClientError,
    BotoCoreError,
    S3UploadFailedError,
    urllib3.exceptions.HTTPError,
    ConnectionError,
    TimeoutError,
)
# What this machine's disk may raise.
DISK_ERRORS = (OSError, sqlite3.OperationalError)


class WaitReason(StrEnum):
    """Why a call has to wait."""

    NETWORK = "AWS cannot be reached"
    OUTAGE = "AWS has an internal failure"
    THROTTLED = "AWS asks to come again later"
    CREDENTIALS = (
        "AWS does not accept the credentials; renew them (for example `aws sso login`), "
        "no restart is needed"
    )
    CLOCK = "the clock of this machine is off; set it"
    DISK = "a disk of this machine is full; make room"


_NETWORK_ERRORS = (
    aws.HTTPClientError,
    aws.ConnectionError,
    aws.IncompleteReadError,
    urllib3.exceptions.HTTPError,
    ConnectionError,
    TimeoutError,
)
_CREDENTIAL_ERRORS = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.TokenRetrievalError,
    aws.NoAuthTokenError,
    aws.MetadataRetrievalError,
    aws.SSOError,
    aws.LoginError,
)
# https://docs.aws.amazon.com/batch/latest/APIReference/CommonErrors.html and
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_CODES = {
    "TooManyRequestsException": WaitReason.THROTTLED,
    "ThrottlingException": WaitReason.THROTTLED,
    "Throttling": WaitReason.THROTTLED,
    "RequestLimitExceeded": WaitReason.THROTTLED,
    "SlowDown": WaitReason.THROTTLED,
    "RequestTimeout": WaitReason.NETWORK,
    "ExpiredToken": WaitReason.CREDENTIALS,
    "ExpiredTokenException": WaitReason.CREDENTIALS,
    "TokenRefreshRequired": WaitReason.CREDENTIALS,
    "InvalidToken": WaitReason.CREDENTIALS,
    "InvalidClientTokenId": WaitReason.CREDENTIALS,
    "InvalidAccessKeyId": WaitReason.CREDENTIALS,
    "UnrecognizedClientException": WaitReason.CREDENTIALS,
    "RequestTimeTooSkewed": WaitReason.CLOCK,
    "RequestExpired": WaitReason.CLOCK,
    "RequestInTheFuture": WaitReason.CLOCK,
}
# AWS refuses a wrong clock like a wrong key: "Signature expired: ... is now earlier than ...", or
# "Signature not yet current: ...".
_SIGNATURE_CODES = {"InvalidSignatureException", "SignatureDoesNotMatch"}
_CLOCK_WORDS = ("Signature expired", "Signature not yet current")


def get_wait_reason(error: BaseException) -> WaitReason | None:
    """Return what must pass before the same call can succeed; None if waiting does not help."""
    if isinstance(error, S3UploadFailedError):  # boto3 keeps the reason as its context
        return get_wait_reason(error.__context__) if error.__context__ else None
    if isinstance(error, ClientError):
        return _get_wait_reason_of_refusal(error)
    if isinstance(error, _CREDENTIAL_ERRORS):
        return WaitReason.CREDENTIALS
    if isinstance(error, _NETWORK_ERRORS):
        return WaitReason.NETWORK
    return WaitReason.DISK if _is_disk_full(error) else None


def _is_disk_full(error: BaseException) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        # https://www.sqlite.org/rescode.html#full
        return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _get_wait_reason_of_refusal(error: ClientError) -> WaitReason | None:
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if code in _CODES:
        return _CODES[code]
    if code in _SIGNATURE_CODES and message.startswith(_CLOCK_WORDS):
        return WaitReason.CLOCK
    return WaitReason.OUTAGE if get_http_status(error) >= 500 else None


def get_http_status(error: ClientError) -> int:
    """HTTP status of a refusal; 0 where a call was refused before it was made."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


class Retrier:
    """Repeats calls with growing pauses, as long as necessary, and says what it waits for.

    All threads share one object, so that the log gets one line a minute.
    """

    def __init__(
        self,
        logger: Any,
        renew_credentials: Callable[[], None] = lambda: None,
        meanwhile: str = "",
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] | None = None,
    ) -> None:
        """Make one for all threads of a program.

        Args:
            logger: Has `warning`.
            renew_credentials: Called before a call is repeated that refused the credentials.
            meanwhile: A sentence for the log: what continues during the wait.
            clock: Returns seconds since any fixed moment.
            pause: Sleeps for a number of seconds.
        """
        self._logger = logger
        self._meanwhile = meanwhile
        self._renew_credentials = renew_credentials
        self._clock = clock
        self._is_given_up = threading.Event()
        self._pause = pause or self._is_given_up.wait
        self._lock = threading.Lock()
        self._until: float | None = None
        self._since: float | None = None
        self._told = 0.0
        self._reason: WaitReason | None = None

    @classmethod
    def none(cls) -> "Retrier":
        """Return an object that raises every error at once."""
        retrier = cls(None)
        retrier.give_up()
        return retrier

    @property
    def is_given_up(self) -> bool:
        """Whether it no longer waits for anything."""
        return self._is_given_up.is_set()

    def give_up(self) -> None:
        """Stop waiting in all threads: the next error is raised."""
        self._is_given_up.set()

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Wait no longer than this many seconds in all, while no job is at stake."""
        self._until = self._clock() + seconds
        try:
            yield
        finally:
            self._until = None

    def ask(self, call: Callable[[], T]) -> T:
        """Return what a call returns in the end.

        Raises:
            AWS_ERRORS, DISK_ERRORS: waiting does not help, or is no longer wanted.
        """
        for attempt in count():
            try:
                result = call()
            except (*AWS_ERRORS, *DISK_ERRORS) as error:
                self.wait(error, attempt)
            else:
                if attempt:
                    self.report_end()
                return result
        raise AssertionError  # count() has no end; for the type checker

    def wait(self, error: Exception, attempt: int) -> None:
        """Wait after an error, longer after more attempts."""
        reason = get_wait_reason(error)
        is_over = self._until is not None and self._clock() >= self._until
        if reason is None or is_over or self.is_given_up:
            raise error
        if reason is WaitReason.CREDENTIALS:
            self._renew_credentials()
        self._report(reason, error)
        self._pause(get_pause_s(attempt))

    def report_end(self) -> None:
        """Report that AWS answers again, if its failure was reported."""
        with self._lock:
            since, self._since = self._since, None
        if since is not None:
            end = "There is room again" if self._reason is WaitReason.DISK else "AWS answers again"
            self._logger.warning(f"{end}, after {self._clock() - since:.0f} s.")

    def _report(self, reason: WaitReason, error: Exception) -> None:
        with self._lock:
            now = self._clock()
            is_first = self._since is None
            self._since = now if self._since is None else self._since
            if not is_first and now - self._told < TOLD_EVERY_S:
                return
            self._told, self._reason = now, reason
            waited = "" if is_first else f" for {now - self._since:.0f} s"
        whom = "this machine" if reason is WaitReason.DISK else "AWS"
        text = f"Waiting for {whom}{waited}: {reason} ({error}). {self._meanwhile}"
        self._logger.warning(text.rstrip())


def get_pause_s(attempt: int) -> float:
    """Twice as long each time, with jitter, so that controllers do not retry in step."""
    longest = min(MAX_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempt, 10))
    return random.uniform(0.5, 1.0) * longest  # noqa: S311 - no secret
