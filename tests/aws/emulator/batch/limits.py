"""Requests that AWS refuses, refused here with the same kind of error.

AWS: https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html and
https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html
moto 5.2.5 checks neither sizes nor the exclusive members of ListJobs.
"""

import re
from typing import Any

from moto.batch.exceptions import ClientException

SUBMIT_JOB_BYTES = 30 * 1024
REGISTER_JOB_DEFINITION_BYTES = 24 * 1024
MIN_ARRAY_SIZE = 2
MAX_ARRAY_SIZE = 10_000
MAX_DESCRIBED_JOBS = 100
MAX_TERMINATED_JOBS = 50
MAX_PAGE = 1000
MAX_FILTERED_PAGE = 100
MIN_TIMEOUT_S = 60
RESERVED_ENVIRONMENT = "AWS_BATCH"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")

# https://docs.aws.amazon.com/batch/latest/userguide/fargate.html: MiB allowed for each vCPU count
FARGATE_MEMORY_MIB = {
    0.25: (512, 1024, 2048),
    0.5: range(1024, 4096 + 1, 1024),
    1.0: range(2048, 8192 + 1, 1024),
    2.0: range(4096, 16384 + 1, 1024),
    4.0: range(8192, 30720 + 1, 1024),
    8.0: range(16384, 61440 + 1, 4096),
    16.0: range(32768, 122880 + 1, 8192),
}


def check_share(policy: str | None, share: str | None) -> None:
    """Refuse a share identifier where no policy asks for one, and a job without where one does."""
    if policy and not share:
        raise ClientException("shareIdentifier must be specified for a fair-share job queue.")
    if share and not policy:
        raise ClientException("shareIdentifier can't be specified for a FIFO job queue.")


def check_payload(operation: str, size_bytes: int) -> None:
    """Refuse a SubmitJob or RegisterJobDefinition that is too large."""
    limits = {"submitjob": SUBMIT_JOB_BYTES, "registerjobdefinition": REGISTER_JOB_DEFINITION_BYTES}
    limit = limits.get(operation)
    if limit is not None and size_bytes > limit:
        raise ClientException(f"{operation}: payload of {size_bytes} bytes, at most {limit}")


def check_name(name: str, *, of: str) -> None:
    """Refuse a name with other than letters, digits, hyphens and underscores."""
    if not NAME.fullmatch(name):
        raise ClientException(f"{of} name should match valid pattern")


def check_array_size(size: int) -> None:
    """Refuse an array of one, and one of more than 10,000."""
    if not MIN_ARRAY_SIZE <= size <= MAX_ARRAY_SIZE:
        raise ClientException(
            f"Array size must be between {MIN_ARRAY_SIZE} and {MAX_ARRAY_SIZE}, not {size}"
        )


def check_environment(variables: list[dict[str, str]]) -> None:
    """Refuse variables that Batch sets itself."""
    names = [v["name"] for v in variables if v["name"].startswith(RESERVED_ENVIRONMENT)]
    if names:
        raise ClientException(f"Environment variables may not start with AWS_BATCH: {names}")


def check_timeout(timeout_s: int | None) -> None:
    """Refuse a timeout under a minute."""
    if timeout_s is not None and timeout_s < MIN_TIMEOUT_S:
        raise ClientException(f"attemptDurationSeconds must be at least {MIN_TIMEOUT_S}")


def check_fargate_size(vcpus: float, memory_mib: int) -> None:
    """Refuse a combination that Fargate does not sell."""
    if memory_mib not in FARGATE_MEMORY_MIB.get(vcpus, ()):
        raise ClientException(
            f"Fargate resource requirements ({vcpus:.2f} vCPU, {memory_mib} MiB) not valid."
        )


def check_described(job_ids: list[str]) -> None:
    """Refuse more than 100 ids in one DescribeJobs."""
    if len(job_ids) > MAX_DESCRIBED_JOBS:
        raise ClientException(f"jobs has {len(job_ids)} members, at most {MAX_DESCRIBED_JOBS}")


def page_size(requested: int | None, filtered: bool) -> int:
    """How many jobs a page of ListJobs holds."""
    limit = MAX_FILTERED_PAGE if filtered else MAX_PAGE
    if requested is not None and requested < 1:
        raise ClientException(f"maxResults must be at least 1, not {requested}")
    return min(requested or limit, limit)


def check_one_selector(selectors: dict[str, Any]) -> None:
    """ListJobs takes exactly one of jobQueue, arrayJobId and multiNodeJobId."""
    given = [name for name, value in selectors.items() if value]
    if len(given) != 1:
        raise ClientException(f"Exactly one of {', '.join(selectors)} is needed, not {given}")
