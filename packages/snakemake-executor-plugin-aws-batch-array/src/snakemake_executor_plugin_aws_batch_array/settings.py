"""The settings of the executor, checked at the start and not at the ten thousandth job."""

# ruff: noqa: UP045 - Snakemake makes options of `Optional[str]`, and cannot of `str | None`

import re
from dataclasses import dataclass, field
from typing import Any, Optional

from snakemake_executor_plugin_aws_batch import ExecutorSettings as AwsBatchSettings
from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_executor_plugins.settings import CommonSettings

from .paths import DEFAULT_PREFIX
from .versions import get_versions

# https://docs.aws.amazon.com/batch/latest/APIReference/API_RetryStrategy.html
MAX_ATTEMPTS = 10
# https://docs.aws.amazon.com/batch/latest/APIReference/API_JobTimeout.html
MIN_TIMEOUT_S = 60
# https://docs.aws.amazon.com/batch/latest/APIReference/API_RegisterJobDefinition.html
MAX_TAGS = 50

_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")
# Name or ARN: https://docs.aws.amazon.com/batch/latest/APIReference/API_CreateJobQueue.html
_QUEUE = re.compile(r"(arn:aws[a-z-]*:batch:[a-z0-9-]+:\d{12}:job-queue/)?[\w-]{1,128}")
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[\w.-]+(/[\w.-]+)*")
_IMAGE = re.compile(r"[\w.:/@-]+")
# https://docs.aws.amazon.com/batch/latest/APIReference/API_ShareAttributes.html
_SHARE = re.compile(r"[A-Za-z0-9]{1,255}")
_HOST_PATH = re.compile(r"/[\w./-]+")


common_settings = CommonSettings(
    non_local_exec=True,
    implies_no_shared_fs=True,
    # Sources travel in the bundle, and the image has all software.
    job_deploy_sources=False,
    auto_deploy_default_storage_provider=False,
    pass_default_storage_provider_args=True,
    pass_default_resources_args=True,
    # Also in the bundle, so that they do not appear in job definitions.
    pass_envvar_declarations_to_cmd=False,
    # Children that run several components of a group need to know the groups.
    pass_group_args=True,
    can_transfer_local_files=True,
)


def parse_tags(text: str) -> dict[str, str]:
    """Read `KEY=VALUE,KEY=VALUE`.

    Raises:
        WorkflowError: a part has no `=`, or its key is empty.
    """
    pairs = [part.partition("=") for part in text.split(",")]
    if any(not key or not equals for key, equals, _ in pairs):
        raise WorkflowError(
            f"tags {text!r} is not a list of KEY=VALUE separated by commas; "
            "write for example project=genomes,owner=me"
        )
    return {key: value for key, _, value in pairs}


def format_tags(tags: dict[str, str]) -> str:
    """Write tags as `parse_tags` reads them."""
    return ",".join(f"{key}={value}" for key, value in tags.items())


def _setting(default: Any, text: str, **metadata: Any) -> Any:
    return field(default=default, metadata={"help": text, "env_var": True, **metadata})


@dataclass
class ExecutorSettings(AwsBatchSettings):  # type: ignore[misc]
    """Every setting is `--aws-batch-array-<name>` or `SNAKEMAKE_AWS_BATCH_ARRAY_<NAME>`."""

    region: Optional[str] = _setting(None, "AWS region, for example us-east-1.", required=True)
    job_queue: Optional[str] = _setting(
        None, "Name or ARN of the job queue (usually spot).", required=True
    )
    fallback_queue: Optional[str] = _setting(
        None,
        "Name or ARN of the queue (usually on-demand) for jobs that have used up their attempts on "
        "the first queue (default: the first queue again).",
    )
    share_identifier: Optional[str] = _setting(
        None, "Share identifier of the jobs, for queues with a fair-share scheduling policy."
    )
    job_role: Optional[str] = _setting(
        None, "ARN of the IAM role of the containers.", required=True
    )
    execution_role: Optional[str] = _setting(
        None, "ARN of the IAM role that pulls the image and writes the logs; required on Fargate."
    )
    bucket: Optional[str] = _setting(
        None,
        "S3 bucket for the bundle, the manifests and the returned files of a run.",
        required=True,
    )
    prefix: str = _setting(DEFAULT_PREFIX, "Folder in the bucket.", type=str)
    image: Optional[str] = _setting(
        None,
        "Container image with Snakemake, this plugin and the workflow's tools.",
        required=True,
    )
    match_versions: str = _setting(
        "",
        "Packages, separated by commas, that image and controller must have in the same version, "
        "as they must have Snakemake and this plugin.",
        type=str,
    )
    attempts: int = _setting(
        3, "Attempts that Batch makes per queue when hosts are lost (1 to 10).", type=int
    )
    task_timeout: Optional[int] = _setting(
        None, "Time limit of an attempt in seconds, at least 60 (default: none).", type=int
    )
    tags: Optional[dict[str, str]] = field(
        default=None,
        metadata={
            "help": "Tags for the jobs and the job definition, as KEY=VALUE,KEY=VALUE.",
            "env_var": True,
            "parse_func": parse_tags,
            "unparse_func": format_tags,
        },
    )
    shared_memory: Optional[int] = _setting(
        None, "Size of /dev/shm in MiB, EC2 only (default: Docker's 64).", type=int
    )
    scratch_volume: Optional[str] = _setting(
        None,
        "Folder of the host for the scratch of jobs, EC2 only, for example on an NVMe disk "
        "(default: a volume that is removed with the container).",
    )
    detach: bool = _setting(False, "Leave the jobs running when Snakemake is interrupted (Ctrl-C).")
    discard_running: bool = _setting(
        False,
        "Terminate running jobs of an earlier run whose files this run makes from other sources, "
        "configuration or parameters.",
    )
    keep_finished: bool = _setting(
        False,
        "Leave the objects and job definitions of finished runs to the next start, for controllers "
        "whose report-dir is still to be copied.",
    )
    poll_interval: int = _setting(
        10, "Minimum number of seconds between two status queries.", type=int
    )
    unplaceable_after: int = _setting(
        1800,
        "Seconds after which jobs that Batch cannot place on any instance are given up.",
        type=int,
    )
    report_dir: str = _setting(
        "results", "Folder for failures.tsv, usage.tsv and the ledger of submitted jobs.", type=str
    )

    def __post_init__(self) -> None:
        """Check all values and report all problems at once."""
        problems = [text for text in self._iter_problems() if text]
        if problems:
            raise WorkflowError(
                "Settings of the executor aws-batch-array:\n  " + "\n  ".join(problems)
            )

    @property
    def matched_packages(self) -> list[str]:
        """The packages of `match_versions`."""
        return [name for name in self.match_versions.replace(" ", "").split(",") if name]

    def _iter_problems(self) -> list[str | None]:
        return [
            _mismatch("job-queue", self.job_queue, _QUEUE, "a queue's name or ARN"),
            _mismatch("fallback-queue", self.fallback_queue, _QUEUE, "a queue's name or ARN"),
            _mismatch("job-role", self.job_role, _ROLE_ARN, "arn:aws:iam::<account>:role/<name>"),
            _mismatch(
                "execution-role",
                self.execution_role,
                _ROLE_ARN,
                "arn:aws:iam::<account>:role/<name>",
            ),
            _mismatch("bucket", self.bucket, _BUCKET, "a bucket's name, without s3://"),
            _mismatch("prefix", self.prefix, _PREFIX, "letters, digits, . _ - and /"),
            _mismatch("image", self.image, _IMAGE, "an image as `docker pull` takes it"),
            _mismatch("share-identifier", self.share_identifier, _SHARE, "letters and digits"),
            _mismatch("scratch-volume", self.scratch_volume, _HOST_PATH, "an absolute path"),
            _outside("attempts", self.attempts, 1, MAX_ATTEMPTS),
            _outside("task-timeout", self.task_timeout, MIN_TIMEOUT_S, None),
            _outside("shared-memory", self.shared_memory, 1, None),
            _outside("poll-interval", self.poll_interval, 1, None),
            _outside("unplaceable-after", self.unplaceable_after, 0, None),
            _outside("tags (how many)", len(self.tags or {}), 0, MAX_TAGS),
            self._equal_queues(),
            self._missing_packages(),
        ]

    def _missing_packages(self) -> str | None:
        versions = get_versions(self.matched_packages)
        missing = [name for name, version in versions.items() if not version]
        return f"match-versions: not installed here: {', '.join(missing)}" if missing else None

    def _equal_queues(self) -> str | None:
        if self.fallback_queue is None or self.fallback_queue != self.job_queue:
            return None
        return (
            f"fallback-queue is the job-queue {self.job_queue!r}; "
            "name another queue or leave it out"
        )


def _mismatch(name: str, value: str | None, pattern: re.Pattern[str], allowed: str) -> str | None:
    if value is None or (pattern.fullmatch(value) and ".." not in value):
        return None
    return f"{name} is {value!r}; give {allowed}"


def _outside(name: str, value: int | None, low: int, high: int | None) -> str | None:
    if value is None or (value >= low and (high is None or value <= high)):
        return None
    limits = f"at least {low}" if high is None else f"{low} to {high}"
    return f"{name} is {value}; give {limits}"
