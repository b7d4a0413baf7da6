"""Four genomes on the emulated AWS, as a user runs them."""

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from aws.controller import PRETEND_WORKFLOW, PROFILES, SNAKEMAKE, Controller, PretendGenomes
from aws.emulator.client import EmulatedAWS


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    """A run that has ended."""
    with EmulatedAWS() as aws:
        controller = PretendGenomes(aws, tmp_path_factory.mktemp("run"))
        assert controller.run() == 0, controller.log
        yield controller


@pytest.fixture(scope="module")
def samples(finished: Controller) -> list[str]:
    return sorted(finished.get_receipts())


def test_every_genome_is_complete(finished: Controller, samples: list[str]) -> None:
    assert len(samples) >= 4
    assert {receipt["status"] for receipt in finished.get_receipts().values()} == {"complete"}


def test_the_bucket_holds_one_tarball_a_genome_and_nothing_else(
    finished: Controller, samples: list[str]
) -> None:
    assert finished.get_keys() == [f"results/{sample}.tar.gz" for sample in samples]


def test_one_definition_and_one_array_serve_all_genomes(finished: Controller) -> None:
    calls = finished.count("batch")

    assert calls["RegisterJobDefinition"] == 1
    assert calls["SubmitJob"] == 1
    assert calls["DeregisterJobDefinition"] == 1


def test_a_genome_costs_five_s3_requests(finished: Controller, samples: list[str]) -> None:
    """Bundle, line of the manifest, tarball, return, collection.

    Once a run: the bucket is looked at, bundle and manifest are put, and both are removed.
    """
    calls = finished.count("s3")

    assert calls["GetObject"] == 3 * len(samples)
    assert calls["PutObject"] == 2 * len(samples) + 2
    assert sum(calls.values()) == 5 * len(samples) + 5


def test_no_container_has_privileges_or_a_root_that_it_may_write(finished: Controller) -> None:
    containers = finished.aws.containers()

    assert containers
    assert all(not container["privileged"] for container in containers)
    assert all(container["read_only"] for container in containers)
    assert all(container["user"] not in ("", "root", "0") for container in containers)


def test_usage_says_where_every_genome_ran(finished: Controller, samples: list[str]) -> None:
    rows = finished.get_table("usage.tsv")

    assert sorted(Path(row["target"]).stem for row in rows) == samples
    assert {(row["outcome"], row["life_cycle"], row["queue"]) for row in rows} == {
        ("succeeded", "spot", finished.aws.queue)
    }
    assert all(
        row["instance_type"] and row["zone"] and row["started"] < row["stopped"] for row in rows
    )


def test_logs_are_under_the_prefix_of_the_run(finished: Controller) -> None:
    (run,) = {row["run"] for row in finished.get_table("usage.tsv")}
    streams = finished.get_owner("logs").describe_log_streams(logGroupName="/aws/batch/job")

    names = [stream["logStreamName"] for stream in streams["logStreams"]]
    assert names
    assert all(name.startswith(f"snakemake-{run}/default/") for name in names)


def test_a_second_run_has_nothing_to_do_and_asks_nothing_of_aws(finished: Controller) -> None:
    before = len(finished.aws.requests())

    assert finished.run() == 0

    assert len(finished.aws.requests()) == before


def test_a_dry_run_asks_nothing_of_aws(finished: Controller) -> None:
    before = len(finished.aws.requests())

    assert finished.run("--dry-run", "--forceall") == 0

    assert len(finished.aws.requests()) == before


def test_tarballs_equal_those_of_a_local_run(
    finished: Controller, samples: list[str], tmp_path: Path
) -> None:
    subprocess.run(["cp", "-r", f"{PRETEND_WORKFLOW}/.", tmp_path], check=True)
    subprocess.run(
        [*SNAKEMAKE, "--profile", PROFILES / "local", "--config", "destination=tarballs"],
        cwd=tmp_path,
        env=os.environ,
        check=True,
        capture_output=True,
    )

    s3 = finished.get_owner("s3")
    for sample in samples:
        remote = s3.get_object(Bucket=finished.aws.bucket, Key=f"results/{sample}.tar.gz")
        local = (tmp_path / "tarballs" / f"{sample}.tar.gz").read_bytes()
        assert hashlib.sha256(remote["Body"].read()).digest() == hashlib.sha256(local).digest()


def test_four_genomes_in_one_child_share_what_is_local_to_their_group(
    aws: EmulatedAWS, tmp_path: Path
) -> None:
    controller = PretendGenomes(aws, tmp_path)

    assert controller.run("--group-components", "genome=4") == 0, controller.log

    assert len(controller.get_receipts()) == 4
    assert len(aws.containers()) == 1
    assert controller.count_in_logs("localrule probe:") == 1
    assert controller.count_in_logs("localrule assembly:") == 4
    (row,) = controller.get_table("usage.tsv")
    targets = [row["target"], *row["more_targets"].split()]
    assert {Path(target).stem for target in targets} == set(controller.get_receipts())


def test_one_genome_of_a_child_fails_and_the_others_are_kept(
    aws: EmulatedAWS, tmp_path: Path, samples: list[str]
) -> None:
    controller = PretendGenomes(aws, tmp_path)
    controller.set_behaviours({samples[1]: "exit:1"})

    assert controller.run("--group-components", "genome=4") == 1, controller.log

    assert sorted(controller.get_receipts()) == sorted({*samples} - {samples[1]})
    rows = controller.get_table("failures.tsv")
    assert [row["target"] for row in rows] == [f"results/receipts/{samples[1]}.json"]
