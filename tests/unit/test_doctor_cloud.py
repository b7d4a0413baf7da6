"""The doctor says what is wrong with an account, and the command that mends it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from bactofleet.doctor.account import Caller, Environment, InstanceType, Queue
from bactofleet.doctor.cloud import TASKS, examine
from bactofleet.doctor.findings import ERROR, OK, WARNING, Finding
from bactofleet.doctor.work import Work

REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/fleet"
SETTINGS = {
    "region": "us-east-1",
    "bucket": "genomes",
    "job-queue": "fleet",
    "fallback-queue": "fleet-fallback",
    "controller-queue": "fleet-controllers",
    "job-role": "arn:aws:iam::123456789012:role/job",
    "execution-role": "arn:aws:iam::123456789012:role/execution",
    "image": f"{REPOSITORY}:1",
}
WORK = Work(genomes=10, results="s3://genomes/results")
XLARGE = InstanceType("c7i.xlarge", 4, 8192, frozenset({"x86_64"}))
SPOT = Environment("spot", "ENABLED", "VALID", "", True, 256, (XLARGE,), 60)
ON_DEMAND = replace(SPOT, name="on-demand", is_spot=False)
CONTROLLERS = replace(ON_DEMAND, name="controllers", max_vcpus=16, disk_gib=30)


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
LATE = "Signature expired: 20220127T001427Z is now earlier than 20220127T014428Z"


def refused(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetCallerIdentity")


@dataclass
class FakeAccount:
    """An account in which everything is as it should be, unless told otherwise."""

    refuses: Exception | None = None
    skew_s: float = 0.5
    regions: dict[str, str] = field(default_factory=lambda: {"genomes": "us-east-1"})
    writable: bool = True
    environments: dict[str, Environment] = field(
        default_factory=lambda: {"fleet": SPOT, "fleet-fallback": ON_DEMAND}
    )
    state: str = "ENABLED"
    controllers: Environment | None = CONTROLLERS
    quota_vcpus: float | None = 1000
    architectures: frozenset[str] | None = frozenset({"amd64"})
    services: frozenset[str] = frozenset({TASKS})
    unconnected: tuple[str, ...] = ()

    def identity(self) -> Caller:
        if self.refuses:
            raise self.refuses
        return Caller("123456789012", "arn:aws:iam::123456789012:user/me", self.skew_s)

    def bucket_region(self, bucket: str) -> str | None:
        return self.regions.get(bucket)

    def can_write(self, bucket: str) -> bool:
        return self.writable

    def queue(self, name: str) -> Queue | None:
        if name == SETTINGS["controller-queue"]:
            found, state = self.controllers, "ENABLED"
        else:
            found, state = self.environments.get(name), self.state
        return Queue(name, state, "VALID", (found,)) if found else None

    def dead_ends(self, subnets: list[str]) -> list[str]:
        return [
            f"{name} has no route to the internet" for name in subnets if name in self.unconnected
        ]

    def quota(self, code: str) -> float | None:
        return self.quota_vcpus

    def image_architectures(self, repository: str, tag: str) -> frozenset[str] | None:
        return self.architectures

    def trusted_services(self, role_arn: str) -> frozenset[str]:
        return self.services


def iter_bad(
    account: FakeAccount, work: Work = WORK, settings: dict[str, str] = SETTINGS
) -> Iterator[Finding]:
    return (f for f in examine(account, settings, work) if f.level != OK)


def only(findings: Iterator[Finding]) -> Finding:
    """The one finding that is not ok."""
    (finding,) = findings
    return finding


def test_a_full_account_has_only_good_lines() -> None:
    findings = list(examine(FakeAccount(), SETTINGS, WORK))

    assert {finding.level for finding in findings} == {OK}
    assert [finding.check for finding in findings] == [
        *(
            "credentials",
            "clock",
            "region",
            "bucket",
            "results",
            "queue fleet",
            "queue fleet-fallback",
        ),
        *("image", "disk", "network", "hosts", "quota", "quota", "queue fleet-controllers"),
        *("roles", "roles"),
    ]


def test_subnets_from_which_instances_reach_nothing_are_named() -> None:
    account = FakeAccount(unconnected=("subnet-2",))
    account.environments["fleet"] = replace(SPOT, subnets=("subnet-1", "subnet-2"))

    finding = only(iter_bad(account))

    assert (finding.check, finding.level) == ("network", ERROR)
    assert finding.message == "subnet-2 has no route to the internet"
    assert "SubnetIds" in finding.remedy


def test_hosts_without_the_newest_image_are_a_warning() -> None:
    account = FakeAccount()
    account.environments["fleet"] = replace(SPOT, has_old_image=True)

    finding = only(iter_bad(account))

    assert (finding.check, finding.level) == ("hosts", WARNING)
    assert "instances of spot do not get the newest image" in finding.message
    assert finding.remedy == "`bactofleet aws deploy`"


@pytest.mark.parametrize(
    ("refusal", "message", "remedy"),
    [
        (NoCredentialsError(), "there are no AWS credentials", "aws configure"),
        (refused("ExpiredToken"), "the session token has expired", "aws sso login"),
        (refused("InvalidClientTokenId"), "does not know these credentials", "aws configure"),
        (refused("SignatureDoesNotMatch"), "does not know these credentials", "aws configure"),
        (refused("RequestTimeTooSkewed"), "clock", "timedatectl set-ntp true"),
        (refused("SignatureDoesNotMatch", LATE), "clock", "timedatectl set-ntp true"),
    ],
)
def test_without_credentials_that_are_good_nothing_else_is_asked(
    refusal: Exception, message: str, remedy: str
) -> None:
    finding = only(examine(FakeAccount(refuses=refusal), SETTINGS, WORK))

    assert (finding.check, finding.level) == ("credentials", ERROR)
    assert message in finding.message
    assert remedy in finding.remedy


def test_settings_that_are_missing_are_named_with_the_command_that_writes_them() -> None:
    deploy, push = iter_bad(FakeAccount(), settings={"region": "us-east-1"})

    assert (deploy.message, push.message) == (
        "not set: bucket, job-queue, job-role",
        "not set: image",
    )
    assert (deploy.remedy, push.remedy) == ("`bactofleet aws deploy`", "`bactofleet aws push`")


@pytest.mark.parametrize(("skew_s", "level"), [(-90, WARNING), (400, ERROR)])
def test_a_clock_that_is_wrong_is_reported(skew_s: float, level: str) -> None:
    finding = only(iter_bad(FakeAccount(skew_s=skew_s)))

    assert (finding.check, finding.level) == ("clock", level)


def test_a_bucket_in_another_region_is_an_error() -> None:
    finding = only(iter_bad(FakeAccount(regions={"genomes": "eu-west-1"})))

    assert (finding.check, finding.level) == ("region", ERROR)
    assert finding.message == "bucket genomes is in eu-west-1, the settings say us-east-1"
    assert "--region eu-west-1" in finding.remedy


def test_reads_in_another_region_cost_and_reads_nowhere_are_an_error() -> None:
    account = FakeAccount(regions={"genomes": "us-east-1", "far": "ap-south-1"})

    far, gone = iter_bad(account, replace(WORK, buckets=frozenset({"far", "gone"})))

    assert (far.level, gone.level) == (WARNING, ERROR)
    assert "far in ap-south-1: AWS charges for each gigabyte to us-east-1" in far.message


def test_accessions_from_another_region_than_their_archive_cost() -> None:
    settings = SETTINGS | {"region": "eu-west-1"}
    account = FakeAccount(regions={"genomes": "eu-west-1"})

    finding = only(iter_bad(account, replace(WORK, has_accessions=True), settings))

    assert finding.level == WARNING
    assert "reads of accessions come from us-east-1" in finding.message


def test_a_bucket_that_takes_nothing_is_an_error() -> None:
    finding = only(iter_bad(FakeAccount(writable=False)))

    assert finding.message == "no permission to write to s3://genomes/snakemake/runs/"


@pytest.mark.parametrize(
    ("results", "level"),
    [("results", ERROR), ("s3://genomes/cohort", WARNING), ("s3://genomes/results/cohort", OK)],
)
def test_results_go_where_the_jobs_may_put_them(results: str, level: str) -> None:
    findings = examine(FakeAccount(), SETTINGS, replace(WORK, results=results))

    assert [f.level for f in findings if f.check == "results"] == [level]


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (replace(SPOT, state="DISABLED"), "its environment spot is DISABLED and VALID"),
        (replace(SPOT, status="INVALID", reason="no role"), "is ENABLED and INVALID. no role"),
        (replace(SPOT, max_vcpus=2), "at most 2 vCPUs may run"),
        (
            replace(SPOT, types=(replace(XLARGE, memory_mib=4096),)),
            "the largest instance has 4,096 MiB",
        ),
    ],
)
def test_an_environment_that_cannot_run_a_genome_is_an_error(
    environment: Environment, message: str
) -> None:
    account = FakeAccount(environments={"fleet": environment, "fleet-fallback": ON_DEMAND})

    finding = only(iter_bad(account))

    assert (finding.check, finding.level) == ("queue fleet", ERROR)
    assert message in finding.message


def test_a_disabled_queue_and_one_that_is_not_there_are_errors() -> None:
    missing, disabled = iter_bad(
        FakeAccount(environments={"fleet-fallback": ON_DEMAND}, state="DISABLED")
    )

    assert missing.message == "there is no such queue in this account and region"
    assert disabled.message == "accepts no jobs: it is DISABLED and VALID"
    assert "update-job-queue --job-queue fleet-fallback --state ENABLED" in disabled.remedy


@pytest.mark.parametrize(
    ("vcpus", "level", "message"),
    [
        (2, ERROR, "2 spot vCPUs at a time, enough for 0 genomes"),
        (16, WARNING, "16 spot vCPUs at a time, enough for 4 genomes; this run could use 40 vCPUs"),
        (None, WARNING, "this region does not report the quota of spot vCPUs"),
    ],
)
def test_a_quota_below_what_the_run_could_use_is_reported(
    vcpus: float | None, level: str, message: str
) -> None:
    *_, finding = iter_bad(FakeAccount(quota_vcpus=vcpus))

    assert (finding.check, finding.level, finding.message) == ("quota", level, message)


def test_an_image_of_another_architecture_than_the_queues_is_an_error() -> None:
    finding = only(iter_bad(FakeAccount(architectures=frozenset({"arm64"}))))

    assert (finding.check, finding.level) == ("image", ERROR)
    assert "is built for arm64, but the instances are amd64" in finding.message
    assert "`bactofleet aws push --multi-arch`" in finding.remedy


def test_an_image_that_was_not_pushed_is_an_error() -> None:
    finding = only(iter_bad(FakeAccount(architectures=None)))

    assert finding.message == f"{REPOSITORY}:1 is not in its repository"
    assert finding.remedy == "`bactofleet aws push`"


def test_an_image_elsewhere_is_not_looked_at() -> None:
    finding = only(iter_bad(FakeAccount(), settings=SETTINGS | {"image": "docker.io/me/x:1"}))

    assert (finding.check, finding.level) == ("image", WARNING)


def test_a_disk_too_small_for_the_genomes_at_a_time_is_reported_with_the_size_that_is_not() -> None:
    finding = only(iter_bad(FakeAccount(), replace(WORK, scratch_gib=100)))

    assert (finding.check, finding.level) == ("disk", WARNING)
    assert finding.remedy == "`bactofleet aws deploy -p RootVolumeGiB=112`"


def test_roles_that_containers_may_not_take_are_errors() -> None:
    job, execution = iter_bad(FakeAccount(services=frozenset({"ec2.amazonaws.com"})))

    assert job.message == f"{SETTINGS['job-role']} does not trust ecs-tasks.amazonaws.com"
    assert execution.level == ERROR


def test_what_the_asker_may_not_see_is_only_a_warning() -> None:
    class Blind(FakeAccount):
        def trusted_services(self, role_arn: str) -> frozenset[str]:
            raise refused("AccessDenied")

    finding = only(iter_bad(Blind()))

    assert (finding.check, finding.level) == ("roles", WARNING)
    assert "permission denied" in finding.message


@pytest.mark.parametrize(
    ("controllers", "message", "remedy"),
    [
        (None, "there is no such queue in this account and region", "`bactofleet aws deploy`"),
        (
            replace(CONTROLLERS, state="DISABLED"),
            "its environment controllers is DISABLED and VALID. ",
            "`bactofleet aws start`",
        ),
        (
            replace(CONTROLLERS, status="INVALID", reason="no role"),
            "its environment controllers is ENABLED and INVALID. no role",
            "`bactofleet aws start`",
        ),
        (
            replace(CONTROLLERS, max_vcpus=1),
            "no instance has the 2 vCPUs and 2,050 MB of a controller",
            "`bactofleet aws deploy -p MaxControllerVcpus=16`, and larger InstanceTypes",
        ),
    ],
)
def test_a_queue_that_takes_no_controllers_is_an_error(
    controllers: Environment | None, message: str, remedy: str
) -> None:
    finding = only(iter_bad(FakeAccount(controllers=controllers)))

    assert (finding.check, finding.level) == ("queue fleet-controllers", ERROR)
    assert (finding.message, finding.remedy) == (message, remedy)


def test_a_stack_without_a_queue_for_controllers_is_not_asked_for_one() -> None:
    settings = {name: value for name, value in SETTINGS.items() if name != "controller-queue"}

    assert list(iter_bad(FakeAccount(controllers=None), settings=settings)) == []


def test_the_memory_of_a_controller_follows_from_its_genomes() -> None:
    small = replace(CONTROLLERS, types=(replace(XLARGE, memory_mib=4096),))
    account = FakeAccount(controllers=small)

    assert list(iter_bad(account)) == []
    (finding,) = (
        finding
        for finding in iter_bad(account, replace(WORK, genomes=60_000))
        if finding.check == "queue fleet-controllers"
    )
    assert "no instance has the 2 vCPUs and 3,848 MB of a controller" in finding.message
