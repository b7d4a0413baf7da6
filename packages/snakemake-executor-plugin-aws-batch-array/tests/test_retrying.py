"""Which errors of AWS are waited out, and how."""

import errno
import os
from dataclasses import dataclass, field
from typing import Any

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore import exceptions as aws
from botocore.exceptions import ClientError

from snakemake_executor_plugin_aws_batch_array.retrying import (
    MAX_PAUSE_S,
    TOLD_EVERY_S,
    Retrier,
    WaitReason,
    get_pause_s,
    get_wait_reason,
)

ENDPOINT = {"endpoint_url": "https://batch.us-east-1.amazonaws.com"}


def make_refusal(code: str, status: int = 400, message: str = "") -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},
        },
        "DescribeJobs",
    )


def make_upload_error(reason: Exception) -> Exception:
    """As boto3's upload_file raises it."""
    try:
        try:
            raise reason
        except ClientError:
            raise S3UploadFailedError("Failed to upload")  # noqa: B904 - as boto3 does
    except S3UploadFailedError as error:
        return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (make_refusal("InternalError", 500), WaitReason.OUTAGE),
        (make_refusal("ServerException", 500), WaitReason.OUTAGE),
        (make_refusal("ServiceUnavailable", 503), WaitReason.OUTAGE),
        (make_refusal("504", 504), WaitReason.OUTAGE),
        (make_refusal("TooManyRequestsException", 429), WaitReason.THROTTLED),
        (make_refusal("ThrottlingException"), WaitReason.THROTTLED),
        (make_refusal("SlowDown", 503), WaitReason.THROTTLED),
        (make_refusal("RequestTimeout"), WaitReason.NETWORK),
        (aws.EndpointConnectionError(**ENDPOINT), WaitReason.NETWORK),
        (aws.ConnectTimeoutError(**ENDPOINT), WaitReason.NETWORK),
        (aws.ReadTimeoutError(**ENDPOINT), WaitReason.NETWORK),
        (aws.ConnectionClosedError(**ENDPOINT), WaitReason.NETWORK),
        (aws.ProxyConnectionError(proxy_url="http://proxy"), WaitReason.NETWORK),
        (aws.SSLError(error="certificate", **ENDPOINT), WaitReason.NETWORK),
        (aws.ResponseStreamingError(error="cut"), WaitReason.NETWORK),
        (aws.IncompleteReadError(actual_bytes=1, expected_bytes=2), WaitReason.NETWORK),
        (ConnectionResetError(), WaitReason.NETWORK),
        (make_refusal("ExpiredTokenException", 403), WaitReason.CREDENTIALS),
        (make_refusal("ExpiredToken"), WaitReason.CREDENTIALS),
        (make_refusal("UnrecognizedClientException", 403), WaitReason.CREDENTIALS),
        (aws.NoCredentialsError(), WaitReason.CREDENTIALS),
        (aws.CredentialRetrievalError(provider="x", error_msg="y"), WaitReason.CREDENTIALS),
        (aws.UnauthorizedSSOTokenError(), WaitReason.CREDENTIALS),
        (aws.SSOTokenLoadError(error_msg="none"), WaitReason.CREDENTIALS),
        (make_refusal("RequestTimeTooSkewed", 403), WaitReason.CLOCK),
        (
            make_refusal(
                "InvalidSignatureException", 403, "Signature expired: 2026 is now earlier"
            ),
            WaitReason.CLOCK,
        ),
        (make_upload_error(make_refusal("InternalError", 500)), WaitReason.OUTAGE),
        # What waiting does not mend.
        (make_refusal("AccessDeniedException", 403), None),
        (make_refusal("AccessDenied", 403), None),
        (make_refusal("SignatureDoesNotMatch", 403, "The request signature we calculated"), None),
        (make_refusal("ClientException"), None),
        (make_refusal("NoSuchBucket", 404), None),
        (make_upload_error(make_refusal("AccessDenied", 403)), None),
        (aws.ParamValidationError(report="x"), None),
        (aws.ProfileNotFound(profile="x"), None),
        (ValueError(), None),
    ],
)
def test_an_error_passes_or_does_not(error: Exception, reason: WaitReason | None) -> None:
    assert get_wait_reason(error) is reason


@dataclass
class Clock:
    """A clock that only pauses move, and a logger."""

    now: float = 1000.0
    pauses: list[float] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    renewals: int = 0

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)

    def warning(self, line: str) -> None:
        self.lines.append(line)

    def renew(self) -> None:
        self.renewals += 1

    def make_retrier(self) -> Retrier:
        return Retrier(self, self.renew, "Jobs go on.", clock=lambda: self.now, pause=self.pause)


class Call:
    """Raises an error until the clock says that it has passed."""

    def __init__(self, clock: Clock, error: Exception, lasts_s: float) -> None:
        self._clock = clock
        self._error = error
        self._ends = clock.now + lasts_s

    def __call__(self) -> str:
        if self._clock.now < self._ends:
            raise self._error
        return "answer"


def test_an_outage_of_five_hours_is_waited_out_and_reported_once_a_minute() -> None:
    clock = Clock()
    hours = 5 * 3600

    answer = clock.make_retrier().ask(Call(clock, make_refusal("InternalError", 500), hours))

    assert answer == "answer"
    waiting = [line for line in clock.lines if line.startswith("Waiting for AWS")]
    assert hours / (TOLD_EVERY_S + MAX_PAUSE_S) < len(waiting) <= hours / TOLD_EVERY_S + 1
    assert "AWS has an internal failure" in waiting[0]
    assert waiting[0].endswith("Jobs go on.")
    assert clock.lines[-1].startswith("AWS answers again, after 180")


def test_a_full_disk_is_waited_for_and_reported() -> None:
    clock = Clock()
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "results/usage.tsv")

    assert clock.make_retrier().ask(Call(clock, full, 3600)) == "answer"

    assert clock.lines[0].startswith("Waiting for this machine: a disk of this machine is full")
    assert "results/usage.tsv" in clock.lines[0]
    assert clock.lines[-1].startswith("There is room again, after 36")


@pytest.mark.parametrize("number", [errno.EISDIR, errno.EACCES, errno.ENOTDIR])
def test_what_stands_in_the_way_of_a_file_is_raised_at_once(number: int) -> None:
    clock = Clock()

    with pytest.raises(OSError, match=os.strerror(number)):
        clock.make_retrier().ask(Call(clock, OSError(number, os.strerror(number)), 1))


def test_pauses_grow_and_are_never_the_same() -> None:
    assert get_pause_s(0) <= 1.0
    assert MAX_PAUSE_S / 2 <= get_pause_s(1000) <= MAX_PAUSE_S
    assert len({get_pause_s(8) for _ in range(5)}) > 1


def test_credentials_are_looked_for_again_before_each_attempt() -> None:
    clock = Clock()

    clock.make_retrier().ask(Call(clock, make_refusal("ExpiredTokenException", 403), 100))

    assert clock.renewals == len(clock.pauses)
    assert "renew them" in clock.lines[0]


def test_what_waiting_does_not_mend_is_raised_at_once() -> None:
    clock = Clock()

    with pytest.raises(ClientError):
        clock.make_retrier().ask(Call(clock, make_refusal("AccessDenied", 403), 100))

    assert clock.pauses == []


def test_at_the_start_of_a_run_patience_ends() -> None:
    clock = Clock()
    retrier = clock.make_retrier()

    with pytest.raises(aws.NoCredentialsError), retrier.limited(60):
        retrier.ask(Call(clock, aws.NoCredentialsError(), 600))

    assert 60 <= sum(clock.pauses) < 60 + MAX_PAUSE_S


def test_who_gives_up_gets_the_next_error() -> None:
    clock = Clock()
    retrier = clock.make_retrier()
    retrier.give_up()

    with pytest.raises(ClientError):
        retrier.ask(Call(clock, make_refusal("InternalError", 500), 600))


def test_threads_that_wait_together_say_it_once() -> None:
    clock = Clock()
    retrier = clock.make_retrier()
    error: Any = make_refusal("InternalError", 500)

    for _ in range(16):
        retrier.wait(error, 0)

    assert len(clock.lines) == 1
